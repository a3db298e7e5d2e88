"""What is told once calls are on record."""

from collections.abc import Iterable

from django.db import transaction
from django.dispatch import Signal

calls_taken = (
    Signal()
)  # identities: frozenset[int], whose calls arrived; tools: frozenset[str], names


def announce_taken(identities: Iterable[int], tools: Iterable[str]) -> None:
    """Sends `calls_taken` once the transaction is committed."""
    told = {"identities": frozenset(identities), "tools": frozenset(tools)}
    transaction.on_commit(lambda: calls_taken.send(sender=None, **told))
