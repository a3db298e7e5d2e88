"""Tool calls over REST: reporting them as JSON and JSON lines, and reading them."""

import gzip
import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from runtime.models import ToolCall
from tests.factories import a_person, a_user, an_identity
from tests.runtime.call_factories import a_tool_call
from tests.runtime.reporting import DAY, a_reporter

pytestmark = pytest.mark.django_db
URL = "/api/v1/tool-calls/"
JSON, LINES = "application/json", "application/x-ndjson"


@pytest.fixture
def secret() -> str:
    return a_reporter(timezone.now())[1]


def a_call(**fields: Any) -> dict[str, Any]:
    return {"id": "c-1", "tool": "refund", "started_at": timezone.now().isoformat(), **fields}


def send(body: Any, secret: str, content_type: str = JSON, **headers: str) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = {"Authorization": f"Bearer {secret}", **headers}
    return Client().post(URL, content, content_type=content_type, headers=told)


def test_calls_are_taken_once(secret: str) -> None:
    report = {"calls": [a_call(agent="billing", outcome="ok", arguments={"order": 7})]}

    first, again = send(report, secret).json(), send(report, secret).json()

    assert first == {"new": 1, "known": 0, "refused": 0, "reasons": []}
    assert (again["new"], again["known"]) == (0, 1)
    call = ToolCall.objects.get()
    assert (call.agent_name, call.outcome, call.summary) == (
        "billing",
        "ok",
        {"arguments": {"order": 7}},
    )


def test_of_lines_the_wrong_ones_are_named_and_the_rest_is_taken(secret: str) -> None:
    lines = [
        json.dumps(a_call()), "", "{", json.dumps(a_call(id="2", colour="red")),
        json.dumps(a_call(id="3", started_at="yesterday")),
        json.dumps(a_call(id="4", started_at=(timezone.now() - 300 * DAY).isoformat())),
        json.dumps({"id": "5", "tool": "t"}), json.dumps(a_call(id="6", duration_ms=1.5)),
    ]  # fmt: skip

    body = gzip.compress("\n".join(lines).encode())
    answer = send(body, secret, LINES, **{"Content-Encoding": "gzip"}).json()

    assert (answer["new"], answer["refused"]) == (2, 5)
    reasons = {one["place"]: one["reason"] for one in answer["reasons"]}
    assert reasons["line 3"] == "It is no JSON."
    assert "no field “colour”" in reasons["line 4"]
    assert "no time with its zone" in reasons["line 5"]
    assert "kept for 200 days" in reasons["line 6"]
    assert reasons["line 7"] == "“started_at” is missing."


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"calls": [{"id": "1"}]}, 400),
        ({"calls": 3}, 400),
        ([], 400),
        (b"{", 400),
        ({"calls": [{"id": "1", "tool": "t", "started_at": "2001-01-01T00:00:00Z"}]}, 422),
    ],
)
def test_a_report_that_is_wrong_is_refused_whole(secret: str, body: Any, status: int) -> None:
    answer = send(body, secret)

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert not ToolCall.objects.exists()


def test_who_may_only_read_may_not_report() -> None:
    reader = a_reporter(timezone.now(), "read")[1]

    assert send({"calls": []}, reader).status_code == 403


def test_an_owner_reads_the_calls_of_what_is_theirs() -> None:
    person = a_person()
    mine = a_tool_call(identity=an_identity(owner=person))
    theirs = a_tool_call(identity=an_identity(owner=a_person()))
    client = Client()
    client.force_login(a_user("owner", person=person))

    listed = client.get(URL).json()

    assert [row["id"] for row in listed["results"]] == [str(mine.pk)]
    assert client.get(f"{URL}{mine.pk}/").json()["tool_name"] == "search"
    assert client.get(f"{URL}{theirs.pk}/").status_code == 404
    assert client.get(f"{URL}{'0' * 36}/").status_code == 404


def test_calls_are_filtered_and_paged() -> None:
    at = timezone.now()
    for number in range(5):
        a_tool_call(started_at=at, tool_name="a" if number % 2 else "b", trace_id="0" * 31 + "1")
    client = Client()
    client.force_login(a_user("security"))

    some = client.get(URL, {"tool_name": "b", "page_size": 2}).json()
    rest = client.get(some["next"]).json()

    assert (some["count"], len(some["results"]), len(rest["results"])) == (3, 2, 1)
    assert client.get(URL, {"trace": "0" * 32}).json()["count"] == 0
    assert client.get(URL, {"colour": "red"}).status_code == 400
