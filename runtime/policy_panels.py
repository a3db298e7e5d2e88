"""Decisions on the pages of identities and tasks, and the offer to replay a change before it is made."""

from datetime import datetime
from typing import Any

from inventory import access, panels
from inventory.models import Grant, Identity, Task
from inventory.panels import Offer


def _may_end(user: Any, row: Any, at: datetime) -> bool:  # Any: as panels have it
    return access.may(user, "revoke", row) and row.state(at) == "in force"


def _may_describe(user: Any, row: Any, at: datetime) -> bool:  # Any: as above
    return access.may(user, "describe", row) and row.declared_tier is not None


for noun, name in ((Identity, "identity"), (Task, "task")):
    panels.add(
        noun, "Decisions", url_name=f"runtime:{name}-decisions", order=30, icon="scale",
        allows=lambda user, row: True,
    )  # fmt: skip
panels.add_action(Grant, Offer("Replay without it", "runtime:grant-replay", "history", _may_end))
panels.add_action(
    Identity, Offer("Replay another tier", "runtime:identity-replay", "history", _may_describe)
)
