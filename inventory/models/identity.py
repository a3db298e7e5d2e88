"""The centre of the inventory: one row for every AI agent and other non-human identity."""

from datetime import datetime, timedelta

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q

from inventory.history import tracked
from inventory.models.person import Person, Team, can_answer
from inventory.models.source import Sourced
from inventory.noted import CHANGED, noted

# Whoever may act as it as well: that works only while it is active itself.
_CONCERNED = (
    "SELECT {c}.id"
    " UNION ALL SELECT d.delegate_id FROM inventory_delegation d WHERE d.delegator_identity_id = {c}.id"
)


class Risk(models.TextChoices):
    LOW = "low", "Low"
    MEDIUM = "medium", "Medium"
    HIGH = "high", "High"
    CRITICAL = "critical", "Critical"


class Environment(models.TextChoices):
    PRODUCTION = "production", "Production"
    STAGING = "staging", "Staging"
    DEVELOPMENT = "development", "Development"
    SANDBOX = "sandbox", "Sandbox"


class Tier(models.IntegerChoices):
    """Control tiers (docs/concepts.md): from workload to broker."""

    WORKLOAD = 0, "0 Workload"
    READER = 1, "1 Reader"
    ASSISTANT = 2, "2 Assistant"
    ACTOR = 3, "3 Actor"
    BROKER = 4, "4 Broker"


class Severity(models.IntegerChoices):
    """How bad a finding is; the higher, the worse."""

    LOW = 1, "Low"
    MEDIUM = 2, "Medium"
    HIGH = 3, "High"
    CRITICAL = 4, "Critical"


class IdentityQuerySet(models.QuerySet["Identity"]):
    def live(self) -> "IdentityQuerySet":
        """Those that still exist: not retired, and still in their source."""
        return self.filter(live_q())

    def active(self) -> "IdentityQuerySet":
        return self.filter(active_q())

    def agents(self) -> "IdentityQuerySet":
        return self.filter(kind__in=Identity.AI_KINDS)

    def of_team(self, team: int) -> "IdentityQuerySet":
        return self.filter(of_team_q(team))

    def ownable(self) -> "IdentityQuerySet":
        """Those that somebody here can answer for: what the platform runs itself is left out."""
        return self.filter(platform_managed=False)

    def orphaned(self, at: datetime) -> "IdentityQuerySet":
        """Live, and without an accountable owner at the moment."""
        return self.filter(orphaned_q(at))


def live_q() -> Q:
    return ~Q(lifecycle=Identity.Lifecycle.RETIRED) & Q(gone_at=None)


def orphaned_q(at: datetime) -> Q:
    """Asked by the few who cannot answer, not by the many who can: that is one pass over identities."""
    away = Person.objects.exclude(can_answer(at)).order_by().values("pk")
    return live_q() & Q(platform_managed=False) & (Q(owner=None) | Q(owner__in=away))


def drifted_q() -> Q:
    """The observed tier is above the declared one; the same rule as `Identity.has_drifted`."""
    return Q(observed_tier__gt=F("declared_tier"))


def of_team_q(team: int, prefix: str = "") -> Q:
    """The identity behind `prefix` is of that team: what an assessment of a team and an auditor of a team look at."""
    return Q(**{f"{prefix}team": team})


def active_q(prefix: str = "") -> Q:
    """The identity behind `prefix` may act at all: active, and still in its source (law 1)."""
    return Q(**{f"{prefix}lifecycle": Identity.Lifecycle.ACTIVE}) & Q(**{f"{prefix}gone_at": None})


