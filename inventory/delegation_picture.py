"""The delegation picture: who may act through whom around an identity, laid out from left to right, as data.

Authority flows to the right: what an identity holds stands on its left, what it gives on its right. The template draws.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from inventory import delegation_walk
from inventory.delegation_walk import COUNTED, End, Key, Step
from inventory.models import Identity

WIDE, HIGH = 172, 42  # a box
ACROSS, DOWN = 56, 12  # between boxes
COLUMN = 9  # boxes above each other; with five columns about forty
_LETTERS = 20
_BROAD = frozenset("ABCDEFGHKMNOPQRSTUVWXYZmw@%&—…")
_EDGE = 4


@dataclass(frozen=True)
class Box:
    """One person or identity, or (`hidden`) those that found no room."""

    x: int
    y: int
    name: str
    short: str
    words: str
    noun: str
    key: int | None
    is_root: bool = False


@dataclass(frozen=True)
class Arrow:
    """One or more delegations between two boxes: a curve with its tip at (x, y)."""

    curve: str
    x: int
    y: int
    told: str
    passes: bool


@dataclass(frozen=True)
class More:
    """Delegations of a column that found no room, or that the user may not see."""

    x: int
    y: int
    text: str
    linked: bool


@dataclass(frozen=True)
class Picture:
    width: int
    height: int
    told: str
    boxes: list[Box]
    arrows: list[Arrow]
    more: list[More]
    box_width: int = WIDE
    box_height: int = HIGH


@dataclass
class _Places:
    """Who stands in which column, in order; the first place of each counts."""

    columns: dict[int, list[End]] = field(default_factory=dict)
    column_of: dict[Key, int] = field(default_factory=dict)

    def put(self, end: End, column: int) -> None:
        there = self.columns.setdefault(column, [])
        if end.key not in self.column_of and len(there) < COLUMN:
            there.append(end)
            self.column_of[end.key] = column


def draw(identity: Identity, steps: list[Step]) -> Picture | None:
    """The picture of what `delegation_walk.around` found; None when there is nothing to show."""
    if not steps:
        return None
    root = End(("identity", identity.pk), identity.name, identity.get_kind_display(), seen=False)
    places = _Places()
    places.put(root, 0)
    hidden: dict[int, str] = {}
    for side in (-1, 1):
        hidden[side] = _further(places, steps, [root], side)
        hidden[2 * side] = _further(places, steps, places.columns.get(side, []), 2 * side)
    shown = [
        step
        for step in steps
        if step.giver.key in places.column_of and step.taker.key in places.column_of
    ]
    return _laid_out(root, places, hidden, shown)


def _further(places: _Places, steps: list[Step], near: Iterable[End], column: int) -> str:
    """Puts those one step further into the column; says how many delegations are left out."""
    left_out, exact = 0, True
    for end in near:
        of = delegation_walk.holds if column < 0 else delegation_walk.gives
        found = of(steps, end.key)
        for step in found:
            other = step.giver if column < 0 else step.taker
            if other.seen or abs(column) == 1:  # the nearest are named on the page anyway
                places.put(other, column)
        if found:
            total = found[0].of_taker if column < 0 else found[0].of_giver
            here = sum(
                (step.giver if column < 0 else step.taker).key in places.column_of for step in found
            )
            left_out, exact = left_out + total - here, exact and total < COUNTED
    return f"+{left_out:,} {'more' if exact else 'or more'}" if left_out else ""


def _laid_out(root: End, places: _Places, hidden: dict[int, str], shown: list[Step]) -> Picture:
    used = sorted(column for column in {*places.columns, *hidden} if _size(places, hidden, column))
    tallest = max(_size(places, hidden, column) for column in used)
    height = tallest * (HIGH + DOWN) - DOWN + 2 * _EDGE
    boxes, more, at = [], [], {}
    for number, column in enumerate(used):
        x = _EDGE + number * (WIDE + ACROSS)
        free = tallest - _size(places, hidden, column)
        y = _EDGE + free * (HIGH + DOWN) // 2
        for end in places.columns.get(column, []):
            at[end.key] = (x, y + HIGH // 2)
            boxes.append(_box(end, x, y, is_root=end.key == root.key))
            y += HIGH + DOWN
        if hidden.get(column):
            more.append(More(x, y, hidden[column], linked=abs(column) == 1))
    return Picture(
        width=len(used) * (WIDE + ACROSS) - ACROSS + 2 * _EDGE,
        height=height,
        told=_told(root, shown),
        boxes=boxes,
        arrows=_arrows(shown, at),
        more=more,
    )


def _size(places: _Places, hidden: dict[int, str], column: int) -> int:
    return len(places.columns.get(column, [])) + bool(hidden.get(column))


def _box(end: End, x: int, y: int, *, is_root: bool) -> Box:
    noun, key = end.key
    return Box(
        x, y, end.name, shortened(end.name), end.words, noun, key if end.seen else None, is_root
    )


def shortened(name: str) -> str:
    """As much of a name as fits in a box, whose letters are wider or narrower than most."""
    width, fits = 0.0, 0
    for letter in name:
        width += 1.4 if letter in _BROAD else 1
        fits += width <= _LETTERS - 1
    return name if width <= _LETTERS else f"{name[:fits]}…"


def curve(x1: int, y1: int, x2: int, y2: int) -> str:
    """From the right edge of a box to just before the left edge of another; back to the left it goes around."""
    bend = ACROSS // 2 if x2 > x1 else ACROSS  # backwards: out to the right, in from the left
    return f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2 - 6} {y2}"


def _arrows(shown: list[Step], at: dict[Key, tuple[int, int]]) -> list[Arrow]:
    """One arrow for all delegations between the same two."""
    between: dict[tuple[Key, Key], list[Step]] = {}
    for step in shown:
        between.setdefault((step.giver.key, step.taker.key), []).append(step)
    return [_arrow(same, at[giver], at[taker]) for (giver, taker), same in between.items()]


def _arrow(same: list[Step], start: tuple[int, int], end: tuple[int, int]) -> Arrow:
    x1, y1, x2, y2 = start[0] + WIDE, start[1], end[0], end[1]
    first = same[0]
    hows = ", ".join(sorted({step.row.get_how_display().lower() for step in same}))
    passes = any(step.passes for step in same)
    told = f"{first.giver.name} → {first.taker.name}: {hows}"
    return Arrow(curve(x1, y1, x2, y2), x2, y2, told if passes else f"{told}; not in force", passes)


def _told(root: End, shown: list[Step]) -> str:
    """The nearest in words; everything is in the tables below the picture."""
    givers = [step.giver.name for step in delegation_walk.holds(shown, root.key)]
    takers = [step.taker.name for step in delegation_walk.gives(shown, root.key)]
    said = [
        f"{title}: {', '.join(dict.fromkeys(names))}."
        for title, names in (
            (f"{root.name} acts as, or for", givers),
            (f"Acting as, or for, {root.name}", takers),
        )
        if names
    ]
    return " ".join(["Authority flows from left to right.", *said])
