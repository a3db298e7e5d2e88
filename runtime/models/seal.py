"""Seals: a hash chain over what was recorded, so that a later change of the record shows."""

import pgtrigger
from django.db import models
from django.db.models import Q


class Log(models.TextChoices):
    """What is sealed."""

    CHANGES = "changes", "Changes of governed rows"
    DECISIONS = "decisions", "Decisions"
    CALLS = "calls", "Tool calls"


class Seal(models.Model):
    """A batch of rows of one log: their digest, chained to the seal before. Only what retention does is noted later."""

    log = models.CharField(max_length=9, choices=Log)
    number = models.BigIntegerField()
    day = models.DateField(
        null=True, help_text="Of tool calls: the partition that holds the rows; they go with it."
    )
    first = models.BigIntegerField(help_text="Places from")
    last = models.BigIntegerField(help_text="Places up to, with it")
    rows = models.BigIntegerField()
    digest = models.CharField(max_length=64, help_text="SHA-256 over the digests of the rows.")
    marks = models.BinaryField(
        help_text="For each row its place and the first bytes of its digest, to tell what changed."
    )
    previous = models.CharField(max_length=64, help_text="The hash of the seal before.")
    hash = models.CharField(max_length=64)
    sealed_at = models.DateTimeField()
    dropped_at = models.DateTimeField(null=True, help_text="When retention dropped the rows.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["log", "number"], name="seal_number_is_once_per_log"),
            models.CheckConstraint(
                condition=Q(last__gte=models.F("first")), name="seal_has_places"
            ),
        ]
        indexes = [
            models.Index(fields=["day"], name="seal_of_day", condition=Q(day__isnull=False)),
            models.Index(fields=["log", "-last"], name="seal_by_place"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="append_only",
                operation=pgtrigger.Delete
                | pgtrigger.UpdateOf(  # type: ignore[no-untyped-call]  # pgtrigger's own gap
                    "log", "number", "day", "first", "last", "rows", "digest", "marks", "previous",
                    "hash", "sealed_at",
                ),
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.log} #{self.number}"


class SealMark(models.Model):
    """Up to which place a log will be final once all transactions of a moment are over."""

    log = models.CharField(max_length=9, choices=Log, primary_key=True)
    place = models.BigIntegerField()
    transaction = models.BigIntegerField(
        help_text="The first one that may write later places only."
    )
    sealed = models.BigIntegerField(default=0, help_text="Places up to here are sealed.")
    head = models.CharField(max_length=64, default="", help_text="The hash of the newest seal.")
    taken_at = models.DateTimeField()
    verified_at = models.DateTimeField(null=True, help_text="When it was last compared.")
    differences = models.BigIntegerField(default=0, help_text="What the comparison found.")

    def __str__(self) -> str:
        return f"{self.log} up to {self.place}"


class Verification(models.Model):
    """One comparison of the record with its seals."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    OVER = (Status.DONE, Status.FAILED)

    status = models.CharField(max_length=8, choices=Status)
    author = models.CharField(max_length=200)
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    seals_total = models.BigIntegerField(default=0)
    seals_done = models.BigIntegerField(default=0)
    rows = models.BigIntegerField(default=0)
    dropped = models.BigIntegerField(default=0, help_text="Rows that retention dropped.")
    problems = models.JSONField(default=list, help_text="The first hundred, as sentences.")
    problem_count = models.BigIntegerField(default=0)
    error = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"verification {self.pk}"

    @property
    def is_at_work(self) -> bool:
        return self.status not in self.OVER

    @property
    def is_clean(self) -> bool:
        return self.status == self.Status.DONE and self.problem_count == 0
