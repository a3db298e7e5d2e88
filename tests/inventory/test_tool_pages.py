"""The pages of tools and their servers, and deciding on tools there and over the API."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from inventory import tool_likeness
from inventory.models import Tool, ToolBinding
from tests.factories import (
    a_binding,
    a_server,
    a_tool,
    a_user,
    ago,
    an_exposure,
    an_identity,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(client: Client) -> Client:
    client.force_login(a_user())
    return client


def page(client: Client, name: str, *args: object, **query: object) -> str:
    answer = client.get(reverse(f"inventory:{name}", args=args), query)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def test_the_list_can_be_asked_for_what_matters(client: Client) -> None:
    agent = an_identity()
    a_binding(agent, a_tool(name="post_invoice", state="approved"))
    a_binding(agent, a_tool(name="run_shell"), origin="observed")
    a_tool(name="old_one", state="approved", descriptor_digest="b" * 64, approved_digest="a" * 64)
    a_tool(name="post-invoice", provider="other-mcp", judged_risk="critical")

    names = ("post_invoice", "run_shell", "old_one", "post-invoice")
    shown = {
        query: {name for name in names if f">{name}<" in page(client, "tool-list", **dict([query]))}
        for query in (
            ("approval", "changed"), ("approval", "approved"), ("held", "observed"),
            ("held", "nobody"), ("alike", "collision"), ("reads", "critical"),
        )
    }  # fmt: skip

    assert shown == {
        ("approval", "changed"): {"old_one"},
        ("approval", "approved"): {"post_invoice"},
        ("held", "observed"): {"run_shell"},
        ("held", "nobody"): {"old_one", "post-invoice"},
        ("alike", "collision"): {"post_invoice", "post-invoice"},
        ("reads", "critical"): {"post-invoice"},
    }


def test_a_changed_tool_shows_what_changed_and_can_be_approved_as_it_is(client: Client) -> None:
    tool = a_tool(
        state="approved", approved_digest="b" * 64,
        approved_descriptor={"name": "post_invoice", "description": "Posts after asking"},
    )  # fmt: skip

    before = page(client, "tool-detail", tool.pk)
    url = reverse("inventory:tool-approve", args=[tool.pk])
    refused = client.post(url, {"reason": ""})
    done = client.post(url, {"reason": "Read it"})

    assert "What changed since it was approved" in before
    assert "Posts after asking" in before
    assert (refused.status_code, done.status_code) == (422, 302)
    assert not Tool.objects.get().is_changed
    assert "What changed since it was approved" not in page(client, "tool-detail", tool.pk)


def test_a_tool_names_what_it_could_be_mistaken_for(client: Client) -> None:
    a_tool(name="transfer_funds", state="approved")
    tool = a_tool(name="transfer_fundz", provider="other-mcp")
    tool_likeness.refresh()

    assert "One or two letters apart" in page(client, "tool-detail", tool.pk)


def test_many_are_disabled_at_once(client: Client) -> None:
    tools = [a_tool(name="one"), a_tool(name="two")]
    chosen = {"selected": [tool.pk for tool in tools]}
    url = reverse("inventory:tools-disable")

    asked = client.post(url, chosen)
    client.post(url, {**chosen, "confirmed": "2", "reason": "Out of use"})

    assert asked.status_code == 200
    assert set(Tool.objects.values_list("state", flat=True)) == {"disabled"}


def test_an_identity_s_tools_are_declared_used_or_unused(client: Client) -> None:
    agent = an_identity()
    a_binding(agent, a_tool(name="used"), origin="observed", first_seen_at=ago(2))
    a_binding(agent, a_tool(name="dusty"), first_seen_at=ago(90))
    a_server(identity=agent, wants_secrets=["LEDGER_TOKEN"])
    an_exposure(agent)

    shown = page(client, "identity-tools", agent.pk)

    assert "Declared and never used" in shown
    assert "Take away" in shown
    assert "LEDGER_TOKEN" in shown
    assert "e" * 64 in shown


def test_nothing_is_unused_where_no_call_is_reported(client: Client) -> None:
    agent = an_identity()
    a_binding(agent, a_tool(), first_seen_at=ago(90))

    assert "Declared and never used" not in page(client, "identity-tools", agent.pk)


def test_an_owner_takes_an_unused_tool_away() -> None:
    agent = an_identity()
    binding = a_binding(agent, a_tool())
    client = Client()
    client.force_login(a_user("owner", person=agent.owner))

    answer = client.post(reverse("inventory:binding-end", args=[binding.pk]), {"reason": "Unused"})

    assert answer.status_code == 302
    assert ToolBinding.objects.get().ended_at is not None


def test_a_server_lists_its_tools_and_where_else_it_is_known(client: Client) -> None:
    server = a_server(provider="ledger-mcp", origin="configured", identity=an_identity())
    a_server(provider="ledger-mcp", origin="registry", package="npm:ledger@1")
    a_tool(provider="ledger-mcp", name="post_invoice")

    shown = page(client, "server-detail", server.pk)

    assert "post_invoice" in shown
    assert "npm:ledger@1" in shown
    assert ">ledger-mcp<" in page(client, "server-list", origin="configured")
