"""Effective access: what an identity can do at a moment, by its own grants and by acting as others, and how.

Law 2: through a delegation nobody can do more than the delegator. Where a platform's own rules could not be followed to
the end (a condition, a boundary that is not in the files), the answer is "may", never "can".
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import NamedTuple

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from inventory import denials, prepared
from inventory.access_graph import (
    HopsOf,
    Place,
    Walk,
    acting_as,
    actors_of,
    given_by,
    held_by,
    one_of,
)
from inventory.models import Entitlement, Grant, Identity
from inventory.prepared import THEN, Statement

RISKS = ("critical", "high", "medium", "low")  # worst first
SENSITIVITIES = ("restricted", "confidential", "internal", "public", "")


_SURE = ExpressionWrapper(
    Q(caveats=[], entitlement__caveats=[], entitlement__conditions={}),
    output_field=BooleanField(),
)
_HELD = ("pk", "identity_id", "entitlement_id", "task_id", "sure")


# For each entitlement: a certain way before others, then the fewest hops, then the oldest grant.
_BEST = """
SELECT DISTINCT ON (g.entitlement_id) g.*, way.number
FROM ({grants}) AS g
JOIN unnest($2::bigint[], $3::boolean[], $4::int[]) WITH ORDINALITY AS way(identity, certain, hops, number)
    ON way.identity = g.identity_id
WHERE NOT g.pk = ANY($5::bigint[])
ORDER BY g.entitlement_id, NOT (way.certain AND g.sure), way.hops, g.pk
"""


class Held(NamedTuple):
    """A grant that works, as the questions here need it. `sure`: nothing about it is only approximate."""

    grant: int
    identity: int
    entitlement: int
    task: int | None = None
    sure: bool = True


class Right(NamedTuple):
    """One entitlement that is reached, by the shortest way: a certain one, if there is any."""

    held: Held
    place: Place

    @property
    def certain(self) -> bool:
        return self.place.certain and self.held.sure

    @property
    def hops(self) -> int:
        return len(self.place.hops)


@dataclass(slots=True)
class Access:
    """All that an identity reaches: `rights` by entitlement, its own among them (no hops)."""

    walk: Walk
    rights: dict[int, Right] = field(default_factory=dict)

    def through_others(self) -> dict[int, Right]:
        return {key: right for key, right in self.rights.items() if right.hops}


def allowed(at: datetime) -> QuerySet[Grant]:
    """Grants that give something at the moment."""
    return Grant.objects.effective(at).filter(entitlement__effect=Entitlement.Effect.ALLOW)


def access_of(identity: int, at: datetime, *, hops_of: HopsOf | None = None) -> Access:
    """What the identity (its key) can do now, with the shortest way to each entitlement.

    A hub acts as thousands who hold tens of thousands of grants: of those that every way carries whole, the database
    chooses the best for each entitlement, and only these are fetched.
    """
    walk = acting_as(identity, hops_of or held_by(at))
    if len(walk.places) == 1 and not Identity.objects.active().filter(pk=identity).exists():
        return Access(walk)
    # Whoever acts as somebody is active, and so is whom it acts as: hops are delegations that work.
    whole, narrowed = _by_what_they_carry(walk)
    denied = denials.denied(walk.identities())
    rights = rights_of(narrowed, _held(_granted(narrowed, at), denied)) if narrowed else {}
    for right in _nearest(whole, denied, at):
        known = rights.get(right.held.entitlement)
        if known is None or _rank(right) < _rank(known):
            rights[right.held.entitlement] = right
    return Access(walk, rights)


Places = Mapping[int, list[Place]]


def rights_of(places: Places, grants: Iterable[Held]) -> dict[int, Right]:
    """The best way to each entitlement that the grants give and the places of their holders carry."""
    best: dict[int, tuple[bool, int, int]] = {}
    rights: dict[int, tuple[Held, Place]] = {}
    for held in grants:
        for place in places.get(held.identity, ()):
            if place.carries(held.entitlement, held.task):
                rank = (not (place.certain and held.sure), len(place.hops), held.grant)
                known = best.get(held.entitlement)
                if known is None or rank < known:
                    best[held.entitlement], rights[held.entitlement] = rank, (held, place)
    return {entitlement: Right(*found) for entitlement, found in rights.items()}


def grants_of(identities: Collection[int], at: datetime) -> list[Held]:
    """What these were granted and is not denied to them, in at most four queries."""
    known = Identity.objects.active().filter(one_of("inventory_identity.id", identities))
    active = list(known.order_by().values_list("pk", flat=True))
    return _held(_granted(active, at), denials.denied(active)) if active else []


def holders_of(entitlements: Collection[int], at: datetime) -> list[Held]:
    """Who holds one of these entitlements."""
    rows = allowed(at).filter(one_of("inventory_grant.entitlement_id", entitlements))
    found = _held(rows, frozenset())
    denied = denials.denied({held.identity for held in found})
    return [held for held in found if held.grant not in denied]


def _granted(active: Collection[int], at: datetime) -> QuerySet[Grant]:
    """The grants of active identities that give something. That they are active is asked apart: joined, the planner
    takes grants and identities for independent of each other, expects a few rows, and fetches each entitlement of a
    hub's thousands by itself."""
    return _allowing(at).filter(one_of("inventory_grant.identity_id", active))


