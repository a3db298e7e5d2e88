"""Tells the decision point whether a person approved exactly this act; `action_approvals.use` takes the approval."""

from datetime import datetime

from django.db.models import F

from reviews.models import ActionApproval
from runtime import approval_hook
from runtime.approval_hook import Act


def is_approved(act: Act, at: datetime) -> bool:
    """An approval that is not used yet, of this tool as it is described now, these arguments, target and task."""
    return (
        ActionApproval.objects.usable(at)
        .filter(
            identity=act.identity, tool=act.tool, task=act.task, target=act.target,
            arguments_digest=act.arguments_digest, tool_digest=F("tool__descriptor_digest"),
        )
        .exists()
    )  # fmt: skip


approval_hook.register(is_approved)
