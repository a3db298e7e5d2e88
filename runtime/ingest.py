"""The rule behind every report of calls: whatever was told arrives once, with its agent, or is refused with a reason.

One transaction; what is counted as taken is durable when the rule returns. Telling it again changes nothing. A call of
an agent that nobody knows is taken like any other.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

from inventory import tools_seen
from inventory.models import ApiToken, User
from runtime import ancestors, call_rows, call_signals, naming, partitions, writing
from runtime.ancestors import Node
from runtime.call_rows import Meant, Row, moment
from runtime.models.tool_call import key_of
from runtime.naming import Name
from runtime.told import AGENT, LINK, TOOL, Refused, Told

MOST_REASONS = 100
# Whoever else writes an identity just now goes first: nobody waits for this.
_ACTIVE = """
WITH due AS (
    SELECT known.id, told.last FROM inventory_identity known
    JOIN unnest(%s::bigint[], %s::timestamptz[]) AS told (id, last) USING (id)
    WHERE known.last_active_at IS NULL OR known.last_active_at < told.last - interval '1 minute'
    FOR NO KEY UPDATE OF known SKIP LOCKED
)
UPDATE inventory_identity SET last_active_at = due.last FROM due WHERE inventory_identity.id = due.id
"""
_TRACE = re.compile(r"[0-9a-f]{32}")
_LONGEST_ID = 128
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400 * 10**9  # nanoseconds
_YEARS = 10**18 * 9  # nanoseconds; the end of what a 64-bit time can say


@dataclass
class Taken:
    """What became of a report."""

    told: int = 0  # calls and spans that were readable
    new: int = 0  # calls on record now that were not before
    known: int = 0  # calls that were on record already
    refused: int = 0
    reasons: list[Refused] = field(default_factory=list)  # the first ones

    def refuse(self, place: str, reason: str) -> None:
        self.refused += 1
        if len(self.reasons) < MOST_REASONS:
            self.reasons.append(Refused(place, reason))

    @property
    def message(self) -> str:
        """One sentence for each reason, with the first place that it was given for."""
        places: dict[str, list[str]] = defaultdict(list)
        for one in self.reasons:
            places[one.reason].append(one.place)
        return " ".join(
            f"{where[0]}{f' and {len(where) - 1} more' if len(where) > 1 else ''}: {reason}"
            for reason, where in list(places.items())[:5]
        )


def take(told: Iterable[Told], *, reporter: User, token: ApiToken | None, at: datetime) -> Taken:
    """Writes down what was told, in one transaction."""
    taken = Taken()
    items = _fit(told, taken, reporter.pk, at)
    if not items:
        return taken
    calls = {key: one for key, one in items.items() if one.kind != LINK}
    started = {key: one.started_ns for key, one in calls.items()}
    # Before the transaction: making one waits for whoever writes, and makes everybody wait.
    partitions.ensure(
        {moment(day * _DAY).date() for day in {ns // _DAY for ns in started.values()}}
    )
    with transaction.atomic():
        fresh = writing.claim(started)
        taken.new, taken.known = len(fresh), len(calls) - len(fresh)
        if fresh:
            new = [(key, one) for key, one in calls.items() if key in fresh]
            rows = _rows(new, _nodes(items.values()))
            meant = _meant(rows, reporter, at)
            token_id = token.pk if token else None
            pairs = list(zip(rows, meant, strict=True))
            writing.write_calls(pairs, reporter_id=reporter.pk, token_id=token_id, at=at)
            _note_activity(pairs, at)
            _note_tools(pairs, by=f"calls reported by {reporter.get_username()}", at=at)
            call_signals.announce_taken(
                {one.identity for one in meant if one.identity}, {row.tool_name for row in rows}
            )
        links = _links(items)
        stirred = [calls[key] for key in fresh]
        if writing.write_links(links, at=at):
            stirred += [one for _, one in links]
        writing.open_traces(_traces(stirred), reporter_id=reporter.pk, at=at)
    return taken


def _fit(told: Iterable[Told], taken: Taken, reporter_id: int, at: datetime) -> dict[str, Told]:
    """What can be taken, once each: the first of those with one key counts."""
    earliest = _nanoseconds(partitions.earliest(at))
    latest = _nanoseconds(at + partitions.FUTURE)
    items: dict[str, Told] = {}
    for one in told:
        reason = _unfit(one)
        if not reason and not earliest <= one.started_ns <= latest:
            reason = partitions.refusal(moment(one.started_ns), at)
        if reason:
            taken.refuse(one.place, reason)
            continue
        taken.told += 1
        items.setdefault(key_of(reporter_id, one.trace_id, one.span_id), one)
    return items


def _unfit(one: Told) -> str:
    if one.trace_id and not _TRACE.fullmatch(one.trace_id):
        return "Its trace id is none. Use 32 hexadecimal digits, in lower case."
    if not one.span_id:
        return "It has no id. Give each call an id that stays the same when it is sent again."
    if len(one.span_id) > _LONGEST_ID:
        return f"Its id has more than {_LONGEST_ID} characters. Use a shorter one."
    if not 0 < one.started_ns < _YEARS:
        return "It does not say when it started. Send the time."
    if one.kind != LINK and not one.tool_name:
        return "It does not say which tool was called. Send the tool's name."
    return ""


def _nodes(items: Collection[Told]) -> dict[str, dict[str, Node]]:
    """By trace, then by span: those that others stand below."""
    parents = {one.parent_span_id for one in items}
    nodes: dict[str, dict[str, Node]] = defaultdict(dict)
    for one in items:
        if one.span_id in parents and one.trace_id:
            agent = one.agent_name if one.is_agent else ""
            nodes[one.trace_id][one.span_id] = Node(
                one.parent_span_id, agent, one.conversation, one.on_behalf_of, one.task
            )
    return nodes


def _rows(calls: list[tuple[str, Told]], nodes: dict[str, dict[str, Node]]) -> list[Row]:
    rows, short = [], call_rows.Short()
    for key, one in calls:
        near = nodes.get(one.trace_id)
        above = ancestors.above(one.parent_span_id, near) if near else ancestors.NOBODY
        rows.append(call_rows.row_of(key, one, above, short))
    return rows


def _meant(rows: list[Row], reporter: User, at: datetime) -> list[Meant]:
    """Of each row."""
    names = [name_of(row) for row in rows]
    identities = naming.identities_of(set(names), reporter=reporter, at=at)
    found = call_rows.look_up(rows)
    return [
        Meant(
            identities[name],
            found.tool(row),
            found.tasks.get(row.task) if row.task else None,
            found.people.get(row.on_behalf_of.lower()) if row.on_behalf_of else None,
        )
        for row, name in zip(rows, names, strict=True)
    ]


def name_of(row: Row) -> Name:
    return Name(row.service_name, row.agent_name, row.spiffe_id, row.credential)


def _links(items: dict[str, Told]) -> list[tuple[str, Told]]:
    return [(key, one) for key, one in items.items() if one.kind == LINK and one.trace_id]


def _traces(told: Iterable[Told]) -> set[str]:
    """Those in which something may still be found out: a span has a parent, or is an agent's work."""
    return {
        one.trace_id
        for one in told
        if one.trace_id and (one.parent_span_id or one.is_agent or one.kind in (LINK, AGENT))
    }


def _note_activity(calls: list[tuple[Row, Meant]], at: datetime) -> None:
    """When each identity was last active, to within a minute."""
    latest: dict[int, int] = {}
    for row, meant in calls:
        if meant.identity:
            latest[meant.identity] = max(row.started_ns, latest.get(meant.identity, 0))
    if latest:
        moments = [min(moment(last), at) for last in latest.values()]
        with connection.cursor() as cursor:
            cursor.execute(_ACTIVE, [list(latest), moments])


def _note_tools(calls: list[tuple[Row, Meant]], *, by: str, at: datetime) -> None:
    """A tool that nobody knew, or that an identity had not used, is one to decide on from this moment."""
    used = [
        (meant.identity, meant.tool, row)
        for row, meant in calls
        if meant.identity and row.kind == TOOL and row.tool_name
    ]
    if not used:
        return
    tools_seen.use({(who, tool) for who, tool, _ in used if tool}, by=by, at=at)
    new = {tools_seen.Seen(who, row.provider, row.tool_name) for who, tool, row in used if not tool}
    tools_seen.note(new, by=by, at=at)


def _nanoseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1) * 1_000
