"""A proposal to cut the ways from an identity to what it should not reach; another person approves it."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from inventory.history import tracked
from inventory.models import Entitlement, Identity, User


class PathCutQuerySet(models.QuerySet["PathCut"]):
    def waiting(self, at: datetime) -> "PathCutQuerySet":
        return self.filter(status=PathCut.Status.WAITING, expires_at__gt=at)


class PathCut(models.Model):
    """These delegations and grants are to end, so that the identity no longer reaches the target."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        APPLIED = "applied", "Applied"
        REFUSED = "refused", "Refused"

    identity = models.ForeignKey(Identity, models.CASCADE, related_name="+")
    target_identity = models.ForeignKey(
        Identity, models.CASCADE, null=True, blank=True, related_name="+"
    )
    target_entitlement = models.ForeignKey(
        Entitlement, models.CASCADE, null=True, blank=True, related_name="+"
    )
    delegations = ArrayField(
        models.BigIntegerField(), default=list, help_text="Keys of what is to end."
    )
    grants = ArrayField(models.BigIntegerField(), default=list)
    way = models.JSONField(default=list, help_text="The shortest way when it was asked, in words.")
    effects = models.JSONField(default=list, help_text="What else it would take away, in words.")
    reason = models.TextField()
    status = models.CharField(max_length=8, choices=Status, default=Status.WAITING)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    answer = models.TextField(blank=True, default="")

    objects = PathCutQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(target_identity__isnull=True, target_entitlement__isnull=False)
                | Q(target_identity__isnull=False, target_entitlement__isnull=True),
                name="path_cut_has_one_target",
            ),
            models.CheckConstraint(
                condition=~Q(delegations=[], grants=[]), name="path_cut_ends_something"
            ),
            models.CheckConstraint(
                condition=Q(status="waiting", decided_at__isnull=True)
                | (~Q(status="waiting") & Q(decided_at__isnull=False, decided_by__isnull=False)),
                name="path_cut_decided_has_an_author",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("asked_at")), name="path_cut_lapses_after_it_was_asked"
            ),
        ]
        indexes = [models.Index(fields=["status", "-id"], name="path_cut_by_status")]
        triggers = tracked(identity="identity_id")

    def __str__(self) -> str:
        return f"cut {self.pk}"

    @property
    def target(self) -> Identity | Entitlement:
        found = self.target_identity or self.target_entitlement
        if found is None:
            raise ValueError("A cut without a target; the database forbids it.")
        return found

    def state(self, at: datetime) -> str:
        """Its status at the moment; `lapsed` when nobody answered in time."""
        if self.status == self.Status.WAITING and self.expires_at <= at:
            return "lapsed"
        return self.status
