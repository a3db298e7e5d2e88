"""The days of the record of decisions: partitions made ahead, and dropped when they are no longer kept.

A million rows go with one DROP, which leaves no hole in a table that is written all the time. A decision that falls on
a day without a partition is kept in the default one; nothing waits for a job.
"""

from datetime import UTC, date, datetime, timedelta

import structlog
from django.conf import settings
from django.db import connection, transaction

from runtime import seals
from runtime.models import Log
from runtime.partitions import bounds

log = structlog.get_logger(__name__)
AHEAD = 3  # days
_LOCK = 7_301_002
_PREFIX = "runtime_decision_d"
_EXISTING = (
    "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
    " WHERE i.inhparent = 'runtime_decision'::regclass AND c.relname LIKE 'runtime\\_decision\\_d%'"
)
_IN_OTHER = (
    "SELECT EXISTS (SELECT FROM runtime_decision_other WHERE made_at >= %s AND made_at < %s)"
)


def keep_in_shape(at: datetime) -> int:
    """Gives the number of days dropped. A day that is not sealed yet waits for its seals."""
    make_ahead(at)
    over = [day for day in sorted(existing()) if day <= oldest(at)]
    if over:
        seals.seal(at)
    return sum(_drop(day, at) for day in over)


def make_ahead(at: datetime) -> list[date]:
    """Today's partition and those of the next days; a day that has begun in the default one stays there."""
    today = at.astimezone(UTC).date()
    wanted = [today + timedelta(days=number) for number in range(AHEAD + 1)]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        missing = [day for day in wanted if day not in existing() and not _began(day)]
        for day in missing:
            cursor.execute(
                f"CREATE TABLE {name_of(day)} PARTITION OF runtime_decision"
                " FOR VALUES FROM (%s) TO (%s)",
                bounds(day),
            )
    return missing


def oldest(at: datetime) -> date:
    """The last day that is no longer kept."""
    return (at - timedelta(days=settings.DECISION_DAYS)).astimezone(UTC).date()


def existing() -> set[date]:
    """The days that have a partition."""
    with connection.cursor() as cursor:
        cursor.execute(_EXISTING)
        names = [name for (name,) in cursor.fetchall()]
    return {
        datetime.strptime(name.removeprefix(_PREFIX), "%Y%m%d").replace(tzinfo=UTC).date()
        for name in names
    }


def name_of(day: date) -> str:
    return f"{_PREFIX}{day:%Y%m%d}"


def _began(day: date) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_IN_OTHER, bounds(day))
        return bool(cursor.fetchone()[0])


def _drop(day: date, at: datetime) -> bool:
    with transaction.atomic(), connection.cursor() as cursor:
        if not seals.is_sealed(Log.DECISIONS, day):
            log.warning("decisions.day_waits_for_its_seals", day=day.isoformat())
            return False
        seals.note_dropped(Log.DECISIONS, day, at)
        cursor.execute(f"DROP TABLE IF EXISTS {name_of(day)}")
    log.info("decisions.day_dropped", day=day.isoformat())
    return True
