"""The languages in which spans speak of tool calls; the first whose mark a span has reads it."""

from typing import Any, NamedTuple

from runtime.dialects.dialect import COMMON, DENIED, ERROR, LEFT_OUT, Dialect, Span
from runtime.dialects.mcp import MCP
from runtime.dialects.openinference import OPENINFERENCE
from runtime.dialects.otel_genai import OTEL_GENAI
from runtime.dialects.vercel import VERCEL
from runtime.told import AGENT, LINK, TOOL, Told

DIALECTS: tuple[Dialect, ...] = (MCP, OTEL_GENAI, OPENINFERENCE, VERCEL)

__all__ = ["DIALECTS", "Span", "read"]

_MOST_ATTRIBUTES = 64  # unknown ones that are looked at
_OF_LINKS = frozenset(("agent_name", "agent_id", "conversation"))
_TEXTS = _OF_LINKS | {
    "tool_name", "provider", "system", "resource", "task", "on_behalf_of", "decision_id", "token_jti", "credential",
}  # fmt: skip
_MOST_SHAPES, _LONGEST_SHAPE = 1_000, 4_000  # that are remembered; characters of all names together


class _Shape(NamedTuple):
    """What there is to read in a span with attributes of these names, in this order."""

    dialect: Dialect | None
    fields: tuple[tuple[str, str], ...]  # what one attribute can say, and which
    # What more than one can say, in the order of preference.
    several: tuple[tuple[str, tuple[str, ...]], ...]
    left: tuple[str, ...]  # attributes that say nothing that we know


_shapes: dict[tuple[str, ...], _Shape] = {}


def read(span: Span, place: str = "") -> Told | None:
    """What the span says; None when no call can be or lie below it."""
    names = tuple(span.attributes)
    shape = _shapes.get(names) or _shape_of(names)
    if shape.dialect is not None:
        kind = shape.dialect.kind_of(span)
        return None if kind is None else _told(span, kind, place, shape.dialect, shape)
    if not span.parent_span_id:
        return None  # nothing is above it, and it is nobody
    return _link(span, LINK, place)


def _shape_of(names: tuple[str, ...]) -> _Shape:
    shape = _Shape(None, (), (), ())
    there = frozenset(names)
    for dialect, fields, used in _TABLES:
        if dialect.mark in there:
            found = [(field, [*filter(there.__contains__, known)]) for field, known in fields]
            left = tuple(
                name
                for name in names[:_MOST_ATTRIBUTES]
                if name not in used and not name.startswith(LEFT_OUT)
            )
            shape = _Shape(
                dialect,
                tuple((field, some[0]) for field, some in found if len(some) == 1),
                tuple((field, tuple(some)) for field, some in found if len(some) > 1),
                left,
            )
            break
    if len(names) <= _MOST_ATTRIBUTES and sum(map(len, names)) <= _LONGEST_SHAPE:
        if len(_shapes) >= _MOST_SHAPES:
            _shapes.clear()
        _shapes[names] = shape
    return shape


def _told(span: Span, kind: str, place: str, dialect: Dialect, shape: _Shape) -> Told:
    said = _said(span.attributes, shape)
    if dialect.finish is not None:
        dialect.finish(span, said)
    told = _link(span, kind, place)
    told.is_agent = kind == AGENT if dialect.is_agent is None else dialect.is_agent(span)
    texts = _OF_LINKS if kind == LINK else _TEXTS
    for field, value in said.items():
        if field in texts:
            setattr(told, field, value if value.__class__ is str else _text(value))
    told.spiffe_id = _text(said.get("spiffe_id") or span.resource.get("spiffe.id"))
    if kind != LINK:
        _fill(told, said, span)
        told.attributes = {name: span.attributes[name] for name in shape.left}
        if "side" in said:
            told.attributes["side"] = said["side"]
    return told


def _said(attributes: dict[str, Any], shape: _Shape) -> dict[str, Any]:
    said = {
        field: value
        for field, name in shape.fields
        if (value := attributes[name]) is not None and value != ""
    }
    for field, names in shape.several:
        for name in names:
            value = attributes[name]
            if value is not None and value != "":
                said[field] = value
                break
    return said


def _link(span: Span, kind: str, place: str) -> Told:
    told = Told(
        kind, span.trace_id, span.span_id, span.parent_span_id, span.started_ns, span.ended_ns or None, "ok"
    )  # fmt: skip
    told.service_name, told.place = _text(span.resource.get("service.name")), place
    return told


def _fill(told: Told, said: dict[str, Any], span: Span) -> None:
    if told.kind == AGENT:
        told.tool_name = told.agent_name
    writes = said.get("writes")
    told.writes = writes if isinstance(writes, bool) else None
    if told.kind == TOOL:
        told.arguments, told.result = said.get("arguments"), said.get("result")
    error = _text(said.get("error"))
    if span.status == ERROR or error:
        told.outcome = "denied" if error.lower().rsplit(".", 1)[-1] in DENIED else "error"
        told.error = ": ".join(dict.fromkeys(part for part in (error, span.message) if part))


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
