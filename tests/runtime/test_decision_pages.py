"""Decisions on their pages, in the file and over the API; and the page of a replay."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from inventory import api_tokens
from inventory.models import Identity
from runtime import replays
from runtime.models import Decision, Replay
from tests.factories import a_grant, a_person, a_task, a_user, an_identity
from tests.runtime.call_factories import a_tool_call
from tests.runtime.factories import PERMIT_ALL, a_decision, a_version

pytestmark = pytest.mark.django_db
MOST_QUERIES = 12


def signed_in(role: str, **fields: Any) -> Client:
    client = Client()
    client.force_login(a_user(role, **fields))
    return client


def at(name: str, *keys: object) -> str:
    return reverse(f"runtime:{name}", args=keys)


def shown(client: Client, **asked: Any) -> str:
    return client.get(at("decision-list"), asked).content.decode()


def an_answer(identity: Identity, **fields: Any) -> Decision:
    given = {"identity": identity, "subject_id": str(identity.pk), "made_at": timezone.now()}
    return a_decision(**{**given, **fields})


def test_each_filter_shows_exactly_its_decisions() -> None:
    finder, mover = an_identity(name="finder"), an_identity(name="mover")
    task = a_task(identity=mover)
    version = a_version()
    an_answer(finder, action="read-a", permitted=True, reason_code="permitted", policies=["all"])
    an_answer(
        mover, action="write-b", reason_code="policy_forbids", policies=["shut"], task=task,
        policy_version=version,
    )  # fmt: skip
    an_answer(mover, action="move-c", permitted=True, monitored=False, mode="monitor",
              reason_code="monitored", made_at=timezone.now() - timedelta(days=3))  # fmt: skip
    client = signed_in("security")
    today = timezone.now().date().isoformat()

    found = {
        name: {action for action in ("read-a", "write-b", "move-c") if f">{action}<" in shown(client, **asked)}
        for name, asked in {
            "all": {}, "denied": {"outcome": "denied"}, "watched": {"outcome": "watched"},
            "permitted": {"outcome": "permitted"}, "reason": {"reason": "policy_forbids"},
            "policy": {"policy": "all"}, "identity": {"identity": finder.pk}, "task": {"task": task.pk},
            "version": {"version": version.pk}, "search": {"q": "finder"}, "action": {"action": "move-c"},
            "mode": {"mode": "monitor"}, "today": {"made_after": today},
        }.items()
    }  # fmt: skip

    assert found == {
        "all": {"read-a", "write-b", "move-c"}, "denied": {"write-b"}, "watched": {"move-c"},
        "permitted": {"read-a"}, "reason": {"write-b"}, "policy": {"read-a"}, "identity": {"read-a"},
        "task": {"write-b"}, "version": {"write-b"}, "search": {"read-a"}, "action": {"move-c"},
        "mode": {"move-c"}, "today": {"read-a", "write-b"},
    }  # fmt: skip


def test_an_owner_sees_the_decisions_of_their_identities_only() -> None:
    person = a_person()
    mine, other = an_identity(owner=person), an_identity()
    own, foreign = an_answer(mine, action="own"), an_answer(other, action="foreign")
    owner = signed_in("owner", person=person)

    page = shown(owner)

    assert ">own<" in page
    assert ">foreign<" not in page
    assert owner.get(at("decision-detail", own.pk)).status_code == 200
    assert owner.get(at("decision-detail", foreign.pk)).status_code == 404
    assert owner.get(at("decision-detail", "no-uuid")).status_code == 404


def test_a_decision_says_why_what_would_change_it_and_by_which_version() -> None:
    version = a_version()
    task = a_task()
    row = an_answer(
        an_identity(name="mover"), task=task, policy_version=version, policies=["shut"],
        reason="The policy forbids it.", remedy="Open a task.", context={"chain": ["17", "18"], "risk": "high"},
    )  # fmt: skip

    call = a_tool_call(
        started_at=row.made_at, identity=row.identity, decision_id=row.pk, tool_name="move"
    )

    page = signed_in("auditor").get(at("decision-detail", row.pk)).content.decode()

    for said in (
        at("call-detail", call.pk), "The policy forbids it.", "Open a task.", "<code>shut</code>",
        "inventory, version 1", task.purpose, "<li>17</li>", "mover",
    ):  # fmt: skip
        assert said in page


def test_the_panels_show_the_last_and_lead_to_all() -> None:
    task = a_task()
    for number in range(12):
        an_answer(task.identity, action=f"act-{number}", task=task)
    client = signed_in("security")

    for name, row in (("identity", task.identity), ("task", task)):
        page = client.get(at(f"{name}-decisions", row.pk), headers={"HX-Request": "true"})
        text = page.content.decode()
        assert text.count("<tr>") == 11
        assert f"{at('decision-list')}?{name}={row.pk}" in text
        whole = client.get(reverse(f"inventory:{name}-detail", args=[row.pk])).content.decode()
        assert at(f"{name}-decisions", row.pk) in whole


def test_the_file_holds_what_the_list_shows() -> None:
    an_answer(an_identity(name="=cmd"), action="read")
    an_answer(an_identity(), action="write", permitted=True)

    answer = signed_in("security").get(at("decision-list"), {"export": "csv", "outcome": "denied"})
    lines = b"".join(answer).decode().splitlines()  # type: ignore[arg-type]  # it streams

    assert len(lines) == 2
    assert "read,Denied,'=cmd" in lines[1]


def test_the_api_lists_and_reads_decisions_and_changes_none() -> None:
    user, now = a_user("auditor"), timezone.now()
    _, secret = api_tokens.create(
        user, name="t", scopes=["read"], until=now + timedelta(days=1), by=user, at=now
    )
    headers = {"Authorization": f"Bearer {secret}"}
    row = an_answer(an_identity(name="mover"), facts={"writes": True})
    client = Client()

    found = client.get("/api/v1/decisions/", {"outcome": "denied"}, headers=headers).json()
    one = client.get(f"/api/v1/decisions/{row.pk}/", headers=headers).json()

    assert [each["id"] for each in found["results"]] == [str(row.pk)]
    assert one["facts"] == {"writes": True}
    assert one["identity"]["name"] == "mover"
    assert client.post("/api/v1/decisions/", {}, headers=headers).status_code == 403


def test_pages_need_as_many_queries_for_many_rows_as_for_few() -> None:
    client, needed = signed_in("security"), []
    version = a_version()
    for _ in range(2):
        for _ in range(10):
            an_answer(an_identity(owner=a_person()), task=a_task(), policy_version=version)
        with CaptureQueriesContext(connection) as queries:
            shown(client)
            client.get(at("policy-list"))
        needed.append(len(queries))

    assert needed[0] == needed[1] <= 2 * MOST_QUERIES


def test_a_replay_is_asked_for_waits_and_then_shows_who_and_how_often() -> None:
    identity = an_identity(name="mover", owner=a_person())
    facts = {
        "action": "read", "risk": "low", "writes": False, "highImpact": False, "justInTime": False,
        "throughOthers": False, "hops": 0, "chainLength": 0, "approved": False,
        "personPresent": False, "sensitivity": "unknown",
    }  # fmt: skip
    from_a_dataset = a_grant(identity=identity).entitlement.system
    for _ in range(3):
        an_answer(
            identity, permitted=True, reason_code="permitted", resource_type="system",
            resource_id=str(from_a_dataset.pk), facts=facts,
        )  # fmt: skip
    live = a_version(PERMIT_ALL)
    draft = a_version(
        '@id("shut") forbid (principal, action, resource);',
        policy_set=live.policy_set,
        state="draft",
    )
    client = signed_in("security")

    asked = client.post(at("version-replay", draft.pk), {"days": "7"})
    row = Replay.objects.get()
    waiting = client.get(asked.headers["Location"]).content.decode()
    replays.run(row.pk, timezone.now())
    page = client.get(at("replay-detail", row.pk)).content.decode()
    lines = b"".join(client.get(at("replay-detail", row.pk), {"export": "csv"})).decode()  # type: ignore[arg-type]  # it streams

    assert "Waiting for a worker" in waiting
    assert client.get(at("replay-status", row.pk), headers={"HX-Request": "true"}).headers[
        "HX-Refresh"
    ]
    assert "mover" in page
    assert "The policy “shut” forbids it." in page
    assert lines.splitlines()[1].startswith("mover,Newly denied,read,")
    assert (
        "3 newly denied, 0 newly permitted"
        in client.get(at("policy-activate", draft.pk)).content.decode()
    )


def test_an_owner_replays_the_end_of_their_grant_and_nobody_elses() -> None:
    person = a_person()
    grant = a_grant(identity=an_identity(owner=person))
    owner, auditor = signed_in("owner", person=person), signed_in("auditor")

    made = owner.post(at("grant-replay", grant.pk), {"days": "7"})

    assert made.status_code == 302
    assert owner.get(made.headers["Location"]).status_code == 200
    assert auditor.post(at("grant-replay", grant.pk), {"days": "7"}).status_code == 403
    assert owner.post(at("grant-replay", a_grant().pk), {"days": "7"}).status_code == 404


def test_a_reason_that_the_words_do_not_know_is_shown_by_its_code() -> None:
    an_answer(an_identity(), reason_code="made_up")

    assert "made_up" in shown(signed_in("security"))
