"""What counts as a call of a tool: once, whoever told it, and only where a tool was called."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from inventory.models import Identity
from runtime import after_calls, cover_report, intent
from runtime.models import CallTally, ToolCall
from tests.factories import a_grant, a_system, a_task, a_user, an_entitlement, an_identity
from tests.runtime.call_factories import a_tool_call

pytestmark = pytest.mark.django_db
TRACE, ONE, TWO = "c" * 32, "1" * 16, "2" * 16


@pytest.fixture
def at() -> datetime:
    return timezone.now()


@pytest.fixture
def agent() -> Identity:
    return an_identity(name="desk", kind="assistant")


def counted() -> int:
    return sum(CallTally.objects.values_list("calls", flat=True))


def test_the_run_of_an_agent_lowers_no_share_of_coverage(agent: Identity, at: datetime) -> None:
    bank = an_entitlement(name="read", system=a_system(name="bank"))
    a_grant(identity=agent, entitlement=bank)
    about: dict[str, Any] = {"identity": agent, "agent_name": "desk", "started_at": at}
    run = a_tool_call(kind="agent", tool_name="desk", **about)
    a_tool_call(tool_name="read", provider="bank", **about)

    after_calls.look(at)

    share = cover_report.share(CallTally.objects.filter(identity=agent))
    assert (share.calls, share.covered, share.percent) == (1, 1, "100 %")
    security = Client()
    security.force_login(a_user())
    page = security.get(reverse("runtime:cover"), {"identity": agent.pk}).content.decode()
    assert "100 %" in page
    shown = security.get(reverse("runtime:call-detail", args=[run.pk])).content.decode()
    assert "Its own run" in shown
    assert "By no rule" not in shown
    assert ToolCall.objects.count() == 2


def test_work_that_is_given_to_another_agent_counts(agent: Identity, at: datetime) -> None:
    about: dict[str, Any] = {"identity": agent, "agent_name": "desk", "started_at": at}
    a_tool_call(kind="agent", tool_name="clerk", **about)
    a_tool_call(kind="handoff", tool_name="clerk", **about)

    after_calls.look(at)

    assert counted() == 2


def both_ends(agent: Identity, at: datetime, **server: Any) -> None:
    a_tool_call(identity=agent, tool_name="pay", trace_id=TRACE, span_id=ONE, started_at=at)
    told = {
        "identity": agent, "tool_name": "pay", "trace_id": TRACE, "parent_span_id": ONE,
        "attributes": {"side": "server"},
    }  # fmt: skip
    a_tool_call(span_id=TWO, started_at=at, **{**told, **server})


def test_a_call_that_both_ends_told_counts_once(agent: Identity, at: datetime) -> None:
    both_ends(agent, at)

    after_calls.look(at)

    assert counted() == 1


def test_a_call_that_both_ends_told_is_drawn_once_and_both_stay_on_record(
    agent: Identity, at: datetime
) -> None:
    both_ends(agent, at)
    security = Client()
    security.force_login(a_user())

    chain = security.get(reverse("runtime:trace-chain", args=[TRACE]), {"export": "json"}).json()

    assert [call["id"] for call in chain["calls"]] == [str(ToolCall.objects.get(span_id=ONE).pk)]
    assert security.get("/api/v1/tool-calls/").json()["count"] == 2


def test_a_task_counts_a_call_that_both_ends_told_once(agent: Identity, at: datetime) -> None:
    hour = timedelta(hours=1)
    task = a_task(identity=agent, opened_at=at - hour, deadline=at + hour)
    about = {"identity": agent, "task": task, "tool_name": "pay", "trace_id": TRACE}
    a_tool_call(span_id=ONE, started_at=at, **about)
    a_tool_call(
        span_id=TWO, parent_span_id=ONE, attributes={"side": "server"}, started_at=at, **about
    )

    assert intent.of_task(task, at).total == 1


@pytest.mark.parametrize(
    "server",
    [
        {"parent_span_id": "9" * 16}, {"trace_id": "b" * 32}, {"tool_name": "refund"},
        {"attributes": {}}, {"attributes": {"side": "client"}},
    ],
    ids=["another span", "another trace", "another tool", "no side", "the client's side"],
)  # fmt: skip
def test_what_is_not_shown_to_be_the_same_call_counts(
    agent: Identity, at: datetime, server: dict[str, Any]
) -> None:
    both_ends(agent, at, **server)

    after_calls.look(at)

    assert counted() == 2
