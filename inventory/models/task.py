"""A bounded piece of work; what hangs on it ends with it."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from inventory.history import tracked
from inventory.models.identity import Identity, Risk
from inventory.models.person import Person


def open_task_q(at: datetime, prefix: str = "") -> Q:
    """The task behind `prefix` is open at the moment: not ended, not overdue, not silent (law 1)."""
    return (
        Q(**{f"{prefix}status": Task.Status.OPEN})
        & Q(**{f"{prefix}opened_at__lte": at})
        & Q(**{f"{prefix}deadline__gt": at})
        & (Q(**{f"{prefix}silent_at": None}) | Q(**{f"{prefix}silent_at__gt": at}))
    )


class Task(models.Model):
    """A piece of work by an identity, for somebody, until a deadline."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    identity = models.ForeignKey(Identity, models.CASCADE, related_name="tasks")
    purpose = models.TextField(help_text="The declared intent, in words.")
    on_behalf_of = models.ForeignKey(
        Person, models.SET_NULL, null=True, blank=True, related_name="tasks"
    )
    risk = models.CharField(max_length=8, choices=Risk, default=Risk.LOW)
    status = models.CharField(max_length=9, choices=Status, default=Status.OPEN)
    opened_at = models.DateTimeField()
    deadline = models.DateTimeField()
    heartbeat_every = models.DurationField(null=True, blank=True)
    silent_at = models.DateTimeField(
        null=True, blank=True, help_text="When the task counts as silent unless it beats again."
    )
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(deadline__gt=F("opened_at")),
                name="task_deadline_is_after_opening",
                violation_error_message="The deadline is before the task opens. Choose a later one.",
            ),
            models.CheckConstraint(
                condition=Q(status="open", ended_at__isnull=True)
                | (~Q(status="open") & Q(ended_at__isnull=False)),
                name="task_has_an_end_when_it_ended",
            ),
        ]
        triggers = tracked(identity="identity_id")

    def __str__(self) -> str:
        return f"task {self.pk}"
