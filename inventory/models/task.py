"""A bounded piece of work; what hangs on it ends with it."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from inventory.history import tracked
from inventory.models.identity import Identity, Risk
from inventory.models.person import Person
from inventory.models.system import Resource, System
from inventory.noted import noted

# Whoever holds something for the task as well.
_CONCERNED = (
    "SELECT {c}.identity_id"
    " UNION ALL SELECT g.identity_id FROM inventory_grant g WHERE g.task_id = {c}.id"
    " UNION ALL SELECT d.delegate_id FROM inventory_delegation d WHERE d.task_id = {c}.id"
)


def open_task_q(at: datetime, prefix: str = "") -> Q:
    """The task behind `prefix` is open at the moment: not ended, not overdue, not silent (law 1)."""
    return (
        Q(**{f"{prefix}status": Task.Status.OPEN})
        & Q(**{f"{prefix}opened_at__lte": at})
        & Q(**{f"{prefix}deadline__gt": at})
        & (Q(**{f"{prefix}silent_at": None}) | Q(**{f"{prefix}silent_at__gt": at}))
    )


class TaskQuerySet(models.QuerySet["Task"]):
    def open(self, at: datetime) -> "TaskQuerySet":
        return self.filter(open_task_q(at))

    def over_unnoticed(self, at: datetime) -> "TaskQuerySet":
        """Overdue or silent, and nobody has written it down yet."""
        return self.filter(Q(deadline__lte=at) | Q(silent_at__lte=at), status=Task.Status.OPEN)


class Task(models.Model):
    """A piece of work by an identity, for somebody, until a deadline."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"
        OVERDUE = "overdue", "Overdue"
        SILENT = "silent", "Silent"

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
    outcome = models.TextField(blank=True, default="", help_text="What came of it, in words.")
    opened_by = models.CharField(max_length=200, blank=True, default="")
    reference = models.CharField(
        max_length=200, blank=True, default="", help_text="What the platform calls it."
    )

    objects = TaskQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
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
            models.CheckConstraint(
                condition=Q(heartbeat_every__isnull=True) | Q(silent_at__isnull=False),
                name="task_with_a_heartbeat_can_fall_silent",
            ),
            models.UniqueConstraint(
                fields=["identity", "reference"],
                condition=~Q(reference="") & Q(status="open"),
                name="task_reference_is_open_once_per_identity",
                violation_error_message="A task with this reference is open already.",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "-id"], name="task_by_status"),
            models.Index(
                fields=["deadline"], name="task_open_deadline", condition=Q(status="open")
            ),
            models.Index(
                fields=["silent_at"],
                name="task_open_silence",
                condition=Q(status="open", silent_at__isnull=False),
            ),
        ]
        triggers = [*tracked(identity="identity_id"), *noted(_CONCERNED)]

    def __str__(self) -> str:
        return f"task {self.pk}"

    def is_open(self, at: datetime) -> bool:
        """The same rule as `open_task_q`."""
        return self.state(at) == self.Status.OPEN and self.opened_at <= at

    def state(self, at: datetime) -> str:
        """Its status at the moment, whether or not a job has written it down yet (law 1)."""
        if self.status != self.Status.OPEN:
            return self.status
        if self.deadline <= at:
            return self.Status.OVERDUE
        if self.silent_at is not None and self.silent_at <= at:
            return self.Status.SILENT
        return self.Status.OPEN


class TaskTarget(models.Model):
    """Where a task is to work: a system, or one dataset in it."""

    task = models.ForeignKey(Task, models.CASCADE, related_name="targets")
    system = models.ForeignKey(System, models.CASCADE, related_name="+")
    resource = models.ForeignKey(Resource, models.CASCADE, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["task", "system", "resource"],
                nulls_distinct=False,
                name="task_target_is_named_once",
            ),
        ]
        triggers = tracked(identity="NULL::bigint")

    def __str__(self) -> str:
        return f"task {self.task_id} works on system {self.system_id}"
