"""The delegation explorer's rows: whom an identity can act as, who can act as it, hop by hop, and between whom.

The walks are those of `access_graph`, so that the picture shows what counts: only what works now, and only hops that
carry something on from where they start.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db.models import Model, Q

from inventory import access, denials
from inventory.access_graph import (
    LONGEST,
    WIDEST,
    Hop,
    HopsOf,
    Place,
    Step,
    Walk,
    acting_as,
    actors_of,
    given_by,
    held_by,
    one_of,
    step_back,
    step_on,
)
from inventory.delegation_walk import Key
from inventory.effective import RISKS, allowed
from inventory.explorer_state import Asked
from inventory.models import Identity, Person, User
from inventory.models.identity import Tier

_KINDS: dict[str, str] = dict(Identity.Kind.choices)
_TIERS: dict[int, str] = dict(Tier.choices)
_End = Callable[[Hop], Key]


@dataclass(frozen=True, slots=True)
class Node:
    """A person or an identity, and the nearest way between it and the start.

    `column`: hops from the start, below zero where the start can act as it. `further`: others that opening it would
    add. What it is declared as and what it may do is told only to those who may see it.
    """

    key: Key
    name: str
    words: str
    column: int
    way: Place
    tier: str = ""
    risk: str = ""
    seen: bool = False
    further: int = 0
    opened: bool = False

    @property
    def near(self) -> Key | None:
        """The one before it on its nearest way from the start."""
        if not self.way.hops:
            return None
        hop = self.way.hops[-1] if self.column < 0 else self.way.hops[0]
        return taker_of(hop) if self.column < 0 else giver_of(hop)


@dataclass(frozen=True, slots=True)
class Edge:
    """One delegation between two nodes. `distance`: hops from the start to its farther end."""

    hop: Hop
    distance: int

    @property
    def giver(self) -> Key:
        return giver_of(self.hop)

    @property
    def taker(self) -> Key:
        return taker_of(self.hop)


@dataclass(frozen=True)
class Explored:
    """`notes`: what was not followed to its end, in sentences."""

    nodes: Mapping[Key, Node]
    edges: list[Edge]
    notes: list[str]


def giver_of(hop: Hop) -> Key:
    """Whom the actor acts as."""
    return ("person", hop.person or 0) if hop.subject is None else ("identity", hop.subject)


def taker_of(hop: Hop) -> Key:
    return ("identity", hop.actor)


def explore(start: int, asked: Asked, *, user: User, at: datetime) -> Explored:
    """What the address asks for, in at most three queries for each hop and direction, and seven more."""
    only = Q(how__in=asked.hows) if asked.hows else None
    left = _Side(asked, held_by(at, only=only), step_on, far=giver_of, near=taker_of)
    left.walk = acting_as(start, left.hops_of, longest=LONGEST)
    right = _Side(asked, given_by(at, only=only), step_back, far=taker_of, near=giver_of)
    right.walk = actors_of([Place(start)], right.hops_of, longest=LONGEST)
    ways = left.ways()
    column_of = {key: -len(way.hops) for key, way in ways.items()}
    for key, way in right.ways().items():
        if key not in ways or len(way.hops) < len(ways[key].hops):
            ways[key], column_of[key] = way, len(way.hops)
    edges = {edge.hop.delegation: edge for side in (right, left) for edge in side.edges(ways)}
    further: dict[Key, set[Key]] = {}
    for side, of_side in ((left, -1), (right, 1)):
        for near, far in side.further(ways):
            if column_of[near] * of_side > 0 or near == ("identity", start):
                further.setdefault(near, set()).add(far)
    nodes = _nodes(ways, column_of, user=user, at=at)
    told = {key: _opened(node, asked, len(further.get(key, ()))) for key, node in nodes.items()}
    return Explored(told, [edges[pk] for pk in sorted(edges)], notes([left.walk, right.walk]))


@dataclass(slots=True)
class _Side:
    """One direction of the walk; it remembers the hops that were read, also those the walk did not need."""

    asked: Asked
    read: HopsOf
    step: Step
    far: _End
    near: _End
    walk: Walk = field(default_factory=Walk)
    layers: int = 0
    hops: dict[int, Hop] = field(default_factory=dict)

    def hops_of(self, keys: Collection[int]) -> Iterable[Hop]:
        """Beyond the hops that are asked for only from those that were opened; the rest is read to be counted."""
        self.layers += 1
        found = [hop for hop in self.read(keys) if hop.certain or not self.asked.certain]
        self.hops |= {hop.delegation: hop for hop in found}
        if self.layers <= self.asked.hops:
            return found
        return [hop for hop in found if self.near(hop)[1] in self.asked.opened]

    def ways(self) -> dict[Key, Place]:
        """The nearest way of each."""
        found: dict[Key, Place] = {}
        for place in self.walk.places:
            found.setdefault(_key(place), place)
        return found

    def edges(self, known: Collection[Key]) -> Iterator[Edge]:
        """The hops that the walk could take between those who are known."""
        for hop, place in self._steps(expanded=True):
            if self.far(hop) in known:
                yield Edge(hop, len(place.hops) + 1)

    def further(self, known: Collection[Key]) -> Iterator[tuple[Key, Key]]:
        """Who would be added by opening whom."""
        for hop, _ in self._steps(expanded=False):
            if self.far(hop) not in known:
                yield self.near(hop), self.far(hop)

    def _steps(self, *, expanded: bool) -> Iterator[tuple[Hop, Place]]:
        places = self.walk.identities()
        for hop in self.hops.values():
            for place in places.get(self.near(hop)[1], ()) if self.near(hop)[0] != "person" else ():
                if self._is_expanded(place) == expanded and self.step(place, hop) is not None:
                    yield hop, place
                    break

    def _is_expanded(self, place: Place) -> bool:
        return len(place.hops) < self.asked.hops or (
            place.identity in self.asked.opened and len(place.hops) < LONGEST
        )


def risks(identities: Collection[int], at: datetime) -> dict[int, str]:
    """The highest risk of what each is granted itself and not denied, in two queries, three where denials are."""
    rows = allowed(at).filter(one_of("inventory_grant.identity_id", identities))
    denied = denials.denied(identities)
    if denied:
        rows = rows.exclude(pk__in=denied)
    worst: dict[int, str] = {}
    found = rows.order_by().values_list("identity_id", "entitlement__risk").distinct()
    for identity, risk in found:
        known = worst.get(identity)
        if known is None or RISKS.index(risk) < RISKS.index(known):
            worst[identity] = risk
    return worst


def _nodes(
    ways: Mapping[Key, Place], column_of: Mapping[Key, int], *, user: User, at: datetime
) -> dict[Key, Node]:
    identities = [key for noun, key in ways if noun == "identity"]
    people = [key for noun, key in ways if noun == "person"]
    mine, known = _seen(user, Identity, identities), _seen(user, Person, people)
    worst = risks(mine, at)
    found: dict[Key, Node] = {}
    rows = Identity.objects.filter(one_of("inventory_identity.id", identities)).order_by("pk")
    for pk, name, kind, tier in rows.values_list("pk", "name", "kind", "declared_tier"):
        key, seen = ("identity", pk), pk in mine
        found[key] = Node(
            key, name, _KINDS[kind], column_of[key], ways[key], seen=seen,
            tier=_TIERS.get(tier, "") if seen and tier is not None else "",
            risk=worst.get(pk, ""),
        )  # fmt: skip
    named = Person.objects.filter(one_of("inventory_person.id", people)).order_by("pk")
    for pk, name in named.values_list("pk", "name"):
        key = ("person", pk)
        found[key] = Node(key, name, "Person", column_of[key], ways[key], seen=pk in known)
    return found


def _seen(user: User, model: type[Model], keys: list[int]) -> Collection[int]:
    """Those of which the user may open the page."""
    if not keys or access.sees_all(user):
        return frozenset(keys)
    rows = model._default_manager.filter(one_of(f"{model._meta.db_table}.id", keys))
    return frozenset(access.visible_to(user, rows.order_by()).values_list("pk", flat=True))


def _opened(node: Node, asked: Asked, further: int) -> Node:
    is_open = node.key[0] == "identity" and node.key[1] in asked.opened
    if not further and not is_open:
        return node
    return replace(node, further=further, opened=is_open and abs(node.column) >= asked.hops)


def _key(place: Place) -> Key:
    return ("person", place.person or 0) if place.identity is None else ("identity", place.identity)


def notes(walks: Iterable[Walk]) -> list[str]:
    """What the walks did not follow to its end, in sentences."""
    cut = [walk for walk in walks if walk.cut_short]
    said = []
    if any(len(walk.places) > WIDEST for walk in cut):
        said.append(
            f"More than {WIDEST:,} identities are reached; those further away were not looked at."
            " Narrow the kinds of delegation, or ask for fewer hops."
        )
    if any(len(walk.places) <= WIDEST for walk in cut):
        said.append(f"Ways go on beyond {LONGEST} hops; they are not followed further.")
    return said
