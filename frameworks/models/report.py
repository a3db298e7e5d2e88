"""A report: an assessment written into a file of one format, kept until a day."""

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q

from frameworks.models.assessment import Assessment
from inventory.history import tracked
from inventory.models import User


class ReportQuerySet(models.QuerySet["Report"]):
    def at_work(self) -> "ReportQuerySet":
        return self.filter(state__in=Report.AT_WORK)

    def kept(self) -> "ReportQuerySet":
        """Those whose file is there."""
        return self.filter(state=Report.State.DONE)

    def over(self, at: datetime) -> "ReportQuerySet":
        """Kept ones whose last moment has come."""
        return self.kept().filter(expires_at__lte=at)


class Report(models.Model):
    """One assessment in one format. The file lies in storage; here is what it must be."""

    class Format(models.TextChoices):
        PDF = "pdf", "PDF"
        HTML = "html", "HTML"
        XLSX = "xlsx", "Excel workbook"
        CSV = "csv", "CSV files"
        JSON = "json", "JSON"
        OSCAL = "oscal", "OSCAL"
        OCSF = "ocsf", "OCSF findings"
        BUNDLE = "bundle", "Evidence bundle"

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        DELETED = "deleted", "Deleted"
        EXPIRED = "expired", "Expired"

    AT_WORK = (State.QUEUED, State.RUNNING)

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    assessment = models.ForeignKey(Assessment, models.PROTECT, related_name="reports")
    format = models.CharField(max_length=6, choices=Format)
    state = models.CharField(max_length=7, choices=State, default=State.QUEUED)
    progress = models.CharField(max_length=100, blank=True, default="")
    error = models.TextField(blank=True, default="")
    author = models.CharField(max_length=200)
    user = models.ForeignKey(
        User, models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    made_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True, help_text="When the file is deleted by itself.")
    size = models.PositiveBigIntegerField(null=True, help_text="Bytes.")
    sha256 = models.CharField(max_length=64, blank=True, default="")
    key_id = models.CharField(
        max_length=64, blank=True, default="", help_text="Of a bundle: the key that signed it."
    )
    downloads = models.PositiveIntegerField(default=0)
    downloaded_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True, help_text="When the file was deleted.")
    ended_by = models.CharField(max_length=200, blank=True, default="")
    ended_why = models.TextField(blank=True, default="")

    objects = ReportQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["assessment", "format"],
                condition=Q(state__in=["queued", "running", "done"]),
                name="report_is_once_per_assessment_and_format",
            ),
            models.CheckConstraint(
                condition=~Q(state="done") | (Q(made_at__isnull=False, size__gt=0) & ~Q(sha256="")),
                name="report_done_says_what_its_file_is",
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"],
                condition=Q(state__in=["queued", "running"]),
                name="report_unfinished",
            ),
            models.Index(
                fields=["expires_at"], condition=Q(state="done"), name="report_kept_until"
            ),
        ]
        triggers = tracked(identity="NULL::bigint", hidden=("progress",))

    def __str__(self) -> str:
        return f"{self.get_format_display()} of assessment {self.assessment.number}"

    @property
    def is_at_work(self) -> bool:
        return self.state in self.AT_WORK

    @property
    def is_kept(self) -> bool:
        return self.state == self.State.DONE
