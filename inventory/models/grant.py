"""Access that an identity holds: a grant, for good or for a task."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from inventory.history import tracked
from inventory.models.credential import interval_is_forward
from inventory.models.identity import Identity, active_q
from inventory.models.moments import ENDS, SORT_KEYS, USED
from inventory.models.person import Person
from inventory.models.source import Sourced
from inventory.models.system import Entitlement
from inventory.models.task import Task, open_task_q


class GrantQuerySet(models.QuerySet["Grant"]):
    def in_force(self, at: datetime) -> "GrantQuerySet":
        """Those whose own interval covers the moment, whatever their identity or task."""
        return self.filter(in_force_q(at))

    def effective(self, at: datetime) -> "GrantQuerySet":
        """Those that work at the moment: in force, identity active, task open (law 1)."""
        return self.filter(
            in_force_q(at), active_q("identity__"), Q(task=None) | open_task_q(at, "task__")
        )

    def standing(self) -> "GrantQuerySet":
        return self.filter(task=None)


def in_force_q(at: datetime, prefix: str = "") -> Q:
    """The interval behind `prefix` (grant or delegation) covers the moment, and its source still has it."""
    return (
        (Q(**{f"{prefix}starts_at": None}) | Q(**{f"{prefix}starts_at__lte": at}))
        & (Q(**{f"{prefix}expires_at": None}) | Q(**{f"{prefix}expires_at__gt": at}))
        & (Q(**{f"{prefix}revoked_at": None}) | Q(**{f"{prefix}revoked_at__gt": at}))
        & Q(**{f"{prefix}gone_at": None})
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
        ]
        indexes = [
            models.Index(ENDS.asc(), F("id").asc(), name="grant_by_expiry"),
            models.Index(USED.desc(), F("id").desc(), name="grant_by_use"),
            models.Index(
                fields=["revoked_at"], name="grant_revoked", condition=Q(revoked_at__isnull=False)
            ),
            models.Index(fields=["gone_at"], name="grant_gone", condition=Q(gone_at__isnull=False)),
        ]
        triggers = tracked(identity="identity_id")

    def __str__(self) -> str:
        return f"grant {self.pk}"

    def state(self, at: datetime) -> str:
        """One word for the moment: revoked, gone, expired, future, or in force."""
        if self.revoked_at and self.revoked_at <= at:
            return "revoked"
        if self.gone_at:
            return "gone"
        if self.expires_at and self.expires_at <= at:
            return "expired"
        if self.starts_at and self.starts_at > at:
            return "future"
        return "in force"
