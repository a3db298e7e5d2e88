"""What was asked in an interval, read from the record day by day: each question once, with how often it was asked."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import CharField, Count, F, Func, Max, Min, Q, QuerySet, TextField
from django.db.models.functions import Cast

from runtime.models import Decision

DAY = timedelta(days=1)
MOST_QUESTIONS = 200_000  # different ones; a replay over more is refused, with a sentence


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and the answer that the record has for it.

    `told`: the request's context, and the facts that the policies were told (none where they were not asked), as
    canonical JSON, so that equal questions are equal. `whole`: the record holds all that was said.
    """

    kind: str
    identity: int | None
    subject_type: str
    subject_id: str
    action: str
    resource_type: str
    resource_id: str
    task: int | None
    told: str
    before: bool
    reason_code: str
    whole: bool = True

    @property
    def context(self) -> dict[str, Any]:  # Any: JSON
        context: dict[str, Any] = json.loads(self.told)[0]
        return context

    @property
    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads(self.told)[1]
        return facts

    @property
    def order(self) -> tuple[str, ...]:
        """What makes a replay's rows stand in the same order each time."""
        return (
            self.kind, self.subject_type, self.subject_id, self.action, self.resource_type,
            self.resource_id, str(self.task or ""), self.told, str(self.before), self.reason_code,
            str(self.whole),
        )  # fmt: skip


@dataclass(slots=True)
class Times:
    """How often, when first and last, and the newest example."""

    number: int
    first: datetime
    last: datetime
    example: UUID | None

    def add(self, other: "Times") -> None:
        if other.last >= self.last:
            self.last, self.example = other.last, other.example
        self.first = min(self.first, other.first)
        self.number += other.number


class TooMuch(Exception):
    """More different questions than a replay keeps in memory."""


def days(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The interval in pieces of at most a day, so that each statement reads one or two partitions."""
    start = since
    while start < until:
        end = min(start + DAY, until)
        yield start, end
        start = end


def total(scope: Q, since: datetime, until: datetime) -> int:
    return Decision.objects.between(since, until).filter(scope).count()


def merge(found: dict[Asked, Times], piece: Iterable[tuple[Asked, Times]]) -> int:
    """Adds the questions of a piece; the answer is how many records they were. Raises TooMuch."""
    records = 0
    for asked, times in piece:
        records += times.number
        known = found.setdefault(asked, times)
        if known is not times:
            known.add(times)
    if len(found) > MOST_QUESTIONS:
        raise TooMuch
    return records


_SAME = (
    "identity_id", "subject_type", "subject_id", "action", "resource_type", "resource_id", "task_id",
    "permitted", "monitored", "reason_code",
)  # fmt: skip


# The arguments of each call differ; what they mean for policies (an approval) is among the facts.
_CONTEXT = Func(
    F("context"), template="(%(expressions)s - 'arguments_digest')::text", output_field=TextField()
)


def of_a_piece(scope: Q, start: datetime, end: datetime) -> Iterator[tuple[Asked, Times]]:
    """Grouped by the database. The ids are of version 7 (RFC 9562): the greatest is the newest."""
    rows = Decision.objects.between(start, end).filter(scope)
    told = rows.annotate(said=_CONTEXT, told=Cast("facts", TextField()))
    for row, times in counted(told, *_SAME, "said", "told"):
        yield _asked(row), times


def counted(
    rows: QuerySet[Decision], *same: str
) -> Iterator[tuple[Mapping[str, Any], Times]]:  # Any: columns
    """Decisions that have the same in these columns, once."""
    found = rows.order_by().values(*same).annotate(
        number=Count("pk"), first=Min("made_at"), last=Max("made_at"),
        example=Max(Cast("pk", CharField())),
    )  # fmt: skip
    for row in found.iterator(chunk_size=5_000):
        yield row, Times(row["number"], row["first"], row["last"], UUID(row["example"]))


def _asked(row: Mapping[str, Any]) -> Asked:  # Any: columns
    """Where policies are only watched, what they said is the answer that is compared."""
    watched = row["monitored"]
    return Asked(
        kind="decision",
        identity=row["identity_id"],
        subject_type=row["subject_type"],
        subject_id=row["subject_id"],
        action=row["action"],
        resource_type=row["resource_type"],
        resource_id=row["resource_id"],
        task=row["task_id"],
        told=_canonical([json.loads(row["said"]), json.loads(row["told"])]),
        before=row["permitted"] if watched is None else watched,
        reason_code=row["reason_code"],
    )


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
