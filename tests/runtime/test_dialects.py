"""The captured reports of real clients, and the dialects one by one: the right tools, agents and outcomes."""

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from runtime import attribution, dialects, otlp
from runtime.dialects import Span
from runtime.models import ToolCall
from runtime.told import Told
from tests.runtime.reporting import DAY, a_reporter
from tests.samples import sample

PYDANTIC = [
    ("agent", "billing_agent", "billing_agent", "ok"),
    ("agent", "billing_agent", "ledger_agent", "ok"),
    ("agent", "ledger_agent", "ledger_agent", "error"),
    ("tool", "billing_agent", "delegate", "ok"),
    ("tool", "billing_agent", "refund", "ok"),
    ("tool", "ledger_agent", "fail", "error"),
    ("tool", "ledger_agent", "read_ledger", "ok"),
    ("tool", "ledger_agent", "read_ledger", "ok"),
]
OPENAI = [
    ("agent", "Refund specialist", "Refund specialist", "ok"),
    ("agent", "Triage", "Triage", "ok"),
    ("handoff", "Triage", "Refund specialist", "ok"),
    ("tool", "Refund specialist", "refund", "ok"),
]


def content(name: str) -> bytes:
    return sample(f"traces/{name}").read_bytes()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pydantic_ai", PYDANTIC),
        ("openai_agents_v2", OPENAI),
        ("openai_agents_openinference", OPENAI),
    ],
)
@pytest.mark.parametrize("kind", ["pb", "json"])
def test_captured_reports(name: str, expected: Any, kind: str, settings: Any) -> None:
    settings.TOOL_CALL_DAYS = 10_000  # they were captured some time ago
    _, secret = a_reporter(timezone.now())
    media_type = otlp.PROTOBUF if kind == "pb" else otlp.JSON
    body = content(f"{name}.{kind}")

    for _ in range(2):
        answer = Client().post(
            "/v1/traces",
            body,
            content_type=media_type,
            headers={"Authorization": f"Bearer {secret}"},
        )
        assert answer.status_code == 200
    attribution.settle(timezone.now() + DAY)

    told = ToolCall.objects.values_list("kind", "agent_name", "tool_name", "outcome")
    assert sorted(told) == expected
    assert not ToolCall.objects.filter(
        kind="tool", tool_name="refund", arguments_digest=""
    ).exists()


def a_span(attributes: dict[str, Any], name: str = "span", **fields: Any) -> Span:
    given = {
        "trace_id": "0" * 31 + "1", "span_id": "0" * 15 + "1", "parent_span_id": "", "kind": 1,
        "started_ns": 1, "ended_ns": 2, "status": 0, "message": "", "resource": {}, **fields,
    }  # fmt: skip
    return Span(name=name, attributes=attributes, **given)


def read(attributes: dict[str, Any], name: str = "span", **fields: Any) -> Told:
    told = dialects.read(a_span(attributes, name, **fields))
    assert told is not None
    return told


@pytest.mark.parametrize(
    "name",
    [
        "otel_genai_client_span_tool_calls.json",
        "otel_genai_deprecated_client_span_tool_calls.json",
        "openinference_client_span_input_output_only.json",
        "openinference_client_span_tool_calls.json",
    ],
)
def test_a_chat_that_only_speaks_of_a_call_is_no_call(name: str) -> None:
    assert dialects.read(a_span(json.loads(content(name)))) is None


def test_the_tool_of_the_fixture_is_read_with_arguments_and_result() -> None:
    told = read(json.loads(content("otel_genai_tool_execution_span.json")))

    assert (told.kind, told.tool_name, told.arguments) == (
        "tool",
        "get_weather",
        '{"city": "New York"}',
    )
    assert str(told.result).startswith('{"status": "success"')


def test_runs_of_the_vercel_ai_sdk_name_the_agent_and_their_steps_are_no_calls() -> None:
    spans = json.loads(content("vercel-ai-sdk-spans.json"))
    told = [dialects.read(a_span(span["attributes"], span["name"])) for span in spans]

    assert all(one is None or one.kind == "" for one in told)
    assert {one.agent_name for one in told if one and one.is_agent} >= {"test-generate-text"}


def test_a_tool_of_the_vercel_ai_sdk() -> None:
    told = read(
        {
            "ai.operationId": "ai.toolCall",
            "ai.toolCall.name": "weather",
            "ai.toolCall.args": '{"city":"Bergen"}',
            "ai.telemetry.functionId": "forecaster",
            "ai.telemetry.metadata.sessionId": "s-1",
        },
        "ai.toolCall",
    )

    assert (told.kind, told.tool_name, told.agent_name) == ("tool", "weather", "forecaster")
    assert (told.arguments, told.conversation) == ('{"city":"Bergen"}', "s-1")


def test_a_call_seen_by_an_mcp_server() -> None:
    told = read(
        {
            "mcp.method.name": "tools/call",
            "gen_ai.operation.name": "execute_tool",
            "error.type": "tool_error",
            "mcp.session.id": "m-1",
        },
        "tools/call refund",
        kind=2,
        resource={"service.name": "payments-mcp"},
    )

    assert (told.kind, told.tool_name, told.provider) == ("tool", "refund", "payments-mcp")
    assert (told.outcome, told.conversation) == ("error", "m-1")
    assert told.attributes == {"side": "server"}


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ("PermissionDenied", "denied"),
        ("builtins.PermissionError", "denied"),
        ("ValueError", "error"),
        ("", "ok"),
    ],
)
def test_who_was_refused_is_denied(error: str, outcome: str) -> None:
    said = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "t", "error.type": error}

    assert read(said).outcome == outcome


def test_langchain_names_its_agent_in_the_metadata() -> None:
    said = {
        "openinference.span.kind": "TOOL",
        "tool.name": "t",
        "metadata": '{"lc_agent_name": "desk"}',
    }

    assert read(said).agent_name == "desk"


def test_what_nobody_knows_is_kept_and_what_people_said_is_not() -> None:
    said = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "t",
        "own.thing": 7,
        "gen_ai.input.messages": "secret talk",
        "logfire.msg": "x",
    }

    assert read(said).attributes == {"own.thing": 7}
