"""What does not fit: a task's declared intent against its calls, and an agent unlike itself."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from inventory.models import Identity, Task, TaskTarget
from runtime import after_calls, deviations, flags, intent, tallies
from runtime.models import Deviation, ToolCall
from tests.factories import (
    NOW,
    a_delegation,
    a_grant,
    a_person,
    a_resource,
    a_system,
    a_task,
    a_user,
    ago,
    an_entitlement,
    an_identity,
)
from tests.runtime.call_factories import a_tool_call
from tests.samples import sample

pytestmark = pytest.mark.django_db
TRACE = "b" * 32


def an_agent(**fields: Any) -> Identity:
    return an_identity(**{"kind": Identity.Kind.ASSISTANT, **fields})


def task_for(
    agent: Identity, *tools: str, system: str = "bank", writes: bool | None = True
) -> Task:
    task = a_task(identity=agent)
    at_bank = a_system(name=system)
    for name in tools:
        a_grant(
            identity=agent, task=task, expires_at=NOW + timedelta(days=1), starts_at=ago(1),
            entitlement=an_entitlement(system=at_bank, name=name, writes=writes),
        )  # fmt: skip
    return task


def found(*agents: Identity) -> list[tuple[str, str]]:
    """Rule and tool of each deviation that judging everything finds."""
    tallies.count_arrived(NOW)
    deviations.find(NOW, identities=[agent.pk for agent in agents], since=ago(2))
    tool_of = dict(ToolCall.objects.values_list("pk", "tool_name"))
    return sorted((row.rule, tool_of[row.call]) for row in Deviation.objects.all())


def test_a_tool_that_nothing_granted_for_the_task_is_outside_its_list() -> None:
    agent = an_agent()
    task = task_for(agent, "read_balance")
    a_grant(identity=agent, entitlement=an_entitlement(name="pay", system=a_system(name="bank")))
    for tool in ("read_balance", "pay", "pay"):
        a_tool_call(identity=agent, task=task, tool_name=tool, provider="bank")

    assert found(agent) == [("tool-outside-task", "pay")]
    assert found(agent) == [("tool-outside-task", "pay")]  # and not again


def test_a_task_without_grants_has_no_list_to_be_outside_of() -> None:
    agent = an_agent()
    task = a_task(identity=agent)
    a_tool_call(identity=agent, task=task, provider="bank")

    assert found(agent) == []
    verdict = intent.of_task(task, NOW).verdicts[0]
    assert (verdict.word, verdict.text) == (
        "Cannot tell",
        "Nothing was granted for the task, so it has no list of tools.",
    )


def test_a_change_in_a_task_that_only_reads_is_flagged() -> None:
    agent = an_agent()
    task = task_for(agent, "ledger", writes=False)
    a_tool_call(identity=agent, task=task, tool_name="ledger", provider="bank", writes=True)

    assert found(agent) == [("write-in-read-task", "ledger")]


def test_a_dataset_outside_the_scope_of_the_task_is_flagged() -> None:
    agent = an_agent()
    task = task_for(agent, "query")
    bank = a_system(name="Bank")
    TaskTarget.objects.create(task=task, system=bank, resource=a_resource(system=bank, name="fees"))
    for resource in ("fees", "salaries"):
        a_tool_call(
            identity=agent, task=task, tool_name="query", provider="bank", resource=resource
        )

    assert [rule for rule, _ in found(agent)] == ["dataset-outside-task"]
    assert "salaries in bank" in Deviation.objects.get().detail


def test_a_system_it_never_called_is_new_only_for_who_has_been_seen_for_a_while() -> None:
    known, young = an_agent(), an_agent()
    for moment in (ago(20), ago(2)):
        a_tool_call(identity=known, provider="bank", started_at=moment)
    for agent in (known, young):
        a_tool_call(identity=agent, tool_name="upload", provider="files")

    assert found(known, young) == [("new-destination", "upload")]
    assert Deviation.objects.get().identity == known


def test_a_sensitive_read_and_then_a_change_elsewhere_within_one_trace() -> None:
    agent = an_agent()
    a_resource(name="salaries", sensitivity="restricted")
    a_tool_call(
        identity=agent, trace_id=TRACE, provider="hr", resource="salaries",
        started_at=NOW - timedelta(minutes=2),
    )  # fmt: skip
    a_tool_call(identity=agent, trace_id=TRACE, tool_name="post", provider="web", writes=True)

    assert found(agent) == [("sensitive-then-sent", "post")]


def test_production_by_what_is_declared_for_something_else() -> None:
    agent = an_agent(environment="staging")
    a_system(name="bank", environment="production")
    a_tool_call(identity=agent, provider="bank")

    assert found(agent) == [("wrong-environment", "search")]


def test_a_right_that_the_caller_lacks_is_a_relay_and_one_that_it_reaches_is_not() -> None:
    callee, weak, strong = an_agent(name="clerk"), an_agent(name="weak"), an_agent(name="strong")
    payer = an_identity()
    pay = an_entitlement(name="pay", system=a_system(name="bank"))
    a_grant(identity=callee, entitlement=pay)
    a_grant(identity=payer, entitlement=pay)
    a_delegation(delegate=strong, delegator_identity=payer)
    for caller, trace in ((weak, TRACE), (strong, "c" * 32)):
        a_tool_call(
            identity=caller, agent_name=caller.name, kind="agent", tool_name="clerk",
            trace_id=trace, span_id=trace[:16],
        )  # fmt: skip
        a_tool_call(
            identity=callee, agent_name="clerk", tool_name="pay", provider="bank", trace_id=trace,
            parent_span_id=trace[:16],
        )  # fmt: skip

    assert found(callee) == [("privilege-relay", "pay")]
    assert "for weak" in Deviation.objects.get().detail


def test_bursts_and_storms_of_denials() -> None:
    busy, refused = an_agent(), an_agent()
    for number in range(101):
        a_tool_call(identity=busy, started_at=NOW + timedelta(milliseconds=500 * number))
    for number in range(10):
        a_tool_call(
            identity=refused, outcome="denied", started_at=NOW + timedelta(seconds=50 * number)
        )

    assert [rule for rule, _ in found(busy, refused)] == ["call-burst", "denial-storm"]


def test_triage_keeps_the_first_answer() -> None:
    agent, user = an_agent(), a_user()
    task = task_for(agent, "read")
    a_tool_call(identity=agent, task=task, tool_name="pay", provider="bank")
    found(agent)
    row = Deviation.objects.get()

    deviations.triage(row, outcome="expected", note="Asked for", by=user, at=NOW)
    again = deviations.triage(row, outcome="misuse", note="No", by=user, at=NOW)

    assert (again.outcome, again.note, again.triaged_by) == ("expected", "Asked for", user)
    assert intent.of_task(task, NOW).score == 0


class TestAgentDojo:
    """Each user task of the suites is granted only its own tools; each injected task is then called within it."""

    @pytest.fixture
    def suites(self) -> dict[str, Any]:
        file = sample("traces/agentdojo-banking-travel.json")
        return json.loads(file.read_text())  # type: ignore[no-any-return]

    def test_user_calls_pass_and_injected_calls_outside_the_grants_are_flagged(
        self, suites: dict[str, Any]
    ) -> None:
        agent, granted, injected, own = an_agent(), {}, set(), set()
        for number, user in enumerate(self.of(suites, "user")):
            suite, at = user["suite"], NOW - timedelta(minutes=5 * number)
            tools = [call["function"] for call in user["tool_calls"]]
            task = task_for(agent, *set(tools), system=suite)
            granted[task.pk] = set(tools)
            own |= {self.call(agent, task, suite, name, at) for name in tools}
            attacks = [each for each in self.of(suites, "injection") if each["suite"] == suite]
            injected |= {
                self.call(agent, task, suite, call["function"], at)
                for attack in attacks
                for call in attack["tool_calls"]
            }
        found(agent)

        flagged = set(flags.of(list(ToolCall.objects.all())))
        outside = {
            str(call.pk)
            for call in ToolCall.objects.filter(pk__in=injected)
            if call.tool_name not in granted[call.task_id or 0]
        }
        assert not flagged & {str(key) for key in own}
        assert flagged == outside
        assert (len(own), len(injected), len(outside)) == (157, 432, 327)

    def test_the_page_names_the_injected_calls_that_stay_inside_the_grants(
        self, suites: dict[str, Any]
    ) -> None:
        agent = an_agent()
        user = next(
            task
            for task in self.of(suites, "user")
            if {"send_money"} <= {call["function"] for call in task["tool_calls"]}
        )
        tools = [call["function"] for call in user["tool_calls"]]
        task = task_for(agent, *set(tools), system="banking")
        for name in [*tools, "send_money", "update_password"]:
            self.call(agent, task, "banking", name)
        found(agent)
        client = Client()
        client.force_login(a_user())

        page = client.get(reverse("runtime:task-activity", args=[task.pk])).content.decode()

        inside, outside = page.split("Inside the task’s list", 1)[1], page
        assert "send_money" in inside
        assert "update_password" not in inside
        assert "cannot see whether" in inside
        assert "update_password" in outside

    @staticmethod
    def of(suites: dict[str, Any], kind: str) -> list[dict[str, Any]]:
        return [task for task in suites["tasks"] if task["kind"] == kind and task["tool_calls"]]

    @staticmethod
    def call(agent: Identity, task: Task, suite: str, name: str, at: datetime = NOW) -> Any:
        return a_tool_call(
            identity=agent, task=task, tool_name=name, provider=suite, started_at=at
        ).pk


def test_people_are_named_with_their_delegations_only() -> None:
    """A person who delegated nothing leaves the lens without an answer, never with a pass."""
    agent, person = an_agent(), a_person()
    a_tool_call(identity=agent, on_behalf_of=person)

    after_calls.look(NOW)

    assert Deviation.objects.count() == 0
