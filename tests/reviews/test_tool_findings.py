"""From a tool that is seen in use to a finding, and from the finding back to the tool."""

import pytest
from django.test import Client
from django.urls import reverse

from inventory import tools, tools_seen
from inventory.models import Identity, Tool
from reviews import sweep
from reviews.models import Finding
from tests.factories import NOW, a_user, an_identity

pytestmark = pytest.mark.django_db
CHECKS = ("new-tool-unapproved", "tool-descriptor-pinned")


def seen_in_use(agent: Identity) -> Tool:
    used = tools_seen.Seen(agent.pk, "shell-mcp", "run_command")
    return Tool.objects.get(pk=tools_seen.note([used], by="job ingest", at=NOW)[used])


def look_at(agent: Identity) -> None:
    """What the worker does as soon as it hears that the identity changed."""
    sweep.run(NOW, by="job sweep", checks=CHECKS, identities=[agent.pk])


def test_a_tool_seen_for_the_first_time_is_a_finding_until_somebody_decides() -> None:
    agent = an_identity()
    tool = seen_in_use(agent)

    look_at(agent)
    opened = Finding.objects.get()
    tools.approve(tool, by=a_user(), reason="Only in the sandbox", at=NOW)
    look_at(agent)

    assert (opened.check_id, opened.identity, opened.status) == (CHECKS[0], agent, "open")
    assert opened.evidence["origin"] == "observed"
    assert Finding.objects.get().status == "resolved"


def test_a_change_of_an_approved_tool_is_a_finding_of_whoever_holds_it() -> None:
    agent = an_identity()
    tool = tools.approve(seen_in_use(agent), by=a_user(), reason="Fine", at=NOW)
    Tool.objects.filter(pk=tool.pk).update(descriptor_digest="c" * 64)

    look_at(agent)

    assert Finding.objects.get(status="open").check_id == "tool-descriptor-pinned"


def test_the_tool_and_its_findings_lead_to_each_other(client: Client) -> None:
    agent = an_identity()
    tool = seen_in_use(agent)
    look_at(agent)
    client.force_login(a_user())
    finding = Finding.objects.get()

    panel = client.get(reverse("reviews:tool-findings", args=[tool.pk])).content.decode()
    page = client.get(reverse("reviews:finding-detail", args=[finding.pk])).content.decode()

    assert reverse("reviews:finding-detail", args=[finding.pk]) in panel
    assert reverse("inventory:tool-detail", args=[tool.pk]) in page
