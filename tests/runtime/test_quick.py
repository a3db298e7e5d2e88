"""The shortest way to an answer: the same answers, headers and errors as the view gives."""

import json
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from runtime import asked_again
from runtime.api import quick
from runtime.kept_answers import KEPT
from runtime.models import Decision
from tests.runtime import todo
from tests.runtime.test_authzen import a_reader

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_kept")]
ONE, MANY = "/access/v1/evaluation", "/access/v1/evaluations"
JSON = "application/json"


@pytest.fixture
def nothing_kept() -> Iterator[None]:
    KEPT.forget()
    yield
    KEPT.forget()


Said = tuple[str, dict[str, str], Any]


def call(application: Any, path: str, body: Any, secret: str, **more: str) -> Said:
    """Status, headers and document."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"HTTP_AUTHORIZATION": f"Bearer {secret}", "HTTP_X_REQUEST_ID": "r-1"}
    kind = more.pop("kind", JSON)
    made = RequestFactory().generic("POST", path, raw, content_type=kind, **{**headers, **more})
    started: list[Any] = []
    parts = application(made.environ, lambda status, given, *_: started.extend([status, given]))
    return started[0], dict(started[1]), json.loads(b"".join(parts))


def without_ids(said: Said) -> Said:
    status, headers, document = said
    for one in document.get("evaluations", [document]):
        one.get("context", {}).pop("decision_id", None)
    return status, headers, document


@pytest.fixture
def questions() -> list[dict[str, Any]]:
    identity, resource = a_reader()
    todo.the_application()
    where = {"type": "resource", "id": str(resource.pk)}
    who = {"type": "identity", "id": str(identity.pk)}
    person = {"type": "user", "id": sorted(todo.PEOPLE)[1]}
    return [
        {"subject": who, "action": {"name": "read"}, "resource": where},
        {"subject": who, "action": {"name": "write"}, "resource": where},
        {"subject": person, "action": {"name": "can_create_todo"}, "resource": {"type": "todo", "id": "1"}},
    ]  # fmt: skip


def test_it_says_what_the_view_says(secret: str, questions: list[dict[str, Any]]) -> None:
    django = get_wsgi_application()
    application = quick.first(django)
    batch = {"evaluations": questions}
    stops = {**batch, "options": {"evaluations_semantic": "deny_on_first_deny"}}
    asked = [*((ONE, one) for one in questions), (MANY, batch), (MANY, stops), (MANY, questions[0])]
    anew = [without_ids(call(django, path, body, secret)) for path, body in asked]
    for path, body in asked:
        call(django, path, body, secret)

    for (path, body), expected in zip(asked, anew, strict=True):
        before = Decision.objects.count()
        with CaptureQueriesContext(connection) as made:
            said = call(application, path, body, secret)
        given = said[2].get("evaluations", [said[2]])
        assert len({one["context"]["decision_id"] for one in given}) == len(given)
        assert Decision.objects.count() == before + len(given)
        assert len(made) == 1
        assert without_ids(said) == expected
        assert said[1]["X-Request-ID"] == "r-1"
        # The length counts the ids, which are as long each time.
        assert int(said[1]["Content-Length"]) > 0


def test_what_nobody_asked_before_needs_no_django_either(
    secret: str, questions: list[dict[str, Any]]
) -> None:
    def never(*_: Any) -> Any:
        raise AssertionError

    application = quick.first(never)

    assert call(application, ONE, questions[0], secret)[2]["decision"] is True
    status, _, said = call(application, MANY, {"evaluations": [*questions, {"subject": 1}]}, secret)

    assert status == "200 OK"
    assert [one["decision"] for one in said["evaluations"]] == [True, False, True, False]
    assert Decision.objects.count() == 1 + len(questions)


@pytest.mark.parametrize(
    ("body", "more"),
    [
        (b"{", {}),
        (b"[]", {}),
        ({"subject": 1}, {}),
        ({"evaluations": "x"}, {}),
        ({"evaluations": [1]}, {}),
        (None, {"kind": "text/plain"}),
        (None, {"HTTP_AUTHORIZATION": ""}),
        (None, {"HTTP_AUTHORIZATION": "Bearer mdt_unknown"}),
        (None, {"REQUEST_METHOD": "PUT"}),
        (b"x" * 300_000, {}),
    ],
    ids=str,
)
@pytest.mark.parametrize("path", [ONE, MANY])
def test_what_it_does_not_take_the_view_answers(
    secret: str, questions: list[dict[str, Any]], path: str, body: Any, more: dict[str, str]
) -> None:
    django = get_wsgi_application()
    given = questions[0] if body is None else body
    for _ in range(3):
        call(django, ONE, questions[0], secret)

    expected = without_ids(call(django, path, given, secret, **more))

    assert without_ids(call(quick.first(django), path, given, secret, **more)) == expected


def test_its_own_failure_is_no_answer(secret: str, questions: list[dict[str, Any]]) -> None:
    django = get_wsgi_application()
    for _ in range(3):
        call(django, ONE, questions[0], secret)

    with patch.object(quick, "_said", side_effect=RuntimeError):
        status, _, said = call(quick.first(django), ONE, questions[0], secret)

    assert (status, said["decision"]) == ("200 OK", True)


def test_another_address_is_not_touched(secret: str) -> None:
    with patch.object(asked_again, "answered") as never:
        status, _, _ = call(
            quick.first(get_wsgi_application()), "/access/v1/search/action", {}, secret
        )

    assert status.startswith("400")
    never.assert_not_called()
