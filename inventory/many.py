"""The frame of a rule over many rows: who may, one UPDATE, what is told, and what became of each row."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from inventory import access, signals
from inventory.audit import Actor
from inventory.rules import Outcome, RuleBroken

# With their history about 10,000 rows a second: a web request must not take minutes, nor hold so many locks.
MOST = 100_000


@dataclass(frozen=True)
class Wanted:
    """A state that rows are brought to: which can be, which are so already (never both), and what is written."""

    action: str  # as inventory.access names it
    can: Q
    already: Q
    fields: dict[str, object]
    about: str = "identity_id"  # the column that says which identity a row is about


def update(rows: QuerySet[Any], wanted: Wanted, *, by: Actor) -> Outcome:  # Any: of each noun
    """One UPDATE over those of the rows that may and can be changed; opened inside `audit.acting`.

    The counts are read just before: another change in that very moment makes them inexact, never what is written.
    """
    rows = rows.order_by()
    mine = access.changeable_by(by, wanted.action, rows)
    total = rows.count()
    if total > MOST:
        raise RuleBroken(f"{total:,} are too many at once. Narrow the filter to {MOST:,} or fewer.")
    counts = mine.aggregate(all=Count("pk"), so=Count("pk", filter=wanted.already))
    chosen = mine.filter(wanted.can)
    told = _identities(chosen, wanted.about)
    changed = chosen.update(**wanted.fields)
    signals.announce_changed(told)
    left = max(counts["all"] - changed - counts["so"], 0)
    return Outcome(changed, counts["so"], left, total - counts["all"])


def _identities(rows: QuerySet[Any], about: str) -> list[int]:  # Any: of each noun
    """Enough of them: with more than MANY, everything is looked at."""
    keys = rows.annotate(identity_key=F(about)).values_list("identity_key", flat=True)
    known = keys.filter(identity_key__isnull=False)  # a tool that nobody holds is about none
    return list(known.distinct()[: signals.MANY + 1])