class Identity(Sourced):
    """A non-human identity: a workload, an agent, a role, an app. Shown as "agent" when its kind is an AI kind."""

    class Kind(models.TextChoices):
        BATCH_JOB = "batch_job", "Batch job"
        RETRIEVAL_PIPELINE = "retrieval_pipeline", "Retrieval pipeline"
        ASSISTANT = "assistant", "Assistant"
        AUTONOMOUS_AGENT = "autonomous_agent", "Autonomous agent"
        ORCHESTRATOR = "orchestrator", "Orchestrator"
        SERVICE_ACCOUNT = "service_account", "Service account"
        ROLE = "role", "Role"
        OAUTH_APP = "oauth_app", "OAuth app"
        API_CLIENT = "api_client", "API client"
        EXTERNAL_ACCOUNT = "external_account", "External account"

    AI_KINDS = (
        Kind.BATCH_JOB,
        Kind.RETRIEVAL_PIPELINE,
        Kind.ASSISTANT,
        Kind.AUTONOMOUS_AGENT,
        Kind.ORCHESTRATOR,
    )

    class Lifecycle(models.TextChoices):
        PROPOSED = "proposed", "Proposed"
        ACTIVE = "active", "Active"
        SUSPENDED = "suspended", "Suspended"
        RETIRED = "retired", "Retired"

    class SourceState(models.TextChoices):
        ENABLED = "enabled", "Enabled"
        DISABLED = "disabled", "Disabled"
        UNKNOWN = "unknown", "Unknown"

    name = models.CharField(max_length=300)
    kind = models.CharField(max_length=20, choices=Kind)
    lifecycle = models.CharField(max_length=10, choices=Lifecycle, default=Lifecycle.ACTIVE)
    environment = models.CharField(max_length=12, choices=Environment, blank=True, default="")
    purpose = models.TextField(blank=True, default="", help_text="What it is for, in words.")
    spiffe_id = models.CharField("SPIFFE ID", max_length=2048, null=True, blank=True)  # noqa: DJ001  NULL: unique
    owner = models.ForeignKey(
        Person,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="owned",
        help_text="The accountable person.",
    )
    sponsor = models.ForeignKey(
        Person,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="sponsored",
        help_text="Who wants it, on the business side.",
    )
    owner_lost_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When it was left without an owner; empty while it has one.",
    )
    owner_confirmed_at = models.DateTimeField(null=True, blank=True)
    team = models.ForeignKey(
        Team, models.SET_NULL, null=True, blank=True, related_name="identities"
    )
    declared_tier = models.PositiveSmallIntegerField(choices=Tier, null=True, blank=True)
    risk = models.CharField(max_length=8, choices=Risk, blank=True, default="")
    risk_assessed_at = models.DateTimeField(null=True, blank=True)
    third_party = models.BooleanField(null=True, blank=True, help_text="Run by somebody outside.")
    supplier = models.CharField(max_length=200, blank=True, default="")
    supplier_reviewed_at = models.DateTimeField(null=True, blank=True)
    platform_managed = models.BooleanField(
        default=False, help_text="Run by the platform itself; nobody here can own it."
    )
    source_state = models.CharField(
        max_length=8,
        choices=SourceState,
        default=SourceState.UNKNOWN,
        help_text="What the platform says, whatever Mandate decided.",
    )
    created_at = models.DateTimeField(null=True, blank=True, help_text="At the platform.")
    suspended_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    compromised_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When somebody flagged it as compromised; empty once that is dealt with.",
    )
    last_active_at = models.DateTimeField(null=True, blank=True)
    activity_known = models.BooleanField(
        default=False,
        help_text="The platform reports activity; without a date it was never active.",
    )
    expected_every = models.DurationField(
        null=True, blank=True, help_text="Longest normal pause, for jobs that run rarely."
    )
    interactive_at = models.DateTimeField(
        null=True, blank=True, help_text="Last sign-in by a person."
    )
    interactive_known = models.BooleanField(default=False)
    stub = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Only named by others so far; no import has described it.",
    )
    said = models.JSONField(
        default=dict,
        db_default={},
        blank=True,
        help_text="Attributes and caveats by source id, where several sources describe it.",
    )
    attributes = models.JSONField(default=dict, blank=True)
    caveats = ArrayField(models.TextField(), default=list, blank=True)

    # Summaries, written by identities.summarise() only.
    open_findings = models.PositiveIntegerField(default=0)
    worst_severity = models.PositiveSmallIntegerField(choices=Severity, null=True, blank=True)
    observed_tier = models.PositiveSmallIntegerField(choices=Tier, null=True, blank=True)

    objects = IdentityQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "identities"
        constraints = [
            models.UniqueConstraint(
                "namespace", "external_id", name="identity_is_once_in_a_namespace"
            ),
            models.UniqueConstraint(
                fields=["spiffe_id"],
                condition=Q(gone_at__isnull=True) & ~Q(lifecycle="retired"),
                name="identity_spiffe_id_is_unique",
                violation_error_message="Another live identity has this SPIFFE ID.",
            ),
            models.CheckConstraint(
                condition=Q(lifecycle__in=["proposed", "active", "suspended", "retired"]),
                name="identity_lifecycle_is_known",
            ),
            models.CheckConstraint(
                condition=Q(declared_tier__isnull=True) | Q(declared_tier__range=(0, 4)),
                name="identity_declared_tier_exists",
            ),
            models.CheckConstraint(
                condition=Q(retired_at__isnull=True) | Q(lifecycle="retired"),
                name="identity_with_a_retirement_is_retired",
            ),
            models.CheckConstraint(
                condition=Q(expected_every__isnull=True) | Q(expected_every__gt=timedelta(0)),
                name="identity_pause_is_positive",
            ),
        ]
        indexes = [
            models.Index(fields=["name", "id"], name="identity_by_name"),
            models.Index(fields=["kind", "name", "id"], name="identity_by_kind"),
            models.Index(fields=["lifecycle", "name", "id"], name="identity_by_lifecycle"),
            models.Index(fields=["environment", "name", "id"], name="identity_by_environment"),
            models.Index(fields=["owner", "name", "id"], name="identity_by_owner"),
            models.Index(fields=["team", "name", "id"], name="identity_by_team"),
            models.Index(fields=["source", "name", "id"], name="identity_by_source"),
            models.Index(fields=["declared_tier", "name", "id"], name="identity_by_tier"),
            models.Index(fields=["observed_tier", "name", "id"], name="identity_by_observed_tier"),
            models.Index(
                fields=["name", "id"],
                name="identity_drifted",
                condition=Q(observed_tier__gt=F("declared_tier")),
            ),
            models.Index(
                F("worst_severity").desc(nulls_last=True),
                F("id").desc(),
                name="identity_by_severity",
            ),
            models.Index(
                F("last_active_at").desc(nulls_last=True),
                F("id").desc(),
                name="identity_by_activity",
            ),
            models.Index(
                fields=["gone_at"], name="identity_gone", condition=Q(gone_at__isnull=False)
            ),
            models.Index(
                fields=["id"],
                name="identity_compromised",
                condition=Q(compromised_at__isnull=False),
            ),
            GinIndex(fields=["name"], opclasses=["gin_trgm_ops"], name="identity_name_search"),
            GinIndex(
                fields=["external_id"], opclasses=["gin_trgm_ops"], name="identity_external_search"
            ),
        ]
        triggers = [*tracked(identity="id"), *noted(_CONCERNED, on=CHANGED)]

    def __str__(self) -> str:
        return self.name

    @property
    def is_agent(self) -> bool:
        return self.kind in self.AI_KINDS

    @property
    def may_act(self) -> bool:
        return self.lifecycle == self.Lifecycle.ACTIVE and self.gone_at is None

    @property
    def has_drifted(self) -> bool:
        """The observed tier is above the declared one."""
        if self.observed_tier is None or self.declared_tier is None:
            return False
        return self.observed_tier > self.declared_tier


class Successor(models.Model):
    """Who takes over an identity when its owner leaves, in order; the first is the backup owner."""

    identity = models.ForeignKey(Identity, models.CASCADE, related_name="successors")
    person = models.ForeignKey(Person, models.CASCADE, related_name="succeeds")
    rank = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["identity", "rank"]
        constraints = [
            models.UniqueConstraint(
                fields=["identity", "rank"],
                name="successor_rank_is_once_per_identity",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.UniqueConstraint(
                fields=["identity", "person"],
                name="successor_is_named_once",
                violation_error_message="This person is already a successor.",
            ),
        ]
        triggers = tracked(identity="identity_id")

    def __str__(self) -> str:
        return f"{self.rank}. {self.person_id}"
