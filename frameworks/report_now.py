"""Reports handed to a worker: the page and the API call this."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import structlog
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from frameworks import report_life, tasks
from frameworks.models import Assessment, Report
from inventory.models import User

log = structlog.get_logger(__name__)


def start(
    assessment: Assessment, formats: Sequence[str], *, by: User, at: datetime
) -> list[Report]:
    """The reports, made or on their way. Without a queue they fail, with a sentence."""
    reports = report_life.ask(assessment, formats, by=by, at=at)
    if settings.SEND_TASKS:
        for report in reports:
            if report.state == Report.State.QUEUED:
                transaction.on_commit(partial(_send, report))
    return reports


def _send(report: Report) -> None:
    try:
        tasks.make_report.delay(report.pk)
    except OperationalError:
        log.warning("report.not_sent", report=report.pk)
        report_life.fail(report, "The job queue does not answer. Start it, then make it again.")
