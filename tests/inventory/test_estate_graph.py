"""Refreshing the facts about chains: what counts, what is kept, and what a second time writes."""

from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory import estate_graph, tasks
from inventory.models import (
    ChainComputation,
    ChainFacts,
    Delegation,
    DelegationScope,
    Grant,
    Identity,
)
from inventory.models.chain import chains_computed_at
from inventory.models.identity import Risk
from reviews import sweep
from tests.factories import (
    NOW,
    a_delegation,
    a_grant,
    a_person,
    a_task,
    ago,
    an_entitlement,
    an_identity,
    days,
)

pytestmark = pytest.mark.django_db
Lifecycle = Identity.Lifecycle


def a_chain(length: int, **fields: Any) -> list[Identity]:
    """Each may act as the next."""
    chain = [an_identity() for _ in range(length + 1)]
    for taker, giver in pairwise(chain):
        a_delegation(delegate=taker, delegator_identity=giver, **fields)
    return chain


def a_high_grant(identity: Identity, risk: Risk = Risk.HIGH, **fields: Any) -> Grant:
    return a_grant(identity=identity, entitlement=an_entitlement(risk=risk), **fields)


def facts(identity: Identity) -> ChainFacts:
    return ChainFacts.objects.get(identity=identity)


def test_a_chain_relays_what_its_end_holds() -> None:
    first, middle, last = a_chain(2)
    a_high_grant(last)
    a_high_grant(last, Risk.CRITICAL)
    a_grant(identity=last)

    done = estate_graph.refresh(NOW)

    assert (done.identities, done.delegations, done.relaying, done.in_cycles) == (3, 2, 2, 0)
    for one, hops, takers in ((first, 2, 0), (middle, 1, 1)):
        row = facts(one)
        assert (row.hops, row.takers, row.cycle) == (hops, takers, None)
        assert (row.relayed, row.relayed_critical, row.relayed_certain) == (2, 1, 2)
    assert (facts(last).hops, facts(last).takers, facts(last).relayed) == (0, 1, 0)


def test_what_it_holds_itself_is_not_relayed() -> None:
    first, last = a_chain(1)
    grant = a_high_grant(last)
    a_grant(identity=first, entitlement=grant.entitlement)

    estate_graph.refresh(NOW)

    assert facts(first).relayed == 0


def test_a_denial_is_no_access() -> None:
    first, last = a_chain(1)
    a_grant(identity=last, entitlement=an_entitlement(risk=Risk.HIGH, effect="deny"))

    estate_graph.refresh(NOW)

    assert facts(first).relayed == 0


def test_access_four_hops_away_counts_and_five_hops_away_does_not() -> None:
    chain = a_chain(5)
    a_high_grant(chain[5])

    estate_graph.refresh(NOW)

    assert [facts(one).relayed for one in chain] == [0, 1, 1, 1, 1, 0]
    assert facts(chain[0]).hops == 5


def test_what_may_not_be_passed_on_stays_with_its_taker() -> None:
    first, middle, last = a_chain(1)[0], *a_chain(1, may_redelegate=False)
    a_delegation(delegate=first, delegator_identity=middle)
    a_high_grant(last)

    estate_graph.refresh(NOW)

    assert (facts(middle).relayed, facts(first).relayed, facts(first).hops) == (1, 0, 1)


def test_a_scope_limits_what_is_relayed() -> None:
    first, last = a_chain(1, scope_all=False)
    covered = a_high_grant(last)
    a_high_grant(last)
    DelegationScope.objects.create(
        delegation=Delegation.objects.get(), entitlement=covered.entitlement
    )

    estate_graph.refresh(NOW)

    assert facts(first).relayed == 1


def test_a_scope_that_names_nothing_passes_nothing() -> None:
    first, last = a_chain(1, scope_all=False)
    a_high_grant(last)

    estate_graph.refresh(NOW)

    assert facts(first).relayed == 0


@pytest.mark.parametrize(
    ("hop", "grant", "entitlement"),
    [
        ({"caveats": ["?"]}, {}, {}),
        ({"conditions": {"ip": "10.0.0.0/8"}}, {}, {}),
        ({}, {"caveats": ["?"]}, {}),
        ({}, {}, {"caveats": ["?"]}),
        ({}, {}, {"conditions": {"mfa": True}}),
    ],
)
def test_a_condition_or_a_caveat_anywhere_makes_it_uncertain(
    hop: dict[str, Any], grant: dict[str, Any], entitlement: dict[str, Any]
) -> None:
    first, last = a_chain(1, **hop)
    a_grant(identity=last, entitlement=an_entitlement(risk=Risk.HIGH, **entitlement), **grant)

    estate_graph.refresh(NOW)

    assert (facts(first).relayed, facts(first).relayed_certain) == (1, 0)


def test_access_for_a_task_does_not_pass_over_a_delegation_for_another() -> None:
    task, other = a_task(), a_task()
    same, last = a_chain(1, task=task, expires_at=NOW + days(1))
    elsewhere, anybody = an_identity(), an_identity()
    a_delegation(delegate=elsewhere, delegator_identity=last, task=other, expires_at=NOW + days(1))
    a_delegation(delegate=anybody, delegator_identity=last)
    a_high_grant(last, task=task, expires_at=NOW + days(1))

    estate_graph.refresh(NOW)

    assert [facts(one).relayed for one in (same, elsewhere, anybody)] == [1, 0, 1]


