"""Jobs of this floor, and how often each runs."""

from celery import shared_task
from django.utils import timezone

from frameworks import assessments, report_life, schedule
from frameworks.models import Assessment, Report

BY = "job assessments"
# Name, task and seconds between two runs; written to the scheduler when the product is prepared.
SCHEDULE: dict[str, tuple[str, int]] = {
    "assessments": ("frameworks.tasks.look_after_assessments", 3_600),
    "reports": ("frameworks.tasks.look_after_reports", 600),
}


@shared_task
def assess_asked(pk: int) -> None:
    """Makes the assessment that somebody asked for; the second time it is made already."""
    assessments.make(Assessment.objects.get(pk=pk), at=timezone.now())


@shared_task
def look_after_assessments() -> None:
    """Assesses everything when that is due."""
    schedule.look_after(timezone.now(), by=BY)


@shared_task
def make_report(report_id: int) -> None:
    """Writes the file of a report that was asked for."""
    report = Report.objects.select_related("assessment").filter(pk=report_id).first()
    if report is not None:
        report_life.make(report, at=timezone.now())


@shared_task
def look_after_reports() -> None:
    """Deletes files whose time is over, and starts again what a dead worker left."""
    report_life.look_after(timezone.now())
