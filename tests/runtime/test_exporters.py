"""Real exporters against a running server: every call arrives once, with gzip and without, also when sent again."""

import asyncio
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any
from unittest.mock import patch

import httpx
import psycopg
import pytest
from agents import Agent as OpenAIAgent
from agents import Runner, function_tool
from agents.items import ModelResponse
from agents.models.interface import Model
from agents.usage import Usage
from django.db import connection
from django.utils import timezone
from openai.types.responses import (
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
)
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.openai_agents import OpenAIAgentsInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter
from opentelemetry.trace import Status, StatusCode
from pydantic_ai import Agent
from pydantic_ai.models.instrumented import InstrumentationSettings
from pydantic_ai.models.test import TestModel

from runtime import attribution, partitions
from runtime.models import ToolCall
from tests.runtime.reporting import DAY, a_reporter, a_request, a_span

pytestmark = pytest.mark.filterwarnings("ignore:No directory at")  # static files are not collected
Provider = Callable[[str, Compression], TracerProvider]
DOCS = Path(__file__).resolve().parents[2] / "docs" / "ingest.md"


@pytest.fixture
def secret(transactional_db: None) -> Iterator[str]:
    yield a_reporter(timezone.now())[1]
    for day in partitions.existing():
        partitions.drop(day)


@pytest.fixture
def provider(live_server: Any, secret: str) -> Provider:
    def make(service: str, compression: Compression) -> TracerProvider:
        provider = TracerProvider(resource=Resource.create({"service.name": service}))
        exporter = OTLPSpanExporter(
            endpoint=f"{live_server.url}/v1/traces",
            headers={"authorization": f"Bearer {secret}"},
            compression=compression,
        )
        provider.add_span_processor(SimpleSpanProcessor(_Twice(exporter)))
        return provider

    return make


class _Twice(SpanExporter):
    """Sends every batch a second time, as an exporter does that got no answer."""

    def __init__(self, exporter: OTLPSpanExporter) -> None:
        self.exporter = exporter

    def export(self, spans: Any) -> Any:
        first = self.exporter.export(spans)
        assert self.exporter.export(spans) == first
        return first

    def shutdown(self) -> None:
        self.exporter.shutdown()


def told() -> list[tuple[str, str, str, str]]:
    attribution.settle(timezone.now() + DAY)
    return [
        (call.kind, call.agent_name, call.tool_name, call.outcome)
        for call in ToolCall.objects.order_by("started_at", "pk")
    ]


@pytest.mark.parametrize("compression", [Compression.Gzip, Compression.NoCompression])
def test_pydantic_ai(provider: Provider, compression: Compression) -> None:
    traces = provider("billing", compression)
    settings = InstrumentationSettings(tracer_provider=traces)
    Agent.instrument_all(settings)
    ledger = Agent(TestModel(call_tools=["read_ledger"]), name="ledger_agent")
    billing = Agent(TestModel(), name="billing_agent")

    @ledger.tool_plain
    def read_ledger(account: str) -> str:
        return "balance 10"

    @billing.tool_plain
    async def delegate(question: str) -> str:
        return str((await ledger.run(question)).output)

    @billing.tool_plain
    def refund(order: str) -> str:
        return "ok"

    try:
        asyncio.run(billing.run("refund order 7", conversation_id="conv-1"))
    finally:
        Agent.instrument_all(False)
    traces.shutdown()

    assert sorted(told()) == [
        ("agent", "billing_agent", "billing_agent", "ok"),
        ("agent", "billing_agent", "ledger_agent", "ok"),
        ("tool", "billing_agent", "delegate", "ok"),
        ("tool", "billing_agent", "refund", "ok"),
        ("tool", "ledger_agent", "read_ledger", "ok"),
    ]
    refunded = ToolCall.objects.get(tool_name="refund")
    assert (refunded.conversation, refunded.service_name) == ("conv-1", "billing")


