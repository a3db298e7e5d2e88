"""Who reaches what, and how: the answers to questions across identities, with names and the reason at every hop."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from inventory import access
from inventory.access_graph import LONGEST, Place, acting_as, held_by, one_of
from inventory.action_patterns import covers_resource
from inventory.delegation_methods import HOWS, METHODS
from inventory.effective import Right, access_of, who_reaches
from inventory.models import (
    Delegation,
    DelegationScope,
    Entitlement,
    Grant,
    Identity,
    Person,
    Resource,
    User,
)

NAMED = 5  # entitlements of a scope that are named


@dataclass(frozen=True)
class Step:
    """One hop of a path with its reason. `seen`: the asking user may open the delegation's page."""

    delegation: Delegation
    actor: str
    subject: str
    how: str
    method: str
    meaning: str
    reference: str
    scope: str
    seen: bool

    @property
    def certain(self) -> bool:
        return not self.delegation.conditions and not self.delegation.caveats


@dataclass(frozen=True)
class Path:
    """Hops in order, and the grant at the end (none where the question was about an identity)."""

    steps: list[Step]
    certain: bool
    grant: Grant | None = None


@dataclass(frozen=True)
class Someone:
    """An identity or person that was reached, named for the asking user; `seen`: they may open its page."""

    key: int
    name: str
    words: str
    seen: bool
    place: Place

    @property
    def hops(self) -> int:
        return len(self.place.hops)


def entitlements_on(resource: Resource) -> list[int]:
    """Keys of what can be done with the resource: what names it, and what covers it by its system's patterns."""
    rows = Entitlement.objects.filter(system=resource.system_id, effect="allow").order_by()
    return [
        key
        for key, named, patterns, excluded in rows.values_list(
            "pk", "resource_id", "resources", "not_resources"
        )
        if named == resource.pk
        or (named is None and _covers(resource.external_id, patterns, excluded))
    ]


def _covers(name: str, patterns: list[str], excluded: list[str]) -> bool:
    if excluded:
        return not any(covers_resource(pattern, name) for pattern in excluded)
    return any(covers_resource(pattern, name) for pattern in patterns)


def reached_by(
    entitlements: Collection[int], *, user: User, at: datetime
) -> list[tuple[Someone, Right]]:
    """Who can use one of these, by the shortest way each: those who hold it themselves first."""
    _, rights = who_reaches(entitlements, at)
    people = {
        someone.key: someone for someone in identities((right.place for right in rights), user=user)
    }
    found = [
        (people[right.place.identity], right)
        for right in rights
        if right.place.identity is not None and right.place.identity in people
    ]
    found.sort(key=lambda pair: (pair[1].hops, not pair[1].certain, pair[0].name))
    return found


def path_to_entitlement(
    identity: int, entitlement: int, *, user: User, at: datetime
) -> Path | None:
    """How the identity can use the entitlement; None when it cannot."""
    right = access_of(identity, at).rights.get(entitlement)
    if right is None:
        return None
    grant = Grant.objects.select_related("identity", "entitlement__system").get(pk=right.held.grant)
    return Path(steps(right.place, user=user), right.certain, grant)


def path_to_identity(identity: int, other: int, *, user: User, at: datetime) -> Path | None:
    """How the identity can act as the other; None when it cannot within LONGEST hops."""
    places = acting_as(identity, held_by(at)).identities().get(other, [])
    ways = sorted(
        (place for place in places if place.hops), key=lambda p: (not p.certain, len(p.hops))
    )
    return Path(steps(ways[0], user=user), ways[0].certain) if ways else None


def steps(place: Place, *, user: User) -> list[Step]:
    """The hops with names and reasons. At most four queries."""
    keys = [hop.delegation for hop in place.hops]
    rows = Delegation.objects.select_related(
        "delegate", "delegator_identity", "delegator_person", "task"
    )
    found = rows.in_bulk(keys)
    mine = access.visible_to(user, Delegation.objects.filter(pk__in=keys))
    seen = set(mine.values_list("pk", flat=True))
    scopes = _scopes(keys)
    return [
        _step(found[key], scopes.get(key, []), seen=key in seen) for key in keys if key in found
    ]


def _step(row: Delegation, scope: list[str], *, seen: bool) -> Step:
    how, method = HOWS[row.how], METHODS.get(row.method)
    more = f" and {len(scope) - NAMED:,} more" if len(scope) > NAMED else ""
    covers = (
        "All that the delegator may do" if row.scope_all else f"{', '.join(scope[:NAMED])}{more}"
    )
    return Step(
        delegation=row,
        actor=str(row.delegate),
        subject=str(row.delegator_identity or row.delegator_person),
        how=row.get_how_display(),
        method=method.title if method else "",
        meaning=method.meaning if method else how.meaning,
        reference=method.reference if method else how.reference,
        scope=covers or "Nothing that is named",
        seen=seen,
    )


def _scopes(delegations: list[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    rows = DelegationScope.objects.filter(delegation__in=delegations).order_by("entitlement__name")
    for key, name in rows.values_list("delegation_id", "entitlement__name"):
        found.setdefault(key, []).append(name)
    return found


def identities(places: Iterable[Place], *, user: User) -> list[Someone]:
    """The identities of the places by name, in the order of the places. Two queries at most."""
    of = {place.identity: place for place in places if place.identity is not None}
    rows = Identity.objects.filter(one_of("inventory_identity.id", of)).only("name", "kind")
    found = rows.in_bulk()
    seen = _seen(user, Identity.objects.filter(one_of("inventory_identity.id", of)), set(found))
    return [
        Someone(key, found[key].name, found[key].get_kind_display(), key in seen, place)
        for key, place in of.items()
        if key in found
    ]


def people(places: Iterable[Place], *, user: User) -> list[Someone]:
    """The same for people."""
    of = {place.person: place for place in places if place.person is not None}
    found = Person.objects.only("name").in_bulk(list(of))
    seen = _seen(user, Person.objects.filter(pk__in=of), set(found))
    return [
        Someone(key, found[key].name, "Person", key in seen, place)
        for key, place in of.items()
        if key in found
    ]


def _seen(user: User, rows: "access.Rows", everything: set[int]) -> set[int]:
    if access.sees_all(user):
        return everything
    return set(access.visible_to(user, rows.order_by()).values_list("pk", flat=True))


NO_WAY = f"There is no way now, within {LONGEST} hops."
