"""Which tools may be called, and who decided it: approve, disable, or take a decision back; one, or many at once."""

from datetime import datetime

from django.db.models import F, Q, QuerySet

from inventory import access, audit, many, signals
from inventory.audit import Actor
from inventory.models import Tool, ToolBinding
from inventory.rules import Outcome, RuleBroken

_NO_REASON = "There is no reason. Say why."
NOTHING_TO_PIN = (
    "Nothing is known of what the tool says of itself, so there is nothing to pin."
    " Import its description first."
)


def usable_q(prefix: str = "") -> Q:
    """Approved, and still what was approved. Anything else must not be called."""
    return Q(
        **{
            f"{prefix}state": Tool.State.APPROVED,
            f"{prefix}approved_digest": F(f"{prefix}descriptor_digest"),
        }
    )


def changed_q(prefix: str = "") -> Q:
    """Approved, but it says something else of itself now."""
    same = Q(**{f"{prefix}approved_digest": F(f"{prefix}descriptor_digest")})
    return Q(**{f"{prefix}state": Tool.State.APPROVED}) & ~same


def may_be_called(tool: Tool) -> bool:
    """`usable_q` said of one tool."""
    return tool.state == Tool.State.APPROVED and tool.approved_digest == tool.descriptor_digest


def approve(tool: Tool, *, by: Actor, reason: str, at: datetime) -> Tool:
    """Lets the tool be called as it describes itself in `tool`. One that says something else by now is refused.

    A second approval of the same description changes nothing; the first author and time stay.
    """
    access.require(by, "decide_tool", tool)
    _require_reason(reason)
    if not tool.descriptor_digest:
        raise RuleBroken(NOTHING_TO_PIN)
    with audit.acting(by, "tool.approved", reason):
        same = Tool.objects.filter(pk=tool.pk, descriptor_digest=tool.descriptor_digest)
        if not same.exists():
            raise RuleBroken("It changed its description just now. Look at it again.")
        if same.exclude(usable_q()).update(**_approved(by, reason, at)):
            _announce(tool)
    return Tool.objects.get(pk=tool.pk)


def disable(tool: Tool, *, by: Actor, reason: str, at: datetime) -> Tool:
    """From now on the tool must not be called. What was approved of it stays on record; twice changes nothing."""
    return _move(tool, Tool.State.DISABLED, "tool.disabled", by=by, reason=reason)


def reset(tool: Tool, *, by: Actor, reason: str, at: datetime) -> Tool:
    """Takes the decision back: nobody has decided on the tool, so it must not be called."""
    return _move(tool, Tool.State.UNSET, "tool.reset", by=by, reason=reason)


def take_away(binding: ToolBinding, *, by: Actor, reason: str, at: datetime) -> ToolBinding:
    """The identity is not to hold the tool any more. Taking it away twice keeps the first time.

    Its configuration has to follow: until the source no longer lists it, the identity may still be able to call it.
    """
    access.require(by, "narrow", binding)
    _require_reason(reason)
    with audit.acting(by, "tool.taken_away", reason):
        if ToolBinding.objects.filter(pk=binding.pk, ended_at=None).update(ended_at=at):
            signals.announce_changed([binding.identity_id])
    return ToolBinding.objects.get(pk=binding.pk)


def approve_all(rows: QuerySet[Tool], *, by: Actor, reason: str, at: datetime) -> Outcome:
    """`approve` for many, each as it describes itself at this moment."""
    _require_reason(reason)
    wanted = many.Wanted(
        action="decide_tool",
        can=~Q(descriptor_digest="") & ~usable_q(),
        already=usable_q(),
        fields=_approved(by, reason, at),
        about="bindings__identity_id",
    )
    with audit.acting(by, "tool.approved", reason):
        return many.update(rows, wanted, by=by)


def disable_all(rows: QuerySet[Tool], *, by: Actor, reason: str, at: datetime) -> Outcome:
    return _move_all(rows, Tool.State.DISABLED, "tool.disabled", by=by, reason=reason)


def reset_all(rows: QuerySet[Tool], *, by: Actor, reason: str, at: datetime) -> Outcome:
    return _move_all(rows, Tool.State.UNSET, "tool.reset", by=by, reason=reason)


def _approved(by: Actor, reason: str, at: datetime) -> dict[str, object]:
    return {
        "state": Tool.State.APPROVED,
        "state_reason": reason,
        "approved_digest": F("descriptor_digest"),
        "approved_descriptor": F("descriptor"),
        "approved_by": by if isinstance(by, str) else by.get_username(),
        "approved_at": at,
    }


def _move(tool: Tool, state: Tool.State, verb: str, *, by: Actor, reason: str) -> Tool:
    access.require(by, "decide_tool", tool)
    _require_reason(reason)
    with audit.acting(by, verb, reason):
        rows = Tool.objects.filter(pk=tool.pk).exclude(state=state)
        if rows.update(state=state, state_reason=reason):
            _announce(tool)
    return Tool.objects.get(pk=tool.pk)


def _move_all(
    rows: QuerySet[Tool], state: Tool.State, verb: str, *, by: Actor, reason: str
) -> Outcome:
    _require_reason(reason)
    wanted = many.Wanted(
        action="decide_tool",
        can=~Q(state=state),
        already=Q(state=state),
        fields={"state": state, "state_reason": reason},
        about="bindings__identity_id",
    )
    with audit.acting(by, verb, reason):
        return many.update(rows, wanted, by=by)


def _announce(tool: Tool) -> None:
    held = ToolBinding.objects.filter(tool=tool, gone_at=None)
    signals.announce_changed(held.values_list("identity_id", flat=True)[: signals.MANY + 1])


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise RuleBroken(_NO_REASON)
