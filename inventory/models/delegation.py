"""Who may act as, or for, whom: explicit delegations from a person or an identity to an identity."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from inventory.history import tracked
from inventory.models.credential import interval_is_forward
from inventory.models.grant import EndCause, Grant, in_force_q
from inventory.models.identity import Identity, active_q
from inventory.models.moments import ENDS, SORT_KEYS
from inventory.models.person import Person, can_answer
from inventory.models.source import Sourced
from inventory.models.system import Entitlement
from inventory.models.task import Task, open_task_q
from inventory.noted import noted

_DELEGATE = "SELECT d.delegate_id FROM inventory_delegation d WHERE d.id = {c}.delegation_id"


class DelegationQuerySet(models.QuerySet["Delegation"]):
    def in_force(self, at: datetime) -> "DelegationQuerySet":
        return self.filter(in_force_q(at))

    def effective(self, at: datetime) -> "DelegationQuerySet":
        """In force, both ends may act, task open, what it follows from still granted (law 1)."""
        return self.effective_if_given(at).filter(Q(derived=False) | still_given_q(at))

    def effective_if_given(self, at: datetime) -> "DelegationQuerySet":
        """Effective, but for whether the grants that derived ones follow from still work: `still_given_q`, which is
        dear to plan and seldom needed."""
        return self.effective_from(at, "delegator_identity").filter(
            Q(delegator_identity=None) | active_q("delegator_identity__")
        )

    def effective_from(self, at: datetime, known: str) -> "DelegationQuerySet":
        """The same, where the identity at one end ("delegate" or "delegator_identity") is known to be active: without
        joining it."""
        ends = Q(delegator_identity__isnull=False)
        if known != "delegator_identity":
            ends &= active_q("delegator_identity__")
        rows = self.filter(
            in_force_q(at),
            Q(task=None) | open_task_q(at, "task__"),
            ends | (Q(delegator_person__isnull=False) & can_answer(at, "delegator_person__")),
        )
        return rows if known == "delegate" else rows.filter(active_q("delegate__"))


def still_given_q(at: datetime) -> Q:
    """For a derived delegation: each of its parts is still given by a grant that works."""
    works = Grant.objects.effective(at).filter(pk=OuterRef("grant"))
    same_part = DelegationBasis.objects.filter(
        delegation=OuterRef("delegation"), part=OuterRef("part")
    )
    unmet = DelegationBasis.objects.filter(~Exists(same_part.filter(Exists(works))))
    return ~Exists(unmet.filter(delegation=OuterRef("pk"))) & Exists(
        DelegationBasis.objects.filter(delegation=OuterRef("pk"))
    )


class Delegation(Sourced):
    """The delegate may act as, or on behalf of, the delegator, within a scope and an interval.

    Some were set up by somebody (a trust policy, a consent); others follow from what the delegate was granted (it may
    hand the role to a machine of its own): those are `derived`, name their `method`, and end with their grants.
    """

    class How(models.TextChoices):
        ASSUME_ROLE = "assume_role", "Assumes the role"
        IMPERSONATE = "impersonate", "Impersonates"
        RUN_AS = "run_as", "Runs as"
        ON_BEHALF_OF = "on_behalf_of", "Acts on behalf of"
        ORCHESTRATE = "orchestrate", "Is given work by"
        TAKE_OVER = "take_over", "Can take over"

    delegator_person = models.ForeignKey(
        Person, models.CASCADE, null=True, blank=True, related_name="delegations"
    )
    delegator_identity = models.ForeignKey(
        Identity, models.CASCADE, null=True, blank=True, related_name="delegations_given"
    )
    delegate = models.ForeignKey(Identity, models.CASCADE, related_name="delegations_held")
    how = models.CharField(max_length=12, choices=How)
    method = models.CharField(
        max_length=60,
        blank=True,
        default="",
        db_default="",
        help_text="The known method it rests on (inventory/delegation_methods.py).",
    )
    derived = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Follows from grants of the delegate, and ends with them.",
    )
    scope_all = models.BooleanField(default=True, help_text="All that the delegator may do.")
    entitlements = models.ManyToManyField(
        Entitlement, through="DelegationScope", blank=True, related_name="+"
    )
    task = models.ForeignKey(
        Task, models.CASCADE, null=True, blank=True, related_name="delegations"
    )
    may_redelegate = models.BooleanField(null=True, blank=True)
    starts_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revocation_confirmed_at = models.DateTimeField(null=True, blank=True)
    revocation_proof = models.CharField(max_length=300, blank=True, default="", db_default="")
    end_cause = models.CharField(
        max_length=12, choices=EndCause, blank=True, default="", db_default=""
    )
    conditions = models.JSONField(default=dict, blank=True)
    caveats = ArrayField(models.TextField(), default=list, blank=True)

    SORT_KEYS = SORT_KEYS

    objects = DelegationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "namespace", "external_id", name="delegation_is_once_in_a_namespace"
            ),
            models.CheckConstraint(
                condition=Q(delegator_person__isnull=True, delegator_identity__isnull=False)
                | Q(delegator_person__isnull=False, delegator_identity__isnull=True),
                name="delegation_has_one_delegator",
                violation_error_message="Name a person or an identity as delegator, and only one of them.",
            ),
            models.CheckConstraint(
                condition=Q(delegator_identity__isnull=True) | ~Q(delegator_identity=F("delegate")),
                name="delegation_is_not_to_itself",
                violation_error_message="An identity cannot delegate to itself.",
            ),
            interval_is_forward("delegation_ends_after_start", "starts_at", "expires_at"),
            models.CheckConstraint(
                condition=Q(task__isnull=True) | Q(expires_at__isnull=False),
                name="delegation_for_a_task_has_an_end",
            ),
            models.CheckConstraint(
                condition=Q(revocation_confirmed_at__isnull=True) | Q(revoked_at__isnull=False),
                name="delegation_confirmed_revocation_was_asked",
            ),
        ]
        indexes = [
            models.Index(fields=["how", "id"], name="delegation_by_how"),
            models.Index(ENDS.asc(), F("id").asc(), name="delegation_by_expiry"),
            models.Index(
                fields=["revoked_at"],
                name="delegation_revoked",
                condition=Q(revoked_at__isnull=False),
            ),
        ]
        triggers = [*tracked(identity="delegate_id"), *noted("SELECT {c}.delegate_id")]

    def __str__(self) -> str:
        return f"delegation {self.pk}"

    def state(self, at: datetime) -> str:
        """One word for the moment: revoked, superseded, gone, expired, future, or in force."""
        if self.revoked_at and self.revoked_at <= at:
            return "superseded" if self.end_cause == EndCause.SUPERSEDED else "revoked"
        if self.gone_at:
            return "gone"
        if self.expires_at and self.expires_at <= at:
            return "expired"
        if self.starts_at and self.starts_at > at:
            return "future"
        return "in force"


class DelegationScope(models.Model):
    """One entitlement that a delegation is limited to."""

    delegation = models.ForeignKey(Delegation, models.CASCADE, related_name="limits")
    entitlement = models.ForeignKey(Entitlement, models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["delegation", "entitlement"],
                name="delegation_scope_names_an_entitlement_once",
            ),
        ]
        triggers = [*tracked(identity="NULL::bigint"), *noted(_DELEGATE)]

    def __str__(self) -> str:
        return f"{self.delegation_id} covers {self.entitlement_id}"


class DelegationBasis(models.Model):
    """One grant that a derived delegation rests on. Of each part one grant must work; all parts are needed."""

    delegation = models.ForeignKey(Delegation, models.CASCADE, related_name="rests_on")
    grant = models.ForeignKey(Grant, models.CASCADE, related_name="+")
    part = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["delegation", "part", "grant"],
                name="delegation_basis_names_a_grant_once_in_a_part",
            ),
        ]
        triggers = [*tracked(identity="NULL::bigint"), *noted(_DELEGATE)]

    def __str__(self) -> str:
        return f"{self.delegation_id} rests on grant {self.grant_id}"
