"""How the record stands: what is sealed, how far the seals are behind, what the last comparison found."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Q, Sum

from runtime import partitions
from runtime.models import Log, Seal, SealMark
from runtime.seals import SEALED


@dataclass(frozen=True)
class Standing:
    """One log: what is sealed of it, and how much waits."""

    label: str
    seals: int
    rows: int
    dropped: int
    waiting: int
    sealed_at: datetime | None
    head: str


def standings() -> list[Standing]:
    """Every log that is sealed, in the order in which they are compared."""
    sums = {
        row["log"]: row
        for row in Seal.objects.order_by()
        .values("log")
        .annotate(total=Sum("rows"), dropped=Sum("rows", filter=Q(dropped_at__isnull=False)))
    }
    newest = {
        seal.log: seal
        for seal in Seal.objects.defer("marks").order_by("log", "-number").distinct("log")
    }
    sealed = dict(SealMark.objects.values_list("log", "sealed"))
    found = []
    for log, last in _last_places().items():
        seal, told = newest.get(log), sums.get(log) or {"total": 0, "dropped": 0}
        found.append(
            Standing(
                label=Log(log).label,
                seals=seal.number if seal else 0,
                rows=told["total"] or 0,
                dropped=told["dropped"] or 0,
                waiting=max(last - sealed.get(log, 0), 0),
                sealed_at=seal.sealed_at if seal else None,
                head=seal.hash if seal else "",
            )
        )
    return found


def oldest_kept() -> datetime | None:
    """The first day of which calls are there."""
    days = partitions.existing()
    return partitions.bounds(min(days))[0] if days else None


def _last_places() -> dict[str, int]:
    """Up to where each log is written; places that were given out and never used count too."""
    columns = ", ".join(
        f"(SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {each.sequence})"
        for each in SEALED.values()
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns}")
        return dict(zip(map(str, SEALED), map(int, cursor.fetchone()), strict=True))
