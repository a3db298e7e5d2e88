"""The Authorization API 1.0: the interoperability scenario, batches, searches, discovery, and its errors."""

import json
from typing import Any

import jsonschema
import pytest
from django.test import Client

from inventory.models import ApiToken, Identity
from runtime.models import Decision
from runtime.policy_validation import validate
from tests.factories import a_grant, a_resource, an_entitlement, an_identity
from tests.runtime import todo
from tests.runtime.conftest import Ask
from tests.runtime.factories import a_version
from tests.samples import sample

pytestmark = pytest.mark.django_db
EVALUATION = {
    "subject": {"type": "user", "id": "nobody"},
    "action": {"name": "can_read_todos"},
    "resource": {"type": "todo", "id": "1"},
}


def read(name: str) -> Any:
    return json.loads(sample(f"authzen/{name}").read_text(encoding="utf-8"))


def decided(answer: Any) -> list[bool]:
    return [one["decision"] for one in answer.json()["evaluations"]]


def test_the_scenario_is_answered_as_it_expects(ask: Ask) -> None:
    todo.the_application()
    asks, shape = (read(f"schemas/evaluation-{one}.schema.json") for one in ("request", "response"))

    wrong = []
    for case in read("todo-decisions.json")["evaluation"]:
        jsonschema.validate(case["request"], asks)
        answer = ask("evaluation", case["request"])
        jsonschema.validate(answer.json(), shape)
        if answer.json()["decision"] != case["expected"]:
            wrong.append((case, answer.json()))

    assert not wrong
    assert Decision.objects.count() == 40


def test_the_batches_of_the_scenario_are_answered_as_it_expects(ask: Ask) -> None:
    todo.the_application()

    for case in read("todo-decisions.json")["evaluations"]:
        answer = ask("evaluations", case["request"])
        assert decided(answer) == [one["decision"] for one in case["expected"]]


def test_its_policies_are_valid_and_know_nothing_of_the_inventory() -> None:
    assert validate(todo.POLICIES, domain="application", schema=todo.SCHEMA) == []
    mixed = todo.POLICIES + '@id("x") permit(principal is Mandate::Identity, action, resource);'
    assert validate(mixed, domain="application", schema=todo.SCHEMA)


@pytest.mark.parametrize(
    ("semantic", "expected"),
    [
        ("execute_all", [False, True, False]),
        ("deny_on_first_deny", [False]),
        ("permit_on_first_permit", [False, True]),
    ],
)
def test_a_batch_stops_where_its_semantics_say(
    ask: Ask, semantic: str, expected: list[bool]
) -> None:
    todo.the_application()
    morty = next(key for key, (mail, _) in todo.PEOPLE.items() if mail.startswith("morty"))
    owners = ("rick@the-citadel.com", "morty@the-citadel.com", "rick@the-citadel.com")
    body = {
        "subject": {"type": "user", "id": morty},
        "action": {"name": "can_update_todo"},
        "options": {"evaluations_semantic": semantic},
        "evaluations": [
            {"resource": {"type": "todo", "id": str(n), "properties": {"ownerID": owner}}}
            for n, owner in enumerate(owners)
        ],
    }

    assert decided(ask("evaluations", body)) == expected
    assert Decision.objects.count() == len(expected)


def test_a_batch_without_entries_is_one_evaluation(ask: Ask) -> None:
    todo.the_application()

    for body in (EVALUATION, {**EVALUATION, "evaluations": []}):
        assert ask("evaluations", body).json()["decision"] is True


def test_a_malformed_entry_is_denied_and_spoils_no_other(ask: Ask) -> None:
    todo.the_application()
    body = {**EVALUATION, "evaluations": [{"resource": {"type": "todo"}}, {}, {"subject": 7}]}

    answer = ask("evaluations", body)

    assert decided(answer) == [False, True, False]
    assert answer.json()["evaluations"][0]["context"]["error"]["status"] == 400


