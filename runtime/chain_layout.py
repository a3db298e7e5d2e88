"""Where the picture of a chain draws its parties: people, agents by depth, tools, resources, from left to right."""

from collections.abc import Iterable
from dataclasses import dataclass

from inventory import markup
from inventory.delegation_picture import ACROSS, WIDE, curve, shortened
from runtime.call_chains import Chain, Edge, Key, Party

HIGH, DOWN, MARGIN, HEAD = 44, 14, 8, 26
COLUMN = 14  # boxes above each other; the table has them all
_TITLES = {"person": "For", "agent": "Agents", "tool": "Tools", "place": "Reached"}


@dataclass(frozen=True)
class Box:
    x: int
    y: int
    party: Party
    short: str
    words: str
    bad: bool

    @property
    def kind(self) -> str:
        return str(self.party.key[0])

    @property
    def url(self) -> str:
        """The page of a person or an identity; of other parties there is none."""
        pages = {"person": "inventory:person-detail", "identity": "inventory:identity-detail"}
        if self.party.pk is None or self.kind not in pages:
            return ""
        return markup.address(pages[self.kind])(self.party.pk)


@dataclass(frozen=True)
class Arrow:
    """All calls from one party to the next, with the tip at (x, y)."""

    curve: str
    x: int
    y: int
    told: str
    bad: bool


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
    left_out: int
    told: str
    box_width: int = WIDE
    box_height: int = HIGH


def lay_out(chain: Chain) -> Picture:
    """The picture; the same chain always gives the same one."""
    columns = _ordered(_columns(chain), chain.edges.values())
    shown = [column[:COLUMN] for column in columns]
    tallest = max((len(column) for column in shown), default=0)
    bad = {edge.target for edge in chain.edges.values() if edge.is_bad}
    boxes: dict[Key, Box] = {}
    for number, column in enumerate(shown):
        x = MARGIN + number * (WIDE + ACROSS)
        y = HEAD + (tallest - len(column)) * (HIGH + DOWN) // 2
        for key in column:
            party = chain.parties[key]
            boxes[key] = Box(x, y, party, shortened(party.name), shortened(party.words), key in bad)
            y += HIGH + DOWN
    return Picture(
        width=max(len(columns) * (WIDE + ACROSS) - ACROSS + 2 * MARGIN, WIDE),
        height=HEAD + tallest * (HIGH + DOWN) - DOWN + MARGIN,
        titles=_titles(columns),
        boxes=list(boxes.values()),
        arrows=[
            _arrow(edge, boxes[edge.source], boxes[edge.target], chain)
            for edge in chain.edges.values()
            if edge.source in boxes and edge.target in boxes
        ],
        left_out=len(chain.parties) - len(boxes),
        told="; ".join(_told(edge, chain) for edge in list(chain.edges.values())[:12]),
    )


def _columns(chain: Chain) -> list[list[Key]]:
    """People first, agents by the longest way from the first of them, then tools, then what they reached."""
    depth = _depths(chain)
    groups: dict[tuple[int, int], list[Key]] = {}
    for key in chain.parties:
        kind = {"person": 0, "tool": 2, "place": 3}.get(key[0], 1)
        groups.setdefault((kind, depth.get(key, 0)), []).append(key)
    return [groups[place] for place in sorted(groups)]


def _depths(chain: Chain) -> dict[Key, int]:
    agents = [key for key in chain.parties if key[0] in ("identity", "agent")]
    asks = [
        edge for edge in chain.edges.values() if edge.source in agents and edge.target in agents
    ]
    depth = dict.fromkeys(agents, 0)
    for _ in agents:  # a cycle stops growing here
        for edge in asks:
            if edge.source != edge.target:
                depth[edge.target] = min(
                    max(depth[edge.target], depth[edge.source] + 1), len(agents) - 1
                )
    return depth


def _ordered(columns: list[list[Key]], edges: Iterable[Edge]) -> list[list[Key]]:
    """Each column by the mean place of its neighbours further left (barycentre method: Sugiyama, Tagawa and Toda,
    1981)."""
    beside: dict[Key, list[Key]] = {}
    for edge in edges:
        beside.setdefault(edge.target, []).append(edge.source)
    place: dict[Key, float] = {}
    ordered = []
    for column in columns:
        middle = {}
        for number, key in enumerate(column):
            near = [place[other] for other in beside.get(key, []) if other in place]
            middle[key] = sum(near) / len(near) if near else float(number)
        row = sorted(column, key=middle.__getitem__)
        place |= {key: number - len(row) / 2 for number, key in enumerate(row)}
        ordered.append(row)
    return ordered


def _titles(columns: list[list[Key]]) -> list[Title]:
    titles, before = [], ""
    for number, column in enumerate(columns):
        text = _TITLES["agent" if column[0][0] == "identity" else str(column[0][0])]
        if text != before:
            titles.append(Title(MARGIN + number * (WIDE + ACROSS), text))
        before = text
    return titles


def _arrow(edge: Edge, source: Box, target: Box, chain: Chain) -> Arrow:
    x1, y1 = source.x + WIDE, source.y + HIGH // 2
    x2, y2 = target.x, target.y + HIGH // 2
    return Arrow(curve(x1, y1, x2, y2), x2, y2, _told(edge, chain), edge.is_bad)


def _told(edge: Edge, chain: Chain) -> str:
    names = f"{chain.parties[edge.source].name} → {chain.parties[edge.target].name}"
    parts = [f"{edge.calls} call{'' if edge.calls == 1 else 's'}"]
    parts += [edge.step] if edge.step else []
    parts += [f"{edge.denied} denied"] if edge.denied else []
    parts += [f"{edge.flagged} flagged"] if edge.flagged else []
    return f"{names}: {', '.join(parts)}"
