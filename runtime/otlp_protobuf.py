"""Spans out of OTLP in protobuf. Attributes stay bytes until somebody looks at them: most are told again and again.

The messages are the standard's own, with the same numbers (opentelemetry/proto/trace/v1/trace.proto), read through a
description that leaves out what is not needed here and takes each attribute as bytes. An attribute in its usual form, a
name and a text, is then two slices; every other form is left to the standard's own message.
"""

from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from runtime.dialects import Span

_DEEPEST = 8  # of values inside values
_NAME, _VALUE, _TEXT = 0x0A, 0x12, 0x0A  # tags: field 1 and field 2, both with a length
_ONE_BYTE = 0x80  # lengths below this take one byte, others two or more
_HEADERS = 6  # bytes of tags and lengths
_REMEMBERED = 300


def spans(body: bytes) -> Iterator[Span]:
    """Every span of the request, in order. Raises DecodeError."""
    request = _Request()
    request.ParseFromString(body)
    try:
        for resource_spans in request.resource_spans:
            read = _Attributes().read
            resource = read(resource_spans.resource.attributes[:])
            for scope_spans in resource_spans.scope_spans:
                for span in scope_spans.spans:
                    told = span.status
                    status = Status.FromString(told) if told else _UNSET
                    yield Span(
                        span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(), span.name, span.kind,
                        span.started, span.ended, status.code, status.message, read(span.attributes[:]), resource,
                    )  # fmt: skip
    except UnicodeDecodeError as error:
        raise DecodeError("A text is no UTF-8.") from error


class _Attributes:
    """Those of one resource's spans. Texts that come again are remembered by their bytes, a few hundred of each name,
    as some names never say the same twice."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[str, str]] = {}
        self._names: dict[bytes, str] = {}  # as bytes, and as text
        self._room: dict[str, int] = {}

    def read(self, attributes: list[bytes]) -> dict[str, Any]:  # Any: a value of JSON's kinds
        """By name."""
        said: dict[str, Any] = {}
        known = self._known.get
        for raw in attributes:
            pair = known(raw) or self._pair(raw)
            said[pair[0]] = pair[1]
        return said

    def _pair(self, raw: bytes) -> tuple[str, Any]:
        """A name and a text, when both lengths take one byte, as nearly always; or whatever else it is."""
        size = len(raw)
        end = raw[1] + 2 if size > _HEADERS else size
        rest = size - end  # the value: its tag, its length, the text's tag, its length, the text
        if (
            not _HEADERS - 2 < rest < _ONE_BYTE
            or raw[0] != _NAME
            or end >= _ONE_BYTE
            or raw[end] != _VALUE
            or raw[end + 1] != rest - 2
            or raw[end + 2] != _TEXT
            or raw[end + 3] != rest - 4
        ):
            said = KeyValue.FromString(raw)
            return said.key, _value(said.value)
        start = raw[2:end]
        name = self._names.get(start)
        if name is None:
            name = self._names[start] = start.decode()
            self._room[name] = _REMEMBERED
        pair = name, raw[end + 4 :].decode()
        if self._room[name]:
            self._room[name] -= 1
            self._known[raw] = pair
        return pair


def _value(value: Any, depth: int = _DEEPEST) -> Any:  # Any: the library's message has no types
    kind = value.WhichOneof("value")
    if kind is None or depth == 0:
        return None
    if kind == "array_value":
        return [_value(one, depth - 1) for one in value.array_value.values]
    if kind == "kvlist_value":
        return {one.key: _value(one.value, depth - 1) for one in value.kvlist_value.values}
    found = getattr(value, kind)
    return found.hex() if kind == "bytes_value" else found


def _request() -> Any:  # Any: a class made of a description
    file = FileDescriptorProto(name="mandate/spans.proto", package="mandate", syntax="proto3")
    many, one = Field.LABEL_REPEATED, Field.LABEL_OPTIONAL
    for message, fields in {
        "Request": [("resource_spans", 1, many, "ResourceSpans")],
        "ResourceSpans": [
            ("resource", 1, one, "Resource"),
            ("scope_spans", 2, many, "ScopeSpans"),
        ],
        "Resource": [("attributes", 1, many, Field.TYPE_BYTES)],
        "ScopeSpans": [("spans", 2, many, "Span")],
        "Span": [
            ("trace_id", 1, one, Field.TYPE_BYTES),
            ("span_id", 2, one, Field.TYPE_BYTES),
            ("parent_span_id", 4, one, Field.TYPE_BYTES),
            ("name", 5, one, Field.TYPE_STRING),
            ("kind", 6, one, Field.TYPE_INT32),
            ("started", 7, one, Field.TYPE_FIXED64),
            ("ended", 8, one, Field.TYPE_FIXED64),
            ("attributes", 9, many, Field.TYPE_BYTES),
            ("status", 15, one, Field.TYPE_BYTES),
        ],
    }.items():
        described = file.message_type.add(name=message)
        for name, number, label, kind in fields:
            field = described.field.add(name=name, number=number, label=label)
            if isinstance(kind, str):
                field.type, field.type_name = Field.TYPE_MESSAGE, f".mandate.{kind}"
            else:
                field.type = kind
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("mandate.Request"))


_Request = _request()
_UNSET = Status()
