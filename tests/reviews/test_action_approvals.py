"""Approval of a single action: once, and for exactly that."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory import task_life
from inventory.models import Tool
from inventory.rules import RuleBroken
from reviews import action_approvals
from reviews.action_approvals import Action
from reviews.models import ActionApproval
from tests.factories import NOW, a_source, a_user
from tests.reviews.asking import HOUR, Office

pytestmark = pytest.mark.django_db
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.fixture
def office() -> Office:
    return Office()


def a_tool(**fields: object) -> Tool:
    source = a_source()
    given = {
        "provider": "payments",
        "name": "refund",
        "first_seen_at": NOW,
        "descriptor_digest": "a" * 64,
    }
    return Tool.objects.create(
        source=source, namespace=source.namespace, external_id="refund", **{**given, **fields}
    )


def approved(office: Office, action: Action) -> ActionApproval:
    asked = action_approvals.ask(office.agent, action=action, by=office.platform, at=NOW)
    return action_approvals.answer(
        asked, approved=True, by=office.login(office.owner), reason="", at=NOW
    )


def test_an_approved_action_is_done_once(office: Office) -> None:
    action = Action(a_tool(), {"order": 7, "amount": 120}, target="customer 12")
    approved(office, action)

    used = action_approvals.use(
        office.agent, action=action, by=office.platform, at=NOW + timedelta(minutes=1)
    )

    assert used.status == "used"
    with pytest.raises(RuleBroken, match="Nobody has approved exactly this"):
        action_approvals.use(
            office.agent, action=action, by=office.platform, at=NOW + timedelta(minutes=2)
        )


@pytest.mark.parametrize(
    "other",
    [
        {"arguments": {"order": 7, "amount": 121}},
        {"target": "customer 13"},
        {"with_task": True},
        {"new_version": True},
    ],
)
def test_anything_else_asks_again(office: Office, other: dict[str, object]) -> None:
    tool = a_tool()
    approved(office, Action(tool, {"order": 7, "amount": 120}, target="customer 12"))
    if other.pop("new_version", False):
        Tool.objects.update(descriptor_digest="b" * 64)
        tool.refresh_from_db()
    task = office.task() if other.pop("with_task", False) else None
    changed = Action(
        tool,
        **{
            "arguments": {"order": 7, "amount": 120},
            "target": "customer 12",
            "task": task,
            **other,
        },
    )  # type: ignore[arg-type]

    with pytest.raises(RuleBroken, match="Nobody has approved exactly this"):
        action_approvals.use(office.agent, action=changed, by=office.platform, at=NOW)


def test_the_order_of_arguments_is_no_difference(office: Office) -> None:
    tool = a_tool()
    approved(office, Action(tool, {"a": 1, "b": [1, 2]}))

    assert (
        action_approvals.use(
            office.agent, action=Action(tool, {"b": [1, 2], "a": 1}), by=office.platform, at=NOW
        ).used_at
        == NOW
    )


@settings(max_examples=60)
@given(
    one=st.dictionaries(st.text(max_size=8), JSON, max_size=4),
    other=st.dictionaries(st.text(max_size=8), JSON, max_size=4),
)
def test_different_arguments_have_different_digests(
    one: dict[str, object], other: dict[str, object]
) -> None:
    tool = Tool()

    same = Action(tool, one).digest == Action(tool, other).digest

    assert same == (repr(_typed(one)) == repr(_typed(other)))


def _typed(value: object) -> object:
    """1 and True are equal in Python, and not the same argument."""
    if isinstance(value, dict):
        return sorted((key, _typed(each)) for key, each in value.items())
    if isinstance(value, list):
        return ["list", *map(_typed, value)]
    return (type(value).__name__, value)


def test_an_approval_that_nobody_used_in_time_is_none(office: Office) -> None:
    action = Action(a_tool(), {})
    approved(office, action)

    with pytest.raises(RuleBroken, match="Nobody has approved"):
        action_approvals.use(office.agent, action=action, by=office.platform, at=NOW + HOUR)


def test_what_was_approved_for_a_task_ends_with_it(office: Office) -> None:
    task = office.task()
    action = Action(a_tool(), {}, task=task)
    approved(office, action)
    task_life.end_task(task, how="done", by=office.platform, at=NOW)
    task.refresh_from_db()

    with pytest.raises(RuleBroken, match="The task is over"):
        action_approvals.use(
            office.agent, action=Action(action.tool, {}, task=task), by=office.platform, at=NOW
        )


def test_who_asks_or_benefits_or_is_a_program_does_not_approve(office: Office) -> None:
    tool = a_tool()
    mine = action_approvals.ask(
        office.agent, action=Action(tool, {}), by=office.login(office.owner), at=NOW
    )
    for_me = Action(tool, {"x": 1}, task=office.task(on_behalf_of=office.owner))
    benefits = action_approvals.ask(office.agent, action=for_me, by=office.platform, at=NOW)

    for asked, by, said in (
        (mine, office.login(office.owner), "You asked for it yourself"),
        (benefits, office.login(office.owner), "benefits from it"),
        (mine, a_user("security", is_service=True), "A program cannot approve"),
        (mine, office.login(office.keeper), "Only the owner"),
    ):
        with pytest.raises(RuleBroken, match=said):
            action_approvals.answer(asked, approved=True, by=by, reason="", at=NOW)


def test_the_page_shows_what_differs_from_the_last_approval(office: Office) -> None:
    tool = a_tool()
    approved(office, Action(tool, {"order": 7, "amount": 120}))

    again = action_approvals.ask(
        office.agent, action=Action(tool, {"order": 8, "amount": 120}), by=office.platform, at=NOW
    )

    assert [
        (each.name, each.before, each.now) for each in action_approvals.differences(again) or []
    ] == [("order", "7", "8")]


def test_no_secret_is_kept_and_the_digest_still_tells(office: Office) -> None:
    arguments = {
        "password": "hunter2-hunter2",
        "nested": {"api_key": "k-1"},
        "url": "https://u:pw12345@host/",
    }
    asked = action_approvals.ask(
        office.agent, action=Action(a_tool(), arguments), by=office.platform, at=NOW
    )

    text = str(ActionApproval.objects.filter(pk=asked.pk).values().get())

    assert "hunter2" not in text
    assert "k-1" not in text
    assert "pw12345" not in text
    assert asked.arguments_digest == Action(a_tool_like(asked), arguments).digest


def a_tool_like(asked: ActionApproval) -> Tool:
    return asked.tool


def test_asking_the_same_again_is_the_same_question(office: Office) -> None:
    action = Action(a_tool(), {"x": 1})

    first = action_approvals.ask(office.agent, action=action, by=office.platform, at=NOW)
    second = action_approvals.ask(office.agent, action=action, by=office.platform, at=NOW)

    assert first.pk == second.pk
