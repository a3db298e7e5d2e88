"""What is at stake with one identity: the reach of whoever gets hold of it, and what stops when it is stopped."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import NamedTuple

from django.db.models import Value
from django.db.models.functions import Coalesce

from inventory import prepared
from inventory.access_graph import Place, Walk, one_of
from inventory.effective import RISKS, SENSITIVITIES, Access, Right, access_of, who_acts_as
from inventory.models import Entitlement, Grant, Task
from inventory.prepared import KEYS, Statement

_WORST = {risk: place for place, risk in enumerate(RISKS)}
_DETAILS = ("pk", "name", "risk", "writes", "admin", "system_id", "system__name",
            "resource_id", "resource_name", "sensitivity")  # fmt: skip


class Reached(NamedTuple):
    """One entitlement that is reached, with what it is and how it is reached."""

    right: Right
    name: str
    risk: str
    writes: bool | None
    admin: bool
    system: int
    system_name: str
    resource: int | None
    resource_name: str
    sensitivity: str


@dataclass(slots=True)
class SystemReach:
    """What is reached in one system: entitlements by risk, and how many of them for certain."""

    system: int
    name: str
    risks: Counter[str] = field(default_factory=Counter)
    certain: int = 0

    @property
    def total(self) -> int:
        return self.risks.total()

    @property
    def worst(self) -> str:
        return next((risk for risk in RISKS if self.risks[risk]), "")


@dataclass(slots=True)
class BlastRadius:
    """What a leak of the identity's credential opens, at a moment.

    `identities`: whom it can act as, with the nearest way; `people`: on whose behalf; `datasets`: resources by
    sensitivity; `reached`: every entitlement, worst first, its own before others'.
    """

    access: Access
    reached: list[Reached]
    systems: list[SystemReach]
    datasets: dict[str, list[Reached]]
    identities: list[Place]
    people: list[Place]

    @property
    def through_others(self) -> int:
        return sum(bool(each.right.hops) for each in self.reached)

    def count(self, risk: str) -> int:
        return sum(each.risk == risk for each in self.reached)


def blast_radius(identity: int, at: datetime) -> BlastRadius:
    """Of the identity with this key. As many queries as hops, and two more."""
    access = access_of(identity, at)
    reached = described(access.rights.values())
    nearest = [places[0] for key, places in access.walk.identities().items() if key != identity]
    return BlastRadius(
        access=access, reached=reached, systems=_by_system(reached), datasets=_datasets(reached),
        identities=nearest, people=list(access.walk.people().values()),
    )  # fmt: skip


def described(rights: Iterable[Right]) -> list[Reached]:
    """The rights with what they are about: the riskiest first, then the nearest. One query."""
    by_key = {right.held.entitlement: right for right in rights}
    found = [Reached(by_key[key], *about) for key, *about in _details().rows(list(by_key))]
    found.sort(key=lambda each: (_WORST[each.risk], each.right.hops, each.name))
    return found


@cache
def _details() -> Statement:
    rows = Entitlement.objects.filter(one_of("inventory_entitlement.id", KEYS)).annotate(
        resource_name=Coalesce("resource__name", Value("")),
        sensitivity=Coalesce("resource__sensitivity", Value("")),
    )
    return prepared.of(rows.order_by().values_list(*_DETAILS))


def _by_system(reached: list[Reached]) -> list[SystemReach]:
    found: dict[int, SystemReach] = {}
    for each in reached:
        there = found.setdefault(each.system, SystemReach(each.system, each.system_name))
        there.risks[each.risk] += 1
        there.certain += each.right.certain
    return sorted(
        found.values(), key=lambda there: (RISKS.index(there.worst), -there.total, there.name)
    )


def _datasets(reached: list[Reached]) -> dict[str, list[Reached]]:
    """One entry of each resource, under its sensitivity, the most sensitive first."""
    found: dict[str, dict[int, Reached]] = {word: {} for word in SENSITIVITIES}
    for each in reached:
        if each.resource is not None:
            found[each.sensitivity].setdefault(each.resource, each)
    return {word: list(there.values()) for word, there in found.items() if there}


@dataclass(frozen=True, slots=True)
class Dependants:
    """What stops with an identity: who acts through it, and its own work under way."""

    walk: Walk
    tasks: list[Task]
    used_grants: int  # of its grants, those used within the days asked about
    grants: int

    @property
    def actors(self) -> list[Place]:
        """The identities that act through it, each by its nearest way; those next to it first."""
        return [places[0] for places in self.walk.identities().values() if places[0].hops]


def breaks_if_suspended(identity: int, at: datetime, *, used_since: datetime) -> Dependants:
    """Of the identity with this key. As many queries as hops, and two more."""
    grants = Grant.objects.effective(at).filter(identity=identity)
    uses = list(grants.values_list("last_used_at", flat=True))
    return Dependants(
        walk=who_acts_as(identity, at),
        tasks=list(Task.objects.open(at).filter(identity=identity).order_by("deadline", "pk")),
        used_grants=sum(used is not None and used >= used_since for used in uses),
        grants=len(uses),
    )
