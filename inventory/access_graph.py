"""The graph of who may act as whom: its hops, and the one walk through them that every question uses.

A hop is a delegation that works (law 1), from its delegate (the actor) to its delegator. A path is hops in a row, each
actor being whom the hop before acts as. What a path carries only narrows (law 2):
- scope: what all its hops cover;
- passing on: what somebody holds by a delegation that may not be passed on ends there;
- task: hops of one task carry standing access and that task's, never another task's;
- certainty: a hop with conditions, or one that only approximates its platform, makes everything behind it a "may".
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, Case, ExpressionWrapper, OuterRef, Q, When
from django.db.models.expressions import RawSQL

from inventory import prepared
from inventory.models import Delegation, DelegationScope
from inventory.models.delegation import still_given_q
from inventory.prepared import KEYS, THEN, Row, Statement

LONGEST = 8  # hops that a walk follows; chains are rarely longer than four
WIDEST = 20_000  # identities after which a walk stops, and says so


class Hop(NamedTuple):
    """One delegation: `actor` may act as the identity `subject`, or (subject None) for the person.

    `scope`: keys of entitlements, None for all. `may_pass_on`: the actor may hand what it holds by this to others.
    `derived`: it follows from grants of the actor, and cannot be ended but by ending these.
    """

    delegation: int
    actor: int
    subject: int | None
    person: int | None = None
    scope: frozenset[int] | None = None
    task: int | None = None
    may_pass_on: bool = True
    certain: bool = True
    how: str = ""
    derived: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a walk arrived, and what may be carried along the way there.

    `identity`: who was reached; None for a person, who is `person`. `hops`: from the start to here; none at the start.
    """

    identity: int | None
    person: int | None = None
    hops: tuple[Hop, ...] = ()
    scope: frozenset[int] | None = None
    task: int | None = None
    certain: bool = True

    def covers(self, other: "Place") -> bool:
        """Whether everything that the other place carries is carried here as well, at least as certainly."""
        wide = self.scope is None or (other.scope is not None and other.scope <= self.scope)
        return wide and self.task in (None, other.task) and (self.certain or not other.certain)

    @property
    def hands_on(self) -> bool:
        """Whether somebody further may act through the one at the near end."""
        return not self.hops or self.hops[0].may_pass_on

    def carries(self, entitlement: int, task: int | None) -> bool:
        """Whether a grant of the entitlement, for the task or standing, comes through."""
        in_scope = self.scope is None or entitlement in self.scope
        return in_scope and (task is None or self.task is None or self.task == task)


HopsOf = Callable[[Collection[int]], Iterable[Hop]]


@dataclass(slots=True)
class Walk:
    """All places that a walk reached, nearest first. `cut_short`: further ones exist that were not looked at."""

    places: list[Place] = field(default_factory=list)
    cut_short: bool = False

    def identities(self) -> dict[int, list[Place]]:
        """The places of each identity, nearest first."""
        found: dict[int, list[Place]] = {}
        for place in self.places:
            if place.identity is not None:
                found.setdefault(place.identity, []).append(place)
        return found

    def people(self) -> dict[int, Place]:
        """The nearest place of each person."""
        found: dict[int, Place] = {}
        for place in self.places:
            if place.person is not None:
                found.setdefault(place.person, place)
        return found


def acting_as(start: int, hops_of: HopsOf, *, longest: int = LONGEST) -> Walk:
    """As whom the identity can act: itself first, then whoever is reached, with the ways that carry something new."""
    return _walk([Place(start)], hops_of, step_on, longest)


def actors_of(starts: Iterable[Place], hops_of: HopsOf, *, longest: int = LONGEST) -> Walk:
    """Who can act as one of these; the hops of a place lead from it to the start that it reaches.

    A start may be limited to the entitlements that are asked about: then each way carries what of them it leads to.
    """
    return _walk(list(starts), hops_of, step_back, longest)


Step = Callable[[Place, Hop], Place | None]


def _walk(starts: Sequence[Place], hops_of: HopsOf, step: Step, longest: int) -> Walk:
    """Breadth first, so that the first place of an identity has the fewest hops; certain ways before others.

    A place that carries nothing new is not walked from again: cycles end, and each identity is left in few ways.
    """
    walk = Walk(places=list(starts))
    known: dict[tuple[int | None, int | None], list[Place]] = {}
    for start in starts:
        known.setdefault((start.identity, start.person), []).append(start)
    edge, backward = list(starts), step is step_back
    for length in range(longest + 1):
        there = {place.identity for place in edge if place.identity is not None}
        if not there:
            return walk
        hops = _by_end(hops_of(there), backward=backward)
        found = [new for place in edge for new in _steps(place, hops, step)]
        found.sort(key=lambda place: not place.certain)
        edge = [place for place in found if _is_new(place, known, backward=backward)]
        if edge and (length == longest or len(walk.places) > WIDEST):
            walk.cut_short = True
            return walk
        walk.places.extend(edge)
    return walk


def _steps(place: Place, hops: Mapping[int, list[Hop]], step: Step) -> Iterator[Place]:
    if place.identity is not None:
        for hop in hops.get(place.identity, ()):
            new = step(place, hop)
            if new is not None:
                yield new