def test_a_circle_is_named_by_its_smallest_identity() -> None:
    first, middle, last = a_chain(2)
    a_delegation(delegate=last, delegator_identity=first)
    outside = an_identity()
    a_delegation(delegate=outside, delegator_identity=first)

    done = estate_graph.refresh(NOW)

    assert done.in_cycles == 3
    assert {facts(one).cycle for one in (first, middle, last)} == {first.pk}
    assert facts(outside).cycle is None


def test_a_chain_is_rooted_in_a_person_or_an_owner_who_can_answer() -> None:
    left = a_person(status="left", left_at=ago(1))
    by_person, by_owner, by_nobody = an_identity(), an_identity(), an_identity()
    middle, end = an_identity(owner=None), an_identity(owner=left)
    a_delegation(delegate=by_person, delegator_identity=middle)
    a_delegation(delegate=middle, delegator_person=a_person())
    a_delegation(delegate=by_owner, delegator_identity=an_identity(owner=a_person()))
    a_delegation(delegate=by_nobody, delegator_identity=end)

    estate_graph.refresh(NOW)

    assert [facts(one).rooted for one in (by_person, by_owner, by_nobody)] == [True, True, False]
    assert facts(end).rooted is None
    assert facts(by_person).hops == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda middle, last: Delegation.objects.filter(delegate=middle).update(expires_at=NOW),
        lambda middle, last: Delegation.objects.filter(delegate=middle).update(revoked_at=ago(1)),
        lambda middle, last: Identity.objects.filter(pk=last.pk).update(
            lifecycle=Lifecycle.SUSPENDED
        ),
        lambda middle, last: Identity.objects.filter(pk=middle.pk).update(
            lifecycle=Lifecycle.RETIRED, retired_at=ago(1)
        ),
    ],
    ids=["expired", "revoked", "giver suspended", "taker retired"],
)
def test_what_no_longer_works_is_forgotten(change: Any) -> None:
    first, middle, last = a_chain(2)
    a_high_grant(last)
    estate_graph.refresh(NOW)
    assert facts(first).relayed == 1

    change(middle, last)
    estate_graph.refresh(NOW)

    assert not ChainFacts.objects.filter(identity=last).exists()
    assert not ChainFacts.objects.filter(relayed__gt=0).exists()


def test_an_access_that_ended_is_not_relayed() -> None:
    first, last = a_chain(1)
    a_high_grant(last, expires_at=NOW + days(1))

    estate_graph.refresh(NOW)
    before = facts(first).relayed
    estate_graph.refresh(NOW + days(1))

    assert (before, facts(first).relayed) == (1, 0)


def test_a_second_refresh_writes_the_moment_only() -> None:
    first, *_, last = a_chain(3)
    a_delegation(delegate=last, delegator_identity=first)
    a_high_grant(last)
    assert estate_graph.refresh(NOW).written == 4
    rows = versions()

    again = estate_graph.refresh(NOW + days(1))

    assert (again.written, again.removed) == (0, 0)
    assert versions() == rows
    assert ChainComputation.objects.get().computed_at == NOW + days(1)


def test_a_change_writes_only_what_it_changes() -> None:
    first, _ = a_chain(1)
    a_chain(2)
    estate_graph.refresh(NOW)
    a_delegation(delegate=an_identity(), delegator_identity=first)

    done = estate_graph.refresh(NOW)

    assert (done.written, done.removed) == (2, 0)


def test_never_computed_can_be_told_from_nothing_found() -> None:
    an_identity()
    ask = Identity.objects.annotate(computed=chains_computed_at()).values_list(
        "computed", flat=True
    )

    before = list(ask.all())
    done = estate_graph.refresh(NOW)

    assert (before, list(ask.all()), done.identities) == ([None], [NOW], 0)


def test_the_job_refreshes() -> None:
    tasks.refresh_chains()

    assert ChainComputation.objects.count() == 1


def test_only_a_full_sweep_refreshes_first() -> None:
    first, _ = a_chain(1)

    sweep.run(NOW, by="test", identities=[first.pk])
    narrowed = ChainComputation.objects.count()
    sweep.run(NOW, by="test", checks=["owner-active"])

    assert (narrowed, ChainComputation.objects.get().computed_at) == (0, NOW)
    assert facts(first).hops == 1


def test_a_sweep_goes_on_when_the_facts_cannot_be_kept() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE inventory_chainfacts RENAME COLUMN hops TO before")

    run = sweep.run(NOW, by="test", checks=["owner-active"])

    assert run.error == "The delegations of the whole estate could not be read (ProgrammingError)."
    assert run.check_runs.count() == 1


def test_the_number_of_statements_does_not_grow() -> None:
    counts = []
    for length in (3, 9):
        a_chain(length)
        with CaptureQueriesContext(connection) as queries:
            estate_graph.refresh(NOW)
        counts.append(len(queries))

    assert 0 <= counts[0] - counts[1] <= 3  # the moment's row is there the second time


def versions() -> list[tuple[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT identity_id, xmin::text FROM inventory_chainfacts ORDER BY 1")
        return list(cursor.fetchall())
