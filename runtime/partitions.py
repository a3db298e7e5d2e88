"""Partitions of the tool calls: one for each day, made ahead, and dropped when the day is no longer kept.

Ingest makes the ones it needs as well, so that no call waits for a job. There is no partition for everything else: a
call from before what is kept, or from the future, is refused with a reason.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from runtime.models import CallKey

AHEAD = 3  # days
FUTURE = timedelta(days=1)  # for clocks that go wrong
_FORGET = 50_000  # keys in one statement
_LOCK = 7_301_001

_EXISTING = (
    "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
    " WHERE i.inhparent = 'runtime_toolcall'::regclass"
)
_AMONG = f"{_EXISTING} AND c.relname = ANY(%s)"
_PREFIX = "runtime_toolcall_d"


def kept() -> timedelta:
    """How long tool calls are kept."""
    return timedelta(days=settings.TOOL_CALL_DAYS)


def refusal(started_at: datetime, at: datetime) -> str:
    """Why a call of this moment is not taken; empty when it is."""
    if started_at > at + FUTURE:
        return f"It starts {started_at:%Y-%m-%d %H:%M}, more than a day from now. Set the clock."
    if started_at < earliest(at):
        days = settings.TOOL_CALL_DAYS
        return f"It starts {started_at:%Y-%m-%d}; calls are kept for {days} days."
    return ""


def oldest(at: datetime) -> date:
    """The last day that is no longer kept."""
    return (at - kept()).astimezone(UTC).date()


def earliest(at: datetime) -> datetime:
    """The first moment of which calls are kept."""
    return _midnight(oldest(at) + timedelta(days=1))


def existing() -> set[date]:
    """The days that have a partition."""
    with connection.cursor() as cursor:
        cursor.execute(_EXISTING)
        return {_day(name) for (name,) in cursor.fetchall()}


def ensure(days: Iterable[date]) -> list[date]:
    """Makes the partitions that these days lack. Others may do the same at the same time."""
    names = {name_of(day): day for day in days}
    with connection.cursor() as cursor:
        cursor.execute(_AMONG, [list(names)])
        there = {name for (name,) in cursor.fetchall()}
    missing = sorted(day for name, day in names.items() if name not in there)
    if missing:
        _make(missing)
    return missing


def make_ahead(at: datetime) -> list[date]:
    """Today's partition and those of the next days."""
    today = at.astimezone(UTC).date()
    return ensure(today + timedelta(days=number) for number in range(AHEAD + 1))


def over(at: datetime) -> list[date]:
    """The days that are there and no longer kept, oldest first."""
    return sorted(day for day in existing() if day <= oldest(at))


def drop(day: date) -> None:
    """The day's calls are gone. Dropping twice is not an error."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {name_of(day)}")


def forget_keys(at: datetime) -> int:
    """The keys of calls that are gone go too, a bounded number at a time. A call told again after this is too old."""
    end, gone = earliest(at), 0
    while True:
        batch = CallKey.objects.filter(started_at__lt=end).values("pk")[:_FORGET]
        deleted, _ = CallKey.objects.filter(pk__in=batch).delete()
        gone += deleted
        if deleted < _FORGET:
            return gone


def bounds(day: date) -> tuple[datetime, datetime]:
    """From when to when the day's partition reaches, the end left out."""
    return _midnight(day), _midnight(day + timedelta(days=1))


def _make(days: list[date]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        for day in days:
            cursor.execute(
                f"CREATE TABLE IF NOT EXISTS {name_of(day)} PARTITION OF runtime_toolcall"
                " FOR VALUES FROM (%s) TO (%s)",
                bounds(day),
            )


def name_of(day: date) -> str:
    return f"{_PREFIX}{day:%Y%m%d}"


def _day(name: str) -> date:
    return datetime.strptime(name.removeprefix(_PREFIX), "%Y%m%d").replace(tzinfo=UTC).date()


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
