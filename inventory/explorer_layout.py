"""Where the delegation explorer draws what it found: columns by hops, few crossings, the same each time.

Authority flows to the right: whom the start can act as stands on its left, who can act as it on its right.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from inventory.delegation_picture import ACROSS, WIDE, curve, shortened
from inventory.delegation_walk import Key
from inventory.effective import RISKS
from inventory.explorer import Edge, Explored, Node, giver_of, taker_of
from inventory.explorer_state import Asked
from inventory.models import Delegation

HIGH, DOWN = 60, 14
HEAD, MARGIN = 26, 26  # column titles; room for arrows that go around the outermost boxes
COLUMN, COLUMN_WIDE = 9, 40  # boxes above each other
MOST = 150  # boxes in all
_HOWS: dict[str, str] = dict(Delegation.How.choices)


@dataclass(frozen=True)
class Bar:
    x: int
    y: int
    height: int
    off: bool


@dataclass(frozen=True)
class Box:
    """One person or identity. `mark`: how many more a click shows, or a minus where it hides them again."""

    x: int
    y: int
    node: Node
    short: str
    mark: str
    is_root: bool
    on_path: bool

    @property
    def bars(self) -> list[Bar]:
        """The risk as bars, as everywhere: one for low, four for critical."""
        rank = len(RISKS) - RISKS.index(self.node.risk) if self.node.risk else 0
        return [Bar(n * 4, 9 - n * 3, 3 + n * 3, n >= rank) for n in range(4)] if rank else []

    @property
    def rank(self) -> int:
        return len(RISKS) - RISKS.index(self.node.risk) if self.node.risk else 0

    @property
    def told(self) -> str:
        """Everything about it, for those who hear it."""
        node = self.node
        parts = [f"{node.name}, {node.words}"]
        parts += [f"tier {node.tier}"] if node.tier else []
        parts += [f"{node.risk} risk"] if node.risk else []
        parts += [_hops(node.column)] if node.column else ["the start"]
        return ", ".join(parts)


@dataclass(frozen=True)
class Arrow:
    """All delegations between two boxes, with the tip at (x2, y2)."""

    giver: Key
    taker: Key
    x1: int
    y1: int
    x2: int
    y2: int
    told: str
    certain: bool
    on_path: bool

    @property
    def curve(self) -> str:
        return curve(self.x1, self.y1, self.x2, self.y2)


@dataclass(frozen=True)
class More:
    """Those of a column that found no room. `widens`: whether it can show more."""

    x: int
    y: int
    column: int
    number: int
    widens: bool


@dataclass(frozen=True)
class Title:
    x: int
    text: str


@dataclass(frozen=True)
class Picture:
    width: int
    height: int
    titles: list[Title]
    boxes: list[Box]
    arrows: list[Arrow]
    more: list[More]
    box_width: int = WIDE
    box_height: int = HIGH


def lay_out(found: Explored, asked: Asked) -> Picture:
    """The picture: who is drawn, in which order, and where."""
    path = path_keys(found, asked)
    columns = _chosen(found, asked, path)
    drawn = {key for column in columns.values() for key in column}
    edges = [edge for edge in found.edges if edge.giver in drawn and edge.taker in drawn]
    columns = _ordered(columns, edges)
    totals: dict[int, int] = {}
    for node in found.nodes.values():
        totals[node.column] = totals.get(node.column, 0) + 1
    left_out = {column: totals[column] - len(columns.get(column, ())) for column in totals}
    boxes, more = _placed(found, columns, left_out, asked, path)
    at = {box.node.key: box for box in boxes}
    places = [*((box.x, box.y) for box in boxes), *((one.x, one.y) for one in more)]
    return Picture(
        width=max(x for x, _ in places) + WIDE + MARGIN,
        height=max(y for _, y in places) + HIGH + 4,
        titles=[
            Title(MARGIN + n * (WIDE + ACROSS), _title(column))
            for n, column in enumerate(_used(columns, left_out))
        ],
        boxes=boxes,
        arrows=_arrows(edges, at, _hops_of_path(found, asked)),
        more=more,
    )


def path_keys(found: Explored, asked: Asked) -> set[Key]:
    """Who stands on the way that is shown."""
    node = found.nodes.get(asked.path) if asked.path else None
    return _along(node) if node else set()


def _along(node: Node) -> set[Key]:
    ends = {end for hop in node.way.hops for end in (giver_of(hop), taker_of(hop))}
    return ends | {node.key}


def _hops_of_path(found: Explored, asked: Asked) -> set[int]:
    node = found.nodes.get(asked.path) if asked.path else None
    return {hop.delegation for hop in node.way.hops} if node else set()


def _chosen(found: Explored, asked: Asked, path: set[Key]) -> dict[int, list[Key]]:
    """The riskiest of each column, outward from the start, each beside somebody nearer who is drawn as well.

    What was asked for comes first: the way that is shown, and the boxes that were opened.
    """
    kept = set(path)
    for pk in asked.opened:
        node = found.nodes.get(("identity", pk))
        kept |= _along(node) if node else set()
    by_column: dict[int, list[Node]] = {}
    for node in found.nodes.values():
        by_column.setdefault(node.column, []).append(node)
    chosen: dict[int, list[Key]] = {}
    drawn: set[Key] = set()
    for column in sorted(by_column, key=lambda column: (abs(column), column)):
        room = min(COLUMN_WIDE if column in asked.wide else COLUMN, MOST - len(drawn))
        there = [node for node in by_column[column] if node.near is None or node.near in drawn]
        there.sort(key=lambda node: (node.key not in kept, not _is_child(node, asked), _rank(node)))
        chosen[column] = [node.key for node in there[:room]]
        drawn |= set(chosen[column])
    return chosen


def _is_child(node: Node, asked: Asked) -> bool:
    return node.near is not None and node.near[1] in asked.opened


def _rank(node: Node) -> tuple[int, bool, str, Key]:
    """The riskiest first, then certain ones, then people, by name."""
    risk = RISKS.index(node.risk) if node.risk else len(RISKS)
    return risk, not node.way.certain, node.name, node.key


def _ordered(columns: Mapping[int, list[Key]], edges: Iterable[Edge]) -> dict[int, list[Key]]:
    """Each column by the mean place of its neighbours: first of those nearer to the start, then of all (barycentre
    method: Sugiyama, Tagawa and Toda, 1981). Where that says nothing the order stays as it was."""
    column_of = {key: column for column, keys in columns.items() for key in keys}
    beside: dict[Key, list[Key]] = {key: [] for key in column_of}
    for edge in edges:
        beside[edge.giver].append(edge.taker)
        beside[edge.taker].append(edge.giver)
    place = {key: n - len(keys) / 2 for keys in columns.values() for n, key in enumerate(keys)}
    ordered = dict(columns)
    for nearer_only in (True, False):
        for column in sorted(columns, key=lambda column: (abs(column), column)):
            middle = {}
            for key in ordered[column]:
                others = [
                    place[other]
                    for other in beside[key]
                    if column_of[other] != column
                    and (not nearer_only or abs(column_of[other]) < abs(column))
                ]
                middle[key] = sum(others) / len(others) if others else place[key]
            ordered[column] = sorted(ordered[column], key=middle.__getitem__)
            for n, key in enumerate(ordered[column]):
                place[key] = n - len(ordered[column]) / 2
    return ordered


def _used(columns: Mapping[int, list[Key]], left_out: Mapping[int, int]) -> list[int]:
    return sorted(column for column in left_out if columns.get(column) or left_out[column])


def _placed(
    found: Explored,
    columns: Mapping[int, list[Key]],
    left_out: Mapping[int, int],
    asked: Asked,
    path: set[Key],
) -> tuple[list[Box], list[More]]:
    used = _used(columns, left_out)
    size = {column: len(columns.get(column, ())) + bool(left_out[column]) for column in used}
    # A column that was widened goes on below the others.
    tallest = min(max(size.values()), COLUMN + 1)
    full = sum(map(len, columns.values())) >= MOST
    boxes, more = [], []
    for number, column in enumerate(used):
        x = MARGIN + number * (WIDE + ACROSS)
        y = HEAD + max(tallest - size[column], 0) * (HIGH + DOWN) // 2
        for key in columns.get(column, ()):
            boxes.append(_box(found.nodes[key], x, y, on_path=key in path))
            y += HIGH + DOWN
        if left_out[column]:
            widens = column not in asked.wide and not full and len(columns[column]) >= COLUMN
            more.append(More(x, y, column, left_out[column], widens))
    return boxes, more


def _box(node: Node, x: int, y: int, *, on_path: bool) -> Box:
    mark = "−" if node.opened else (f"+{node.further:,}" if node.further else "")
    return Box(x, y, node, shortened(node.name), mark, not node.column, on_path)


def _arrows(edges: Iterable[Edge], at: Mapping[Key, Box], path: set[int]) -> list[Arrow]:
    """One arrow for all delegations between the same two; it is certain if one of them is."""
    between: dict[tuple[Key, Key], list[Edge]] = {}
    for edge in edges:
        between.setdefault((edge.giver, edge.taker), []).append(edge)
    return [_arrow(same, at[giver], at[taker], path) for (giver, taker), same in between.items()]


def _arrow(same: list[Edge], giver: Box, taker: Box, path: set[int]) -> Arrow:
    certain = any(edge.hop.certain for edge in same)
    hows = ", ".join(sorted({_HOWS.get(edge.hop.how, edge.hop.how).lower() for edge in same}))
    may = "" if certain else " (may)"
    return Arrow(
        giver.node.key, taker.node.key,
        giver.x + WIDE, giver.y + HIGH // 2, taker.x, taker.y + HIGH // 2,
        f"{taker.node.name} {hows} {giver.node.name}{may}", certain,
        any(edge.hop.delegation in path for edge in same),
    )  # fmt: skip


def _title(column: int) -> str:
    if not column:
        return "Start"
    return f"{'It can act as' if column < 0 else 'Can act as it'}, {_hops(column)}"


def _hops(column: int) -> str:
    return "1 hop" if abs(column) == 1 else f"{abs(column)} hops"
