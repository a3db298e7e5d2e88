"""The token under which a call was made, shown on its chain."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from inventory.models import Identity, Task
from runtime.chain_marks import Mark, marks_of
from runtime.models import Token, ToolCall
from tests.factories import a_person, a_task, a_user, an_identity
from tests.runtime.call_factories import a_tool_call
from tests.runtime.factories import a_token
from tests.runtime.reporting import a_reporter

pytestmark = pytest.mark.django_db
TRACE = "d" * 32


@pytest.fixture
def at() -> datetime:
    return timezone.now()


def a_tokened(at: datetime, **fields: Any) -> tuple[Identity, Task, Token]:
    agent = an_identity(owner=a_person(), kind="autonomous_agent")
    hour = timedelta(hours=1)
    task = a_task(identity=agent, opened_at=at - hour, deadline=at + hour)
    given = {"issued_at": at - timedelta(minutes=1), "expires_at": at + timedelta(minutes=4)}
    return agent, task, a_token(task=task, **{**given, **fields})


def mark(call: ToolCall, at: datetime, **who: Any) -> Mark | None:
    found = marks_of([call], seen_by=who.get("user") or a_user(), at=at)[str(call.pk)]
    return next((one for one in found if one.label.startswith("Token")), None)


def named(token: Token, **fields: Any) -> ToolCall:
    return a_tool_call(attributes={"token_jti": str(token.jti)}, **fields)


def test_the_chain_links_the_token_that_the_reporter_named(at: datetime) -> None:
    agent, _, token = a_tokened(at)
    named(token, identity=agent, trace_id=TRACE, started_at=at)
    owner = Client()
    owner.force_login(a_user("owner", person=agent.owner))

    page = owner.get(reverse("runtime:trace-chain", args=[TRACE])).content.decode()

    address = reverse("runtime:issued-detail", args=[token.pk])
    assert f'href="{address}"' in page
    assert owner.get(address).status_code == 200
    assert "No decision" in page


def test_without_a_name_it_is_the_one_that_was_live_for_the_task_then(at: datetime) -> None:
    agent, task, first = a_tokened(at)
    later = a_token(
        task=task, issued_at=at + timedelta(minutes=2), expires_at=at + timedelta(minutes=7)
    )
    about = {"identity": agent, "task": task}

    then = mark(a_tool_call(started_at=at, **about), at)
    both = mark(a_tool_call(started_at=at + timedelta(minutes=3), **about), at)
    after = mark(a_tool_call(started_at=at + timedelta(minutes=9), **about), at)
    elsewhere = mark(a_tool_call(started_at=at, identity=an_identity(), task=task), at)

    assert then is not None and (then.label, then.key) == ("Token of the task", first.pk)
    assert both is not None and both.key == later.pk
    assert "The newest of 2" in both.text
    assert after is elsewhere is None


def test_a_token_that_could_not_have_carried_the_call_says_so(at: datetime) -> None:
    agent, _, token = a_tokened(at, revoked_at=at - timedelta(seconds=9), end_cause="revoked")

    revoked = mark(named(token, identity=agent, started_at=at), at)
    another = mark(named(token, identity=an_identity(), started_at=at), at)

    assert revoked is not None and another is not None
    assert (revoked.label, another.label) == ("Token not live", "Token of another")
    assert {revoked.tone, another.tone} == {"bad"}


def test_who_may_not_see_a_token_gets_no_link_to_it(at: datetime) -> None:
    _, _, token = a_tokened(at)
    mine = an_identity(owner=a_person())
    call = named(token, identity=mine, started_at=at)

    found = mark(call, at, user=a_user("owner", person=mine.owner))

    assert found is not None
    assert (found.label, found.url) == ("Token unknown", "")
    assert token.audience not in found.text


def test_all_tokens_of_a_chain_are_read_at_once(
    at: datetime, django_assert_num_queries: Any
) -> None:
    user, calls = a_user(), []
    for _ in range(4):
        agent, task, token = a_tokened(at)
        calls += [
            a_tool_call(identity=agent, task=task, started_at=at),
            named(token, identity=agent, started_at=at),
        ]

    with django_assert_num_queries(1):
        found = marks_of(calls, seen_by=user, at=at)

    assert [marks[-1].label for marks in found.values()] == ["Token of the task", "Token"] * 4


def test_a_report_names_the_token_by_its_number_and_nothing_else(at: datetime) -> None:
    jti, secret = str(uuid4()), a_reporter(at)[1]
    call = {"id": "1", "tool": "pay", "started_at": at.isoformat(), "token_jti": jti}

    def send(body: dict[str, Any]) -> Any:
        return Client().post(
            "/api/v1/tool-calls/", {"calls": [body]}, content_type="application/json",
            headers={"Authorization": f"Bearer {secret}"},
        )  # fmt: skip

    taken, refused = send(call), send({**call, "id": "2", "token_jti": "eyJhbGciOi.J9.c2ln"})

    assert (taken.status_code, refused.status_code) == (200, 400)
    assert ToolCall.objects.get().attributes == {"token_jti": jti}
