"""The languages in which spans speak of tool calls; the first whose mark a span has reads it."""

from typing import Any

from runtime.dialects.dialect import COMMON, DENIED, ERROR, LEFT_OUT, Dialect, Span
from runtime.dialects.mcp import MCP
from runtime.dialects.openinference import OPENINFERENCE
from runtime.dialects.otel_genai import OTEL_GENAI
from runtime.dialects.vercel import VERCEL
from runtime.told import AGENT, LINK, TOOL, Told

DIALECTS: tuple[Dialect, ...] = (MCP, OTEL_GENAI, OPENINFERENCE, VERCEL)

__all__ = ["DIALECTS", "Span", "read"]

_MOST_ATTRIBUTES = 64  # unknown ones that are looked at


def read(span: Span, place: str = "") -> Told | None:
    """What the span says; None when no call can be or lie below it."""
    for dialect, fields, used in _TABLES:
        if dialect.mark in span.attributes:
            kind = dialect.kind_of(span)
            return None if kind is None else _told(span, kind, place, dialect, fields, used)
    if not span.parent_span_id:
        return None  # nothing is above it, and it is nobody
    return _link(span, LINK, place)


def _told(
    span: Span,
    kind: str,
    place: str,
    dialect: Dialect,
    fields: tuple[tuple[str, tuple[str, ...]], ...],
    used: frozenset[str],
) -> Told:
    attributes, said = span.attributes, _fields(span.attributes, fields)
    if dialect.finish is not None:
        dialect.finish(span, said)
    told = _link(span, kind, place)
    told.is_agent = kind == AGENT if dialect.is_agent is None else dialect.is_agent(span)
    told.agent_name = _text(said.get("agent_name"))
    told.agent_id = _text(said.get("agent_id"))
    told.conversation = _text(said.get("conversation"))
    told.spiffe_id = _text(said.get("spiffe_id") or span.resource.get("spiffe.id"))
    if kind != LINK:
        _fill(told, said, span)
        told.attributes = {
            name: value
            for name, value in list(attributes.items())[:_MOST_ATTRIBUTES]
            if name not in used and not name.startswith(LEFT_OUT)
        }
        if "side" in said:
            told.attributes["side"] = said["side"]
    return told


def _link(span: Span, kind: str, place: str) -> Told:
    return Told(
        kind=kind,
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_span_id=span.parent_span_id,
        started_ns=span.started_ns,
        ended_ns=span.ended_ns or None,
        outcome="ok",
        service_name=_text(span.resource.get("service.name")),
        place=place,
    )


def _fill(told: Told, said: dict[str, Any], span: Span) -> None:
    told.tool_name = told.agent_name if told.kind == AGENT else _text(said.get("tool_name"))
    told.provider, told.system = _text(said.get("provider")), _text(said.get("system"))
    told.resource, told.task = _text(said.get("resource")), _text(said.get("task"))
    told.on_behalf_of = _text(said.get("on_behalf_of"))
    told.decision_id, told.token_jti = _text(said.get("decision_id")), _text(said.get("token_jti"))
    told.credential = _text(said.get("credential"))
    writes = said.get("writes")
    told.writes = writes if isinstance(writes, bool) else None
    if told.kind == TOOL:
        told.arguments, told.result = said.get("arguments"), said.get("result")
    error = _text(said.get("error"))
    if span.status == ERROR or error:
        told.outcome = "denied" if error.lower().rsplit(".", 1)[-1] in DENIED else "error"
        told.error = ": ".join(dict.fromkeys(part for part in (error, span.message) if part))


def _fields(
    attributes: dict[str, Any], fields: tuple[tuple[str, tuple[str, ...]], ...]
) -> dict[str, Any]:
    said = {}
    for field, names in fields:
        for name in names:
            value = attributes.get(name)
            if value is not None and value != "":
                said[field] = value
                break
    return said


def _text(value: Any) -> str:
    return value if value.__class__ is str else "" if value is None else str(value)


def _table(dialect: Dialect) -> tuple[Dialect, Any, frozenset[str]]:
    fields = {**COMMON, **dialect.fields}
    used = {
        *(each.mark for each in DIALECTS),
        *(name for names in fields.values() for name in names),
    }
    return dialect, tuple(fields.items()), frozenset(used)


_TABLES = tuple(_table(dialect) for dialect in DIALECTS)
