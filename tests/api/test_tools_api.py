"""Deciding on tools over the API."""

from typing import Any

import pytest

from inventory.models import Tool
from tests.factories import a_tool

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("role", "scopes", "status"),
    [
        ("security", None, 200),
        ("security", ["read"], 403),
        ("auditor", None, 403),
        ("owner", None, 404),
    ],
)
def test_who_approves_a_tool(api: Any, role: str, scopes: list[str] | None, status: int) -> None:
    tool = a_tool()

    answer = api(role, scopes).post(f"tools/{tool.pk}/approve/", reason="Read it")

    assert answer.status_code == status
    assert Tool.objects.get().state == ("approved" if status == 200 else "unset")


def test_a_decision_needs_a_reason_and_is_told(api: Any) -> None:
    client, tool = api(), a_tool()

    refused = client.post(f"tools/{tool.pk}/disable/", reason="")
    disabled = client.post(f"tools/{tool.pk}/disable/", reason="Sends too much").json()
    reset = client.post(f"tools/{tool.pk}/reset/", reason="Mended").json()

    assert refused.status_code == 400
    assert (disabled["state"], disabled["approval"], disabled["state_reason"]) == (
        "disabled", "disabled", "Sends too much",
    )  # fmt: skip
    assert (reset["state"], reset["approval"]) == ("unset", "pending")


def test_an_approved_tool_that_changed_says_so(api: Any) -> None:
    a_tool(state="approved", approved_digest="b" * 64)

    (found,) = api().get("tools/", approval="changed").json()["results"]

    assert found["approval"] == "changed"