def _by_end(hops: Iterable[Hop], *, backward: bool) -> dict[int, list[Hop]]:
    found: dict[int, list[Hop]] = {}
    for hop in hops:
        end = hop.subject if backward else hop.actor
        if end is not None:
            found.setdefault(end, []).append(hop)
    return found


def _is_new(
    place: Place, known: dict[tuple[int | None, int | None], list[Place]], *, backward: bool
) -> bool:
    """Backward, what may not be handed on must not hide a way that may."""
    there = known.setdefault((place.identity, place.person), [])
    for old in there:
        if old.covers(place) and (not backward or old.hands_on or not place.hands_on):
            return False
    there.append(place)
    return True


def step_on(place: Place, hop: Hop) -> Place | None:
    """Where the hop leads from the place; None where it carries nothing further."""
    if place.hops and not hop.may_pass_on:
        return None
    return _narrowed(place, hop, hop.subject, hop.person, (*place.hops, hop))


def step_back(place: Place, hop: Hop) -> Place | None:
    """Who reaches the place by the hop; None where the hop carries nothing of it."""
    # What the nearer actor holds by its own hop is what would be passed on to a further one.
    if not place.hands_on:
        return None
    return _narrowed(place, hop, hop.actor, None, (hop, *place.hops))


def _narrowed(
    place: Place, hop: Hop, identity: int | None, person: int | None, hops: tuple[Hop, ...]
) -> Place | None:
    if place.task is not None and hop.task is not None and place.task != hop.task:
        return None
    scope = hop.scope if place.scope is None else place.scope
    if place.scope is not None and hop.scope is not None:
        scope = place.scope & hop.scope
    if scope is not None and not scope:
        return None
    return Place(
        identity, person, hops, scope, place.task or hop.task, place.certain and hop.certain
    )


_SURE = ExpressionWrapper(Q(conditions={}, caveats=[]), output_field=BooleanField())
_COVERED = Case(
    When(scope_all=True, then=None),
    default=ArraySubquery(
        DelegationScope.objects.filter(delegation=OuterRef("pk")).values("entitlement")
    ),
)
_DELEGATE, _DELEGATOR = "delegate_id", "delegator_identity_id"
_FIELDS = ("pk", "delegate_id", "delegator_identity_id", "delegator_person_id", "task_id", "covered",
           "may_redelegate", "sure", "how", "derived")  # fmt: skip


def held_by(at: datetime, *, only: Q | None = None) -> HopsOf:
    """The hops of these actors, in one query, or two where some are derived. `only` narrows the kinds of delegation."""
    return _reader(at, _DELEGATE, only)


def given_by(at: datetime, *, only: Q | None = None) -> HopsOf:
    """The hops to these subjects."""
    return _reader(at, _DELEGATOR, only)


def one_of(column: str, keys: Collection[int]) -> RawSQL:
    """Whether the column holds one of the keys: an array, so that thousands of them are one parameter."""
    text = f"{column} = ANY(%s)"
    given = keys if isinstance(keys, list) else list(keys)
    return RawSQL(text, [given], BooleanField())  # noqa: S611  values are parameters


def _reader(at: datetime, column: str, only: Q | None) -> HopsOf:
    """Asks hop by hop; the statements are written once, for each narrowing by kinds once for each walk.

    Whoever a hop leads to is active, so only where a walk begins this is asked.
    """
    first, further = _written(column) if only is None else _statements(column, only)
    active: set[int] = set()
    end = 1 if column == _DELEGATOR else 2  # of a row: its actor, or its subject

    def read(keys: Collection[int]) -> list[Hop]:
        statement = further if active.issuperset(keys) else first
        found = _still_given(statement.rows(at, list(keys)), at)
        active.update(row[end] for row in found if row[end] is not None)
        return [
            Hop(
                delegation, actor, subject, person, None if scope is None else frozenset(scope),
                task, passes is not False, sure, how, derived,
            )
            for delegation, actor, subject, person, task, scope, passes, sure, how, derived in found
        ]  # fmt: skip

    return read


def _statements(column: str, only: Q) -> tuple[Statement, Statement]:
    """The hops at ends of which nothing is known, and at those that are known to be active."""
    known = "delegator_identity" if column == _DELEGATOR else "delegate"
    first, further = (
        prepared.of(
            rows.filter(one_of(f"inventory_delegation.{column}", KEYS), only)
            .annotate(sure=_SURE, covered=_COVERED)
            .order_by("pk")
            .values_list(*_FIELDS)
        )
        for rows in (
            Delegation.objects.effective_if_given(THEN),
            Delegation.objects.effective_from(THEN, known),
        )
    )
    return first, further


@cache
def _written(column: str) -> tuple[Statement, Statement]:
    return _statements(column, Q())


def _still_given(found: list[Row], at: datetime) -> list[Row]:
    """Without those derived ones whose grants have ended."""
    derived = [row[0] for row in found if row[9]]
    if not derived:
        return found
    given = Delegation.objects.filter(still_given_q(at), pk__in=derived)
    still = set(given.order_by().values_list("pk", flat=True))
    return [row for row in found if not row[9] or row[0] in still]
