"""Where rows come from: sources, and the import runs that read them."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q


class Source(models.Model):
    """A place that rows come from: a platform, a file somebody keeps, or people typing into Mandate."""

    key = models.SlugField(max_length=100, unique=True)
    kind = models.CharField(max_length=40, help_text="The connector that reads it, or manual.")
    namespace = models.CharField(max_length=40, help_text="Within which external ids are unique.")
    label = models.CharField(max_length=200)
    expected_every = models.DurationField(
        default=timedelta(days=7),
        help_text="How often a complete import is expected; twice this long without one is stale.",
    )
    last_complete_at = models.DateTimeField(null=True, blank=True)
    last_run_at = models.DateTimeField(null=True, blank=True)

    MANUAL = "manual"

    class Meta:
        ordering = ["label"]
        constraints = [
            models.CheckConstraint(
                condition=Q(expected_every__gt=timedelta(0)), name="source_is_expected_some_time"
            ),
        ]

    def __str__(self) -> str:
        return self.label

    def is_stale(self, at: datetime) -> bool:
        """No complete import within twice the expected interval. What people type in never goes stale."""
        if self.kind == self.MANUAL:
            return False
        return self.last_complete_at is None or self.last_complete_at < at - 2 * self.expected_every


class ImportRun(models.Model):
    """One reading of one source: what it said, what changed, what was refused."""

    class Status(models.TextChoices):
        PREVIEWED = "previewed", "Previewed"
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        APPLIED = "applied", "Applied"
        FAILED = "failed", "Failed"
        DISCARDED = "discarded", "Discarded"

    OVER = (Status.APPLIED, Status.FAILED, Status.DISCARDED)

    source = models.ForeignKey(Source, models.PROTECT, related_name="runs")
    status = models.CharField(max_length=10, choices=Status)
    partial = models.BooleanField(
        default=False, help_text="Whoever started it said that the files are a part of the source."
    )
    complete = models.BooleanField(
        default=True, help_text="False: the file was partial, so nothing was marked gone."
    )
    incomplete_reasons = models.JSONField(default=list)
    file_names = models.JSONField(default=list)
    file_digest = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 over the files, in order."
    )
    stored_as = models.CharField(
        max_length=200,
        blank=True,
        help_text="Upload waiting to be applied, under MEDIA_ROOT; deleted afterwards.",
    )
    author = models.CharField(max_length=200)
    user = models.ForeignKey("inventory.User", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    progress = models.CharField(max_length=200, blank=True)
    rows_read = models.BigIntegerField(default=0)
    # {"identity": {"new": 3, "changed": 0, "unchanged": 0, "gone": 0, "rejected": 0}, ...}
    counts = models.JSONField(default=dict)
    tallies = models.JSONField(
        default=dict, help_text="What the file itself holds, in its own words."
    )
    rejected = models.JSONField(default=list, help_text="The first 1,000: [place, field, reason].")
    rejected_count = models.BigIntegerField(default=0)
    preview = models.JSONField(
        default=dict, help_text="Samples of new, changed and gone rows for the preview page."
    )
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["source", "-id"], name="import_run_of_source")]
        constraints = [
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(finished_at__gte=models.F("started_at")),
                name="import_run_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"import {self.source_id} #{self.pk}"

    @property
    def is_at_work(self) -> bool:
        """A worker has it, or will take it up."""
        return self.status in (self.Status.QUEUED, self.Status.RUNNING)


class Sourced(models.Model):
    """Provenance of a row: its source, its id there, and whether the source still has it.

    A row that a complete run finds unchanged is not written: while `gone_at` is empty the row was there at its
    source's `last_complete_at`. `seen_run` is the last run that changed it, or, for a partial run, that saw it.
    """

    source = models.ForeignKey(Source, models.PROTECT, related_name="+")
    namespace = models.CharField(max_length=40)
    external_id = models.CharField(max_length=1000)
    scope = models.CharField(max_length=255, blank=True, default="")
    seen_run = models.ForeignKey(
        ImportRun,
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    first_seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