def _allowing(at: datetime) -> QuerySet[Grant]:
    return Grant.objects.effective_if_active(at).filter(
        entitlement__effect=Entitlement.Effect.ALLOW
    )


def _held(rows: QuerySet[Grant], denied: Collection[int]) -> list[Held]:
    """The grants as `Held`, without those that are denied."""
    found = [Held._make(row) for row in rows.annotate(sure=_SURE).values_list(*_HELD)]
    return [held for held in found if held.grant not in denied] if denied else found


def _by_what_they_carry(walk: Walk) -> tuple[Places, Places]:
    """The places of those to whom every way carries all that they hold, and of the others."""
    whole: dict[int, list[Place]] = {}
    narrowed: dict[int, list[Place]] = {}
    for identity, places in walk.identities().items():
        plain = all(place.scope is None and place.task is None for place in places)
        (whole if plain else narrowed)[identity] = places
    return whole, narrowed


def _nearest(places: Places, denied: Collection[int], at: datetime) -> list[Right]:
    """The best right to each entitlement, by the same order as `rights_of`; the ways carry everything."""
    if not places:
        return []
    ways = [place for there in places.values() for place in there]
    rows = _best().rows(
        at,
        [place.identity for place in ways],
        [place.certain for place in ways],
        [len(place.hops) for place in ways],
        list(denied),
    )
    return [Right(Held._make(row[:-1]), ways[row[-1] - 1]) for row in rows]


@cache
def _best() -> Statement:
    """Takes the moment; whom the ways reach, whether for certain, and by how many hops; and the denied grants."""
    rows = _allowing(THEN).order_by().annotate(sure=_SURE).values_list(*_HELD)
    sql, values = rows.query.sql_with_params()
    return prepared.numbered(
        _BEST.format(grants=sql), [prepared.slotted(value) for value in values], given=5
    )


def who_reaches(entitlements: Collection[int], at: datetime) -> tuple[Walk, list[Right]]:
    """Who can use one of the entitlements, and how: one right for each identity, by its shortest way."""
    grants = holders_of(entitlements, at)
    starts: dict[tuple[int, int | None, bool], set[int]] = {}
    for held in grants:
        starts.setdefault((held.identity, held.task, held.sure), set()).add(held.entitlement)
    # What a holder has there is the scope it starts with, so that each way carries only what it really leads to.
    places = [
        Place(identity, scope=frozenset(scope), task=task, certain=sure)
        for (identity, task, sure), scope in starts.items()
    ]
    walk = actors_of(places, given_by(at))
    return walk, list(_best_of(walk, grants).values())


def who_acts_as(identity: int, at: datetime) -> Walk:
    """Who can act as the identity (its key), directly or through others."""
    return actors_of([Place(identity)], given_by(at))


def _best_of(walk: Walk, grants: Iterable[Held]) -> dict[int, Right]:
    of: dict[tuple[int, int], list[Held]] = {}
    for held in grants:
        of.setdefault((held.identity, held.entitlement), []).append(held)
    best: dict[int, Right] = {}
    for place in walk.places:
        end = place.hops[-1].subject if place.hops else place.identity
        if place.identity is None or end is None:
            continue
        for entitlement in place.scope or ():
            for held in of.get((end, entitlement), ()):
                right = Right(held, place)
                known = best.get(place.identity)
                carried = place.carries(entitlement, held.task)
                if carried and (known is None or _rank(right) < _rank(known)):
                    best[place.identity] = right
    return best


def _rank(right: Right) -> tuple[bool, int, int]:
    return (not right.certain, right.hops, right.held.grant)
