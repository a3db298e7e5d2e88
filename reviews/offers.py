"""What this floor offers on the pages of the inventory: asking for access, and converting standing access."""

from datetime import datetime

from inventory import access, panels
from inventory.models import Grant, Identity, Task, User
from inventory.panels import Offer


def _asks_for_identity(user: User, identity: Identity, at: datetime) -> bool:
    return identity.may_act and access.may(user, "request", identity)


def _cuts_off(user: User, identity: Identity, at: datetime) -> bool:
    return access.may(user, "revoke", identity)


def _asks_for_task(user: User, task: Task, at: datetime) -> bool:
    return task.is_open(at) and access.may(user, "request", task)


def _converts(user: User, grant: Grant, at: datetime) -> bool:
    return (
        not grant.just_in_time
        and grant.state(at) == "in force"
        and access.may(user, "narrow", grant)
    )


panels.add_action(
    Identity,
    Offer(
        "Request access", "reviews:identity-request", "key-round", _asks_for_identity, dialog=False
    ),
)
panels.add_action(
    Identity, Offer("Cut off", "reviews:identity-cut", "scissors", _cuts_off, dialog=False)
)
panels.add_action(
    Task,
    Offer(
        "Request access", "reviews:identity-request", "key-round", _asks_for_task,
        query="task={row.pk}", key="identity_id", dialog=False,
    ),
)  # fmt: skip
panels.add_action(
    Grant, Offer("Make it just-in-time", "reviews:grant-convert", "repeat", _converts)
)
