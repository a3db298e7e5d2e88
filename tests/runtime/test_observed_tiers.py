"""What tier an identity acts in, from its calls, tools and delegations."""

from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.models import Identity, Tier
from runtime import after_calls, observed_tiers
from runtime.models import CallTally, ObservedTier
from runtime.tier_rule import NAMES, Evidence
from tests.factories import (
    NOW,
    a_binding,
    a_delegation,
    a_grant,
    a_person,
    a_system,
    a_task,
    a_tool,
    ago,
    an_entitlement,
    an_identity,
)
from tests.runtime.call_factories import a_tool_call

pytestmark = pytest.mark.django_db
SMALL = st.integers(0, 4)


def an_agent(**fields: Any) -> Identity:
    return an_identity(**{"kind": Identity.Kind.ASSISTANT, "declared_tier": 2, **fields})


def observed(identity: Identity) -> int | None:
    after_calls.look(NOW)
    identity.refresh_from_db()
    return identity.observed_tier


def calls(identity: Identity, *tools: str, **fields: Any) -> None:
    for number, name in enumerate(tools):
        a_tool_call(
            identity=identity, tool_name=name, provider=f"p{number}", system=f"s{number}", **fields
        )


@given(
    st.lists(
        st.tuples(
            st.builds(Evidence, **dict.fromkeys(NAMES, SMALL)),
            st.sampled_from(NAMES),
            st.integers(1, 5),
        ),
        min_size=1,
        max_size=40,
    )
)
@settings(max_examples=25)
def test_more_evidence_never_lowers_the_tier(cases: list[tuple[Evidence, str, int]]) -> None:
    less = [evidence for evidence, _, _ in cases]
    more = [replace(one, **{name: getattr(one, name) + by}) for one, name, by in cases]

    before, after = observed_tiers.tiers(less), observed_tiers.tiers(more)

    assert all(
        a is not None and a >= b for b, a in zip(before, after, strict=True) if b is not None
    )


@given(st.lists(st.builds(Evidence, **dict.fromkeys(NAMES, SMALL)), min_size=1, max_size=40))
@settings(max_examples=25)
def test_the_explanation_names_the_tier_it_explains(cases: list[Evidence]) -> None:
    tiers, held = observed_tiers.tiers(cases), observed_tiers.holds(cases)

    for evidence, tier, holds in zip(cases, tiers, held, strict=True):
        row = ObservedTier(tier=tier or 0, evidence=asdict(evidence))
        said = observed_tiers.explain(row)
        assert max((line.tier for line in said), default=None) == tier
        assert len(said) == sum(holds)


def test_an_identity_of_which_nothing_was_seen_has_no_observed_tier() -> None:
    identity = an_agent()

    observed_tiers.refresh(NOW)

    identity.refresh_from_db()
    assert identity.observed_tier is None
    assert not ObservedTier.objects.exists()


def test_one_tool_is_workload_and_two_are_a_reader() -> None:
    job, pipeline = an_agent(), an_agent()
    calls(job, "load")
    calls(pipeline, "search", "fetch")

    assert (observed(job), observed(pipeline)) == (Tier.WORKLOAD, Tier.READER)


def test_who_acts_for_a_person_is_an_assistant() -> None:
    assistant = an_agent()
    calls(assistant, "search", on_behalf_of=a_person())

    assert observed(assistant) == Tier.ASSISTANT


def test_who_changes_something_with_nobody_in_the_trace_is_an_actor() -> None:
    actor = an_agent()
    calls(actor, "search")
    calls(actor, "pay", writes=True)

    assert observed(actor) == Tier.ACTOR


def test_a_person_named_elsewhere_in_the_trace_counts_for_all_of_it() -> None:
    assistant, trace = an_agent(), "a" * 32
    calls(assistant, "search", "pay", writes=True, trace_id=trace)
    a_tool_call(identity=an_agent(), trace_id=trace, on_behalf_of=a_person())

    assert observed(assistant) == Tier.ASSISTANT


def test_a_person_of_the_task_counts_and_a_task_that_had_ended_makes_an_actor() -> None:
    assistant = an_agent()
    person = a_person()
    open_task = a_task(identity=assistant, on_behalf_of=person)
    calls(assistant, "search", writes=True, task=open_task)
    assert observed(assistant) == Tier.ASSISTANT

    ended = a_task(
        identity=assistant, on_behalf_of=person, status="done",
        opened_at=ago(3), deadline=ago(1), ended_at=ago(2),
    )  # fmt: skip
    calls(assistant, "search", task=ended)

    assert observed(assistant) == Tier.ACTOR


