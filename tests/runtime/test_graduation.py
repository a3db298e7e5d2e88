"""The graduation gate: the first act beyond the declared tier waits for the owner."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from inventory.models import Identity, Tier, Tool
from reviews import action_approvals
from reviews.action_approvals import Action
from reviews.models import ActionApproval
from runtime import after_calls, default_policies
from runtime.models import Decision
from tests.factories import a_binding, a_delegation, a_person, a_tool, a_user, an_identity
from tests.runtime.call_factories import a_tool_call
from tests.runtime.conftest import Ask

pytestmark = pytest.mark.django_db
WAITS = "This act would lift it beyond its declared tier, and waits for the owner."


@pytest.fixture(autouse=True)
def starter() -> None:
    default_policies.install(timezone.now())


def an_agent(*tools: Tool, **fields: Any) -> Identity:
    agent = an_identity(owner=a_person(), **{"kind": "assistant", "declared_tier": 2, **fields})
    for tool in tools:
        a_binding(identity=agent, tool=tool, origin="declared")
    return agent


def a_means(name: str, *, writes: bool, **fields: Any) -> Tool:
    approved = {"descriptor_digest": "a" * 64, "approved_digest": "a" * 64, "state": "approved"}
    return a_tool(name=name, provider="desk", writes=writes, risk="low", **approved, **fields)


def called(agent: Identity, tool: Tool, **fields: Any) -> None:
    a_tool_call(
        identity=agent, tool=tool, tool_name=tool.name, provider=tool.provider,
        writes=tool.writes, started_at=timezone.now(), **fields,
    )  # fmt: skip
    after_calls.look(timezone.now())
    agent.refresh_from_db()


def request_of(agent: Identity, tool: Tool, **context: Any) -> dict[str, Any]:
    return {
        "subject": {"type": "identity", "id": str(agent.pk)},
        "action": {"name": "call"},
        "resource": {"type": "tool", "id": str(tool.pk)},
        "context": context,
    }


def test_the_first_act_beyond_its_tier_waits_until_the_owner_approved_it(ask: Ask) -> None:
    search, pay = a_means("search", writes=False), a_means("pay", writes=True)
    agent, platform = an_agent(search, pay), a_user("security", is_service=True)
    called(agent, search, on_behalf_of=a_person())
    assert agent.observed_tier == Tier.ASSISTANT
    action = Action(pay, {"to": "ACME", "amount": 12})
    body = request_of(agent, pay, arguments_digest=action.digest)

    first = ask("evaluation", body).json()
    asked = action_approvals.ask(agent, action=action, by=platform, at=timezone.now())
    meanwhile = ask("evaluation", body).json()
    owner = Client()
    owner.force_login(a_user("owner", person=agent.owner))
    owner.post(reverse("reviews:action-approve", args=[asked.pk]))
    then = ask("evaluation", body).json()
    another = ask("evaluation", request_of(agent, pay, arguments_digest="0" * 64)).json()

    assert ActionApproval.objects.get().status == "approved"
    assert [one["decision"] for one in (first, meanwhile, then, another)] == [
        False, False, True, False,
    ]  # fmt: skip
    denied = Decision.objects.order_by("pk")[0]
    assert denied.policies[0] == "act-beyond-tier-waits"
    assert (denied.reason, denied.facts["tierAfter"]) == (WAITS, Tier.ACTOR)
    assert denied.remedy.startswith("Ask for the approval of exactly this action, or have its own")


def test_a_workload_that_begins_to_choose_waits_and_the_declared_tier_lets_it(ask: Ask) -> None:
    load, fetch = a_means("load", writes=False), a_means("fetch", writes=False)
    job = an_agent(fetch, kind="batch_job", declared_tier=0)
    called(job, load)
    assert job.observed_tier == Tier.WORKLOAD

    assert ask("evaluation", request_of(job, fetch)).json()["decision"] is False
    Identity.objects.filter(pk=job.pk).update(declared_tier=Tier.READER)
    assert ask("evaluation", request_of(job, fetch)).json()["decision"] is True


def test_an_act_within_its_tier_does_not_wait(ask: Ask) -> None:
    search, pay = a_means("search", writes=False), a_means("pay", writes=True)
    agent, person = an_agent(search, pay), a_person()
    a_delegation(delegator_person=person, delegate=agent, how="on_behalf_of")
    called(agent, search, on_behalf_of=person)

    answer = ask("evaluation", request_of(agent, pay, on_behalf_of=person.email)).json()

    assert answer["decision"] is True
    assert Decision.objects.get().facts["tierAfter"] == Tier.ASSISTANT


@pytest.mark.parametrize("name", ["search", "fetch", "pay"])
def test_what_is_told_before_a_call_is_what_is_seen_after_it(ask: Ask, name: str) -> None:
    tools = {
        "search": a_means("search", writes=False),
        "fetch": a_means("fetch", writes=False),
        "pay": a_means("pay", writes=True),
    }
    agent = an_agent(*tools.values(), declared_tier=4)
    called(agent, tools["search"])

    ask("evaluation", request_of(agent, tools[name]))
    called(agent, tools[name])

    assert Decision.objects.get().facts["tierAfter"] == agent.observed_tier


def test_a_request_without_a_tool_is_no_evidence_of_a_tier(ask: Ask) -> None:
    agent = an_agent()

    ask("evaluation", {**request_of(agent, a_means("x", writes=True)),
                       "resource": {"type": "system", "id": "1"}})  # fmt: skip

    assert "tierAfter" not in Decision.objects.get().facts
