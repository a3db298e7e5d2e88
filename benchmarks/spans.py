"""Reports of made-up tool calls, as an OpenTelemetry exporter sends them."""

import random
import time
from collections.abc import Iterator

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

AGENTS, TOOLS = 200, 60


def reports(number: int, *, calls: int, seed: int = 1) -> Iterator[bytes]:
    """So many requests of so many calls each: five calls of one agent to a trace, spread over the last hour."""
    chance = random.Random(seed)
    now = time.time_ns()
    for _ in range(number):
        request = ExportTraceServiceRequest()
        resource = request.resource_spans.add()
        _say(resource.resource, "service.name", f"service-{chance.randrange(20)}")
        scope = resource.scope_spans.add()
        for nth in range(calls):
            if nth % 5 == 0:
                trace, agent = chance.randbytes(16), chance.randrange(AGENTS)
            began = now - chance.randrange(3_600) * 1_000_000_000
            _span(scope.spans.add(), trace, agent, began, chance)
        yield request.SerializeToString()


def _span(span: Span, trace: bytes, agent: int, began: int, chance: random.Random) -> None:
    tool = f"tool_{chance.randrange(TOOLS)}"
    span.trace_id, span.span_id, span.name = trace, chance.randbytes(8), f"execute_tool {tool}"
    span.parent_span_id = trace[:8]
    span.start_time_unix_nano, span.end_time_unix_nano = began, began + 40_000_000
    for key, value in (
        ("gen_ai.operation.name", "execute_tool"),
        ("gen_ai.tool.name", tool),
        ("gen_ai.tool.call.id", f"call_{chance.randrange(10**12)}"),
        ("gen_ai.agent.name", f"agent-{agent}"),
        ("gen_ai.conversation.id", f"conv-{trace.hex()[:12]}"),
        (
            "gen_ai.tool.call.arguments",
            f'{{"order_id":"A-{chance.randrange(10**6)}","amount":{chance.randrange(900)},"note":"second item"}}',
        ),
        ("gen_ai.tool.call.result", "ok"),
    ):
        _say(span, key, value)


def _say(holder: object, key: str, value: str) -> None:
    one = holder.attributes.add()  # type: ignore[attr-defined]  # of a message
    one.key, one.value.string_value = key, value