def test_who_hands_work_to_another_agent_is_a_broker() -> None:
    broker = an_agent(name="desk")
    a_tool_call(identity=broker, kind="agent", agent_name="desk", tool_name="clerk")

    assert observed(broker) == Tier.BROKER


def test_being_invoked_oneself_is_no_call_and_hands_nothing_on() -> None:
    agent = an_agent(name="desk")
    a_tool_call(identity=agent, kind="agent", agent_name="desk", tool_name="desk")
    assert observed(agent) is None

    calls(agent, "search")

    assert observed(agent) == Tier.WORKLOAD


def test_who_hands_on_authority_is_a_broker_and_a_role_that_is_assumed_is_not() -> None:
    middle, role = an_agent(), an_identity(kind=Identity.Kind.ROLE)
    a_delegation(delegate=middle, delegator_person=a_person())
    a_delegation(delegator_identity=middle, how="on_behalf_of")
    a_delegation(delegator_identity=role, how="assume_role")

    observed_tiers.refresh(NOW)

    middle.refresh_from_db()
    role.refresh_from_db()
    assert (middle.observed_tier, role.observed_tier) == (Tier.BROKER, None)


def test_held_tools_count_before_any_call() -> None:
    assistant = an_agent()
    a_binding(identity=assistant, tool=a_tool(writes=True))
    a_binding(identity=assistant, tool=a_tool(writes=False))

    observed_tiers.refresh(NOW)

    assistant.refresh_from_db()
    assert assistant.observed_tier == Tier.ASSISTANT


def test_the_tier_is_kept_over_time_and_a_second_run_writes_nothing() -> None:
    agent = an_agent()
    calls(agent, "search", started_at=ago(5))
    after_calls.look(ago(5))
    calls(agent, "fetch", "pay", writes=True, started_at=ago(1))
    after_calls.look(ago(1))

    changed = observed_tiers.refresh(NOW)

    rows = list(ObservedTier.objects.filter(identity=agent).order_by("started_at"))
    assert changed == 0
    assert [(row.tier, row.started_at, row.ended_at) for row in rows] == [
        (Tier.WORKLOAD, ago(5), ago(1)),
        (Tier.ACTOR, ago(1), None),
    ]


def test_what_was_long_ago_is_no_evidence_any_more() -> None:
    agent = an_agent()
    calls(agent, "search", started_at=ago(31))

    after_calls.look(ago(31))
    observed_tiers.refresh(NOW)

    agent.refresh_from_db()
    assert agent.observed_tier is None
    assert ObservedTier.objects.get().ended_at == NOW


def test_calls_are_counted_once_however_often_they_are_counted() -> None:
    agent = an_agent()
    calls(agent, "search", "search", "search")

    after_calls.look(NOW)
    after_calls.look(NOW)

    assert sum(CallTally.objects.values_list("calls", flat=True)) == 3


def test_a_call_is_covered_by_a_grant_that_names_its_tool_while_it_held() -> None:
    agent, bank = an_agent(), a_system(name="Bank")
    a_grant(
        identity=agent, entitlement=an_entitlement(system=bank, name="read account"),
        revoked_at=ago(1),
    )  # fmt: skip
    a_grant(
        identity=agent,
        entitlement=an_entitlement(system=bank, name="Payments", actions=["pay_*"]),
        expires_at=NOW + timedelta(hours=1),
    )
    a_grant(identity=agent, entitlement=an_entitlement(system=bank, name="All", actions=["*"]))
    a_grant(identity=agent, entitlement=an_entitlement(name="close_account"))
    told = [("pay_bill", NOW), ("payday", NOW), ("close_account", NOW), ("read account", ago(2)),
        ("read account", NOW)]  # fmt: skip
    for tool, moment in told:
        a_tool_call(identity=agent, tool_name=tool, provider="bank", started_at=moment)

    after_calls.look(NOW)

    covered = {
        (row.tool_name, row.day): row.covered for row in CallTally.objects.filter(identity=agent)
    }
    assert covered == {
        ("pay_bill", NOW.date()): 1,
        ("payday", NOW.date()): 0,
        ("close_account", NOW.date()): 0,
        ("read account", ago(2).date()): 1,
        ("read account", NOW.date()): 0,
    }
