"""Spans over OTLP: every call arrives once, with its agent, and every refusal says why."""

import gzip
import json
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from inventory.models import Identity
from runtime import attribution, partitions
from runtime.models import AgentName, CallKey, OpenTrace, ToolCall
from runtime.views import traces
from tests.factories import a_person, a_task, an_identity
from tests.runtime.reporting import DAY, a_reporter, a_request, a_span

pytestmark = pytest.mark.django_db
JSON, PROTOBUF = "application/json", "application/x-protobuf"


@pytest.fixture
def secret() -> str:
    return a_reporter(timezone.now())[1]


def send(body: Any, secret: str, content_type: str = JSON, **headers: str) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Client().post(
        "/v1/traces",
        content,
        content_type=content_type,
        headers={"Authorization": f"Bearer {secret}", **headers},
    )


def test_a_call_is_kept_with_all_that_was_told(secret: str) -> None:
    at = timezone.now()
    owner, task = a_person(email="ada@example.org"), a_task(reference="PAY-7")
    identity = an_identity(name="billing_agent", kind=Identity.Kind.ASSISTANT)
    span = a_span(
        at,
        parentSpanId="00000000000000ff",
        attributes={
            "gen_ai.agent.name": "billing_agent",
            "gen_ai.conversation.id": "conv-1",
            "gen_ai.tool.call.arguments": '{"order":"7","password":"hunter2!"}',
            "gen_ai.tool.call.result": "ok",
            "gen_ai.tool.call.id": "call-1",
            "mandate.task": "PAY-7",
            "mandate.on_behalf_of": "Ada@example.org",
            "mandate.decision": "0197f3a0-0000-7000-8000-000000000001",
        },
    )

    answer = send(a_request(span), secret)

    assert (answer.status_code, answer.json()) == (200, {})
    call = ToolCall.objects.get()
    assert (call.tool_name, call.agent_name, call.service_name) == (
        "refund",
        "billing_agent",
        "billing",
    )
    assert (call.identity_id, call.task_id, call.on_behalf_of_id) == (
        identity.pk,
        task.pk,
        owner.pk,
    )
    assert (call.outcome, call.duration_us, call.kind) == ("ok", 5_000, "tool")
    assert call.summary == {
        "arguments": {"order": "7", "password": "[redacted]"},
        "result": "ok",
    }
    assert len(call.arguments_digest) == 64
    assert str(call.decision_id) == "0197f3a0-0000-7000-8000-000000000001"
    assert call.attributes == {"gen_ai.tool.call.id": "call-1"}
    identity.refresh_from_db()
    assert identity.last_active_at is not None


def test_sending_again_changes_nothing(secret: str) -> None:
    body = a_request(a_span(timezone.now()), a_span(timezone.now(), "00000000000000a2"))

    answers = [send(body, secret).status_code for _ in range(3)]

    assert answers == [200, 200, 200]
    assert ToolCall.objects.count() == CallKey.objects.count() == 2


@pytest.mark.parametrize("known", [0, 1, 150, 300])
def test_of_a_large_report_what_is_known_is_kept_once(secret: str, known: int) -> None:
    at = timezone.now()
    spans = [a_span(at, f"{number:016x}") for number in range(1, 301)]
    send(a_request(*spans[:known]), secret)

    answers = [send(a_request(*spans), secret).status_code for _ in range(2)]

    assert answers == [200, 200]
    assert ToolCall.objects.count() == CallKey.objects.count() == 300
    assert {key.started_at for key in CallKey.objects.all()} == {
        ToolCall.objects.first().started_at
    }  # type: ignore[union-attr]


def test_of_a_report_only_what_is_new_stirs_its_trace(secret: str) -> None:
    at = timezone.now()
    known = a_span(at, parentSpanId="00000000000000ff")
    send(a_request(known), secret)
    OpenTrace.objects.all().delete()  # it has settled

    send(a_request(known), secret)
    assert not OpenTrace.objects.exists()

    send(a_request(known, a_span(at, "00000000000000a2", parentSpanId="00000000000000ff")), secret)
    assert OpenTrace.objects.count() == 1
    assert ToolCall.objects.count() == 2


def test_a_name_of_an_operation_that_is_no_text_refuses_nothing(secret: str) -> None:
    request = a_request(a_span(timezone.now()))
    spans = request["resourceSpans"][0]["scopeSpans"][0]["spans"]
    value = {"arrayValue": {"values": [{"stringValue": "execute_tool"}]}}
    odd = {**spans[0], "spanId": "00000000000000a2"}
    odd["attributes"] = [{"key": "gen_ai.operation.name", "value": value}]
    spans.append(odd)

    assert send(request, secret).status_code == 200
    assert ToolCall.objects.count() == 1


def test_texts_are_kept_letter_for_letter(secret: str) -> None:
    odd = 'a\tb\nc\\N \\. "d" \r é'
    span = a_span(
        timezone.now(),
        attributes={
            "gen_ai.agent.name": odd,
            "gen_ai.tool.call.arguments": json.dumps({"note": odd}),
            "what": odd,
        },
    )

    assert send(a_request(span), secret).status_code == 200

    call = ToolCall.objects.get()
    assert call.agent_name == odd
    assert call.summary["arguments"] == {"note": odd}
    assert call.attributes == {"what": odd}


def test_a_span_that_comes_twice_in_one_report_or_with_another_day_is_kept_once(
    secret: str,
) -> None:
    at = timezone.now()
    send(a_request(a_span(at), a_span(at)), secret)
    send(a_request(a_span(at - 2 * DAY)), secret)

    assert ToolCall.objects.get().started_at.date() == at.date()


