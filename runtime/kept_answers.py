"""Answers kept for as long as nothing that they rest on changes, and until the moment at which time changes them.

A kept answer is given only when the statement that records it finds that nothing it rests on was changed since: that
statement and the notes of changed facts (inventory/noted.py) see the same snapshot. So it is as fresh as one that is
worked out anew, and a revocation counts for the next request, in every process.

One state for each process: what the database looked like when it was last asked for changes, and the answers that held
then. Whatever casts doubt on that (an error, another server, a long pause) throws all of it away.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from inventory.noted import EVERYTHING

MOST_ANSWERS = 20_000  # of two or three kilobytes each
MOST_ASKED = 100_000  # questions of which it is known that they were asked
MOST_CALLERS = 1_000
MOST_CHANGES = 5_000  # of which it is known when they were
LONGEST_PAUSE = 300  # seconds without asking for changes; their notes are kept for twice as long


@dataclass(frozen=True, slots=True)
class Kept:
    """`before` and `after`: the answer as JSON around the decision's id. `row`: what is recorded, but for what is
    different each time; `context_digest`: where the context says nothing but what counts. It holds from `since`, and
    no longer at `until`."""

    permitted: bool
    before: bytes
    after: bytes
    row: bytes
    context_digest: str
    rests_on: frozenset[int]
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever holds a live token that is for decisions; until when that needs no other look."""

    name: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look for changes found: the snapshot that it saw, as PostgreSQL writes it, on the server that was started
    at `server`; the keys of what was changed since the snapshot before, None for too many."""

    snapshot: str
    server: str
    changed: Collection[int] | None = ()

    def concerns(self, rests_on: frozenset[int]) -> bool:
        """Whether an answer that rests on these may be another one now."""
        if self.changed is None or EVERYTHING in self.changed:
            return True
        return bool(self.changed) and not rests_on.isdisjoint(self.changed)


class KeptAnswers:
    """Safe for threads; one for each process."""

    _seen: Seen | None
    _seen_at: float  # on the clock that never goes back
    _answers: OrderedDict[bytes, Kept]
    _by_key: dict[int, set[bytes]]
    _callers: dict[str, Caller]
    _changed: dict[int, int]  # the round in which a key was last found changed
    _asked: set[int]  # hashes; two that are the same do no harm

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._round = 0
        self._forget()

    @property
    def snapshot(self) -> str | None:
        """The last one that was looked at; None when too long ago, or never."""
        seen = self._seen
        if seen is None or time.monotonic() - self._seen_at > LONGEST_PAUSE:
            return None
        return seen.snapshot

    def holds(self, mark: int, rests_on: frozenset[int]) -> bool:
        """Whether what was found after the mark was still kept at the last look."""
        with self._lock:
            return self._still(mark, rests_on)

    def mark(self) -> int | None:
        """To be taken before facts are read that are to be kept, and before something is looked for that is kept;
        None while nothing can be."""
        with self._lock:
            return self._round if self._seen is not None else None

    def find(self, question: bytes, at: datetime) -> Kept | None:
        found = self._answers.get(question)
        return found if found is not None and found.since <= at < found.until else None

    def caller(self, digest: str, at: datetime) -> Caller | None:
        found = self._callers.get(digest)
        return found if found is not None and at < found.until else None

    def is_asked_again(self, question: bytes) -> bool:
        """Whether it was asked before; what is asked once only is not worth keeping."""
        asked = hash(question)
        if asked in self._asked:
            return True
        if len(self._asked) >= MOST_ASKED:
            self._asked.clear()
        self._asked.add(asked)
        return False

    def keep(self, question: bytes, kept: Kept, mark: int) -> None:
        """Unless something that it rests on was changed since the mark."""
        with self._lock:
            if not self._still(mark, kept.rests_on):
                return
            self._drop(question)
            self._answers[question] = kept
            for key in kept.rests_on:
                self._by_key.setdefault(key, set()).add(question)
            while len(self._answers) > MOST_ANSWERS:
                self._drop(next(iter(self._answers)))

    def keep_caller(self, digest: str, caller: Caller, mark: int) -> None:
        with self._lock:
            if self._still(mark, frozenset()):
                if len(self._callers) >= MOST_CALLERS:
                    self._callers.clear()
                self._callers[digest] = caller

    def learn(self, seen: Seen) -> None:
        """Takes in what a look for changes found; looks are taken in in the order in which they were made."""
        with self._lock:
            known = self._seen
            stopped = time.monotonic() - self._seen_at > LONGEST_PAUSE
            if (
                known is None
                or stopped
                or known.server != seen.server
                or seen.concerns(frozenset())
            ):
                self._forget()
            self._seen, self._seen_at = seen, time.monotonic()
            if seen.changed:
                self._round += 1
                self._throw_away(seen.changed)

    def forget(self) -> None:
        """Throws everything away; what is being worked out is not kept either."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        self._round += 1
        self._floor = self._round  # marks below it are of no use
        self._seen, self._seen_at = None, 0.0
        self._answers, self._by_key = OrderedDict(), {}
        self._callers, self._changed, self._asked = {}, {}, set()

    def _still(self, mark: int, rests_on: frozenset[int]) -> bool:
        changed = self._changed
        return mark >= self._floor and all(changed.get(key, 0) <= mark for key in rests_on)

    def _throw_away(self, changed: Collection[int]) -> None:
        if len(self._changed) > MOST_CHANGES:
            self._changed.clear()
            self._floor = self._round
        for key in changed:
            self._changed[key] = self._round
            for question in list(self._by_key.get(key, ())):
                self._drop(question)

    def _drop(self, question: bytes) -> None:
        found = self._answers.pop(question, None)
        for key in found.rests_on if found is not None else ():
            those = self._by_key.get(key, set())
            those.discard(question)
            if not those:
                self._by_key.pop(key, None)


KEPT = KeptAnswers()
