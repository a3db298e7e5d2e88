"""Hostile input, a lost database, a failing engine: never a permit, and never a 500."""

from typing import Any

import psycopg
import pytest
from django.db import OperationalError

from inventory import prepared
from runtime import decision_facts, decision_names
from runtime.decision_keys import Keys, key_of
from runtime.models import Decision, PolicyEntity
from runtime.questions import KNOWN_CONTEXT
from runtime.recording import RECORDER
from tests.factories import NOW
from tests.runtime import todo
from tests.runtime.conftest import Ask
from tests.runtime.factories import a_version
from tests.runtime.test_authzen import EVALUATION, a_reader

pytestmark = pytest.mark.django_db


def deep(levels: int) -> Any:
    found: Any = 1
    for _ in range(levels):
        found = {"a": found}
    return found


PLACES = ("subject", "resource")
VALUES = [
    "1", "0", "-1", "9" * 30, "1 OR 1=1", "*", "%", "\x00", "1\x00", "１", "٣", "identity\u202e", "spiffe://",
    "SPIFFE://EXAMPLE.ORG/A", "spiffe://example.org/a\n", "../1", "a/b/c", 'x" || true || "', "💥" * 100, "",
]  # fmt: skip


KINDS = ("identity", "user", "Mandate::Identity", "App::user", "role", "__proto__", "Action")


@pytest.mark.parametrize("place", PLACES)
def test_nobody_gets_in_by_a_strange_name(ask: Ask, place: str) -> None:
    a_reader()
    todo.the_application()
    admin = next(iter(todo.PEOPLE))
    for number, value in enumerate(VALUES):
        kind = KINDS[number % len(KINDS)]
        body = {
            "subject": {"type": "user", "id": admin},
            "action": {"name": "can_delete_everything"},
            "resource": {"type": "todo", "id": "1"},
        }
        body[place] = {"type": kind, "id": value}

        answer = ask("evaluation", body)

        assert answer.status_code in (200, 400), (value, answer.content)
        assert answer.json().get("decision") is not True


@pytest.mark.parametrize(
    "said",
    [
        deep(9), deep(200), {"a": 1.5}, {"a": 2**70}, {"a": [None, {"b": 0.1}]},
        {"__entity": {"type": "App::role", "id": "x"}}, {"__extn": {"fn": "ip", "arg": "1"}},
        {"ownerID": ["rick@the-citadel.com"]}, {"a": "\x00"},
    ],
    ids=str,
)  # fmt: skip
def test_properties_that_policies_cannot_take_are_a_deny(ask: Ask, said: Any) -> None:
    todo.the_application()
    admin = next(key for key, (_, role) in todo.PEOPLE.items() if role == "editor")
    body = {
        "subject": {"type": "user", "id": admin},
        "action": {"name": "can_update_todo"},
        "resource": {"type": "todo", "id": "1", "properties": said},
    }

    answer = ask("evaluation", body)

    assert answer.status_code in (200, 400)
    assert answer.json().get("decision") is not True


@pytest.mark.parametrize("name", KNOWN_CONTEXT)
def test_a_context_of_the_wrong_kind_is_never_an_error_of_ours(ask: Ask, name: str) -> None:
    identity, resource = a_reader()
    wrong = (0, 2**80, 1.5, True, [], [[]], [1, 2, {"id": {}}], {"id": 1}, "", "\x00", "x" * 9_000)
    body = {
        "subject": {"type": "identity", "id": str(identity.pk)},
        "action": {"name": "read"},
        "resource": {"type": "resource", "id": str(resource.pk)},
        "evaluations": [{"context": {name: value}} for value in wrong],
    }

    answer = ask("evaluations", body)

    assert answer.status_code == 200, answer.content
    assert Decision.objects.count() == len(wrong)


def test_an_application_cannot_pose_as_the_inventory(ask: Ask) -> None:
    """What is loaded for others is App::something; the inventory's types cannot be loaded at all."""
    identity, resource = a_reader()
    todo.the_application()
    a_version(
        '@id("all") permit(principal, action, resource);',
        policy_set=None, state="draft",
    )  # fmt: skip
    PolicyEntity.objects.create(
        type="user", key=str(identity.pk), changed_at=NOW,
        parents=[{"type": "Mandate::Tier", "id": "0"}, {"type": "role", "id": "admin"}],
    )  # fmt: skip

    body = {
        "subject": {"type": "user", "id": str(identity.pk)},
        "action": {"name": "read"},
        "resource": {"type": "resource", "id": str(resource.pk)},
    }

    assert ask("evaluation", body).json()["context"]["code"] == "mixed"


@pytest.mark.parametrize("lost", [OperationalError, psycopg.OperationalError, RuntimeError])
@pytest.mark.parametrize("what", ["evaluation", "evaluations", "search/subject"])
def test_without_the_database_nothing_is_answered(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, lost: type[Exception], what: str
) -> None:
    def gone(*_: Any, **__: Any) -> Any:
        raise lost("connection refused")

    monkeypatch.setattr(prepared, "_run", gone)

    answer = ask(what, EVALUATION)

    assert answer.status_code == 503
    assert "decision" not in answer.json()


def test_what_cannot_be_recorded_is_not_answered(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    todo.the_application()

    def full(*_: Any) -> None:
        raise OperationalError("disk full")

    monkeypatch.setattr(RECORDER, "record", full)

    answer = ask("evaluation", EVALUATION)

    assert answer.status_code == 503
    assert "decision" not in answer.json()


def test_policies_that_cannot_be_read_permit_nothing(ask: Ask) -> None:
    a_reader()
    todo.the_application()
    a_version("this is no policy", policy_set=None)
    identity, resource = a_reader()
    a_version("this is no policy")
    body = {
        "subject": {"type": "identity", "id": str(identity.pk)},
        "action": {"name": "read"},
        "resource": {"type": "resource", "id": str(resource.pk)},
    }

    answer = ask("evaluation", body)

    assert answer.json()["decision"] is False
    assert answer.json()["context"]["code"] == "policy_error"


def test_the_statement_is_prepared_with_values_apart() -> None:
    """No value of a request is ever part of the SQL."""
    keys = Keys(
        *({key_of(1), key_of("a/b"), key_of("spiffe://a/b"), key_of("word")} for _ in range(5))
    )
    shape, _ = decision_names.given(keys)
    sql = decision_facts._statement(shape).text

    assert "$1" in sql
    assert "%s" not in sql
    assert "1999" not in sql
