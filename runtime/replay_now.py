"""A replay on request: the record is made, and handed to a worker."""

from datetime import datetime

import structlog
from django.conf import settings
from kombu.exceptions import OperationalError

from runtime import replays, tasks
from runtime.models import Replay

log = structlog.get_logger(__name__)


def start(asked: Replay, *, at: datetime) -> Replay:
    """Hands it over; it fails, with a sentence, when the broker cannot be reached."""
    if settings.SEND_TASKS:
        try:
            tasks.work_out_replay.delay(asked.pk)
        except OperationalError:
            log.warning("replay.not_sent", replay=asked.pk)
            replays.give_up(
                asked, why="The job queue does not answer. Start it, then replay again.", at=at
            )
            asked.refresh_from_db()
    return asked
