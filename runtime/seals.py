"""Seals what was recorded: batches of rows, in the order in which they were written, each chained to the one before.

A place counts as final once every transaction that could still write it is over, so that a seal never covers a row that
another session is about to add. That is known without locks: after the last place was read, a moment is noted; when all
transactions that had begun by then have ended, whatever comes has a later place.
"""

import hashlib
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection, transaction

from runtime.models import Log, Seal, SealMark
from runtime.models.tool_call import EVIDENCE, PLACES
from runtime.partitions import bounds

WINDOW = 5_000  # places that are sealed together
BEGINNING = "0" * 64  # what the first seal is chained to
_MARK = struct.Struct(">I8s")


@dataclass(frozen=True)
class Sealed:
    """What is sealed of a log: the table, the column of the place, its sequence, the columns, and the partition key."""

    log: Log
    table: str
    place: str
    sequence: str
    columns: tuple[str, ...]
    moment: str = ""  # where the table has a partition for each day of it

    @property
    def rows_sql(self) -> str:
        """Place, day and digest of the rows between two places, in order. Text and numbers only, in UTC: the same
        row gives the same digest on every server."""
        day = f"({self.moment} AT TIME ZONE 'UTC')::date" if self.moment else "NULL::date"
        return (
            f"SELECT {self.place}, {day},"
            f" sha256(convert_to(jsonb_build_array({', '.join(self.columns)})::text, 'UTF8'))"
            f" FROM {self.table} WHERE {self.place} BETWEEN %(first)s AND %(last)s"
        )


SEALED: dict[str, Sealed] = {
    Log.CHANGES: Sealed(
        Log.CHANGES, "inventory_change", "id", "inventory_change_id_seq",
        ("id", "at", "transaction", "actor", "user_id", "verb", "reason", "noun", "row_id", "identity_id",
         "operation", "before", "after"),
    ),
    Log.DECISIONS: Sealed(
        Log.DECISIONS, "runtime_decision", "place", "runtime_decision_places",
        ("id", "made_at", "identity_id", "subject_type", "subject_id", "action", "resource_type",
         "resource_id", "task_id", "on_behalf_of_id", "context", "facts", "context_digest", "permitted", "reason_code",
         "reason", "remedy", "policy_version_id", "policies", "mode", "monitored", "latency_us", "asked_by",
         "place"),
        "made_at",
    ),
    Log.CALLS: Sealed(Log.CALLS, "runtime_toolcall", "position", PLACES, EVIDENCE, "started_at"),
}  # fmt: skip


def seal(at: datetime) -> int:
    """Seals all that is final and not sealed yet; gives the number of rows. A second run at once seals nothing."""
    return sum(_seal(each, at) for each in SEALED.values())


def note_dropped(log: Log, day: date, at: datetime) -> None:
    """Retention is about to drop a day of a log: its seals stay, and say that the rows are gone with reason."""
    Seal.objects.filter(log=log, day=day, dropped_at=None).update(dropped_at=at)


def is_sealed(log: Log, day: date) -> bool:
    """Whether all rows of a day are sealed. Only then may they be dropped, or nobody could say what they were."""
    each = SEALED[log]
    mark = SealMark.objects.filter(log=log).first()
    with connection.cursor() as cursor:
        start, end = bounds(day)
        cursor.execute(
            f"SELECT coalesce(max({each.place}), 0) FROM {each.table}"
            f" WHERE {each.moment} >= %s AND {each.moment} < %s",
            [start, end],
        )
        return mark is not None and int(cursor.fetchone()[0]) <= mark.sealed


def hash_of(seal: Seal) -> str:
    """What the next seal is chained to."""
    told = [
        seal.log, seal.number, seal.day.isoformat() if seal.day else None, seal.first, seal.last, seal.rows,
        seal.digest, hashlib.sha256(seal.marks).hexdigest(), seal.previous, seal.sealed_at.isoformat(),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(told, separators=(",", ":")).encode()).hexdigest()


def digest_of(digests: list[tuple[int, bytes]]) -> str:
    return hashlib.sha256(b"".join(digest for _, digest in digests)).hexdigest()


def marks_of(digests: list[tuple[int, bytes]], first: int) -> bytes:
    return b"".join(_MARK.pack(place - first, digest[:8]) for place, digest in digests)


def read_marks(marks: bytes, first: int) -> Iterator[tuple[int, bytes]]:
    """Each row's place and the first bytes of its digest."""
    for offset, begin in _MARK.iter_unpack(marks):
        yield first + offset, begin


def _seal(each: Sealed, at: datetime) -> int:
    final, rows = _final_place(each, at), 0
    while True:
        with transaction.atomic():
            mark = SealMark.objects.select_for_update().get(log=each.log)
            if mark.sealed >= final:
                return rows
            last = min(mark.sealed + WINDOW, final)
            number, head = _seal_window(each, mark.sealed + 1, last, at)
            SealMark.objects.filter(pk=mark.pk).update(sealed=last, head=head)
            rows += number


def _seal_window(each: Sealed, first: int, last: int, at: datetime) -> tuple[int, str]:
    """One seal for each day whose rows are in the window; one without rows, so that no place is left out. Gives the
    number of rows and the hash of the newest seal."""
    days: dict[date | None, list[tuple[int, bytes]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(f"{each.rows_sql} ORDER BY {each.place}", {"first": first, "last": last})
        for place, day, digest in cursor.fetchall():
            days.setdefault(day, []).append((place, bytes(digest)))
    newest = Seal.objects.filter(log=each.log).order_by("-number").first()
    number, previous = (newest.number, newest.hash) if newest else (0, BEGINNING)
    for day in sorted(days, key=str) or [None]:
        rows, number = days.get(day, []), number + 1
        made = Seal(
            log=each.log, number=number, day=day, first=first, last=last, rows=len(rows),
            digest=digest_of(rows), marks=marks_of(rows, first), previous=previous, sealed_at=at,
        )  # fmt: skip
        made.hash = previous = hash_of(made)
        made.save(force_insert=True)
    return sum(map(len, days.values())), previous


def _final_place(each: Sealed, at: datetime) -> int:
    """Up to which place no transaction can add a row any more."""
    last = _ask(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {each.sequence}")
    ended, begun = _transactions()
    mark, _ = SealMark.objects.get_or_create(
        log=each.log, defaults={"place": last, "transaction": begun, "taken_at": at}
    )
    if begun < mark.transaction:  # the database was restored elsewhere and counts anew
        mark.place, mark.transaction = last, begun
    final = mark.sealed
    if ended >= mark.transaction:
        final, mark.place, mark.transaction = mark.place, last, begun
    # Nothing else may be under way: then the last place is final at once.
    if _transactions()[0] >= mark.transaction:
        final = mark.place
    SealMark.objects.filter(pk=mark.pk).update(
        place=mark.place, transaction=mark.transaction, taken_at=at
    )
    return final


def _transactions() -> tuple[int, int]:
    """All transactions before the first number are over; none before now has the second number or a later one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint"
            " FROM pg_current_snapshot() AS s"
        )
        ended, begun = cursor.fetchone()
        return int(ended), int(begun)


def _ask(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return int(cursor.fetchone()[0])
