"""Compares the record with its seals, and says of each difference where it is and what it is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection

from runtime import partitions, seals
from runtime.models import Log, Seal, SealMark, Verification
from runtime.partitions import bounds
from runtime.seals import BEGINNING, SEALED, Sealed

MOST_PROBLEMS = 100
_TOLD_EVERY = 20  # seals
_MOST_PLACES = 10  # told of one seal


@dataclass
class Compared:
    """What a comparison found so far."""

    seals: int = 0
    rows: int = 0
    dropped: int = 0
    problem_count: int = 0
    problems: list[str] = field(default_factory=list)  # the first ones
    heads: dict[str, str] = field(default_factory=dict)  # the last hash of each log
    by_log: dict[str, int] = field(default_factory=dict)  # problems

    def problem(self, sentence: str) -> None:
        self.problem_count += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(sentence)


def compare(heard: Callable[[Compared], None] = lambda _: None) -> Compared:
    """Reads every seal and all that it covers, in order. `heard` is told how far it is."""
    found = Compared()
    for each in SEALED.values():
        before = found.problem_count
        _compare_log(each, found, heard)
        found.by_log[str(each.log)] = found.problem_count - before
    heard(found)
    return found


def note(found: Compared, *, at: datetime) -> None:
    """Keeps what was found with each log, for the check that asks."""
    for log, differences in found.by_log.items():
        SealMark.objects.filter(log=log).update(verified_at=at, differences=differences)


def perform(run: Verification, *, at: datetime) -> Verification:
    """Compares for somebody who asked, and keeps the outcome; a run that is over stays as it is."""
    open_run = Verification.objects.filter(pk=run.pk).exclude(status__in=Verification.OVER)
    if not open_run.update(
        status=Verification.Status.RUNNING, started_at=at, seals_total=Seal.objects.count()
    ):
        return run
    mine = Verification.objects.filter(pk=run.pk)

    def heard(found: Compared) -> None:
        mine.update(seals_done=found.seals, rows=found.rows)

    found = compare(heard)
    note(found, at=at)
    mine.update(
        status=Verification.Status.DONE, finished_at=at, seals_done=found.seals, rows=found.rows,
        dropped=found.dropped, problems=found.problems, problem_count=found.problem_count,
    )  # fmt: skip
    run.refresh_from_db()
    return run


def perform_daily(at: datetime) -> Verification:
    """The comparison that nobody has to ask for."""
    run = Verification.objects.create(
        status=Verification.Status.WAITING, author="job verify-record", asked_at=at
    )
    return perform(run, at=at)


def _compare_log(each: Sealed, found: Compared, heard: Callable[[Compared], None]) -> None:
    label, previous, before = Log(each.log).label, BEGINNING, None
    for seal in Seal.objects.filter(log=each.log).order_by("number").iterator(chunk_size=100):
        _compare_chain(seal, before, previous, label, found)
        if seal.dropped_at is None:
            _compare_rows(each, seal, label, found)
        else:
            found.dropped += seal.rows
        before, previous = seal, seal.hash
        found.seals += 1
        if found.seals % _TOLD_EVERY == 0:
            heard(found)
    found.heads[str(each.log)] = previous
    mark = SealMark.objects.filter(log=each.log).first()
    if mark is not None and mark.sealed and mark.head != previous:
        found.problem(f"{label}: the newest seals were removed, or put in place of others.")


def _compare_chain(
    seal: Seal, before: Seal | None, previous: str, label: str, found: Compared
) -> None:
    if seal.hash != seals.hash_of(seal):
        found.problem(f"{label}, seal {seal.number}: the seal itself was changed.")
    if seal.previous != previous:
        found.problem(f"{label}, seal {seal.number}: it does not follow the seal before it.")
    number, place = (before.number, before.last) if before else (0, 0)
    same_window = before is not None and (seal.first, seal.last) == (before.first, before.last)
    if seal.number != number + 1 or not (same_window or seal.first == place + 1):
        found.problem(f"{label}, seal {seal.number}: a seal before it was removed.")


def _compare_rows(each: Sealed, seal: Seal, label: str, found: Compared) -> None:
    rows = _rows(each, seal)
    if rows is None:
        found.problem(
            f"{label}, seal {seal.number}: all {seal.rows} rows of {seal.day} are gone,"
            " and not by retention."
        )
        return
    found.rows += len(rows)
    if seals.digest_of(rows) == seal.digest:
        return
    told = 0
    for told, sentence in enumerate(_differences(seal, dict(rows)), start=1):
        if told <= _MOST_PLACES:
            found.problem(f"{label}, seal {seal.number}: {sentence}")
    if told > _MOST_PLACES:
        found.problem(f"{label}, seal {seal.number}: {told - _MOST_PLACES} more rows differ.")
    if not told:
        found.problem(f"{label}, seal {seal.number}: the rows are not those that were sealed.")


def _rows(each: Sealed, seal: Seal) -> list[tuple[int, bytes]] | None:
    """The rows that the seal covers, as they are now; None when their partition is gone."""
    told: dict[str, int | datetime] = {"first": seal.first, "last": seal.last}
    narrow = ""
    with connection.cursor() as cursor:
        if each.moment and seal.day is not None:
            told["start"], told["end"] = bounds(seal.day)
            narrow = f" AND {each.moment} >= %(start)s AND {each.moment} < %(end)s"
            if each.log == Log.CALLS and seal.day not in partitions.existing():
                return None
        elif each.moment:
            narrow = " AND false"  # a window without rows
        cursor.execute(f"{each.rows_sql}{narrow} ORDER BY {each.place}", told)
        return [(place, bytes(digest)) for place, _, digest in cursor.fetchall()]


def _differences(seal: Seal, rows: dict[int, bytes]) -> Iterator[str]:
    expected = dict(seals.read_marks(bytes(seal.marks), seal.first))
    for place in sorted(expected.keys() | rows.keys()):
        if place not in rows:
            yield f"the row at place {place} was removed."
        elif place not in expected:
            yield f"the row at place {place} was added afterwards."
        elif rows[place][:8] != expected[place]:
            yield f"the row at place {place} was changed."
