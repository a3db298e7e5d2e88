"""The pages of what agents did, through the front door: lists, chains, coverage and its rule, drift and its alert."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from inventory.models import Identity
from reviews.models import Notification
from runtime import after_calls, policies, policy_drafts
from runtime.models import Deviation, ObservedTier, PolicySet, PolicySetVersion
from tests.factories import (
    a_delegation,
    a_grant,
    a_person,
    a_system,
    a_task,
    a_tool,
    a_user,
    an_entitlement,
    an_identity,
)
from tests.runtime.call_factories import a_tool_call

pytestmark = pytest.mark.django_db
TRACE = "e" * 32


@pytest.fixture
def security() -> Client:
    client = Client()
    client.force_login(a_user())
    return client


def an_agent(**fields: Any) -> Identity:
    return an_identity(**{"kind": Identity.Kind.ASSISTANT, "declared_tier": 2, **fields})


def text(client: Client, name: str, *args: object, query: str = "") -> str:
    answer = client.get(f"{reverse(name, args=args)}{query}")
    assert answer.status_code == 200
    if answer.streaming:
        return b"".join(answer.streaming_content).decode()  # type: ignore[arg-type]
    return str(answer.content.decode())


def test_calls_are_found_by_what_covers_them_and_exported_as_shown(security: Client) -> None:
    agent, at = an_agent(name="desk"), timezone.now()
    a_grant(
        identity=agent, entitlement=an_entitlement(name="read", system=a_system(name="bank")),
    )  # fmt: skip
    for tool in ("read", "pay"):
        a_tool_call(identity=agent, tool_name=tool, provider="bank", started_at=at)
    a_tool_call(agent_name="stranger", tool_name="scrape", started_at=at)
    after_calls.look(at)

    bare = text(security, "runtime:call-list", query="?covered=no&export=csv")
    covered = text(security, "runtime:call-list", query="?covered=yes&export=csv")
    page = text(security, "runtime:call-list", query="?q=desk")

    assert ("pay" in bare, "scrape" in bare, "read" in bare) == (True, True, False)
    assert ("pay" in covered, "read" in covered) == (False, True)
    assert "Unknown: stranger" not in page
    assert "Unknown: stranger" in text(security, "runtime:call-list")


def test_an_owner_sees_the_calls_of_their_own_agents_only() -> None:
    person, at = a_person(), timezone.now()
    mine = a_tool_call(identity=an_agent(owner=person), tool_name="mine", started_at=at)
    other = a_tool_call(identity=an_agent(), tool_name="other", started_at=at)
    client = Client()
    client.force_login(a_user("owner", person=person))

    page = text(client, "runtime:call-list")

    assert ("mine" in page, "other" in page.split("<tbody")[-1]) == (True, False)
    assert client.get(reverse("runtime:call-detail", args=[mine.pk])).status_code == 200
    assert client.get(reverse("runtime:call-detail", args=[other.pk])).status_code == 404


def test_the_chain_leads_from_the_person_over_both_agents_to_the_resource(
    security: Client,
) -> None:
    at, person = timezone.now(), a_person(name="Ada Ahorn")
    desk, clerk = an_agent(name="desk"), an_agent(name="clerk")
    a_delegation(delegate=desk, delegator_person=person)
    task = a_task(
        identity=clerk, opened_at=at - timedelta(hours=1), deadline=at + timedelta(hours=1)
    )
    a_tool_call(
        identity=desk, agent_name="desk", kind="agent", tool_name="clerk", trace_id=TRACE,
        span_id="1" * 16, on_behalf_of=person, started_at=at,
    )  # fmt: skip
    a_tool_call(
        identity=clerk, agent_name="clerk", tool_name="pay", provider="bank", system="Ledger",
        resource="accounts", trace_id=TRACE, parent_span_id="1" * 16, task=task,
        started_at=at + timedelta(seconds=1),
    )  # fmt: skip

    page = text(security, "runtime:trace-chain", TRACE)
    told = json.loads(text(security, "runtime:trace-chain", TRACE, query="?export=json"))

    assert "picture" in page
    assert "Acts on behalf of, all" in page
    names = {party["id"]: party["name"] for party in told["parties"]}
    steps = [(names[step["from"]], names[step["to"]]) for step in told["steps"]]
    assert steps == [
        ("Ada Ahorn", "desk"), ("desk", "clerk"), ("clerk", "pay"), ("pay", "accounts"),
    ]  # fmt: skip
    assert "pay" in text(security, "runtime:task-chain", task.pk, query="?export=csv")


def test_the_rule_that_is_missing_is_drafted_for_this_agent_and_these_tools(
    security: Client,
) -> None:
    at, by = timezone.now(), a_user()
    agent = an_agent(name='de"sk')
    first = policy_drafts.begin(
        name="inventory", domain=PolicySet.Domain.INVENTORY, purpose="p", by=by, at=at
    )
    PolicySetVersion.objects.filter(pk=first.pk).update(state="live", activated_at=at)
    tool = a_tool(name="pay", provider="bank", writes=True)
    a_tool_call(identity=agent, tool_name="pay", provider="bank", tool=tool, started_at=at)
    a_tool_call(identity=agent, tool_name="unknown", provider="bank", started_at=at)
    after_calls.look(at)
    assert "Write the rule" in text(security, "runtime:cover", query=f"?identity={agent.pk}")

    security.post(reverse("runtime:identity-rule", args=[agent.pk]))

    draft = PolicySetVersion.objects.get(state="draft")
    assert f'resource == Mandate::Tool::"{tool.pk}"' in draft.text
    assert f'principal == Mandate::Identity::"{agent.pk}"' in draft.text
    assert "unknown" in draft.note
    assert policies.problems_of(draft) == []


def test_an_assistant_that_becomes_an_actor_is_shown_told_and_answered(security: Client) -> None:
    at, owner = timezone.now(), a_person()
    agent = an_agent(name="helper", owner=owner)
    a_tool_call(identity=agent, tool_name="search", provider="crm", started_at=at)
    a_tool_call(identity=agent, tool_name="pay", provider="bank", writes=True, started_at=at)

    from_calls = after_calls.look(at)
    after_calls.look(at)

    assert from_calls.changed == 1
    page = text(security, "runtime:drift")
    assert "helper" in page
    assert "no person named in the trace" in page
    assert "1 of 1 AI systems act as actors; 1 crossed over" in page
    panel = text(security, "runtime:identity-tier", agent.pk)
    assert ("Run a drill" in panel, "Missing" in panel) == (True, True)

    security.post(
        reverse("runtime:identity-declare", args=[agent.pk]),
        {"tier": "3", "reason": "It is one, and has a kill switch"},
    )
    agent.refresh_from_db()
    assert not agent.has_drifted
    assert "0 crossed over" in text(security, "runtime:drift")


@pytest.mark.django_db(transaction=True)
def test_the_owner_is_told_once_of_a_drift() -> None:
    at, owner = timezone.now(), a_person()
    agent = an_agent(owner=owner)
    for tool in ("search", "pay"):
        a_tool_call(identity=agent, tool_name=tool, writes=True, started_at=at)

    after_calls.look(at)
    after_calls.look_again(at)

    told = Notification.objects.get(event="tier.drifted")
    assert told.person == owner
    assert "Missing for that tier" in told.body
    assert told.path == reverse("runtime:identity-tier", args=[agent.pk])
    assert ObservedTier.objects.get(identity=agent).tier == 3


def test_a_deviation_is_triaged_by_the_owner_and_needs_a_note() -> None:
    person, at = a_person(), timezone.now()
    agent = an_agent(owner=person)
    task = a_task(
        identity=agent, opened_at=at - timedelta(hours=1), deadline=at + timedelta(hours=1)
    )
    a_grant(identity=agent, task=task, expires_at=at + timedelta(hours=1))
    a_tool_call(identity=agent, task=task, tool_name="pay", provider="bank", started_at=at)
    after_calls.look(at)
    row = Deviation.objects.get()
    client = Client()
    client.force_login(a_user("owner", person=person))
    address = reverse("runtime:deviation-triage", args=[row.pk])

    assert client.post(address, {"outcome": "expected", "note": ""}).status_code == 422
    assert client.post(address, {"outcome": "expected", "note": "Asked for"}).status_code == 302

    row.refresh_from_db()
    assert (row.outcome, row.state) == ("expected", "Triaged")


def test_without_anything_each_page_says_what_to_do(security: Client) -> None:
    agent = an_agent()

    assert "No tool calls yet" in text(security, "runtime:call-list")
    assert "No calls to judge" in text(security, "runtime:cover")
    assert "Nothing deviates" in text(security, "runtime:deviation-list")
    assert "Nothing crossed over" in text(security, "runtime:drift")
    assert "nothing can be said" in text(security, "runtime:identity-tier", agent.pk)
    assert "No calls reported" in text(security, "runtime:identity-activity", agent.pk)
