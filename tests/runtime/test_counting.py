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
from tests.factories import (
    a_grant,
    a_person,
    a_system,
    a_task,
    a_user,
    an_entitlement,
    an_identity,
)
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
    a_tool_call(**{"span_id": TWO, "started_at": at, **told, **server})


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


@pytest.fixture
def security() -> Client:
    client = Client()
    client.force_login(a_user())
    return client


def listed(client: Client, **asked: str) -> list[str]:
    """The rows of the file that the list gives, by who told them."""
    answer = client.get(reverse("runtime:call-list"), {"export": "csv", **asked, "col": ["id"]})
    lines = b"".join(answer).decode().splitlines()[1:]  # type: ignore[call-overload]  # it streams
    spans = {str(call.pk): call.span_id for call in ToolCall.objects.all()}
    return [spans[line.split(",")[-1]] for line in lines]


def page_of(client: Client, **asked: str) -> tuple[str, str]:
    """What the list says of itself, and the page."""
    answer = client.get(reverse("runtime:call-list"), asked)
    assert answer.status_code == 200
    return answer.context["list"].status, answer.content.decode()


def test_the_list_shows_a_call_that_both_ends_told_once_with_a_way_to_the_other(
    security: Client, agent: Identity, at: datetime
) -> None:
    both_ends(agent, at, service_name="payments")
    first, second = (ToolCall.objects.get(span_id=span) for span in (ONE, TWO))

    (said, page), (said_of_all, every) = page_of(security), page_of(security, spans="all")

    assert (listed(security), sorted(listed(security, spans="all"))) == ([ONE], [ONE, TWO])
    assert (said, said_of_all) == ("1 call, 1 on this page.", "2 calls, 2 on this page.")
    assert "the server, payments" in page
    assert str(second.pk) in page  # the link
    assert "the caller" in every
    panel = security.get(reverse("runtime:identity-activity", args=[agent.pk])).content.decode()
    assert "also told by the server, payments" in panel
    assert panel.count(reverse("runtime:call-detail", args=[first.pk])) == 1
    assert panel.count(reverse("runtime:call-detail", args=[second.pk])) == 1
    detail = security.get(reverse("runtime:call-detail", args=[second.pk])).content.decode()
    assert reverse("runtime:call-detail", args=[first.pk]) in detail


def test_a_filter_that_only_the_second_end_matches_hides_no_call(
    security: Client, agent: Identity, at: datetime
) -> None:
    both_ends(agent, at, outcome="error", provider="bank")

    assert listed(security, outcome="error") == [TWO]
    assert listed(security, outcome="ok") == [ONE]
    assert page_of(security, outcome="error")[0] == "1 call, 1 on this page."


@pytest.mark.parametrize("apart", [timedelta(days=2), timedelta(minutes=1)])
def test_ends_on_different_pages_are_one_row_unless_days_apart(
    security: Client, agent: Identity, at: datetime, apart: timedelta
) -> None:
    both_ends(agent, at, started_at=at - apart)
    for minute in range(30):
        a_tool_call(identity=agent, started_at=at - timedelta(seconds=minute))

    wanted = 32 if apart > timedelta(days=1) else 31
    first = security.get(reverse("runtime:call-list"), {"size": "25"})
    second = security.get(first.context["list"].next_url)
    back = security.get(second.context["list"].previous_url)

    assert [page.context["list"].on_page for page in (first, second)] == [25, wanted - 25]
    assert len(listed(security)) == wanted
    assert back.context["list"].rows == first.context["list"].rows


def test_pages_of_calls_that_are_all_told_twice_are_full_and_lead_forth_and_back(
    security: Client, agent: Identity, at: datetime
) -> None:
    for number in range(60):
        moment, span = at - timedelta(seconds=number), f"a{number:015}"
        about: dict[str, Any] = {"identity": agent, "tool_name": "pay", "trace_id": TRACE}
        a_tool_call(span_id=span, started_at=moment, **about)
        a_tool_call(
            parent_span_id=span, attributes={"side": "server"}, started_at=moment, **about
        )  # fmt: skip
    address = reverse("runtime:call-list") + "?size=25"
    forth, back = [], []

    while address:
        shown = security.get(address).context["list"]
        forth.append(shown)
        address = shown.next_url
    address = forth[-1].previous_url
    while address:
        shown = security.get(address).context["list"]
        back.append(shown)
        address = shown.previous_url

    assert [shown.on_page for shown in forth] == [25, 25, 10]
    assert forth[0].status == "60 calls, 25 on this page."
    assert [shown.rows for shown in back] == [forth[1].rows, forth[0].rows]


def test_an_owner_gets_no_link_to_an_end_that_is_not_theirs(agent: Identity, at: datetime) -> None:
    person = a_person()
    mine = an_identity(name="mine", owner=person)
    both_ends(mine, at, identity=agent, service_name="payments")
    client = Client()
    client.force_login(a_user("owner", person=person))

    said, page = page_of(client)

    assert said == "1 call, 1 on this page."
    assert "payments" not in page


@pytest.mark.parametrize(
    "server",
    [{"parent_span_id": "9" * 16}, {"trace_id": "b" * 32}, {"tool_name": "refund"}, {"attributes": {}}],
    ids=["another span", "another trace", "another tool", "no side"],
)  # fmt: skip
def test_what_is_not_shown_to_be_the_same_call_has_a_row_of_its_own(
    security: Client, agent: Identity, at: datetime, server: dict[str, Any]
) -> None:
    both_ends(agent, at, **server)

    assert sorted(listed(security)) == [ONE, TWO]
