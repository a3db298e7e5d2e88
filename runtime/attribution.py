"""Finds out whose calls are whose once a trace has settled: children arrive before their parents, and elsewhere.

Each run reads a number of traces whole, goes up from every call, and writes only what is different; again changes
nothing. A trace that stirs once more is looked at once more.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from inventory.models import User
from runtime import naming, partitions
from runtime.ancestors import Node, above
from runtime.models import AgentName, OpenTrace, SpanLink, ToolCall
from runtime.naming import Name

QUIET = timedelta(seconds=15)  # without anything new, until a trace counts as settled
KEPT = timedelta(days=1)  # for parents that come late
_TRACES = 500  # in one transaction
_MOST_CALLS = 50_000  # of these; more are no agent's work, but a mistake
_FORGET = 50_000

_UPDATE = """
UPDATE runtime_toolcall c
SET agent_name = f.agent_name, conversation = f.conversation, identity_id = f.identity_id,
    task_id = f.task_id, on_behalf_of_id = f.person_id
FROM unnest(%s::timestamptz[], %s::uuid[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[])
    AS f (started_at, id, agent_name, conversation, identity_id, task_id, person_id)
WHERE c.started_at = f.started_at AND c.id = f.id
"""
_ASSIGN = """
UPDATE runtime_toolcall SET identity_id = %(identity)s
WHERE started_at >= %(start)s AND started_at < %(end)s AND reporter_id = %(reporter)s
    AND service_name = %(service)s AND agent_name = %(agent)s AND spiffe_id = %(spiffe)s
    AND coalesce(attributes ->> 'credential_id', '') = %(credential)s
    AND identity_id IS DISTINCT FROM %(identity)s
"""


@dataclass(slots=True)
class _Call:
    """A call, and what was found out about it."""

    row: ToolCall
    agent_name: str
    conversation: str
    task_id: int | None
    person_id: int | None
    identity_id: int | None = None

    @property
    def name(self) -> Name:
        row = self.row
        credential = str(row.attributes.get("credential_id", ""))
        return Name(row.service_name, self.agent_name, row.spiffe_id, credential)

    @property
    def differs(self) -> bool:
        row = self.row
        return (
            self.agent_name, self.conversation, self.task_id, self.person_id, self.identity_id
        ) != (
            row.agent_name, row.conversation, row.task_id, row.on_behalf_of_id, row.identity_id
        )  # fmt: skip


def settle(at: datetime, *, quiet: timedelta = QUIET) -> int:
    """Attributes the calls of all traces that have been quiet; gives the number of calls that were somebody else's."""
    changed = 0
    while True:
        done, found = _some(at, at - quiet)
        changed += found
        if done < _TRACES:
            return changed


def assign_past(name: AgentName) -> int:
    """Gives the calls on record that carry this name to its identity, a day at a time, newest first."""
    told = {
        "identity": name.identity_id,
        "reporter": name.reporter_id,
        "service": name.service_name,
        "agent": name.agent_name,
        "spiffe": name.spiffe_id,
        "credential": name.credential,
    }
    changed = 0
    for day in sorted(partitions.existing(), reverse=True):
        start, end = partitions.bounds(day)
        with connection.cursor() as cursor:
            cursor.execute(_ASSIGN, {**told, "start": start, "end": end})
            changed += cursor.rowcount
    return changed


def forget(at: datetime) -> int:
    """The ways up of traces that ended long ago, a bounded number at a time."""
    gone = 0
    while True:
        batch = SpanLink.objects.filter(received_at__lt=at - KEPT).values("pk")[:_FORGET]
        deleted, _ = SpanLink.objects.filter(pk__in=batch).delete()
        gone += deleted
        if deleted < _FORGET:
            return gone


@transaction.atomic
def _some(at: datetime, until: datetime) -> tuple[int, int]:
    """A number of traces; those that another worker has in hand are left to it."""
    rows = OpenTrace.objects.select_for_update(skip_locked=True).filter(touched_at__lt=until)
    traces = list(rows.order_by("touched_at")[:_TRACES])
    by_reporter: dict[int, list[str]] = defaultdict(list)
    for trace in traces:
        by_reporter[trace.reporter_id].append(trace.trace_id)
    changed = sum(_attribute(ids, reporter, at) for reporter, ids in by_reporter.items())
    OpenTrace.objects.filter(pk__in=[trace.pk for trace in traces]).delete()
    return len(traces), changed


def _attribute(traces: Collection[str], reporter_id: int, at: datetime) -> int:
    """All reporters' spans show the way, since a trace leads through several services; only one's calls are written."""
    reporter = User.objects.filter(pk=reporter_id).first()
    if reporter is None:
        return 0
    rows = list(ToolCall.objects.filter(trace_id__in=traces).defer("summary")[:_MOST_CALLS])
    nodes = _nodes(rows, SpanLink.objects.filter(trace_id__in=traces))
    calls = [_look_up(row, nodes[row.trace_id]) for row in rows if row.reporter_id == reporter_id]
    names = {call.name for call in calls}
    identities = naming.identities_of(names, reporter=reporter, at=at)
    for call in calls:
        call.identity_id = identities[call.name]
    return _write([call for call in calls if call.differs])


def _nodes(calls: Iterable[ToolCall], links: Iterable[SpanLink]) -> dict[str, dict[str, Node]]:
    nodes: dict[str, dict[str, Node]] = defaultdict(dict)
    for link in links:
        nodes[link.trace_id][link.span_id] = Node(
            link.parent_span_id, link.agent_name, link.conversation, None, None
        )
    for call in calls:
        agent = call.tool_name if call.kind == ToolCall.Kind.AGENT else ""
        nodes[call.trace_id][call.span_id] = Node(
            call.parent_span_id, agent, call.conversation, call.on_behalf_of_id, call.task_id
        )
    return nodes


def _look_up(row: ToolCall, nodes: dict[str, Node]) -> _Call:
    """A handover names its giver; everything else belongs to the nearest agent above."""
    found = above(row.parent_span_id, nodes)
    agent = row.agent_name or found.agent
    if row.kind != ToolCall.Kind.HANDOFF and found.agent:
        agent = found.agent
    task, person = found.task, found.on_behalf_of
    return _Call(
        row,
        agent,
        row.conversation or found.conversation,
        row.task_id or (task if isinstance(task, int) else None),
        row.on_behalf_of_id or (person if isinstance(person, int) else None),
    )


def _write(calls: list[_Call]) -> int:
    if not calls:
        return 0
    calls.sort(key=lambda call: (call.row.started_at, call.row.pk))
    columns: list[list[Any]] = [
        [call.row.started_at for call in calls],
        [call.row.pk for call in calls],
        [call.agent_name for call in calls],
        [call.conversation for call in calls],
        [call.identity_id for call in calls],
        [call.task_id for call in calls],
        [call.person_id for call in calls],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE, columns)
        return int(cursor.rowcount)
