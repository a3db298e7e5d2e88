"""The smallest set of delegations and grants whose removal cuts every way from an identity to something it should not
reach, and what else that would take away.

A hitting set over all ways: each removal that is tried comes from a way that is still open, so that what is found with
n removals, when none was found with fewer, is a smallest one. What follows from grants (a derived delegation) cannot be
removed itself; the grants of one of its parts can.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Exists, OuterRef

from inventory.access_graph import Hop, HopsOf, Place, acting_as, held_by
from inventory.effective import Held, Right, access_of, grants_of, rights_of
from inventory.models import DelegationBasis, Grant

MOST_REMOVALS = (
    4  # larger sets are looked for one removal after the other, and need not be the smallest
)
MOST_WALKS = 600
KEPT_CUTS = 5

Parts = Mapping[int, list[frozenset[int]]]  # of a derived delegation: the grants of each part


@dataclass(frozen=True, slots=True, order=True)
class Removal:
    """One thing to end: a "delegation" or a "grant", by key."""

    noun: str
    key: int


@dataclass(frozen=True, slots=True)
class Target:
    """What is not to be reached: these entitlements, or this identity."""

    entitlements: frozenset[int] = frozenset()
    identity: int | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """What the cut does to one identity: entitlements that it loses whole, and those that it keeps."""

    identity: int
    lost: frozenset[int]
    kept: frozenset[int]


@dataclass(frozen=True, slots=True)
class Cut:
    """`effects`: of the start, and of everybody whose own delegation or grant is removed."""

    removals: frozenset[Removal]
    effects: tuple[Effect, ...] = ()

    @property
    def lost(self) -> int:
        return sum(len(effect.lost) for effect in self.effects)


@dataclass(frozen=True, slots=True)
class Way:
    """One way from the start to the target. `right` is None where the target is an identity."""

    place: Place
    right: Right | None = None


@dataclass(slots=True)
class Proposal:
    """`way`: the shortest one; None when there is none, and then nothing to cut. `cuts`: the ones that break least
    first, all of one size. `smallest`: proven that no smaller one exists. `cut_short`: ways longer than a walk follows
    may remain."""

    way: Way | None
    cuts: list[Cut] = field(default_factory=list)
    smallest: bool = True
    cut_short: bool = False


def propose(start: int, target: Target, at: datetime) -> Proposal:
    """How to cut the identity (its key) off from the target. The search runs in memory; changes nothing."""
    ground = _Ground(start, target, at)
    way = ground.way(frozenset())
    if way is None:
        return Proposal(None, cut_short=ground.cut_short)
    found, smallest = _smallest(ground)
    cuts = sorted(
        (Cut(each, tuple(_effects(start, each, ground, at))) for each in found[:KEPT_CUTS]),
        key=lambda cut: (cut.lost, sorted(cut.removals)),
    )
    return Proposal(way, cuts, smallest, ground.cut_short)


def still_reached(start: int, target: Target, at: datetime) -> Way | None:
    """The shortest way that is open now; None when there is none."""
    return _Ground(start, target, at).way(frozenset())


def without(hops_of: HopsOf, removals: Collection[Removal], at: datetime) -> HopsOf:
    """The graph as it would be with these removed."""
    delegations = {each.key for each in removals if each.noun == "delegation"}
    grants = {each.key for each in removals if each.noun == "grant"}

    def left(keys: Collection[int]) -> Iterable[Hop]:
        hops = [hop for hop in hops_of(keys) if hop.delegation not in delegations]
        parts = _parts(hops, at) if grants else {}
        return [hop for hop in hops if all(part - grants for part in parts.get(hop.delegation, ()))]

    return left


class _Ground:
    """All that the start can act as and was granted there, read once; the search removes from it in memory."""

    def __init__(self, start: int, target: Target, at: datetime) -> None:
        self.start, self.target = start, target
        self.hops: dict[int, list[Hop]] = {}
        walk = acting_as(start, self._recorded(held_by(at)))
        self.cut_short = walk.cut_short
        self.parts = _parts((hop for hops in self.hops.values() for hop in hops), at)
        there = walk.identities() if target.entitlements else {}
        self.grants = [
            held for held in grants_of(there, at) if held.entitlement in target.entitlements
        ]
        self._keep_what_leads_there()

    def _recorded(self, hops_of: HopsOf) -> HopsOf:
        def read(keys: Collection[int]) -> Iterable[Hop]:
            found = list(hops_of(keys))
            for hop in found:
                if all(
                    hop.delegation != known.delegation for known in self.hops.get(hop.actor, ())
                ):
                    self.hops.setdefault(hop.actor, []).append(hop)
            return found

        return read

    def _keep_what_leads_there(self) -> None:
        """Only hops on some way to the target are walked again and again."""
        ends = {held.identity for held in self.grants}
        if self.target.identity is not None:
            ends.add(self.target.identity)
        leads, edge = set(ends), set(ends)
        while edge:
            edge = {
                actor
                for actor, hops in self.hops.items()
                if actor not in leads and any(hop.subject in edge for hop in hops)
            }
            leads |= edge
        self.hops = {
            actor: [hop for hop in hops if hop.subject in leads]
            for actor, hops in self.hops.items()
            if actor in leads
        }

    def way(self, removals: frozenset[Removal]) -> Way | None:
        """The shortest way that is left."""
        walk = acting_as(self.start, lambda actors: self._left(actors, removals))
        if self.target.identity is not None:
            places = walk.identities().get(self.target.identity, ())
            return next((Way(place) for place in places if place.hops), None)
        grants = [held for held in self.grants if Removal("grant", held.grant) not in removals]
        rights = rights_of(walk.identities(), grants).values()
        best = min(rights, key=lambda right: (right.hops, right.held.grant), default=None)
        return Way(best.place, best) if best else None

    def _left(self, actors: Iterable[int], removals: frozenset[Removal]) -> Iterator[Hop]:
        for actor in actors:
            for hop in self.hops.get(actor, ()):
                if not _is_cut(hop, self.parts, removals):
                    yield hop

    def candidates(self, way: Way, removals: frozenset[Removal]) -> Iterator[Removal]:
        """One of these is in every cut: of each hop that can be removed itself, and of each part that a derived one
        rests on, the first grant that is left."""
        for hop in way.place.hops:
            if not hop.derived:
                yield Removal("delegation", hop.delegation)
            for part in self.parts.get(hop.delegation, ()):
                yield min(
                    removal
                    for grant in part
                    if (removal := Removal("grant", grant)) not in removals
                )
        if way.right:
            yield Removal("grant", way.right.held.grant)


def _is_cut(hop: Hop, parts: Parts, removals: frozenset[Removal]) -> bool:
    if Removal("delegation", hop.delegation) in removals:
        return True
    return any(
        all(Removal("grant", grant) in removals for grant in part)
        for part in parts.get(hop.delegation, ())
    )


def _smallest(ground: _Ground) -> tuple[list[frozenset[Removal]], bool]:
    """All cuts of the smallest size that were found, and whether no smaller one exists."""
    walks = iter(range(MOST_WALKS))
    for size in range(1, MOST_REMOVALS + 1):
        found: list[frozenset[Removal]] = []
        finished = _search(ground, frozenset(), size, found, walks)
        if found:
            return sorted(set(found), key=sorted), True
        if not finished:
            break
    return [min((_one_by_one(ground, end) for end in (0, -1)), key=len)], False


def _search(
    ground: _Ground,
    removals: frozenset[Removal],
    left: int,
    found: list[frozenset[Removal]],
    walks: Iterator[int],
) -> bool:
    """Adds the cuts of exactly that many further removals; False when it had to give up."""
    if next(walks, None) is None:
        return False
    way = ground.way(removals)
    if way is None:
        found.append(removals)
        return True
    if not left:
        return True
    return all(
        _search(ground, removals | {each}, left - 1, found, walks)
        for each in ground.candidates(way, removals)
    )


def _one_by_one(ground: _Ground, end: int) -> frozenset[Removal]:
    """The first (0) or the last (-1) step of each way that is still open."""
    removals: frozenset[Removal] = frozenset()
    while (way := ground.way(removals)) is not None:
        removals |= {list(ground.candidates(way, removals))[end]}
    return removals


def _effects(
    start: int, removals: frozenset[Removal], ground: _Ground, at: datetime
) -> Iterator[Effect]:
    """Of the start, and of those who hold what is removed themselves."""
    for identity in dict.fromkeys([start, *sorted(_holders(removals, ground))]):
        before = access_of(identity, at)
        walk = acting_as(identity, without(held_by(at), removals, at))
        grants = _kept_grants(walk.identities(), removals, at)
        kept = frozenset(rights_of(walk.identities(), grants))
        yield Effect(identity, frozenset(before.rights) - kept, kept)


def _kept_grants(
    identities: Collection[int], removals: frozenset[Removal], at: datetime
) -> list[Held]:
    grants = grants_of(identities, at)
    return [held for held in grants if Removal("grant", held.grant) not in removals]


def _holders(removals: frozenset[Removal], ground: _Ground) -> set[int]:
    """Whose delegations and grants these are: the actor of a delegation, the holder of a grant."""
    holders = {
        hop.actor
        for hops in ground.hops.values()
        for hop in hops
        if Removal("delegation", hop.delegation) in removals
        or any(
            Removal("grant", g) in removals for p in ground.parts.get(hop.delegation, ()) for g in p
        )
    }
    return holders | {
        held.identity for held in ground.grants if Removal("grant", held.grant) in removals
    }


def _parts(hops: Iterable[Hop], at: datetime) -> dict[int, list[frozenset[int]]]:
    """The parts that derived hops rest on, of grants that work. One query, or none."""
    derived = [hop.delegation for hop in hops if hop.derived]
    if not derived:
        return {}
    grants: dict[tuple[int, int], set[int]] = {}
    works = Grant.objects.effective(at).filter(pk=OuterRef("grant"))
    rows = DelegationBasis.objects.filter(Exists(works), delegation__in=derived)
    for delegation, part, grant in rows.values_list("delegation_id", "part", "grant_id"):
        grants.setdefault((delegation, part), set()).add(grant)
    found: dict[int, list[frozenset[int]]] = {}
    for (delegation, _), keys in sorted(grants.items()):
        found.setdefault(delegation, []).append(frozenset(keys))
    return found
