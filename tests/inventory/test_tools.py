"""Which tools may be called: approving pins a description, and nothing else opens the way."""

import pytest
from django.core.exceptions import PermissionDenied

from inventory import tools
from inventory.models import Change, Tool, User
from inventory.rules import RuleBroken
from tests.factories import NOW, a_binding, a_tool, a_user, ago, an_identity

pytestmark = pytest.mark.django_db

WHY = "Read, and it does what it says"


@pytest.fixture
def security() -> User:
    return a_user()


def usable() -> set[str]:
    return set(Tool.objects.filter(tools.usable_q()).values_list("name", flat=True))


def test_an_approval_pins_what_the_tool_says_of_itself(security: User) -> None:
    tool = tools.approve(a_tool(), by=security, reason=WHY, at=NOW)

    assert tools.may_be_called(tool)
    assert usable() == {tool.name}
    assert (tool.approved_digest, tool.approved_descriptor) == ("a" * 64, tool.descriptor)
    assert (tool.approved_by, tool.approved_at) == (security.username, NOW)
    change = Change.objects.filter(noun="inventory_tool", verb="tool.approved").get()
    assert change.reason == WHY


def test_a_tool_that_says_something_else_now_may_not_be_called(security: User) -> None:
    tool = a_tool(state="approved", descriptor_digest="b" * 64, approved_digest="a" * 64)

    assert tool.is_changed
    assert not tools.may_be_called(tool)
    assert usable() == set()
    assert list(Tool.objects.filter(tools.changed_q())) == [tool]


def test_what_changed_while_it_was_read_is_not_approved(security: User) -> None:
    read = a_tool()
    Tool.objects.filter(pk=read.pk).update(descriptor_digest="c" * 64)

    with pytest.raises(RuleBroken, match="Look at it again"):
        tools.approve(read, by=security, reason=WHY, at=NOW)

    assert usable() == set()


def test_a_second_approval_keeps_the_first_author(security: User) -> None:
    tool = tools.approve(a_tool(), by=security, reason=WHY, at=ago(1))

    again = tools.approve(tool, by=a_user(username="second"), reason="Again", at=NOW)

    assert (again.approved_by, again.approved_at) == (security.username, ago(1))


@pytest.mark.parametrize("end", [tools.disable, tools.reset])
def test_a_decision_can_be_taken_back(security: User, end: object) -> None:
    tool = tools.approve(a_tool(), by=security, reason=WHY, at=NOW)

    ended = end(tool, by=security, reason="It sends too much", at=NOW)  # type: ignore[operator]

    assert not tools.may_be_called(ended)
    assert ended.state_reason == "It sends too much"


def test_nothing_known_means_nothing_to_pin(security: User) -> None:
    with pytest.raises(RuleBroken, match="nothing to pin"):
        tools.approve(a_tool(descriptor_digest=""), by=security, reason=WHY, at=NOW)


@pytest.mark.parametrize("role", ["auditor", "owner"])
def test_only_security_decides(role: str) -> None:
    identity = an_identity()
    tool = a_tool()
    a_binding(identity, tool)
    user = a_user(role, person=identity.owner)

    with pytest.raises(PermissionDenied):
        tools.approve(tool, by=user, reason=WHY, at=NOW)


def test_many_at_once_leave_out_what_cannot_be_pinned(security: User) -> None:
    a_tool(name="new")
    a_tool(name="approved", state="approved")
    a_tool(name="blank", descriptor_digest="")

    outcome = tools.approve_all(Tool.objects.all(), by=security, reason=WHY, at=NOW)

    assert (outcome.changed, outcome.already, outcome.cannot) == (1, 1, 1)
    assert usable() == {"new", "approved"}
