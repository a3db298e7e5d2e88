"""Which tools read almost like an approved one: written with look-alike letters, or one or two letters apart.

Compared are the names as an eye reads them (`Tool.read_name`), of which the database makes the first half: case,
separators and look-alike letters. Candidates share a piece of the name at about the same place (Li, Deng, Wang and
Feng, "Pass-Join", VLDB 2011), so that names are not compared each with each.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import structlog
from django.db import transaction
from django.db.models import QuerySet

from inventory import tools
from inventory.models import Tool, ToolLikeness

log = structlog.get_logger(__name__)

FARTHEST = 2
LONG_ENOUGH = 8  # shorter names may be only one letter apart, and very short ones none
SHORT = 5
_PIECES = FARTHEST + 1
MOST_OF_ONE = 5  # a tool that reads like many is said to read like these
Likeness = tuple[int, int, str, int]


@dataclass(frozen=True, slots=True)
class Named:
    pk: int
    provider: str
    name: str
    read: str


def refresh() -> int:
    """Computes them for all tools and writes only what differs; returns how many there are. Safe to run twice."""
    began = time.monotonic()
    approved = list(_named(Tool.objects.filter(tools.usable_q(), gone_at=None)))
    others = _named(
        Tool.objects.filter(gone_at=None)
        .exclude(tools.usable_q())
        .exclude(state=Tool.State.DISABLED)
    )
    found = {one[:2]: one for one in likenesses(approved, others)}
    with transaction.atomic():
        _write(found)
    log.info("tools.compared", found=len(found), seconds=round(time.monotonic() - began, 2))
    return len(found)


def likenesses(approved: Iterable[Named], others: Iterable[Named]) -> Iterator[Likeness]:
    """(tool, approved tool, kind, distance) for each that reads almost like an approved one."""
    index = _Index()
    for one in approved:
        index.add(one)
    for other in others:
        found = sorted(
            (distance, like.pk, kind)
            for like, distance in index.near(other.read)
            if (kind := _kind(other, like, distance))
        )
        for distance, like_pk, kind in found[:MOST_OF_ONE]:
            yield other.pk, like_pk, kind, distance


def distance_within(one: str, other: str, most: int) -> int | None:
    """The edit distance (insertions, deletions, substitutions), or None where it is more than `most`, a small number.

    What both begin with costs nothing; where they part, one edit must be made, of three kinds.
    """
    if one == other:
        return 0
    if not most or abs(len(one) - len(other)) > most:
        return None
    start = next((at for at, (x, y) in enumerate(zip(one, other, strict=False)) if x != y), None)
    if start is None:  # one of them is the beginning of the other
        return abs(len(one) - len(other))
    one, other = one[start:], other[start:]
    ways = ((one[1:], other[1:]), (one[1:], other), (one, other[1:]))
    found = (distance_within(left, right, most - 1) for left, right in ways)
    return min((each + 1 for each in found if each is not None), default=None)


def _letters(read: str) -> int:
    """A set of letters as bits. One edit changes at most two of them."""
    bits = 0
    for letter in read:
        bits |= 1 << (ord(letter) % 61)
    return bits


def _kind(other: Named, like: Named, distance: int) -> str | None:
    """Nothing where the names are plainly the same: that is a collision, which is another question."""
    if distance:
        return ToolLikeness.Kind.NEAR if other.provider != like.provider else None
    is_plain = other.name.isascii() or other.name.casefold() == like.name.casefold()
    return None if is_plain else ToolLikeness.Kind.CONFUSABLE


class _Index:
    """Approved names by their pieces. Names that read alike are kept together."""

    def __init__(self) -> None:
        self._named: dict[str, list[Named]] = defaultdict(list)
        self._pieces: dict[tuple[int, int, str], list[str]] = defaultdict(list)
        self._lengths: set[int] = set()
        self._letters: dict[str, int] = {}
        self._found: dict[str, list[tuple[Named, int]]] = {}

    def add(self, one: Named) -> None:
        known = one.read in self._named
        self._named[one.read].append(one)
        if known or len(one.read) < SHORT:
            return
        self._lengths.add(len(one.read))
        self._letters[one.read] = _letters(one.read)
        for number, (_, piece) in enumerate(_pieces(one.read)):
            self._pieces[len(one.read), number, piece].append(one.read)

    def near(self, read: str) -> list[tuple[Named, int]]:
        """Each name is compared once, however many tools have it."""
        if read not in self._found:
            self._found[read] = list(self._compared(read))
        return self._found[read]

    def _compared(self, read: str) -> Iterator[tuple[Named, int]]:
        letters = _letters(read)
        for candidate in self._candidates(read):
            other_letters = self._letters.get(candidate, letters)
            if (letters ^ other_letters).bit_count() > 2 * FARTHEST:
                continue
            allowed = FARTHEST if min(len(read), len(candidate)) >= LONG_ENOUGH else 1
            distance = distance_within(read, candidate, allowed)
            if distance is not None:
                yield from ((one, distance) for one in self._named[candidate][:MOST_OF_ONE])

    def _candidates(self, read: str) -> set[str]:
        """Two edits cannot touch all three pieces: one stands unchanged, at most two places away."""
        found = {read} if read in self._named else set()
        if len(read) < SHORT:
            return found
        for length in range(len(read) - FARTHEST, len(read) + FARTHEST + 1):
            if length not in self._lengths:
                continue
            for number, (start, size) in enumerate(_cuts(length)):
                for at in range(max(0, start - FARTHEST), start + FARTHEST + 1):
                    found.update(self._pieces.get((length, number, read[at : at + size]), ()))
        return found


def _cuts(length: int) -> list[tuple[int, int]]:
    """Start and size of each piece of a name that long."""
    bounds = [length * number // _PIECES for number in range(_PIECES + 1)]
    return [(start, end - start) for start, end in pairwise(bounds)]


def _pieces(read: str) -> list[tuple[int, str]]:
    return [(start, read[start : start + size]) for start, size in _cuts(len(read))]


def _named(rows: QuerySet[Tool]) -> Iterator[Named]:
    """Tools that anybody could call: those of a provider that has gone are left out by the caller."""
    values = rows.order_by("pk").values_list("pk", "provider", "name", "read_name")
    return (Named(*each) for each in values.iterator(chunk_size=10_000))


def _write(found: dict[tuple[int, int], Likeness]) -> None:
    known = {
        (tool, like): (tool, like, kind, distance)
        for tool, like, kind, distance in ToolLikeness.objects.values_list(
            "tool_id", "like_id", "kind", "distance"
        )
    }
    stale = [key for key, value in known.items() if found.get(key) != value]
    if stale:
        rows = ToolLikeness.objects.filter(tool_id__in={tool for tool, _ in stale})
        gone = set(stale)
        ToolLikeness.objects.filter(
            pk__in=[row.pk for row in rows if (row.tool_id, row.like_id) in gone]
        ).delete()
    ToolLikeness.objects.bulk_create(
        [
            ToolLikeness(tool_id=tool, like_id=like, kind=kind, distance=distance)
            for key, (tool, like, kind, distance) in found.items()
            if known.get(key) != found[key]
        ],
        batch_size=5_000,
    )