class _Script(Model):
    """A model that says what it was given, one answer after the other."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    async def get_response(self, *_: Any, **__: Any) -> ModelResponse:
        return ModelResponse(output=[self.answers.pop(0)], usage=Usage(), response_id=None)

    def stream_response(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError


def _calls(name: str, arguments: str = "{}") -> ResponseFunctionToolCall:
    return ResponseFunctionToolCall(
        call_id=f"call-{name}", name=name, arguments=arguments, type="function_call"
    )


def _says(text: str) -> ResponseOutputMessage:
    content = ResponseOutputText(text=text, type="output_text", annotations=[])
    return ResponseOutputMessage(
        id="m", content=[content], role="assistant", status="completed", type="message"
    )


def test_openai_agents_sdk(provider: Provider) -> None:
    traces = provider("support", Compression.Gzip)
    instrumentor = OpenAIAgentsInstrumentor()
    instrumentor.instrument(tracer_provider=traces)

    @function_tool
    def refund(order_id: str) -> str:
        return "ok"

    specialist = OpenAIAgent(
        name="Refund specialist",
        tools=[refund],
        model=_Script(_calls("refund", '{"order_id":"7"}'), _says("done")),
    )
    triage = OpenAIAgent(
        name="Triage",
        handoffs=[specialist],
        model=_Script(_calls("transfer_to_refund_specialist")),
    )
    try:
        asyncio.run(Runner.run(triage, "refund order 7"))
        traces.force_flush()
    finally:
        instrumentor.uninstrument()

    assert ("handoff", "Triage", "Refund specialist", "ok") in told()
    assert ("tool", "Refund specialist", "refund", "ok") in told()
    assert len([call for call in told() if call[0] == "tool"]) == 1


def test_plain_opentelemetry(provider: Provider) -> None:
    traces = provider("nightly", Compression.NoCompression)
    tracer = traces.get_tracer("own")
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "night_agent"}

    with tracer.start_as_current_span("invoke_agent night_agent", attributes=agent):
        for number in range(3):
            call = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": f"tool_{number}"}
            with tracer.start_as_current_span("execute_tool", attributes=call) as span:
                if number == 2:
                    span.set_attribute("error.type", "PermissionDenied")
                    span.set_status(Status(StatusCode.ERROR, "not yours"))
    traces.shutdown()

    assert sorted(told()) == [
        ("agent", "night_agent", "night_agent", "ok"),
        ("tool", "night_agent", "tool_0", "ok"),
        ("tool", "night_agent", "tool_1", "ok"),
        ("tool", "night_agent", "tool_2", "denied"),
    ]


def test_the_documented_client(live_server: Any, secret: str) -> None:
    """The snippet of the handbook, as it stands there."""
    code = re.search(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    lines = [line for line in code[1].splitlines() if line.strip()]
    assert len(lines) <= 20
    room: dict[str, Any] = {}
    with patch.dict(os.environ, {"MANDATE_URL": live_server.url, "MANDATE_TOKEN": secret}):
        exec(code[1], room)
        again = room["report"](room["call"])

    assert again == {"new": 0, "known": 1, "refused": 0, "reasons": []}
    assert ToolCall.objects.get().tool_name == room["call"]["tool"]


CUTS = 15  # connections that are ended while calls arrive


def test_while_the_database_throws_everybody_out_every_call_arrives_once(
    live_server: Any, secret: str
) -> None:
    """As when it restarts: transactions end in the middle, also after they were written and before the answer."""
    over, cuts = Event(), Counter[bool]()
    told = (over, cuts, connection.get_connection_params(), _own_pid())
    cutter = Thread(target=_cut, args=told)
    cutter.start()
    statuses: Counter[int] = Counter()
    number = 0
    try:
        while (number < 40 or cuts[True] < CUTS or not statuses[503]) and cutter.is_alive():
            spans = [
                a_span(
                    timezone.now(), f"{number:08x}{nth:08x}", attributes={"gen_ai.agent.name": "a"}
                )
                for nth in range(10)
            ]
            body = json.dumps(a_request(*spans)).encode()
            _send_until_taken(f"{live_server.url}/v1/traces", body, secret, statuses)
            number += 1
    finally:
        over.set()
        cutter.join()

    assert cuts[True] >= CUTS, "Too few connections were cut to say anything."
    calls = ToolCall.objects
    assert number >= 40
    assert calls.count() == calls.values("span_id").distinct().count() == 10 * number
    assert set(statuses) == {200, 503}


def _own_pid() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _cut(over: Event, cuts: Counter[bool], parameters: dict[str, Any], spared: int) -> None:
    names = ("host", "port", "user", "password", "dbname")  # no password where the server trusts
    told = {name: parameters[name] for name in names if name in parameters}
    with psycopg.connect(**told, autocommit=True) as own:
        for _ in range(1_000):
            if over.wait(0.05):
                return
            done = own.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> ALL(%s)",
                [[spared, own.info.backend_pid]],
            )
            cuts.update(cut for (cut,) in done)


def _send_until_taken(url: str, body: bytes, secret: str, statuses: Counter[int]) -> None:
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    for _ in range(500):
        answer = httpx.post(url, content=body, headers=headers, timeout=30)
        statuses[answer.status_code] += 1
        if answer.status_code == 200:
            return
    raise AssertionError(f"It was never taken: {statuses}.")
