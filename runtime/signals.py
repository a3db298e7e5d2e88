"""What this floor tells the floors above, always on commit."""

from collections.abc import Iterable

from django.db import transaction
from django.dispatch import Signal

tiers_risen = Signal()  # ids: frozenset[int], identities whose observed tier rose


def announce_risen(ids: Iterable[int]) -> None:
    """Sends `tiers_risen` once the transaction is committed."""
    risen = frozenset(ids)
    if risen:
        transaction.on_commit(lambda: tiers_risen.send(sender=None, ids=risen))
