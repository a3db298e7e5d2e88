"""Keeps the tool calls in shape: partitions made ahead, and days dropped that are no longer kept."""

from datetime import date, datetime

import structlog
from django.db import transaction

from runtime import attribution, partitions, seals
from runtime.models import Log

log = structlog.get_logger(__name__)


def keep_in_shape(at: datetime) -> int:
    """Gives the number of days dropped. A day that is not sealed yet waits for its seals, which come first."""
    partitions.make_ahead(at)
    over = partitions.over(at)
    if over:
        seals.seal(at)
    dropped = sum(_drop(day, at) for day in over)
    partitions.forget_keys(at)
    attribution.forget(at)
    return dropped


def _drop(day: date, at: datetime) -> bool:
    with transaction.atomic():
        if not seals.is_sealed(Log.CALLS, day):
            log.warning("retention.day_waits_for_its_seals", day=day.isoformat())
            return False
        seals.note_dropped(Log.CALLS, day, at)
        partitions.drop(day)
    log.info("retention.day_dropped", day=day.isoformat())
    return True
