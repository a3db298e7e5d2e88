"""When the checks ran, over how many, and what they said; trends are drawn from these rows."""

from django.db import models
from django.db.models import F, Q


class SweepRun(models.Model):
    """One run of the checks, over everything or over the identities that changed."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    class Trigger(models.TextChoices):
        SCHEDULE = "schedule", "On schedule"
        MANUAL = "manual", "By hand"
        TARGETED = "targeted", "After a change"

    OVER = (Status.DONE, Status.FAILED)

    status = models.CharField(max_length=7, choices=Status, default=Status.RUNNING)
    trigger = models.CharField(max_length=8, choices=Trigger)
    author = models.CharField(max_length=200)
    at = models.DateTimeField(help_text="The moment that was judged.")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    progress = models.CharField(max_length=100, blank=True, default="")
    counts = models.JSONField(default=dict, help_text="Opened, changed and resolved findings.")
    error = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(finished_at__gte=F("started_at")),
                name="sweep_run_ends_after_start",
            ),
        ]
        indexes = [
            models.Index(
                fields=["started_at"], condition=Q(status="running"), name="sweep_run_unfinished"
            ),
            models.Index(fields=["trigger", "-id"], name="sweep_run_by_trigger"),
        ]

    def __str__(self) -> str:
        return f"sweep {self.pk}"

    @property
    def is_over(self) -> bool:
        return self.status in self.OVER


class CheckRun(models.Model):
    """What one check said in one full sweep. A changed meaning of the check has another version."""

    sweep = models.ForeignKey(SweepRun, models.CASCADE, related_name="check_runs")
    check_id = models.CharField(max_length=60)
    version = models.PositiveIntegerField()
    at = models.DateTimeField()
    population = models.PositiveIntegerField()
    passed = models.PositiveIntegerField()
    failed = models.PositiveIntegerField()
    unknown = models.PositiveIntegerField()
    seconds = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["sweep", "check_id"], name="check_run_is_once_per_sweep"
            ),
            models.CheckConstraint(
                condition=Q(population=F("passed") + F("failed") + F("unknown")),
                name="check_run_answers_add_up",
            ),
        ]
        indexes = [models.Index(fields=["check_id", "-at"], name="check_run_of_check")]

    def __str__(self) -> str:
        return f"{self.check_id} in sweep {self.sweep_id}"