def test_the_same_ids_of_another_reporter_are_other_calls(secret: str) -> None:
    other = a_reporter(timezone.now())[1]
    body = a_request(a_span(timezone.now()))

    send(body, secret)
    send(body, other)

    assert ToolCall.objects.count() == 2


def test_gzip_is_unpacked_and_a_bomb_is_refused(secret: str, settings: Any) -> None:
    settings.INGEST_MAX_BYTES = 100_000
    body = gzip.compress(json.dumps(a_request(a_span(timezone.now()))).encode())
    bomb = gzip.compress(b" " * 200_000)

    assert send(body, secret, **{"Content-Encoding": "gzip"}).status_code == 200
    assert send(bomb, secret, **{"Content-Encoding": "gzip"}).status_code == 413
    assert send(b"x" * 200_000, secret).status_code == 413
    assert ToolCall.objects.count() == 1


def test_what_cannot_be_taken_is_said_and_the_rest_is_taken(secret: str) -> None:
    at = timezone.now()
    spans = (
        a_span(at),
        a_span(at - 300 * DAY, "00000000000000a2"),
        a_span(at + 3 * DAY, "00000000000000a3"),
        a_span(at, "", name="no id"),
    )

    partial = send(a_request(*spans), secret).json()["partialSuccess"]

    assert partial["rejectedSpans"] == "3"
    assert "span 2: It starts" in partial["errorMessage"]
    assert "kept for 200 days" in partial["errorMessage"]
    assert "more than a day from now" in partial["errorMessage"]
    assert "span 4: It has no id" in partial["errorMessage"]
    assert ToolCall.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "kind", "encoding", "status"),
    [
        (b"\xff\xff\xff", PROTOBUF, "", 400),
        (b"{", JSON, "", 400),
        (b'{"resourceSpans": 3}', JSON, "", 400),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": ["x"]}]}]}', JSON, "", 400),
        (b"[]", JSON, "", 400),
        (b"no gzip", JSON, "gzip", 400),
        (gzip.compress(b"{}", mtime=0)[:-4], JSON, "gzip", 400),
        (b"{}", JSON, "zstd", 400),
        (b"{}", "text/plain", "", 415),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_with_a_status(
    secret: str, body: bytes, kind: str, encoding: str, status: int
) -> None:
    answer = send(body, secret, kind, **({"Content-Encoding": encoding} if encoding else {}))

    assert answer.status_code == status
    if kind == PROTOBUF:
        assert b"no ExportTraceServiceRequest" in answer.content
    else:
        assert answer.json()["message"].endswith(".")


def test_who_may_not_report_is_told_so_in_the_form_of_the_standard() -> None:
    reader = a_reporter(timezone.now(), "read")[1]

    nobody, other = send({}, "mdt_nothing"), send({}, reader)

    assert (nobody.status_code, other.status_code) == (401, 403)
    assert nobody.headers["WWW-Authenticate"].startswith("Bearer")
    assert nobody.json()["code"] == 16 and "ingest" in other.json()["message"]
    assert Client().get("/v1/traces").status_code == 405


def test_protobuf_is_answered_in_protobuf(secret: str) -> None:
    request = ExportTraceServiceRequest(resource_spans=[ResourceSpans(schema_url="x")])

    answer = send(request.SerializeToString(), secret, PROTOBUF)

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, PROTOBUF)
    assert ExportTraceServiceResponse.FromString(answer.content) == ExportTraceServiceResponse()


def test_the_nearest_agent_above_names_the_caller_also_when_it_arrives_later(secret: str) -> None:
    """As openai-agents does it: a constant on the tool's span, a turn between, children first."""
    at = timezone.now()
    agent = an_identity(name="Refund specialist", kind=Identity.Kind.ASSISTANT)
    constant = {"gen_ai.agent.name": "OpenAI Agent", "gen_ai.agent.id": "agent"}
    tool = a_span(at, "00000000000000a1", parentSpanId="00000000000000b1", attributes=constant)
    turn = a_span(
        at, "00000000000000b1", parentSpanId="00000000000000c1",
        attributes={**constant, "gen_ai.operation.name": "unknown"},
    )  # fmt: skip
    invoke = a_span(
        at, "00000000000000c1",
        attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "Refund specialist"},
    )  # fmt: skip

    for span in (tool, turn, invoke):
        send(a_request(span), secret)
    before = ToolCall.objects.get(kind="tool")
    changed = attribution.settle(timezone.now() + DAY)

    call = ToolCall.objects.get(kind="tool")
    assert (before.agent_name, before.identity) == ("", None)
    assert (call.agent_name, call.identity) == ("Refund specialist", agent)
    assert changed == 1
    for span in (tool, turn, invoke):
        send(a_request(span), secret)
    assert attribution.settle(timezone.now() + DAY) == 0


def test_an_unknown_agent_is_kept_and_listed(secret: str) -> None:
    send(a_request(a_span(timezone.now(), attributes={"gen_ai.agent.name": "stranger"})), secret)

    name = AgentName.objects.unknown().get()
    assert (name.service_name, name.agent_name) == ("billing", "stranger")
    assert ToolCall.objects.unknown().count() == 1


def test_reports_make_the_partition_they_need(secret: str) -> None:
    at = timezone.now() - 20 * DAY

    send(a_request(a_span(at)), secret)

    assert at.date() in partitions.existing()


def test_while_others_are_written_down_one_is_asked_to_come_again(secret: str) -> None:
    held = [traces._at_work.acquire(blocking=False) for _ in range(settings.INGEST_AT_ONCE)]
    try:
        answer = send(a_request(a_span(timezone.now())), secret)
    finally:
        for _ in held:
            traces._at_work.release()

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    assert answer.json()["code"] == 8
    assert send(a_request(a_span(timezone.now())), secret).status_code == 200
