"""Effective access against a slow, obviously right reference, on random graphs with rings, ends, scopes and tasks."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory import effective
from inventory.access_graph import LONGEST, Place, acting_as, actors_of, held_by
from inventory.models import Delegation, DelegationBasis, DelegationScope
from tests.factories import (
    NOW,
    a_delegation,
    a_grant,
    a_person,
    a_source,
    a_system,
    a_task,
    ago,
    an_entitlement,
    an_identity,
    days,
)

pytestmark = pytest.mark.django_db
WHO, WHAT = range(5), range(4)


@dataclass
class World:
    """What was drawn, in plain words; numbers are places in the lists of rows."""

    suspended: set[int]
    grants: list[dict[str, Any]]
    hops: list[dict[str, Any]]
    ids: list[int] = field(default_factory=list)
    entitlements: list[int] = field(default_factory=list)
    tasks: list[int] = field(default_factory=list)


WHEN = st.sampled_from(["always", "always", "ended", "future", "revoked", "gone"])
TASK = st.sampled_from([None, None, None, 0, 1, 2])  # the third is over
GRANTS = st.fixed_dictionaries(
    {"who": st.sampled_from(WHO), "what": st.sampled_from(WHAT), "when": WHEN, "task": TASK,
     "caveat": st.booleans()}
)  # fmt: skip
HOPS = st.fixed_dictionaries(
    {"actor": st.sampled_from(WHO), "subject": st.sampled_from(WHO), "when": WHEN, "task": TASK,
     "scope": st.none() | st.none() | st.frozensets(st.sampled_from(WHAT), min_size=1, max_size=3),
     "passes": st.sampled_from([None, True, False]), "condition": st.booleans()}
)  # fmt: skip
WORLDS = st.builds(
    World,
    suspended=st.sets(st.sampled_from(WHO), max_size=1),
    grants=st.lists(GRANTS, max_size=8),
    hops=st.lists(HOPS.filter(lambda hop: hop["actor"] != hop["subject"]), max_size=9),
)
ENDS = {
    "always": {}, "ended": {"starts_at": ago(9), "expires_at": ago(1)}, "future": {"starts_at": NOW + days(1)},
    "revoked": {"revoked_at": ago(1)}, "gone": {"gone_at": ago(1)},
}  # fmt: skip


def build(world: World) -> None:
    source, owner = a_source(), a_person()
    identities = [
        an_identity(
            source=source, owner=owner,
            lifecycle="suspended" if number in world.suspended else "active",
        )
        for number in WHO
    ]  # fmt: skip
    system = a_system(source=source)
    entitlements = [an_entitlement(source=source, system=system) for _ in WHAT]
    tasks = [
        a_task(identity=identities[0], deadline=ago(0.5) if over else NOW + days(1))
        for over in (False, False, True)
    ]
    for grant in world.grants:
        a_grant(
            identity=identities[grant["who"]], source=source, entitlement=entitlements[grant["what"]],
            task=None if grant["task"] is None else tasks[grant["task"]],
            caveats=["Only roughly."] if grant["caveat"] else [], **_interval(grant),
        )  # fmt: skip
    for hop in world.hops:
        row = a_delegation(
            delegate=identities[hop["actor"]], delegator_identity=identities[hop["subject"]],
            scope_all=hop["scope"] is None, may_redelegate=hop["passes"],
            task=None if hop["task"] is None else tasks[hop["task"]],
            conditions={"Bool": {"aws:MultiFactorAuthPresent": "true"}} if hop["condition"] else {},
            **_interval(hop),
        )  # fmt: skip
        for what in hop["scope"] or ():
            DelegationScope.objects.create(delegation=row, entitlement=entitlements[what])
    world.ids = [row.pk for row in identities]
    world.entitlements = [row.pk for row in entitlements]
    world.tasks = [row.pk for row in tasks]


def _interval(drawn: dict[str, Any]) -> dict[str, Any]:
    ends: dict[str, Any] = dict(ENDS[drawn["when"]])
    if drawn["task"] is not None:
        ends.setdefault("expires_at", NOW + days(5))
    return ends


def reference(world: World, start: int) -> dict[int, bool]:
    """What the start can do, and whether certainly: every path without a repeated hop, looked at one by one."""
    found: dict[int, bool] = {}
    for who, path in paths(world, start, []):
        for grant in world.grants:
            if grant["who"] == who and comes_through(grant, path):
                sure = not grant["caveat"] and not any(hop["condition"] for hop in path)
                found[grant["what"]] = found.get(grant["what"], False) or sure
    return found


def paths(
    world: World, who: int, path: list[dict[str, Any]]
) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    if who in world.suspended or len({hop["task"] for hop in path} - {None}) > 1:
        return
    yield who, path
    for hop in world.hops:
        handed_on = not path or hop["passes"] is not False
        fresh = hop not in path and len(path) < LONGEST
        if hop["actor"] == who and works(hop) and handed_on and fresh:
            yield from paths(world, hop["subject"], [*path, hop])


def works(drawn: dict[str, Any]) -> bool:
    return drawn["when"] == "always" and drawn["task"] != 2


def comes_through(grant: dict[str, Any], path: list[dict[str, Any]]) -> bool:
    tasks = {hop["task"] for hop in path} - {None}
    same_task = grant["task"] is None or not tasks or grant["task"] in tasks
    in_scope = all(hop["scope"] is None or grant["what"] in hop["scope"] for hop in path)
    return works(grant) and same_task and in_scope


@settings(max_examples=80)
@given(world=WORLDS)
def test_effective_access_is_what_every_path_gives(world: World) -> None:
    build(world)

    for start in WHO:
        rights = effective.access_of(world.ids[start], NOW).rights
        seen = {world.entitlements.index(key): right.certain for key, right in rights.items()}
        if start in world.suspended:
            continue  # who may not act is asked about on its page all the same; its own hops do not work
        assert seen == reference(world, start)


@settings(max_examples=60)
@given(world=WORLDS, what=st.sampled_from(WHAT))
def test_who_reaches_an_entitlement_is_the_same_question_from_the_other_end(
    world: World, what: int
) -> None:
    build(world)

    _, rights = effective.who_reaches([world.entitlements[what]], NOW)

    seen = {world.ids.index(right.place.identity): right.certain for right in rights}  # type: ignore[arg-type]
    expected = {start: found[what] for start in WHO if what in (found := reference(world, start))}
    assert seen == expected
    for right in rights:
        assert_walkable(right.place, to=right.held.identity)


def assert_walkable(place: Place, *, to: int) -> None:
    """The hops lead from the place's identity to the other without a gap."""
    at = place.identity
    for hop in place.hops:
        assert hop.actor == at
        at = hop.subject
    assert at == to


