"""The parts of a decision that follow delegations: who stands behind a request, and what is reached through others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.db.models import Q, QuerySet

from inventory.access_graph import Hop, acting_as, held_by, one_of
from inventory.models import Entitlement, Grant, Identity, Person
from runtime.coverage import Coverage, Row, Target, of_request
from runtime.decision_facts import grant_rows, grants_in
from runtime.decision_keys import Key, key_of
from runtime.questions import Refused

LONGEST_CHAIN = 8
FEW = 20  # identities through which something is reached
_MEND = "Ask with the chain as it is, or have the missing delegation made."


@dataclass(frozen=True, slots=True)
class Chain:
    """Who stands behind a request. `scope`: what all its delegations cover, None for all. `rests_on`: identities on
    whose facts that rests."""

    person: int | None = None
    email: str = ""
    length: int = 0
    scope: frozenset[int] | None = None
    rests_on: frozenset[int] = frozenset()


def standing(
    subject: int, said: Any, person_key: Any, task: Row | None, *, at: datetime
) -> Chain:  # Any: JSON
    """The chain that the request tells, each link of which must be a delegation that works now."""
    actors = [*_identities_of(said), subject]
    person = _person_of(person_key, task, at)
    hops = list(held_by(at)(set(actors)))
    links = [_link(hops, taker, giver=giver) for giver, taker in pairwise(actors)]
    if person is not None and not (task and task["for_person"] == person.pk):
        links.append(_link(hops, actors[0], person=person))
    return Chain(
        person=person.pk if person else None,
        email=person.email if person else "",
        length=len(links),
        scope=_narrowest(links),
        rests_on=frozenset(actors),
    )


def _identities_of(said: Any) -> list[int]:  # Any: JSON
    """The identities of `chain`, from the first caller to the one before the subject."""
    if said is None:
        return []
    if not isinstance(said, list) or len(said) > LONGEST_CHAIN:
        raise Refused(
            "chain_broken",
            f"The chain is no list of at most {LONGEST_CHAIN} identities.",
            "Name the callers in order, from the first one on.",
        )
    found = []
    for one in said:
        key = key_of(one.get("id") if isinstance(one, dict) else one)
        row = _identity(key)
        if row is None:
            raise Refused("chain_broken", "Somebody in the chain is not in the inventory.", _MEND)
        found.append(row.pk)
    return found


def _identity(key: Key) -> Identity | None:
    named = Q(pk=key.id) if key.id is not None else Q(spiffe_id=key.spiffe or "")
    if key.pair:
        named = Q(namespace=key.pair[0], external_id=key.pair[1])
    return Identity.objects.active().filter(named).first()


def _person_of(value: Any, task: Row | None, at: datetime) -> Person | None:  # Any: JSON
    """The person of the request or of its task; when both name one, it is the same one."""
    wanted = task["for_person"] if task else None
    if value is None:
        return Person.objects.filter(pk=wanted).first() if wanted else None
    key = key_of(value)
    named = Q(pk=key.id) if key.id is not None else Q(email__iexact=key.word or "")
    person = Person.objects.accountable(at).filter(named).first()
    if person is None:
        raise Refused(
            "person_gone",
            "The person on whose behalf it asks is not here (any more).",
            "Name somebody who is, or work on nobody's behalf.",
        )
    if wanted and wanted != person.pk:
        raise Refused(
            "chain_broken",
            "The task is for somebody else than the request says.",
            "Ask on behalf of the person whom the task is for.",
        )
    return person


def _link(
    hops: Sequence[Hop], taker: int, *, giver: int | None = None, person: Person | None = None
) -> Hop:
    wanted = person.pk if person else None
    found = [
        hop for hop in hops
        if hop.actor == taker and hop.subject == giver and hop.person == wanted
    ]  # fmt: skip
    if not found:
        by = person.email if person else f"identity {giver}"
        raise Refused(
            "chain_broken", f"No delegation from {by} to identity {taker} works now.", _MEND
        )
    certain = [hop for hop in found if hop.certain]
    if not certain:
        raise Refused(
            "chain_uncertain",
            "A delegation in the chain has conditions that cannot be judged here.",
            "Have a delegation made without conditions.",
        )
    return max(certain, key=lambda hop: (hop.scope is None, len(hop.scope or ())))


def _narrowest(links: Sequence[Hop]) -> frozenset[int] | None:
    scopes = [link.scope for link in links if link.scope is not None]
    return frozenset.intersection(*scopes) if scopes else None


@dataclass(frozen=True, slots=True)
class Through:
    """What covers a request by acting as somebody else, and how many hops away. `rests_on`: all identities that were
    reached; None when they are too many."""

    coverage: Coverage
    hops: int = 0
    rests_on: frozenset[int] | None = frozenset()


def through_others(
    identity: int, *, action: str | None, target: Target, task: int | None, at: datetime
) -> Through:
    """The nearest certain way to a grant that covers it (law 2: what the way carries, and no more)."""
    walk = acting_as(identity, held_by(at))
    places = {key: found for key, found in walk.identities().items() if key != identity}
    rows: dict[int, list[Row]] = {}
    for row in _rows(list(places), target.system, at):
        rows.setdefault(row["identity_id"], []).append(row)
    best = Through(Coverage())
    for subject, theirs in rows.items():
        for place in places[subject]:
            carried = [
                row for row in theirs
                if row["effect"] == Entitlement.Effect.DENY
                or place.carries(row["entitlement_id"], row["task_id"])
            ]  # fmt: skip
            found = of_request(carried, action=action, target=target, task=task)
            if found.grant is not None and not place.certain:
                found = Coverage(perhaps=found.grant)
            best = _nearer(best, Through(found, len(place.hops)))
    few = len(places) <= FEW and not walk.cut_short
    return replace(best, rests_on=frozenset(places) if few else None)


def acts_as(identity: int, other: int, *, at: datetime) -> Hop | None:
    """The delegation by which the identity may become the other one directly; a certain one, if there is any."""
    hops = [hop for hop in held_by(at)([identity]) if hop.subject == other]
    return min(hops, key=lambda hop: not hop.certain, default=None)


def _rows(identities: list[int], system: int, at: datetime) -> list[Row]:
    """For few identities there is a plan that is kept; for many, how to find them depends on how many."""
    if len(identities) <= FEW:
        return [*grants_in(system, identities, at=at)] if identities else []
    theirs = Q(one_of("inventory_grant.identity_id", identities), entitlement__system=system)
    allows: QuerySet[Grant] = Grant.objects.effective(at).filter(
        theirs, entitlement__effect=Entitlement.Effect.ALLOW
    )
    denies = Grant.objects.filter(theirs, entitlement__effect=Entitlement.Effect.DENY, gone_at=None)
    return [*grant_rows(denies), *grant_rows(allows)]


def _nearer(known: Through, new: Through) -> Through:
    return min(known, new, key=_rank)


def _rank(found: Through) -> tuple[bool, bool, int]:
    coverage = found.coverage
    return (coverage.grant is None, coverage.perhaps is None, found.hops)
