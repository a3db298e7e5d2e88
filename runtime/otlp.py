"""OTLP over HTTP: bodies into spans, and answers in the standard's own form (OTLP 1.x, section OTLP/HTTP)."""

import zlib
from base64 import b64decode
from binascii import Error as BadBase64
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from runtime import otlp_protobuf
from runtime.dialects import Span

PROTOBUF, JSON = "application/x-protobuf", "application/json"
# Codes of google.rpc.Code that fit our answers.
_CODES = {400: 3, 401: 16, 403: 7, 405: 12, 413: 8, 415: 3, 429: 8, 500: 13, 503: 14}
_STATUSES = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}
_KINDS = {"SPAN_KIND_SERVER": 2}
_DEEPEST = 8  # of values inside values
_ID_LENGTHS = {16: 32, 8: 16}


class Unreadable(Exception):
    """The body is not what it says it is; the message is a sentence."""


class TooBig(Exception):
    """The body is larger, unpacked, than is taken."""


def unpack(body: bytes, encoding: str, most: int) -> bytes:
    """The body without its compression; never more than `most` bytes are made of it."""
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise Unreadable(f"Content-Encoding “{encoding[:40]}” is not known. Use gzip or none.")
    inflater = zlib.decompressobj(wbits=31)
    try:
        plain = inflater.decompress(body, most + 1)
    except zlib.error as error:
        raise Unreadable("The body is no gzip.") from error
    if len(plain) > most:
        raise TooBig
    if not inflater.eof:
        raise Unreadable("The gzip ends in the middle.")
    return plain


def spans(body: bytes, media_type: str) -> Iterator[Span]:
    """Every span of the request, in order."""
    return _from_json(body) if media_type == JSON else _from_protobuf(body)


def answer(media_type: str, *, rejected: int, message: str) -> bytes:
    """A full or partial success."""
    if media_type == JSON:
        partial: dict[str, object] = {}
        if rejected or message:
            partial = {"rejectedSpans": str(rejected), "errorMessage": message}
        return orjson.dumps({"partialSuccess": partial} if partial else {})
    response = ExportTraceServiceResponse()
    if rejected or message:
        response.partial_success.rejected_spans = rejected
        response.partial_success.error_message = message
    return bytes(response.SerializeToString())


def status(media_type: str, *, http: int, message: str) -> bytes:
    """A google.rpc.Status: a code and a sentence."""
    code = _CODES.get(http, 2)
    if media_type == JSON:
        return orjson.dumps({"code": code, "message": message})
    text = message.encode()
    return b"\x08" + _varint(code) + b"\x12" + _varint(len(text)) + text


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _from_protobuf(body: bytes) -> Iterator[Span]:
    try:
        yield from otlp_protobuf.spans(body)
    except DecodeError as error:
        raise Unreadable("The body is no ExportTraceServiceRequest in protobuf.") from error


def _from_json(body: bytes) -> Iterator[Span]:
    try:
        request = orjson.loads(body)
    except ValueError as error:
        raise Unreadable("The body is no JSON.") from error
    for resource_spans in _objects(request, "resourceSpans"):
        resource = _attributes(_object(resource_spans.get("resource")))
        for scope_spans in _objects(resource_spans, "scopeSpans"):
            for span in _objects(scope_spans, "spans"):
                yield _span(span, resource)


def _span(span: Mapping[str, Any], resource: dict[str, Any]) -> Span:
    status = _object(span.get("status"))
    return Span(
        _id(span.get("traceId"), 16),
        _id(span.get("spanId"), 8),
        _id(span.get("parentSpanId"), 8),
        str(span.get("name", "")),
        _number(span.get("kind", 0), _KINDS),
        _number(span.get("startTimeUnixNano", 0)),
        _number(span.get("endTimeUnixNano", 0)),
        _number(status.get("code", 0), _STATUSES),
        str(status.get("message", "")),
        _attributes(span),
        resource,
    )


def _id(value: Any, size: int) -> str:
    """Hexadecimal digits, as the standard has it; base64, as protobuf's own JSON has it, is understood too."""
    if not value:
        return ""
    if isinstance(value, str) and len(value) != _ID_LENGTHS[size]:
        try:
            decoded = b64decode(value, validate=True)
        except (BadBase64, ValueError):
            return value[:64]  # the rule refuses it, with its place
        return decoded.hex() if len(decoded) == size else value[:64]
    return str(value)[:64].lower()


def _number(value: Any, names: Mapping[str, int] | None = None) -> int:
    if isinstance(value, str) and names and value in names:
        return names[value]
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0


def _attributes(holder: Mapping[str, Any]) -> dict[str, Any]:
    return {
        str(one.get("key", "")): _json_value(one.get("value"))
        for one in _objects(holder, "attributes")
    }


def _json_value(value: Any, depth: int = _DEEPEST) -> Any:
    if not isinstance(value, dict) or not value or depth == 0:
        return None
    kind, found = next(iter(value.items()))
    if kind == "intValue":
        return _number(found)
    if kind == "arrayValue":
        return [_json_value(one, depth - 1) for one in _objects(_object(found), "values")]
    if kind == "kvlistValue":
        return {
            str(one.get("key", "")): _json_value(one.get("value"), depth - 1)
            for one in _objects(_object(found), "values")
        }
    return found if isinstance(found, str | bool | int | float) else None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(holder: Any, name: str) -> list[dict[str, Any]]:
    """The objects of a list; anything else there is a mistake that makes the request unreadable."""
    if not isinstance(holder, dict):
        raise Unreadable("The JSON is no ExportTraceServiceRequest.")
    found = holder.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Unreadable(f"“{name}” is no list of objects.")
    return found
