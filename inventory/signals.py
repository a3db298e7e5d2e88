"""What the inventory tells the floors above, always on commit."""

from collections.abc import Iterable

from django.db import transaction
from django.dispatch import Signal

identities_changed = Signal()  # ids: frozenset[int] | None; None means "many: look at everything"
tasks_ended = Signal()  # ids: frozenset[int]
MANY = 5_000


def announce_changed(ids: Iterable[int] | None) -> None:
    """Sends `identities_changed` once the transaction is committed; nothing when it is rolled back."""
    changed = None if ids is None else frozenset(ids)
    if changed is not None and len(changed) > MANY:
        changed = None
    if changed is None or changed:
        transaction.on_commit(lambda: identities_changed.send(sender=None, ids=changed))


def announce_ended(tasks: Iterable[int]) -> None:
    """Sends `tasks_ended` once the transaction is committed."""
    ended = frozenset(tasks)
    if ended:
        transaction.on_commit(lambda: tasks_ended.send(sender=None, ids=ended))
