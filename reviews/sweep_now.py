"""A full sweep on request: the button and the API make the record, and hand it to a worker."""

from datetime import datetime

import structlog
from django.conf import settings
from kombu.exceptions import OperationalError

from inventory.models import User
from reviews import sweep, tasks
from reviews.models import SweepRun

log = structlog.get_logger(__name__)


def start(*, by: User, at: datetime) -> SweepRun:
    """The run, waiting for a worker; failed, with a sentence, when the broker cannot be reached."""
    asked = sweep.ask(at, by=by)
    if settings.SEND_TASKS:
        try:
            tasks.sweep_asked.delay(asked.pk)
        except OperationalError:
            log.warning("sweep.not_sent", sweep=asked.pk)
            sweep.give_up(
                asked, why="The job queue does not answer. Start it, then run the checks again."
            )
            asked.refresh_from_db()
    return asked
