"""Writing decisions down before they are answered, many at a time.

What is promised: when `record` has returned True, the rows are committed, and with PostgreSQL's usual settings they are
on disk; a kill -9 of this process, or of the database, a moment later loses none. When it raises or returns False,
nothing was recorded, and nothing may be answered.

One thread writes what all threads of the process have waiting; meanwhile the others wait, and then one of them goes
on. So a busy process commits once for many decisions, and a quiet one at once. The same statement looks for changed
facts: kept answers are written down only while what they rest on is unchanged (runtime/kept_answers.py).
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import connection

from inventory import prepared
from runtime import decision_rows
from runtime.decision_rows import Row
from runtime.kept_answers import KEPT, KeptAnswers, Seen

MOST_ROWS = 2_000  # in one statement
MOST_CHANGES = 5_000  # that are told one by one
NOTHING_KNOWN = f"{2**63 - 1}:{2**63 - 1}:"  # a snapshot after everything: nothing to compare with
_NAMES = ", ".join(decision_rows.COLUMNS)
_ARRAY = decision_rows.KIND + "[]"
_INSERT = f"""INSERT INTO runtime_decision ({_NAMES})
SELECT {_NAMES} FROM unnest($1::{_ARRAY}) ON CONFLICT DO NOTHING"""  # noqa: S608  our own words
# $1: rows that are sure; $2: rows that hold only if nothing was changed; $3 to $5: a snapshot. Of one statement all
# parts see the same.
_LOOK_AND_INSERT = f"""WITH changed AS MATERIALIZED (
    SELECT key FROM inventory_factchange
    WHERE transaction >= $3::bigint AND (transaction >= $4::bigint OR transaction = ANY($5::bigint[]))
    LIMIT {MOST_CHANGES + 1}
), written AS (
    INSERT INTO runtime_decision ({_NAMES})
    SELECT {_NAMES} FROM unnest($1::{_ARRAY})
    UNION ALL
    SELECT {_NAMES} FROM unnest(CASE WHEN EXISTS (SELECT FROM changed) THEN NULL ELSE $2::{_ARRAY} END)
    ON CONFLICT DO NOTHING
)
SELECT pg_current_snapshot()::text, pg_postmaster_start_time()::text,
    (SELECT count(*) FROM changed) > {MOST_CHANGES}, (SELECT string_agg(DISTINCT key::text, ' ') FROM changed)"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Rest:
    """What kept answers rest on, and the mark that was taken before they were found."""

    on: frozenset[int]
    mark: int


def _held() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True)
class _Waiting:
    """The rows of one caller; `done` is let go when they are written, or when it is the caller's turn to write.
    `changed`: they hold no more, and were not written."""

    rows: Sequence[Row]
    rest: Rest | None = None
    done: threading.Lock = field(default_factory=_held)  # an Event takes ten times as long
    leads: bool = False
    changed: bool = False
    error: Exception | None = None


class Recorder:
    """Groups the rows of many threads; one for each process."""

    def __init__(self, kept: KeptAnswers = KEPT) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._waiting: list[_Waiting] = []
        self._writing = False

    def record(self, rows: Sequence[Row], rest: Rest | None = None) -> bool:
        """Returns once they are committed; within a transaction of the caller, once they are part of it.

        False: answers that were kept may be others by now. None of them was written; they are to be worked out anew.
        """
        # A transaction sees what nobody else may ever see: nothing that is kept holds in it.
        if connection.in_atomic_block:
            if rest is not None:
                return False
            for start in range(0, len(rows), MOST_ROWS):
                _write(rows[start : start + MOST_ROWS])
            return True
        mine = _Waiting(rows, rest)
        with self._lock:
            self._waiting.append(mine)
            mine.leads, self._writing = not self._writing, True
        if not mine.leads:
            mine.done.acquire()
        if mine.leads:
            self._lead()
        if mine.error is not None:
            raise mine.error
        return not mine.changed

    def _lead(self) -> None:
        """Writes what waits, and hands over to the first of those who came meanwhile."""
        with self._lock:
            group, self._waiting = self._waiting, []
        try:
            self._write_group(group)
        finally:
            with self._lock:
                following = self._waiting[0] if self._waiting else None
                self._writing = following is not None
                if following is not None:
                    following.leads = True
            for one in (*group, *((following,) if following else ())):
                one.done.release()

    def _write_group(self, group: Sequence[_Waiting]) -> None:
        """All together; when that fails, each for itself, so that nobody fails for another's rows."""
        try:
            for some in _in_parts(group):
                self._look_and_write(some)
        except Exception as error:  # noqa: BLE001  it is raised again where each caller waits
            self._kept.forget()
            for one in group:
                if one.rest is not None:
                    one.changed = True
                else:
                    one.error = _error_of(one) if len(group) > 1 else error

    def _look_and_write(self, group: Sequence[_Waiting]) -> None:
        snapshot = self._kept.snapshot
        for one in group:
            one.changed = one.rest is not None and (
                snapshot is None or not self._kept.holds(one.rest.mark, one.rest.on)
            )
        sure = [row for one in group if one.rest is None for row in one.rows]
        kept = [one for one in group if one.rest is not None and not one.changed]
        perhaps = [row for one in kept for row in one.rows]
        seen = _look(sure, perhaps, snapshot or NOTHING_KNOWN)
        self._kept.learn(seen)
        if kept and seen.changed != ():
            for one in kept:
                one.changed = one.rest is not None and seen.concerns(one.rest.on)
            _write([row for one in kept if not one.changed for row in one.rows])


def _in_parts(group: Sequence[_Waiting]) -> list[list[_Waiting]]:
    """Together at most so many rows as one statement takes; one caller's rows stay together."""
    parts: list[list[_Waiting]] = [[]]
    number = 0
    for one in group:
        number += len(one.rows)
        if number > MOST_ROWS and parts[-1]:
            parts.append([])
            number = len(one.rows)
        parts[-1].append(one)
    return parts


def _error_of(one: _Waiting) -> Exception | None:
    try:
        _write(one.rows)
    except Exception as error:  # noqa: BLE001  as above
        return error
    return None


def _look(sure: Sequence[Row], perhaps: Sequence[Row], snapshot: str) -> Seen:
    """Writes, and looks for changes since the snapshot. Repeating it is safe, as it is for `_write`: after an answer
    that was lost it may find changes, and a row is there that nobody was told of."""
    oldest, following, running = snapshot.encode().split(b":")
    rows = (decision_rows.given(sure), decision_rows.given(perhaps))
    now, server, too_many, changed = prepared.fetch_texts(
        _LOOK_AND_INSERT, (*rows, oldest, following, b"{" + running + b"}")
    )
    keys = tuple(int(key) for key in (changed or b"").split())
    return Seen((now or b"").decode(), (server or b"").decode(), None if too_many == b"t" else keys)


def _write(rows: Sequence[Row]) -> None:
    """Repeating it is safe: a row that is there already is left alone."""
    if rows:
        prepared.execute(_INSERT, [decision_rows.given(rows)])


RECORDER = Recorder()
