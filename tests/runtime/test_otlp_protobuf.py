"""Attributes in protobuf, of every kind and length, are read as they were written, or the body is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from runtime import otlp

LONG = 2**63 - 1
FIELDS = {bool: "bool_value", str: "string_value", int: "int_value", float: "double_value"}
texts = st.one_of(st.text(max_size=8), st.text("aé\n", min_size=118, max_size=130))
plain = st.one_of(
    texts, st.booleans(), st.integers(-LONG, LONG), st.floats(allow_nan=False), st.none()
)
values = st.recursive(
    plain,
    lambda deeper: st.one_of(
        st.lists(deeper, max_size=3), st.dictionaries(texts, deeper, max_size=3)
    ),
    max_leaves=4,
)
attributes = st.dictionaries(texts, values, max_size=6)


def put(holder: AnyValue, value: Any) -> None:
    if isinstance(value, list):
        holder.array_value.SetInParent()
        for one in value:
            put(holder.array_value.values.add(), one)
    elif isinstance(value, dict):
        holder.kvlist_value.SetInParent()
        put_all(holder.kvlist_value.values, value)
    elif value is not None:
        setattr(holder, FIELDS[type(value)], value)


def put_all(holders: Any, said: dict[str, Any]) -> None:
    for name, value in said.items():
        one = holders.add()
        one.key = name
        one.value.SetInParent()
        put(one.value, value)


def a_body(*spans: dict[str, Any], resource: dict[str, Any]) -> bytes:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    put_all(group.resource.attributes, resource)
    scope = group.scope_spans.add()
    for said in spans:
        span = scope.spans.add(trace_id=bytes(16), span_id=b"12345678", name="n", kind=3)
        span.start_time_unix_nano, span.end_time_unix_nano = 2**64 - 1, 5
        span.status.code, span.status.message = 2, "no"
        put_all(span.attributes, said)
    return request.SerializeToString()


@given(said=st.lists(attributes, max_size=3), resource=attributes)
def test_every_kind_of_value_is_read_as_it_was_written(
    said: list[dict[str, Any]], resource: dict[str, Any]
) -> None:
    body = a_body(*said, *said, resource=resource)

    spans = list(otlp.spans(body, otlp.PROTOBUF))

    assert [span.attributes for span in spans] == said * 2
    assert all(span.resource == resource for span in spans)
    for span in spans:
        assert span[:9] == (
            "0" * 32, "3132333435363738", "", "n", 3, 2**64 - 1, 5, 2, "no",
        )  # fmt: skip


@pytest.mark.parametrize("wrong", [b"\xff", b"\x7f", b"\x00"])
def test_an_attribute_that_is_cut_or_no_text_makes_the_body_unreadable(wrong: bytes) -> None:
    body = a_body({"name": "value", "other": "abcdefg"}, resource={})
    place = body.index(b"abcdefg")
    lengths = {b"\x7f": place - 1, b"\x00": place - 2}  # of the text, and its tag

    at = lengths.get(wrong, place)
    with pytest.raises(otlp.Unreadable):
        list(otlp.spans(body[:at] + wrong + body[at + 1 :], otlp.PROTOBUF))
