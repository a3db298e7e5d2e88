"""Deviations and drift over REST: to whom, what about a task and a tier, and how much it costs."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inventory.models import Tier
from runtime import after_calls
from tests.factories import (
    a_binding,
    a_grant,
    a_person,
    a_task,
    a_tool,
    an_entitlement,
    an_identity,
)
from tests.runtime.call_factories import a_tool_call
from tests.runtime.factories import a_deviation, an_observed_tier

pytestmark = pytest.mark.django_db


def rows(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def test_a_deviation_carries_the_score_of_its_task(api: Any) -> None:
    task = a_task()
    for severity, told in ((3, {}), (2, {}), (4, {"outcome": "expected"})):
        given = {"triaged_at": timezone.now(), **told} if told else {}
        a_deviation(task=task, severity=severity, **given)
    a_deviation(task=None)

    found = rows(api().get("deviations/"))

    scores = {(row["task"], row["task_score"]) for row in found}
    assert scores == {(task.pk, 50), (None, None)}
    assert {"rule", "call", "detail", "severity", "outcome"} <= set(found[0])
    assert len(rows(api().get("deviations/", task=task.pk, state="open"))) == 2


def test_a_task_is_told_with_its_rules_and_flagged_calls(api: Any) -> None:
    at = timezone.now()
    agent = an_identity(kind="autonomous_agent")
    hour = timedelta(hours=1)
    task = a_task(identity=agent, opened_at=at - hour, deadline=at + hour)
    a_grant(
        identity=agent, task=task, entitlement=an_entitlement(name="read", writes=False),
        expires_at=at + hour,
    )  # fmt: skip
    call = a_tool_call(identity=agent, task=task, tool_name="pay", provider="bank", started_at=at)
    after_calls.look(at)

    told = api().get(f"deviations/of-task/{task.pk}/").json()

    assert (told["score"], told["calls"], told["complete"]) == (35, 1, True)
    assert told["flagged_calls"] == [str(call.pk)]
    assert told["called"] == [
        {"provider": "bank", "tool": "pay", "calls": 1, "changes": False, "flagged": 1}
    ]
    broken = [rule["rule"] for rule in told["rules"] if rule["answer"] == "Broken"]
    assert broken == ["Tool outside the task’s list"]


def test_drift_says_both_tiers_since_when_why_and_what_is_missing(api: Any) -> None:
    row = an_observed_tier()
    an_observed_tier(identity=an_identity(declared_tier=3, observed_tier=3))
    an_observed_tier(ended_at=timezone.now())
    an_observed_tier(identity=an_identity(declared_tier=2, lifecycle="retired"))

    found = rows(api().get("drift/"))

    assert [one["id"] for one in found] == [row.pk]
    told = found[0]
    assert (told["declared_tier"], told["observed_tier"]) == (Tier.ASSISTANT, Tier.ACTOR)
    assert told["identity"]["id"] == row.identity_id
    assert told["why"][0] == {
        "tier": 3,
        "text": "It changed something 1 times with no person named in the trace, among 2 tools.",
    }
    missing = {one["key"]: one["answer"] for one in told["missing_controls"]}
    assert missing["calls-logged"] == "unknown"
    assert "narrowing-chains" not in missing
    assert api().get(f"drift/{row.pk}/").json() == told
    assert rows(api().get("drift/", tier=4)) == []


@pytest.mark.parametrize("role", ["security", "auditor", "owner"])
def test_an_owner_sees_only_what_is_theirs(role: str, api: Any) -> None:
    person = a_person()
    mine = an_identity(owner=person, kind="assistant", declared_tier=2, observed_tier=3)
    theirs = an_identity(owner=a_person(), kind="assistant", declared_tier=2, observed_tier=3)
    tasks = {one.pk: a_task(identity=one) for one in (mine, theirs)}
    drifts = {one.pk: an_observed_tier(identity=one) for one in (mine, theirs)}
    found = {one.pk: a_deviation(task=tasks[one.pk]) for one in (mine, theirs)}
    client = api(role, person=person)

    expected = {mine.pk} if role == "owner" else {mine.pk, theirs.pk}
    hidden = 404 if role == "owner" else 200
    for path, others in (("deviations/", found), ("drift/", drifts)):
        assert {row["identity"]["id"] for row in rows(client.get(path))} == expected
        assert client.get(f"{path}{others[theirs.pk].pk}/").status_code == hidden
        assert client.get(f"{path}{others[mine.pk].pk}/").status_code == 200
        assert client.post(path).status_code == (403 if role == "auditor" else 405)
    of_theirs = client.get(f"deviations/of-task/{tasks[theirs.pk].pk}/").status_code
    assert of_theirs == hidden


def test_drift_needs_as_many_queries_for_twelve_rows_as_for_two(api: Any) -> None:
    client, needed = api(), []
    client.get("teams/")  # notes the use of the token
    for number in (2, 10):
        for _ in range(number):
            a_binding(identity=an_observed_tier().identity, tool=a_tool(name=f"t{number}{_}"))
        with CaptureQueriesContext(connection) as queries:
            found = rows(client.get("drift/"))
        needed.append(len(queries))

    assert len(found) == 12
    assert needed[0] == needed[1] <= 8


def test_pages_of_drift_go_on_where_the_one_before_ended(api: Any) -> None:
    for _ in range(5):
        an_observed_tier()
    client = api()
    page = client.get("drift/", page_size=2).json()
    found = [row["id"] for row in page["results"]]
    while page["next"]:
        page = client._client.get(page["next"]).json()
        found += [row["id"] for row in page["results"]]

    assert len(found) == len(set(found)) == 5
    assert client.get("drift/", colour="red").status_code == 400