def test_searches_page_through_all_that_would_be_permitted(ask: Ask) -> None:
    todo.the_application()
    body = {
        "subject": {"type": "user"},
        "action": {"name": "can_create_todo"},
        "resource": {"type": "todo", "id": "1"},
        "page": {"limit": 2},
    }

    first = ask("search/subject", body).json()
    second = ask("search/subject", {**body, "page": {"token": first["page"]["next_token"]}}).json()

    found = [one["id"] for one in (*first["results"], *second["results"])]
    assert sorted(found) == sorted(
        key for key, (_, role) in todo.PEOPLE.items() if role != "viewer"
    )
    assert len(first["results"]) == 2
    assert second["page"]["next_token"] == ""


def a_reader() -> tuple[Identity, Any]:
    a_version()
    identity, resource = an_identity(), a_resource()
    a_grant(
        identity=identity,
        entitlement=an_entitlement(system=resource.system, resource=resource, name="read"),
    )
    an_identity()
    return identity, resource


def test_searches_of_the_inventory_find_who_where_and_what(ask: Ask) -> None:
    identity, resource = a_reader()
    subject = {"type": "identity", "id": str(identity.pk)}
    where = {"type": "resource", "id": str(resource.pk)}
    read = {"name": "read"}

    who = ask(
        "search/subject", {"subject": {"type": "identity"}, "action": read, "resource": where}
    )
    which = ask(
        "search/resource", {"subject": subject, "action": read, "resource": {"type": "resource"}}
    )
    what = ask("search/action", {"subject": subject, "resource": where})

    assert who.json()["results"] == [subject]
    assert which.json()["results"] == [where]
    assert what.json()["results"] == [read]
    assert not Decision.objects.exists()


def test_discovery_names_every_endpoint() -> None:
    answer = Client().get("/.well-known/authzen-configuration")

    found = answer.json()
    base = found["policy_decision_point"]
    assert found["access_evaluation_endpoint"] == f"{base}/access/v1/evaluation"
    assert len(found) == 6


def test_the_request_id_comes_back_and_nothing_forged_does(ask: Ask) -> None:
    assert ask("evaluation", EVALUATION, x_request_id="abc-1").headers["X-Request-ID"] == "abc-1"
    assert ask("evaluation", b"{", x_request_id="abc-2").headers["X-Request-ID"] == "abc-2"
    assert "X-Request-ID" not in ask("evaluation", EVALUATION, x_request_id="é" * 300).headers


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"\xff", {}, {**EVALUATION, "subject": None},
        {**EVALUATION, "subject": {"type": "user"}}, {**EVALUATION, "subject": {"type": 1, "id": "a"}},
        {**EVALUATION, "action": "read"}, {**EVALUATION, "action": {}},
        {**EVALUATION, "resource": {"type": "", "id": "a"}}, {**EVALUATION, "context": []},
        {**EVALUATION, "resource": {"type": "todo", "id": "a", "properties": [1]}},
        {**EVALUATION, "subject": {"type": "user", "id": "a" * 5_000}},
        b'{"subject": {"type": "user", "id": "\\ud800"}, "action": {"name": "a"}}', b"[" * 100_000,
    ],
)  # fmt: skip
def test_a_malformed_request_is_a_400(ask: Ask, body: Any) -> None:
    answer = ask("evaluation", body)

    assert answer.status_code == 400
    assert answer.json()["message"].endswith(".")
    assert not Decision.objects.exists()


def test_who_asks_must_hold_a_live_token_for_decisions(ask: Ask, secret: str) -> None:
    def status(authorization: str, body: Any = EVALUATION) -> int:
        return int(ask("evaluation", body, authorization=authorization).status_code)

    for wrong in ("", "Basic x", "Bearer", "Bearer mdt_wrong", "Bearer é", "Bearer " + "a" * 9_000):
        assert status(wrong) == 401
        assert status(wrong, b"{") == 401
    assert status(f"Bearer {secret}") == 200
    ApiToken.objects.update(scopes=["read"])
    assert status(f"Bearer {secret}") == 403
    ApiToken.objects.update(scopes=["decide"], revoked_at="2026-01-01T00:00Z")
    assert status(f"Bearer {secret}") == 401


def test_only_post_and_only_json(secret: str) -> None:
    client = Client(headers={"authorization": f"Bearer {secret}"})

    assert client.get("/access/v1/evaluation").status_code == 405
    text = client.post("/access/v1/evaluation", json.dumps(EVALUATION), content_type="text/plain")
    assert text.status_code == 400
