"""Clearing away the notes of which facts changed (inventory/noted.py)."""

from datetime import datetime, timedelta

from inventory.models import FactChange

KEPT = timedelta(minutes=10)  # from when they are seen to be committed


def forget(at: datetime) -> int:
    """Clears away what every process has long asked for; the number of rows.

    By when they were seen, not by when they were written: a long transaction commits rows that are old already.
    """
    FactChange.objects.filter(seen_at=None).update(seen_at=at)
    gone, _ = FactChange.objects.filter(seen_at__lt=at - KEPT).delete()
    return gone
