"""Access that an identity holds: a grant, for good or for a task."""

from datetime import datetime, timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, ExpressionWrapper, F, OuterRef, Q
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThan

from inventory.history import tracked
from inventory.models.credential import interval_is_forward
from inventory.models.identity import Identity, active_q
from inventory.models.moments import ENDS, SORT_KEYS, USED
from inventory.models.person import Person, can_answer
from inventory.models.source import Sourced
from inventory.models.system import Entitlement
from inventory.models.task import Task, open_task_q
from inventory.noted import OF_ITS_IDENTITY, noted


class EndCause(models.TextChoices):
    """Why access was ended before its time."""

    REVOKED = "revoked", "Revoked"
    SUPERSEDED = "superseded", "Superseded"
    TASK = "task", "Its task ended"
    OWNER = "owner", "The owner left"
    PERSON = "person", "The person acted for left"
    SUSPENSION = "suspension", "The identity was stopped"
    REVIEW = "review", "An access review"
    UNUSED = "unused", "It went unused"
    COMPROMISE = "compromise", "A compromise"


class GrantQuerySet(models.QuerySet["Grant"]):
    def in_force(self, at: datetime) -> "GrantQuerySet":
        """Those whose own interval covers the moment, whatever their identity or task."""
        return self.filter(in_force_q(at), not_idle_q(at))

    def effective(self, at: datetime) -> "GrantQuerySet":
        """Those that work at the moment: in force, identity active, and what just-in-time access hangs on still there
        (law 1)."""
        return self.effective_if_active(at).filter(active_q("identity__"))

    def effective_if_active(self, at: datetime) -> "GrantQuerySet":
        """Effective, where the identity is known to be active: without joining it."""
        return self.filter(effective_if_active_q(at))

    def standing(self) -> "GrantQuerySet":
        """Held for good, not for a task or a while."""
        return self.filter(task=None, just_in_time=False)


def effective_if_active_q(at: datetime) -> Q:
    """The same as a condition: in force, and what just-in-time access hangs on still there."""
    return (
        in_force_q(at)
        & not_idle_q(at)
        # A subquery, not joins: almost no grant needs it, and every check asks this.
        & (
            Q(just_in_time=False)
            | Q(Exists(Grant.objects.filter(carried_q(at), just_in_time=True, pk=OuterRef("pk"))))
        )
    )


def in_force_q(at: datetime, prefix: str = "") -> Q:
    """The interval behind `prefix` (grant or delegation) covers the moment, and its source still has it."""
    return (
        (Q(**{f"{prefix}starts_at": None}) | Q(**{f"{prefix}starts_at__lte": at}))
        & (Q(**{f"{prefix}expires_at": None}) | Q(**{f"{prefix}expires_at__gt": at}))
        & (Q(**{f"{prefix}revoked_at": None}) | Q(**{f"{prefix}revoked_at__gt": at}))
        & Q(**{f"{prefix}gone_at": None})
    )


def not_idle_q(at: datetime, prefix: str = "") -> Q:
    """It has no limit of idleness, or was used (or began) within it."""
    since = Coalesce(
        F(f"{prefix}last_used_at"), F(f"{prefix}starts_at"), F(f"{prefix}first_seen_at")
    )
    ends = ExpressionWrapper(since + F(f"{prefix}idle_limit"), output_field=models.DateTimeField())
    return Q(**{f"{prefix}idle_limit": None}) | Q(GreaterThan(ends, at))


def carried_q(at: datetime) -> Q:
    """What just-in-time access hangs on is still there: an owner, an open task, whoever the task is for."""
    return (
        Q(identity__owner__isnull=False)
        & can_answer(at, "identity__owner__")
        & (Q(task=None) | open_task_q(at, "task__"))
        & (Q(task=None) | Q(task__on_behalf_of=None) | can_answer(at, "task__on_behalf_of__"))
    )


