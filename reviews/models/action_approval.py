"""Approval of one single action: this tool, these arguments, this target, this task; once."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from inventory.history import tracked
from inventory.models import Identity, Risk, Task, Tool, User


class ActionApprovalQuerySet(models.QuerySet["ActionApproval"]):
    def waiting(self, at: datetime) -> "ActionApprovalQuerySet":
        return self.filter(status=ActionApproval.Status.WAITING, expires_at__gt=at)

    def usable(self, at: datetime) -> "ActionApprovalQuerySet":
        """Approved, not used yet, and still within its time."""
        return self.filter(status=ActionApproval.Status.APPROVED, used_at=None, expires_at__gt=at)


class ActionApproval(models.Model):
    """An agent asks before a high-impact action. The approval holds once and for exactly that."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        APPROVED = "approved", "Approved"
        REFUSED = "refused", "Refused"
        USED = "used", "Used"

    identity = models.ForeignKey(Identity, models.CASCADE, related_name="+")
    task = models.ForeignKey(Task, models.CASCADE, null=True, blank=True, related_name="+")
    tool = models.ForeignKey(Tool, models.CASCADE, related_name="+")
    tool_digest = models.CharField(
        max_length=64, blank=True, help_text="The tool's descriptor when it was asked."
    )
    target = models.CharField(max_length=500, blank=True, default="")
    arguments_digest = models.CharField(
        max_length=64, help_text="SHA-256 over the arguments as JSON, keys sorted, no spaces."
    )
    arguments = models.JSONField(
        default=dict, help_text="To read, with secrets removed and long values cut."
    )
    risk = models.CharField(max_length=8, choices=Risk, default=Risk.HIGH)
    reason = models.TextField(blank=True, default="")
    status = models.CharField(max_length=8, choices=Status, default=Status.WAITING)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    answer = models.TextField(blank=True, default="")
    used_at = models.DateTimeField(null=True, blank=True)

    objects = ActionApprovalQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(arguments_digest__regex=r"^[0-9a-f]{64}$"),
                name="action_approval_digest_is_sha256",
            ),
            models.CheckConstraint(
                condition=Q(used_at__isnull=True) | Q(status="used"),
                name="action_approval_used_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(status="waiting", decided_at__isnull=True)
                | (~Q(status="waiting") & Q(decided_at__isnull=False, decided_by__isnull=False)),
                name="action_approval_decided_has_an_author",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("asked_at")), name="action_approval_ends_after_start"
            ),
        ]
        indexes = [
            models.Index(fields=["identity", "tool", "-id"], name="action_approval_of_tool"),
            models.Index(fields=["status", "-id"], name="action_approval_by_status"),
        ]
        triggers = tracked(identity="identity_id")

    def __str__(self) -> str:
        return f"action approval {self.pk}"

    def state(self, at: datetime) -> str:
        """Its status at the moment; `lapsed` when its time is over."""
        if self.status in (self.Status.WAITING, self.Status.APPROVED) and self.expires_at <= at:
            return "lapsed"
        return self.status
