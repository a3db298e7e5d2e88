"""The approvals of single actions, shown on the calls they were given for."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Q

from inventory.models import User
from reviews.models import ActionApproval
from runtime.chain_marks import Mark, Marks, provide
from runtime.models import ToolCall

_NEAR = timedelta(minutes=10)  # between using the approval and the call that it was used for


def of_calls(calls: Sequence[ToolCall], seen_by: User, at: datetime) -> Marks:
    """By the call's id: the approval with its arguments, of its identity, used when it began."""
    digests = {call.arguments_digest for call in calls if call.arguments_digest}
    if not digests:
        return {}
    keys = {call.identity_id for call in calls if call.identity_id is not None}
    rows = ActionApproval.objects.filter(
        Q(identity__in=keys), arguments_digest__in=digests, asked_at__lte=max(c.started_at for c in calls)
    )  # fmt: skip
    known: dict[tuple[int, str], list[ActionApproval]] = {}
    for row in rows:
        known.setdefault((row.identity_id, row.arguments_digest), []).append(row)
    found: Marks = {}
    for call in calls:
        for row in known.get((call.identity_id or 0, call.arguments_digest), []):
            if row.used_at is None or abs(row.used_at - call.started_at) <= _NEAR:
                found.setdefault(str(call.pk), []).append(_mark(row, at))
    return found


def _mark(row: ActionApproval, at: datetime) -> Mark:
    state = row.state(at)
    tone = {"used": "good", "approved": "good", "refused": "bad"}.get(state, "warn")
    words = {"used": "Approved by a person", "approved": "Approved by a person"}
    label = words.get(state, f"Approval {state}")
    return Mark(label, tone, row.answer or row.reason, "reviews:action-detail", row.pk)


provide(of_calls)
