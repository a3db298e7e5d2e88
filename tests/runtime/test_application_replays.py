"""Replay of drafts about applications: over what was asked through AuthZEN, on the page and over the API."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory import api_tokens
from runtime import entities, replays
from runtime.models import Decision, PolicyEntity, PolicySet, PolicySetVersion, Replay
from tests.factories import a_user
from tests.runtime import todo
from tests.runtime.conftest import Ask
from tests.runtime.factories import PERMIT_ALL, a_policy_set, a_version

pytestmark = pytest.mark.django_db
BY_MAIL = {mail.split("@")[0]: key for key, (mail, _) in todo.PEOPLE.items()}
READERS_ONLY = """
@id("everybody-reads")
permit(principal is App::user, action == App::Action::"can_read_todos", resource);
@id("admins-create")
permit(principal in App::role::"admin", action == App::Action::"can_create_todo", resource);
@id("mine")
permit(principal, action == App::Action::"can_update_todo", resource)
  when { resource has ownerID && principal has email && resource.ownerID == principal.email };
"""


def request(who: str, action: str, **more: Any) -> dict[str, Any]:
    return {
        "subject": {"type": "user", "id": BY_MAIL.get(who, who)},
        "action": {"name": action},
        "resource": {"type": "todo", "id": "1", **more.pop("resource", {})},
        **more,
    }


def a_draft(text: str = READERS_ONLY) -> PolicySetVersion:
    policy_set = PolicySet.objects.get(name="todo")
    return a_version(text, policy_set=policy_set, state="draft", schema=todo.SCHEMA)


def replayed(version: PolicySetVersion, client: Client | None = None) -> Replay:
    """Asked for on the page, and worked out."""
    if client is None:
        client = Client()
        client.force_login(a_user("security"))
    asked = client.post(reverse("runtime:version-replay", args=[version.pk]), {"days": "7"})
    assert asked.status_code == 302, asked.content
    row = Replay.objects.latest("pk")
    replays.run(row.pk, timezone.now())
    return Replay.objects.get(pk=row.pk)


def test_a_draft_says_whom_of_the_application_it_would_have_stopped(ask: Ask) -> None:
    todo.the_application()
    for _ in range(2):
        assert ask("evaluation", request("morty", "can_create_todo")).json()["decision"]
    ask("evaluation", request("rick", "can_create_todo"))
    ask("evaluation", request("beth", "can_read_todos"))
    client = Client()
    client.force_login(a_user("security"))

    done = replayed(draft := a_draft(), client)
    page = client.get(reverse("runtime:replay-detail", args=[done.pk])).content.decode()

    assert done.status == "done", done.error
    assert done.result["all"] == {"questions": 3, "times": 4}
    assert done.result["denied"] == {"questions": 1, "times": 2}
    assert done.result["unclear"]["times"] == done.result["permitted"]["times"] == 0
    row = done.rows.get()
    assert (row.subject, row.action, row.times) == (BY_MAIL["morty"], "can_create_todo", 2)
    assert row.example in set(Decision.objects.values_list("pk", flat=True))
    assert "By subject" in page
    assert "No policy permits it." in page
    shown = client.get(reverse("runtime:policy-activate", args=[draft.pk])).content.decode()
    assert "2 newly denied, 0 newly permitted" in shown


def test_what_a_request_said_of_its_resource_is_not_recorded_and_not_guessed(ask: Ask) -> None:
    todo.the_application()
    mine = {"properties": {"ownerID": "morty@the-citadel.com"}}
    assert ask("evaluation", request("morty", "can_update_todo", resource=mine)).json()["decision"]
    ask("evaluation", request("morty", "can_read_todos", resource=mine))
    client = Client()
    client.force_login(a_user("security"))

    done = replayed(a_draft(), client)
    page = client.get(reverse("runtime:replay-detail", args=[done.pk])).content.decode()

    assert done.result["unclear"] == {"questions": 1, "times": 1}
    (why,) = done.result["unclear_why"]
    assert why["times"] == 1
    assert "properties or context that are not recorded" in why["reason"]
    assert done.result["denied"]["times"] == done.result["permitted"]["times"] == 0
    assert why["reason"] in page


def test_properties_do_not_matter_where_policies_look_at_names_and_groups_only(ask: Ask) -> None:
    todo.the_application()
    said = {"properties": {"colour": "red"}}
    assert ask("evaluation", request("beth", "can_read_todos", resource=said)).json()["decision"]

    done = replayed(a_draft('@id("shut") forbid(principal, action, resource);'))

    assert done.result["denied"] == {"questions": 1, "times": 1}
    assert done.rows.get().policies == ["todo/shut"]


def test_context_that_the_record_holds_is_told_to_the_draft_again(ask: Ask) -> None:
    todo.the_application()
    for risk in ("low", "high"):
        ask("evaluation", request("beth", "can_read_todos", context={"risk": risk}))
    ask("evaluation", request("beth", "can_read_todos", context={"weather": "rain"}))

    draft = a_draft(
        PERMIT_ALL
        + '@id("calm") forbid(principal, action, resource) when { context has risk && context.risk == "high" };'
    )
    done = replayed(draft)

    assert done.result["all"]["times"] == 3
    assert done.result["denied"]["times"] == 1
    assert done.rows.get().policies == ["todo/calm"]
    assert done.result["unclear"]["times"] == 1  # the weather is not kept


def test_the_live_sets_of_other_applications_decide_with_the_draft(ask: Ask) -> None:
    todo.the_application()
    shop = a_policy_set(name="shop", domain="application")
    a_version('@id("no") forbid(principal, action, resource is App::todo);', policy_set=shop)
    assert not ask("evaluation", request("beth", "can_read_todos")).json()["decision"]

    done = replayed(a_draft(PERMIT_ALL))

    assert done.result["permitted"]["times"] == 0
    assert done.result["all"]["times"] == 1


def test_what_was_removed_since_cannot_be_judged_again(ask: Ask) -> None:
    todo.the_application()
    ask("evaluation", request("morty", "can_create_todo"))
    morty = PolicyEntity.objects.get(key=BY_MAIL["morty"])
    entities.remove(morty, by=a_user("security"), reason="Left.")
    ask("evaluation", request("nobody", "can_create_todo"))

    done = replayed(a_draft())

    assert done.result["unclear_why"] == [
        {"reason": "A policy entity that it names was removed since.", "questions": 1, "times": 1}
    ]
    assert done.result["all"]["times"] == 2


@pytest.mark.parametrize("key", ["u" * 600, "nul\x00"])
def test_names_that_the_record_does_not_hold_whole_are_not_guessed(ask: Ask, key: str) -> None:
    todo.the_application()
    assert ask("evaluation", request(key, "can_read_todos")).status_code == 200

    done = replayed(a_draft('@id("shut") forbid(principal, action, resource);'))

    assert [why["reason"] for why in done.result["unclear_why"]] == [
        "Its names are not recorded whole: they are too long, or hold a NUL."
    ]


def test_what_cannot_be_said_to_policies_stays_denied(ask: Ask) -> None:
    todo.the_application()
    ask("evaluation", request("beth", "can_read_todos", context={"share": 0.5}))

    done = replayed(a_draft(PERMIT_ALL))

    assert done.result["by_facts"] == {"questions": 1, "times": 1}
    assert done.result["permitted"]["times"] == 0


def test_the_inventory_and_applications_are_replayed_apart(ask: Ask) -> None:
    todo.the_application()
    ask("evaluation", request("beth", "can_read_todos"))
    inventory = a_version(PERMIT_ALL, state="draft")

    assert replayed(inventory).result["all"]["times"] == 0
    assert replayed(a_draft()).result["all"]["times"] == 1


def test_the_same_draft_over_the_same_record_has_the_same_bytes(ask: Ask) -> None:
    todo.the_application()
    for who in ("morty", "summer", "beth"):
        ask("evaluation", request(who, "can_create_todo"))
    draft, user, at = a_draft(), a_user("security"), timezone.now()

    made = [replays.of_version(draft, days=7, by=user, at=at)]
    replays.run(made[0].pk, at)
    made.append(replays.of_version(draft, days=7, by=user, at=at))
    replays.run(made[1].pk, at + timedelta(minutes=5))
    first, second = (Replay.objects.get(pk=one.pk) for one in made)

    assert first.pk != second.pk
    assert first.result["denied"]["times"] == 2
    assert (first.input_digest, first.result_digest) == (second.input_digest, second.result_digest)
    PolicyEntity.objects.filter(key=BY_MAIL["beth"]).update(
        parents=[{"type": "role", "id": "admin"}]
    )
    third = replays.of_version(draft, days=7, by=user, at=at)
    replays.run(third.pk, at)
    third.refresh_from_db()
    assert third.input_digest != first.input_digest
    assert third.result["permitted"]["times"] == 1


@pytest.fixture
def api() -> Callable[..., Any]:
    """Calls the REST API as a program of security."""
    user, now = a_user("security"), timezone.now()
    _, secret = api_tokens.create(
        user, name="pipeline", scopes=["read", "write"], until=now + timedelta(days=1), by=user, at=now
    )  # fmt: skip
    client, headers = Client(), {"Authorization": f"Bearer {secret}"}

    def call(path: str, body: Any = None) -> Any:
        if body is None:
            return client.get(f"/api/v1/{path}", headers=headers)
        return client.post(
            f"/api/v1/{path}", body, content_type="application/json", headers=headers
        )

    return call


def test_a_program_asks_for_a_replay_and_reads_its_rows(ask: Ask, api: Callable[..., Any]) -> None:
    todo.the_application()
    ask("evaluation", request("morty", "can_create_todo"))
    draft = a_draft()

    asked = api("replays/", {"version": draft.pk, "days": 30})
    key = asked.json()["id"]
    waiting = api(f"replays/{key}/").json()
    replays.run(key, timezone.now())
    done = api(f"replays/{key}/").json()
    rows = api(f"replay-rows/?replay={key}&change=denied").json()

    assert (asked.status_code, waiting["status"], waiting["whole"]) == (202, "queued", None)
    assert (done["status"], done["version"], done["whole"]) == ("done", draft.pk, True)
    assert done["result"]["denied"] == {"questions": 1, "times": 1}
    assert [(row["subject"], row["after"]) for row in rows["results"]] == [
        (BY_MAIL["morty"], False)
    ]
    assert api(f"replays/?version={draft.pk}").json()["count"] == 1


def test_a_replay_over_the_api_is_of_one_change(api: Callable[..., Any]) -> None:
    live = a_version(PERMIT_ALL)

    for body in ({}, {"version": live.pk, "tier": 2}, {"tier": 2}, {"version": live.pk, "days": 0}):
        assert api("replays/", body).status_code == 400, body

    assert not Replay.objects.exists()


PARTS = st.lists(
    st.sampled_from(
        [
            "permit(principal, action, resource);",
            'forbid(principal in App::role::"editor", action, resource);',
            'permit(principal in App::role::"admin", action, resource) when { principal has email };',
            'forbid(principal, action, resource) when { context has risk && context.risk == "high" };',
            "permit(principal, action, resource) when { resource has ownerID };",
            'forbid(principal, action, resource) when { resource has ownerID && resource.ownerID == "x" };',
        ]
    ),
    min_size=1,
    max_size=4,
)
ASKED = st.lists(
    st.tuples(
        st.sampled_from(["rick", "morty", "nobody"]),
        st.sampled_from(["can_read_todos", "can_update_todo"]),
        st.sampled_from([{}, {"risk": "high"}, {"risk": "low"}, {"weather": "rain"}]),
        st.sampled_from([{}, {"properties": {"ownerID": "x"}}, {"properties": {"colour": "red"}}]),
    ),
    max_size=6,
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(parts=PARTS, asked=ASKED)
def test_replaying_what_is_live_over_its_own_answers_changes_nothing(
    ask: Ask, parts: list[str], asked: list[tuple[str, str, Any, Any]]
) -> None:
    with transaction.atomic():  # each example has a record of its own
        todo.the_application()
        text = "\n".join(f'@id("p{n}") {part}' for n, part in enumerate(parts))
        live = a_version(text, policy_set=PolicySet.objects.get(name="todo"), schema=todo.SCHEMA)
        for who, action, context, resource in asked:
            ask("evaluation", request(who, action, context=context, resource=dict(resource)))
        done = replayed(live)
        transaction.set_rollback(True)

    assert done.status == "done", done.error
    assert done.result["all"]["times"] == len(asked)
    assert done.result["denied"] == done.result["permitted"] == {"questions": 0, "times": 0}
