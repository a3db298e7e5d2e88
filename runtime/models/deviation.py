"""What an agent did that does not fit its task's declared intent, or itself; and what people made of it."""

from datetime import datetime

from django.db import models
from django.db.models import Q

from inventory.history import tracked
from inventory.models import Identity, Severity, Task, User


class DeviationQuerySet(models.QuerySet["Deviation"]):
    def open(self) -> "DeviationQuerySet":
        """Nobody has said yet what it was."""
        return self.filter(triaged_at=None)

    def overdue(self, before: datetime) -> "DeviationQuerySet":
        return self.open().filter(found_at__lt=before)


class Deviation(models.Model):
    """One rule that something an agent did breaks, found once for each task or day; the first such call is kept.

    A rule sees tools, datasets, systems, times and numbers. It does not see whether the arguments of a permitted call
    serve the purpose: an injected call within the grants looks like any other (docs/activity.md).
    """

    class Rule(models.TextChoices):
        TOOL = "tool-outside-task", "Tool outside the task’s list"
        DATASET = "dataset-outside-task", "Dataset outside the task’s scope"
        WRITE = "write-in-read-task", "Change in a task that only reads"
        DESTINATION = "new-destination", "System it never called before"
        SENT = "sensitive-then-sent", "Sensitive read, then a change elsewhere"
        ENVIRONMENT = "wrong-environment", "Production, by what is not declared for it"
        RELAY = "privilege-relay", "Used what its caller may not do"
        BURST = "call-burst", "Burst of calls"
        DENIALS = "denial-storm", "Storm of denials"

    class Outcome(models.TextChoices):
        EXPECTED = "expected", "Expected: it is part of the work"
        MISTAKE = "mistake", "A mistake, mended"
        MISUSE = "misuse", "Misuse or attack"

    key = models.CharField(max_length=200, unique=True, help_text="What makes it the same.")
    rule = models.CharField(max_length=24, choices=Rule)
    severity = models.PositiveSmallIntegerField(choices=Severity)
    identity = models.ForeignKey(Identity, models.CASCADE, related_name="+", db_index=False)
    task = models.ForeignKey(Task, models.CASCADE, null=True, blank=True, related_name="+")
    trace_id = models.CharField(max_length=32, blank=True, default="")
    call = models.UUIDField(help_text="The first call that showed it.")
    happened_at = models.DateTimeField()
    found_at = models.DateTimeField()
    detail = models.TextField(help_text="What does not fit, in words.")
    triaged_at = models.DateTimeField(null=True, blank=True)
    triaged_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    outcome = models.CharField(max_length=8, choices=Outcome, blank=True, default="")
    note = models.TextField(blank=True, default="")

    objects = DeviationQuerySet.as_manager()

    class Meta:
        ordering = ["-happened_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(triaged_at=None, outcome="")
                | (Q(triaged_at__isnull=False) & ~Q(outcome="")),
                name="deviation_triaged_has_an_outcome",
            ),
        ]
        indexes = [
            models.Index(fields=["-happened_at", "-id"], name="deviation_by_time"),
            models.Index(fields=["identity", "-happened_at"], name="deviation_of_identity"),
            models.Index(
                fields=["found_at"], name="deviation_open", condition=Q(triaged_at__isnull=True)
            ),
        ]
        triggers = tracked(identity="identity_id")

    def __str__(self) -> str:
        return f"{self.get_rule_display()}: {self.detail}"

    @property
    def state(self) -> str:
        return "Triaged" if self.triaged_at else "Open"
