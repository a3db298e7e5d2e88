"""Tasks, requests and single actions over the API, as an agent's platform uses them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from inventory import api_tokens
from inventory.models import Grant, Task, User
from tests.factories import a_person, a_system, a_user, an_entitlement, an_identity
from tests.reviews.test_action_approvals import a_tool

pytestmark = pytest.mark.django_db
Post = Callable[..., Any]  # Any: the test client's answer


def posting(user: User) -> Post:
    now = timezone.now()
    _, secret = api_tokens.create(
        user, name="t", scopes=["read", "write"], until=now + timedelta(days=1), by=user, at=now
    )
    client = Client(headers={"authorization": f"Bearer {secret}"})
    return lambda path, **body: client.post(
        f"/api/v1/{path}/", body, content_type="application/json"
    )


@pytest.fixture
def platform() -> Post:
    return posting(a_user("security", is_service=True))


def later(**distance: int) -> str:
    return (timezone.now() + timedelta(**distance)).isoformat()


def test_a_platform_opens_keeps_alive_and_ends_a_task(platform: Post) -> None:
    agent, ledger = an_identity(owner=a_person()), a_system()

    opened = platform(
        "tasks", identity=agent.pk, purpose="Close the month", deadline=later(hours=2),
        heartbeat_seconds=60, systems=[ledger.pk], reference="run-1",
    )  # fmt: skip
    key = opened.json()["id"]
    beat = platform(f"tasks/{key}/beat")
    low = an_entitlement(risk="low")
    asked = platform(
        "requests", identity=agent.pk, entitlements=[low.pk], task=key, reason="To post it."
    )
    ended = platform(f"tasks/{key}/end", how="done", outcome="Closed.")

    assert (opened.status_code, beat.status_code, asked.status_code, ended.status_code) == (
        201,
        200,
        201,
        200,
    )
    assert opened.json()["targets"][0]["system"]["id"] == ledger.pk
    assert beat.json()["silent_at"] > opened.json()["silent_at"]
    assert asked.json()["state"] == "approved"
    assert ended.json()["grants"] == 1
    assert ended.json()["task"]["state"] == "done"
    grant = Grant.objects.get(pk=asked.json()["items"][0]["grant"])
    assert grant.end_cause == "task"
    assert not Grant.objects.effective(timezone.now()).filter(pk=grant.pk).exists()


def test_what_makes_no_sense_says_what_to_do(platform: Post) -> None:
    agent = an_identity(owner=a_person())

    answer = platform("tasks", identity=agent.pk, purpose="x", deadline=later(days=60))

    assert answer.status_code == 422
    assert answer.json()["detail"] == "A task lasts at most 31 days. Choose an earlier deadline."
    assert not Task.objects.exists()


def test_an_owner_names_only_identities_they_see() -> None:
    owner = posting(a_user("owner", person=a_person()))
    other = an_identity(owner=a_person())

    answer = owner("tasks", identity=other.pk, purpose="x", deadline=later(hours=1))

    assert answer.status_code == 400
    assert "that you may see" in answer.json()["errors"][0]["message"]


def test_an_auditor_asks_for_nothing() -> None:
    auditor = a_user("auditor")
    client = Client()
    client.force_login(auditor)
    agent = an_identity(owner=a_person())

    answer = client.post(
        "/api/v1/requests/",
        {"identity": agent.pk, "entitlements": [an_entitlement().pk], "reason": "x"},
        content_type="application/json",
    )

    assert answer.status_code == 403


def test_no_address_lets_a_program_approve(platform: Post) -> None:
    agent = an_identity(owner=a_person())
    asked = platform(
        "requests", identity=agent.pk, entitlements=[an_entitlement(risk="high").pk], reason="x"
    ).json()

    assert asked["state"] == "waiting"
    assert platform(f"requests/{asked['id']}/approve").status_code == 404
    assert platform(f"requests/{asked['id']}/cancel").json()["state"] == "cancelled"


def test_an_action_is_asked_for_and_used_once(platform: Post) -> None:
    owner = a_person()
    agent = an_identity(owner=owner)
    call = {"identity": agent.pk, "tool": a_tool().pk, "arguments": {"order": 7}, "target": "c-1"}

    asked = platform("action-approvals", **call)
    before = platform("action-approvals/use", **call)
    browser = Client()
    browser.force_login(a_user("owner", person=owner))
    browser.post(f"/actions/{asked.json()['id']}/approve/", {"reason": "Agreed."})
    used = platform("action-approvals/use", **call)
    again = platform("action-approvals/use", **call)

    assert (asked.status_code, before.status_code) == (201, 422)
    assert (used.status_code, used.json()["state"]) == (200, "used")
    assert again.status_code == 422


def test_a_password_that_must_change_opens_nothing_here() -> None:
    client = Client()
    client.force_login(a_user("security", must_change_password=True))

    answer = client.get("/api/v1/grants/")

    assert (answer.status_code, answer.headers["Content-Type"]) == (403, "application/problem+json")
    assert "Change it in Mandate first" in answer.json()["detail"]
