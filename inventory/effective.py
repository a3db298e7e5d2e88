"""Effective access: what an identity can do at a moment, by its own grants and by acting as others, and how.

Law 2: through a delegation nobody can do more than the delegator. Where a platform's own rules could not be followed to
the end (a condition, a boundary that is not in the files), the answer is "may", never "can".
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from inventory import denials
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
from inventory.models import Entitlement, Grant

RISKS = ("critical", "high", "medium", "low")  # worst first
SENSITIVITIES = ("restricted", "confidential", "internal", "public", "")


_SURE = ExpressionWrapper(
    Q(caveats=[], entitlement__caveats=[], entitlement__conditions={}),
    output_field=BooleanField(),
)
_HELD = ("pk", "identity_id", "entitlement_id", "task_id", "sure")


class Held(NamedTuple):
    """A grant that works, as the questions here need it. `sure`: nothing about it is only approximate."""

    grant: int
    identity: int
    entitlement: int
    task: int | None = None
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Right:
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
    """What the identity (its key) can do now, with the shortest way to each entitlement."""
    walk = acting_as(identity, hops_of or held_by(at))
    return Access(walk, rights_of(walk, grants_of(walk.identities(), at)))


def rights_of(walk: Walk, grants: Iterable[Held]) -> dict[int, Right]:
    """The best way to each entitlement that the grants give and the ways carry."""
    places = walk.identities()
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


def grants_of(identities: Collection[int], at: datetime, *, only: Q | None = None) -> list[Held]:
    """What these were granted and is not denied to them, in at most three queries."""
    rows = allowed(at).filter(
        one_of("inventory_grant.identity_id", identities),
        one_of("inventory_identity.id", identities),  # or the planner reads the whole index of them
    )
    if only is not None:
        rows = rows.filter(only)
    return held_from(rows)


def held_from(rows: QuerySet[Grant]) -> list[Held]:
    """The grants as `Held`, without those that a denial covers whole."""
    found = [Held._make(row) for row in rows.annotate(sure=_SURE).values_list(*_HELD)]
    denied = denials.denied({held.identity for held in found})
    return [held for held in found if held.grant not in denied] if denied else found


def holders_of(entitlements: Collection[int], at: datetime) -> list[Held]:
    """Who holds one of these entitlements."""
    return held_from(allowed(at).filter(one_of("inventory_grant.entitlement_id", entitlements)))


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
