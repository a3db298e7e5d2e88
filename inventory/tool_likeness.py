"""Which tools read almost like an approved one: written with look-alike letters, or one or two letters apart.

Compared are the names as an eye reads them (`Tool.read_name`), of which the database makes the first half: case,
separators and look-alike letters. Names are not compared each with each: candidates are found by
inventory/name_neighbours.py, and those of very long names share a piece at about the same place (Li, Deng, Wang and
Feng, "Pass-Join", VLDB 2011).
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import structlog
from django.db import transaction
from django.db.models import QuerySet

from inventory import name_neighbours, tools
from inventory.models import Tool, ToolLikeness
from inventory.name_neighbours import LONGEST

log = structlog.get_logger(__name__)

FARTHEST = 2
LONG_ENOUGH = 8  # shorter names may be only one letter apart, and very short ones none
SHORT = 5
_PIECES = FARTHEST + 1
_AT_ONCE = 100_000  # pairs
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
    known: dict[str, list[Named]] = defaultdict(list)
    for one in approved:
        known[one.read].append(one)
    asked = list(others)
    near = _near(list(known), list({other.read for other in asked}))
    for other in asked:
        alike = [(other.read, 0), *near.get(other.read, ())]
        found = sorted(
            (distance, like.pk, kind)
            for read, distance in alike
            for like in known.get(read, ())[:MOST_OF_ONE]
            if (kind := _kind(other, like, distance))
        )
        for distance, like_pk, kind in found[:MOST_OF_ONE]:
            yield other.pk, like_pk, kind, distance


def _near(known: Sequence[str], asked: Sequence[str]) -> dict[str, list[tuple[str, int]]]:
    """For each that is asked about the known ones that read almost like it, and how far they are; each pair of names is
    compared once, however many tools have them."""
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for one, other in _candidates(known, asked):
        short = min(len(one), len(other))
        distance = distance_within(other, one, FARTHEST if short >= LONG_ENOUGH else 1)
        if distance and short >= SHORT:
            found[other].append((one, distance))
    return found


def _candidates(known: Sequence[str], asked: Sequence[str]) -> Iterator[tuple[str, str]]:
    ours, theirs = name_neighbours.candidates(known, asked, long_enough=LONG_ENOUGH)
    for start in range(0, len(ours), _AT_ONCE):
        piece = slice(start, start + _AT_ONCE)
        for one, other in zip(ours[piece].tolist(), theirs[piece].tolist(), strict=True):
            yield known[one], asked[other]
    index = _Pieces(read for read in known if len(read) > LONGEST - FARTHEST)
    for read in asked:
        if len(read) > LONGEST - FARTHEST:
            for candidate in index.like(read):
                if max(len(candidate), len(read)) > LONGEST:
                    yield candidate, read


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


class _Pieces:
    """Very long names by their pieces."""

    def __init__(self, names: Iterable[str]) -> None:
        self._pieces: dict[tuple[int, int, str], list[str]] = defaultdict(list)
        self._letters: dict[str, int] = {}
        for name in names:
            self._letters[name] = _letters(name)
            for number, (start, size) in enumerate(_cuts(len(name))):
                self._pieces[len(name), number, name[start : start + size]].append(name)
        self._lengths = {len(name) for name in self._letters}

    def like(self, read: str) -> Iterator[str]:
        """Two edits cannot touch all three pieces: one stands unchanged, at most two places away."""
        letters, found = _letters(read), set[str]()
        for length in self._lengths.intersection(
            range(len(read) - FARTHEST, len(read) + FARTHEST + 1)
        ):
            for number, (start, size) in enumerate(_cuts(length)):
                for at in range(max(0, start - FARTHEST), start + FARTHEST + 1):
                    found.update(self._pieces.get((length, number, read[at : at + size]), ()))
        for name in found:
            if (letters ^ self._letters[name]).bit_count() <= 2 * FARTHEST:
                yield name


def _cuts(length: int) -> list[tuple[int, int]]:
    """Start and size of each piece of a name that long."""
    bounds = [length * number // _PIECES for number in range(_PIECES + 1)]
    return [(start, end - start) for start, end in pairwise(bounds)]


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