class Grant(Sourced):
    """An identity holds an entitlement: standing, or just-in-time for a task."""

    identity = models.ForeignKey(Identity, models.CASCADE, related_name="grants")
    entitlement = models.ForeignKey(Entitlement, models.CASCADE, related_name="grants")
    task = models.ForeignKey(Task, models.CASCADE, null=True, blank=True, related_name="grants")
    via = models.CharField(
        max_length=1000, blank=True, default="", help_text="The way in: group, policy."
    )
    starts_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    end_decided_at = models.DateTimeField(
        null=True, blank=True, help_text="An end that was decided here; no source makes it later."
    )
    revoked_at = models.DateTimeField(null=True, blank=True)
    revocation_confirmed_at = models.DateTimeField(null=True, blank=True)
    revocation_proof = models.CharField(
        max_length=300,
        blank=True,
        default="",
        db_default="",
        help_text="What confirmed the revocation: a denied probe, or the source read back.",
    )
    end_cause = models.CharField(
        max_length=12,
        choices=EndCause,
        blank=True,
        default="",
        db_default="",
        help_text="Why it was revoked.",
    )
    just_in_time = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Issued here for a while: ends with its task, the identity's owner and the person acted for.",
    )
    idle_limit = models.DurationField(
        null=True, blank=True, help_text="Ends by itself when it goes unused for this long."
    )
    extended_at = models.DateTimeField(
        null=True, blank=True, help_text="When its end was put off; once only."
    )
    replaces = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="replaced_by"
    )
    granted_by = models.CharField(max_length=200, blank=True, default="")
    approved_by = models.ForeignKey(
        Person, models.SET_NULL, null=True, blank=True, related_name="approved_grants"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True, default="")
    last_used_at = models.DateTimeField(null=True, blank=True)
    use_known = models.BooleanField(default=False)
    caveats = ArrayField(models.TextField(), default=list, blank=True)

    SORT_KEYS = SORT_KEYS

    objects = GrantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "namespace", "external_id", name="grant_is_once_in_a_namespace"
            ),
            interval_is_forward("grant_ends_after_start", "starts_at", "expires_at"),
            models.CheckConstraint(
                condition=Q(task__isnull=True) | Q(expires_at__isnull=False),
                name="grant_for_a_task_has_an_end",
                violation_error_message="A grant for a task needs an end.",
            ),
            models.CheckConstraint(
                condition=Q(revocation_confirmed_at__isnull=True) | Q(revoked_at__isnull=False),
                name="grant_confirmed_revocation_was_asked",
            ),
            models.CheckConstraint(
                condition=Q(task__isnull=True) | Q(just_in_time=True),
                name="grant_for_a_task_is_just_in_time",
            ),
            models.CheckConstraint(
                condition=Q(just_in_time=False) | Q(expires_at__isnull=False),
                name="grant_just_in_time_has_an_end",
                violation_error_message="Just-in-time access needs an end.",
            ),
            models.CheckConstraint(
                condition=Q(idle_limit__isnull=True) | Q(idle_limit__gt=timedelta(0)),
                name="grant_idle_limit_is_positive",
            ),
        ]
        indexes = [
            models.Index(ENDS.asc(), F("id").asc(), name="grant_by_expiry"),
            models.Index(USED.desc(), F("id").desc(), name="grant_by_use"),
            models.Index(
                fields=["revoked_at"], name="grant_revoked", condition=Q(revoked_at__isnull=False)
            ),
            models.Index(fields=["gone_at"], name="grant_gone", condition=Q(gone_at__isnull=False)),
            models.Index(
                fields=["id"],
                name="grant_just_in_time_open",
                condition=Q(just_in_time=True, revoked_at__isnull=True),
            ),
            models.Index(
                fields=["revoked_at"],
                name="grant_revocation_unconfirmed",
                condition=Q(revoked_at__isnull=False, revocation_confirmed_at__isnull=True),
            ),
            models.Index(fields=["id"], name="grant_idle", condition=Q(idle_limit__isnull=False)),
        ]
        triggers = [*tracked(identity="identity_id"), *noted(OF_ITS_IDENTITY)]

    def __str__(self) -> str:
        return f"grant {self.pk}"

    def state(self, at: datetime) -> str:
        """One word for the moment: revoked, gone, expired, future, or in force."""
        if self.revoked_at and self.revoked_at <= at:
            return "superseded" if self.end_cause == EndCause.SUPERSEDED else "revoked"
        if self.gone_at:
            return "gone"
        if self.expires_at and self.expires_at <= at:
            return "expired"
        if self.starts_at and self.starts_at > at:
            return "future"
        return "in force"