def test_the_shortest_certain_way_is_named() -> None:
    agent, near, far = an_identity(), an_identity(), an_identity()
    right = a_grant(identity=far)
    a_delegation(delegate=agent, delegator_identity=far, conditions={"Bool": {"mfa": "true"}})
    first = a_delegation(delegate=agent, delegator_identity=near)
    second = a_delegation(delegate=near, delegator_identity=far)

    found = effective.access_of(agent.pk, NOW).rights[right.entitlement_id]

    assert found.certain
    assert [hop.delegation for hop in found.place.hops] == [first.pk, second.pk]


def test_a_derived_delegation_ends_with_a_part_it_rests_on() -> None:
    agent, role = an_identity(), an_identity()
    reached = a_grant(identity=role)
    passes, also_passes, runs = (
        a_grant(identity=agent),
        a_grant(identity=agent),
        a_grant(identity=agent),
    )
    row = a_delegation(delegate=agent, delegator_identity=role, derived=True, how="run_as")
    for part, grant in ((1, passes), (1, also_passes), (2, runs)):
        DelegationBasis.objects.create(delegation=row, part=part, grant=grant)

    def works() -> bool:
        found = reached.entitlement_id in effective.access_of(agent.pk, NOW).rights
        assert found == Delegation.objects.effective(NOW).filter(pk=row.pk).exists()
        return found

    assert works()
    passes.revoked_at = ago(1)
    passes.save()
    assert works()  # the other grant of the same part is enough
    runs.expires_at = ago(1)
    runs.save()
    assert not works()


def test_a_derived_delegation_that_rests_on_nothing_known_does_not_work() -> None:
    row = a_delegation(derived=True)

    assert not Delegation.objects.effective(NOW).filter(pk=row.pk).exists()


def test_what_a_denial_covers_whole_is_not_given() -> None:
    agent, source = an_identity(), a_source()
    system = a_system(source=source)
    bucket = "arn:aws:s3:::ledger/*"
    reads = an_entitlement(system=system, actions=["s3:GetObject"], resources=[bucket])
    lists = an_entitlement(system=system, actions=["s3:ListBucket"], resources=["*"])
    denial = an_entitlement(
        system=system, effect="deny", actions=["s3:*"], resources=["arn:aws:s3:::*"]
    )
    for entitlement in (reads, lists, denial):
        a_grant(identity=agent, entitlement=entitlement)

    rights = effective.access_of(agent.pk, NOW).rights

    assert set(rights) == {lists.pk}


def test_a_denial_under_a_condition_takes_nothing_away() -> None:
    agent, system = an_identity(), a_system()
    reads = an_entitlement(system=system, actions=["s3:GetObject"], resources=["*"])
    denial = an_entitlement(
        system=system, effect="deny", actions=["*"], resources=["*"],
        conditions={"Bool": {"aws:SecureTransport": "false"}},
    )  # fmt: skip
    for entitlement in (reads, denial):
        a_grant(identity=agent, entitlement=entitlement)

    assert reads.pk in effective.access_of(agent.pk, NOW).rights


def test_a_person_acted_for_is_reached_and_goes_no_further() -> None:
    person, agent = a_person(), an_identity()
    a_delegation(delegate=agent, delegator_person=person)

    walk = acting_as(agent.pk, held_by(NOW))

    assert set(walk.people()) == {person.pk}


def test_a_chain_that_is_too_long_says_that_there_is_more() -> None:
    chain = [an_identity() for _ in range(LONGEST + 3)]
    for actor, subject in pairwise(chain):
        a_delegation(delegate=actor, delegator_identity=subject)

    walk = acting_as(chain[0].pk, held_by(NOW))

    assert walk.cut_short
    assert len(walk.places) == LONGEST + 1


def test_the_queries_grow_with_the_hops_not_with_the_identities() -> None:
    agent = an_identity()
    for _ in range(20):
        middle = an_identity()
        a_delegation(delegate=agent, delegator_identity=middle)
        a_delegation(delegate=middle, delegator_identity=a_grant().identity)

    with CaptureQueriesContext(
        connection,
    ) as asked:
        access = effective.access_of(agent.pk, NOW)

    assert len(access.rights) == 20
    assert len(asked) <= 6


def test_both_ends_of_the_walk_agree_on_who_is_there() -> None:
    first, second, third = (an_identity() for _ in range(3))
    a_delegation(delegate=first, delegator_identity=second)
    a_delegation(delegate=second, delegator_identity=third, may_redelegate=False)

    assert set(acting_as(first.pk, held_by(NOW)).identities()) == {first.pk, second.pk}
    assert set(effective.who_acts_as(third.pk, NOW).identities()) == {third.pk, second.pk}
    assert actors_of([Place(third.pk)], lambda keys: []).identities().keys() == {third.pk}
