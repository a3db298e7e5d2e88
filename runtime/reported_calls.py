"""Calls as gateways report them: JSON with our own names, one object for each call."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from runtime.models import ToolCall
from runtime.told import TOOL, Refused, Told

MOST_CALLS = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
_TRACE = re.compile(r"[0-9a-f]{32}")
_LONGEST = 10**12  # milliseconds


class Malformed(ValueError):
    """A sentence about the whole report."""


class _Wrong(ValueError):
    """A sentence about one field."""


def of_lines(body: bytes) -> Iterator[Told | Refused]:
    """One call on each line; an empty line is none. A line that is wrong is told with its number."""
    for number, line in enumerate(body.split(b"\n"), start=1):
        if line.strip():
            yield _of_line(line, f"line {number}")


def of_body(body: bytes) -> list[Any]:
    """The calls of a JSON report: an object with the one field `calls`."""
    try:
        report = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Malformed("The body is no JSON.") from error
    if not isinstance(report, dict) or set(report) != {"calls"}:
        raise Malformed("Send an object with the field “calls”, and no other.")
    calls = report["calls"]
    if not isinstance(calls, list) or len(calls) > MOST_CALLS:
        raise Malformed(f"“calls” is no list of at most {MOST_CALLS:,} calls.")
    return calls


def of_list(calls: list[Any]) -> Iterator[Told | Refused]:
    for number, call in enumerate(calls, start=1):
        yield read(call, f"call {number}")


def read(call: Any, place: str) -> Told | Refused:
    """What one object says; a field that is not known would be lost, so it is refused."""
    if not isinstance(call, dict):
        return Refused(place, "It is no JSON object. Send an object of fields.")
    if not _KNOWN.issuperset(call):
        unknown, known = sorted(set(call) - _KNOWN), ", ".join(_FIELDS)
        return Refused(place, f"There is no field “{unknown[0][:60]}”. Those here are: {known}.")
    for name in _REQUIRED:
        if name not in call:
            return Refused(place, f"“{name}” is missing.")
    try:
        said = {name: _FIELDS[name](name, value) for name, value in call.items()}
    except _Wrong as wrong:
        return Refused(place, str(wrong))
    return _told(said, place)


def _of_line(line: bytes, place: str) -> Told | Refused:
    try:
        return read(orjson.loads(line), place)
    except orjson.JSONDecodeError:
        return Refused(place, "It is no JSON.")


def _told(said: dict[str, Any], place: str) -> Told:
    started = said["started_at"]
    milliseconds = said.get("duration_ms")
    return Told(
        kind=said.get("kind", TOOL),
        trace_id=said.get("trace_id", ""),
        span_id=said["id"],
        parent_span_id=said.get("parent_id", ""),
        started_ns=started,
        ended_ns=None if milliseconds is None else started + int(milliseconds * 1_000_000),
        outcome=said.get("outcome", str(ToolCall.Outcome.UNKNOWN)),
        error=said.get("error", ""),
        tool_name=said["tool"],
        agent_name=said.get("agent", ""),
        conversation=said.get("conversation", ""),
        service_name=said.get("service", ""),
        spiffe_id=said.get("spiffe_id", ""),
        credential=said.get("credential", ""),
        provider=said.get("provider", ""),
        system=said.get("system", ""),
        resource=said.get("resource", ""),
        writes=said.get("writes"),
        arguments=said.get("arguments"),
        result=said.get("result"),
        task=said.get("task", ""),
        on_behalf_of=said.get("on_behalf_of", ""),
        decision_id=said.get("decision_id", ""),
        token_jti=said.get("token_jti", ""),
        attributes=said.get("attributes", {}),
        place=place,
    )


def _text(most: int, least: int = 0) -> Callable[[str, Any], str]:
    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or not least <= len(value) <= most or "\0" in value:
            raise _Wrong(f"“{name}” is no text of {least} to {most} characters.")
        return value

    return check


def _one_of(*choices: str) -> Callable[[str, Any], str]:
    def check(name: str, value: Any) -> str:
        if value not in choices:
            raise _Wrong(f"“{name}” is none of {', '.join(choices)}.")
        return str(value)

    return check


def _moment(name: str, value: Any) -> int:
    """Nanoseconds since 1970."""
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        try:
            return (
                (datetime.fromisoformat(value.upper()) - _EPOCH)
                // timedelta(microseconds=1)
                * 1_000
            )
        except (ValueError, OverflowError):
            pass  # a month 13, or the year 0
    raise _Wrong(f"“{name}” is no time with its zone, such as 2026-05-01T12:00:00.25Z.")


def _duration(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LONGEST:
        raise _Wrong(f"“{name}” is no number of milliseconds from 0 to {_LONGEST}.")
    return value


def _yes_no(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Wrong(f"“{name}” is neither true nor false.")
    return value


def _trace(name: str, value: Any) -> str:
    if not isinstance(value, str) or not _TRACE.fullmatch(value):
        raise _Wrong(f"“{name}” is not 32 hexadecimal digits in lower case.")
    return value


def _uuid(name: str, value: Any) -> str:
    try:
        return str(UUID(value)) if isinstance(value, str) and len(value) == 36 else _no_uuid(name)
    except ValueError:
        return _no_uuid(name)


def _no_uuid(name: str) -> str:
    raise _Wrong(f"“{name}” is no UUID.")


def _object(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Wrong(f"“{name}” is no JSON object.")
    return value


def _anything(name: str, value: Any) -> Any:
    return value


_FIELDS: dict[str, Callable[[str, Any], Any]] = {
    "id": _text(128, 1),
    "tool": _text(255, 1),
    "started_at": _moment,
    "duration_ms": _duration,
    "kind": _one_of(*ToolCall.Kind.values),
    "outcome": _one_of(*ToolCall.Outcome.values),
    "error": _text(4_000),
    "agent": _text(255),
    "service": _text(255),
    "spiffe_id": _text(2_048),
    "credential": _text(255),
    "provider": _text(255),
    "system": _text(255),
    "resource": _text(1_000),
    "writes": _yes_no,
    "arguments": _object,
    "result": _anything,
    "trace_id": _trace,
    "parent_id": _text(128),
    "conversation": _text(255),
    "task": _text(200),
    "on_behalf_of": _text(254),
    "decision_id": _uuid,
    "token_jti": _uuid,
    "attributes": _object,
}
_KNOWN = frozenset(_FIELDS)
_REQUIRED = ("id", "tool", "started_at")
