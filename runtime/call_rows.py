"""From what was told to the rows that are kept: bounded, without secrets, and tied to what the inventory knows."""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Q

from inventory import spiffe
from inventory.models import Person, Task
from runtime import redaction
from runtime.ancestors import Above
from runtime.models.tool_call import id_of
from runtime.told import HANDOFF, TOOL, Told

SHORT, LONG = 255, 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_NUMBER = 18  # digits of a key
# By array: a statement with a place for each of a hundred names is written and read anew for each report.
_TOOLS = """
SELECT name, provider, id FROM inventory_tool WHERE name = ANY(%s::text[]) AND gone_at IS NULL
"""


class Row(NamedTuple):
    """One call as it is kept, the columns that are texts first. `credential`, `task` and `on_behalf_of` are as told."""

    id: str
    started: str  # as PostgreSQL writes it, in UTC
    kind: str
    trace_id: str
    span_id: str
    parent_span_id: str
    conversation: str
    agent_name: str
    service_name: str
    spiffe_id: str
    tool_name: str
    provider: str
    system: str
    resource: str
    outcome: str
    error: str
    arguments_digest: str
    summary: dict[str, Any]
    attributes: dict[str, Any]
    duration_us: int | None
    writes: bool | None
    decision_id: UUID | None
    started_ns: int
    credential: str
    task: str
    on_behalf_of: str


class Meant(NamedTuple):
    """Whom and what a call means in the inventory; None where it is not known."""

    identity: int | None
    tool: int | None
    task: int | None
    person: int | None


class Short(dict[str, str]):
    """Short texts of one report without secrets, by what was told: most are told again and again."""

    def __missing__(self, told: str) -> str:
        clean = self[told] = redaction.text(told, SHORT)
        return clean


def row_of(key: str, told: Told, above: Above, short: Short | None = None) -> Row:
    """The row of a call. Inside a trace the nearest agent above counts before the name on the span itself, which some
    libraries fill with a constant; a handover names its giver."""
    short = Short() if short is None else short
    own = told.agent_name
    agent = (own or above.agent) if told.kind == HANDOFF else (above.agent or own)
    arguments, canonical = redaction.read(told.arguments), b""
    summary = {}
    if arguments is not None:
        canonical = redaction.canonical(arguments)
        summary["arguments"] = redaction.kept(arguments)
    if told.result is not None:
        summary["result"] = redaction.kept(redaction.read(told.result))
    seconds, microseconds = divmod(told.started_ns // 1_000, 1_000_000)
    return Row(
        id_of(key, told.started_ns),
        f"{_second(seconds)}.{microseconds:06}+00",
        told.kind,
        told.trace_id,
        redaction.text(told.span_id, SHORT),  # hardly ever told again
        short[told.parent_span_id],
        short[told.conversation or above.conversation],
        short[agent],
        short[told.service_name],
        _spiffe(told.spiffe_id) if told.spiffe_id else "",
        short[told.tool_name],
        short[told.provider],
        short[told.system],
        redaction.text(told.resource, LONG) if told.resource else "",
        told.outcome,
        redaction.text(told.error, LONG) if told.error else "",
        hashlib.sha256(canonical).hexdigest() if canonical else "",
        summary,
        _attributes(told, agent, short),
        _duration(told),
        told.writes,
        _uuid(told.decision_id) if told.decision_id else None,
        told.started_ns,
        short[told.credential] if told.credential else "",
        told.task or str(above.task or ""),
        told.on_behalf_of or str(above.on_behalf_of or ""),
    )


def moment(nanoseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=nanoseconds // 1_000)


@lru_cache(maxsize=5_000)
def _second(seconds: int) -> str:
    return moment(seconds * 1_000_000_000).strftime("%Y-%m-%dT%H:%M:%S")


def _attributes(told: Told, agent: str, short: Short) -> dict[str, Any]:
    found, own = redaction.attributes(told.attributes), told.agent_name
    if own and own != agent:
        found["agent_on_span"] = short[own]
    if told.agent_id:
        found["agent_id"] = short[told.agent_id]
    if told.credential:
        found["credential_id"] = short[told.credential]
    if told.token_jti and (jti := _uuid(told.token_jti)):
        found["token_jti"] = str(jti)
    return found


@dataclass
class Found:
    """What the inventory knows of the tools, tasks and people that were named."""

    tools: dict[str, list[tuple[str, int]]] = field(default_factory=dict)  # name: provider, key
    tasks: dict[str, int] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)

    def tool(self, row: Row) -> int | None:
        """Of the provider that was told; without one, the only tool of this name."""
        known = self.tools.get(row.tool_name)
        if known is None or row.kind != TOOL:
            return None
        if row.provider:
            of_provider = [pk for provider, pk in known if provider == row.provider]
            return of_provider[0] if len(of_provider) == 1 else None
        return known[0][1] if len(known) == 1 else None


def look_up(rows: Collection[Row]) -> Found:
    """One query for each noun that is named at all."""
    found = Found()
    names = {row.tool_name for row in rows if row.kind == TOOL}
    with connection.cursor() as cursor:
        cursor.execute(_TOOLS, [list(names)])
        for name, provider, pk in cursor.fetchall():
            found.tools.setdefault(name, []).append((provider, pk))
    tasks = {row.task for row in rows if row.task}
    if tasks:
        found.tasks = _tasks(tasks)
    people = {row.on_behalf_of.lower() for row in rows if row.on_behalf_of}
    if people:
        found.people = _people(people)
    return found


def _tasks(told: set[str]) -> dict[str, int]:
    """By Mandate's own number, or by what the platform calls it."""
    numbers = _numbers(told)
    rows = Task.objects.filter(Q(pk__in=numbers) | Q(reference__in=told - {""}))
    found: dict[str, int] = {}
    for pk, reference in rows.order_by("pk").values_list("pk", "reference"):
        if reference in told:
            found[reference] = pk
        if pk in numbers:
            found[str(pk)] = pk
    return found


def _people(told: set[str]) -> dict[str, int]:
    """By e-mail address, or by the id at their source."""
    here = Person.objects.filter(gone_at=None)
    rows = here.filter(Q(email__in=told) | Q(external_id__in=told))
    found: dict[str, int] = {}
    for pk, email, external_id in rows.order_by("-pk").values_list("pk", "email", "external_id"):
        found[external_id.lower()] = pk
        found[email.lower()] = pk
    return found


def _numbers(texts: Iterable[str]) -> set[int]:
    return {int(one) for one in texts if one.isdecimal() and len(one) <= _LONGEST_NUMBER}


def _spiffe(text: str) -> str:
    """What is no SPIFFE ID by the letter of the standard names nobody, and could be anything."""
    try:
        return str(spiffe.parse(text))
    except spiffe.InvalidSpiffeId:
        return ""


def _duration(told: Told) -> int | None:
    if told.ended_ns is None or told.ended_ns < told.started_ns:
        return None
    return min((told.ended_ns - told.started_ns) // 1_000, 2**62)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
