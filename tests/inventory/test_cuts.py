"""The smallest cut: it removes every way, nothing smaller does, and what it says is kept is kept."""

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory import effective
from inventory.access_graph import acting_as, held_by
from inventory.cuts import Cut, Removal, Target, propose, still_reached, without
from inventory.models import Delegation, DelegationBasis, Grant
from tests.factories import (
    NOW,
    a_delegation,
    a_grant,
    a_source,
    a_system,
    an_entitlement,
    an_identity,
)

pytestmark = pytest.mark.django_db
WHO = range(5)
HOPS = st.lists(
    st.tuples(st.sampled_from(WHO), st.sampled_from(WHO), st.booleans()).filter(lambda hop: hop[0] != hop[1]),
    max_size=8, unique_by=lambda hop: hop[:2],
)  # fmt: skip
HELD = st.lists(st.tuples(st.sampled_from(WHO), st.sampled_from(range(2))), max_size=5, unique=True)


def build(hops: list[Any], held: list[Any]) -> tuple[list[Any], list[Any]]:
    """Identities and two entitlements; a derived hop rests on one grant of its actor."""
    source = a_source()
    identities = [an_identity(source=source) for _ in WHO]
    system = a_system(source=source)
    entitlements = [an_entitlement(source=source, system=system) for _ in range(2)]
    for who, what in held:
        a_grant(identity=identities[who], entitlement=entitlements[what], source=source)
    for actor, subject, derived in hops:
        row = a_delegation(
            delegate=identities[actor], delegator_identity=identities[subject], derived=derived
        )
        if derived:
            basis = a_grant(identity=identities[actor], source=source)
            DelegationBasis.objects.create(delegation=row, part=1, grant=basis)
    return identities, entitlements


def apply(cut: Cut) -> None:
    for removal in cut.removals:
        model = Delegation if removal.noun == "delegation" else Grant
        changed = model._default_manager.filter(pk=removal.key).update(revoked_at=NOW)
        assert changed == 1


@settings(max_examples=60)
@given(hops=HOPS, held=HELD)
def test_a_cut_removes_every_way_and_nothing_that_it_keeps(
    hops: list[Any], held: list[Any]
) -> None:
    identities, entitlements = build(hops, held)
    start, target = identities[0].pk, Target(frozenset({entitlements[0].pk}))

    proposal = propose(start, target, NOW)

    reached = entitlements[0].pk in effective.access_of(start, NOW).rights
    assert (proposal.way is not None) == reached
    if not reached:
        assert not proposal.cuts
        return
    assert proposal.smallest
    assert not any(cuts_all(set(few), start, target) for few in smaller(proposal.cuts[0]))
    for cut in proposal.cuts[1:]:
        assert len(cut.removals) == len(proposal.cuts[0].removals)
    apply(proposal.cuts[0])
    assert still_reached(start, target, NOW) is None
    for effect in proposal.cuts[0].effects:
        rights = effective.access_of(effect.identity, NOW).rights
        assert set(rights) == effect.kept
        assert not effect.kept & effect.lost


def smaller(cut: Cut) -> list[tuple[Removal, ...]]:
    """Every set of one thing less, of all there is."""
    everything = [
        *(Removal("delegation", key) for key in Delegation.objects.filter(derived=False).values_list("pk", flat=True)),
        *(Removal("grant", key) for key in Grant.objects.values_list("pk", flat=True)),
    ]  # fmt: skip
    return list(combinations(everything, len(cut.removals) - 1))[:80]


def cuts_all(removals: set[Removal], start: int, target: Target) -> bool:
    walk = acting_as(start, without(held_by(NOW), removals, NOW))
    grants = [
        held
        for held in effective.grants_of(walk.identities(), NOW)
        if Removal("grant", held.grant) not in removals
    ]
    return not target.entitlements & set(effective.rights_of(walk.identities(), grants))


def test_where_two_ways_meet_one_removal_is_enough() -> None:
    agent, left, right, role = (an_identity() for _ in range(4))
    goal = a_grant(identity=role)
    for middle in (left, right):
        a_delegation(delegate=agent, delegator_identity=middle)
        a_delegation(delegate=middle, delegator_identity=role)

    proposal = propose(agent.pk, Target(frozenset({goal.entitlement_id})), NOW)

    assert [cut.removals for cut in proposal.cuts] == [frozenset({Removal("grant", goal.pk)})]


def test_of_equal_cuts_the_one_that_breaks_least_comes_first() -> None:
    agent, role = an_identity(), an_identity()
    goal = a_grant(identity=role)
    a_grant(identity=role)  # what the agent would lose with the delegation as well
    row = a_delegation(delegate=agent, delegator_identity=role)

    proposal = propose(agent.pk, Target(frozenset({goal.entitlement_id})), NOW)

    assert [sorted(cut.removals) for cut in proposal.cuts] == [
        [Removal("delegation", row.pk)],
        [Removal("grant", goal.pk)],
    ]
    assert [[len(effect.lost) for effect in cut.effects] for cut in proposal.cuts] == [[2], [1, 1]]


def test_an_identity_can_be_the_target() -> None:
    agent, middle, role = (an_identity() for _ in range(3))
    first = a_delegation(delegate=agent, delegator_identity=middle)
    second = a_delegation(delegate=middle, delegator_identity=role)

    proposal = propose(agent.pk, Target(identity=role.pk), NOW)

    assert {removal.key for cut in proposal.cuts for removal in cut.removals} == {
        first.pk,
        second.pk,
    }
    assert propose(role.pk, Target(identity=agent.pk), NOW).way is None


def test_a_derived_delegation_is_cut_by_all_grants_of_one_part() -> None:
    agent, role = an_identity(), an_identity()
    row = a_delegation(delegate=agent, delegator_identity=role, derived=True)
    pass_one, pass_two, run, ended = (a_grant(identity=agent) for _ in range(4))
    Grant.objects.filter(pk=ended.pk).update(revoked_at=NOW)
    for part, grant in ((1, pass_one), (1, pass_two), (2, run), (2, ended)):
        DelegationBasis.objects.create(delegation=row, part=part, grant=grant)

    proposal = propose(agent.pk, Target(identity=role.pk), NOW)

    assert [cut.removals for cut in proposal.cuts] == [frozenset({Removal("grant", run.pk)})]


def test_many_separate_ways_are_cut_one_by_one_and_said_not_to_be_proven_smallest() -> None:
    agent, entitlement = an_identity(), an_entitlement()
    for _ in range(6):
        role = an_identity()
        a_grant(identity=role, entitlement=entitlement)
        a_delegation(delegate=agent, delegator_identity=role)

    proposal = propose(agent.pk, Target(frozenset({entitlement.pk})), NOW)

    assert not proposal.smallest
    assert len(proposal.cuts[0].removals) == 6
    apply(proposal.cuts[0])
    assert still_reached(agent.pk, Target(frozenset({entitlement.pk})), NOW) is None
