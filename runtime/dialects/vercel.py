"""The telemetry of the Vercel AI SDK: the function's id names the agent."""

from typing import Any

from runtime.dialects.dialect import Dialect, Span
from runtime.told import LINK, TOOL

_LEAVES = (".doGenerate", ".doStream", ".doEmbed")
_RUNS = ("ai.generateText", "ai.streamText", "ai.generateObject", "ai.streamObject")


def _kind(span: Span) -> str | None:
    operation = str(span.attributes["ai.operationId"])
    if operation == "ai.toolCall":
        return TOOL
    return None if operation.endswith(_LEAVES) else LINK


def _is_agent(span: Span) -> bool:
    return span.attributes["ai.operationId"] in _RUNS


def _finish(span: Span, said: dict[str, Any]) -> None:
    if not said.get("tool_name"):
        said["tool_name"] = span.name


VERCEL = Dialect(
    key="vercel",
    label="Vercel AI SDK",
    mark="ai.operationId",
    kind_of=_kind,
    fields={
        "tool_name": ("ai.toolCall.name",),
        "agent_name": ("ai.telemetry.functionId", "resource.name"),
        "conversation": ("ai.telemetry.metadata.sessionId", "ai.telemetry.metadata.threadId"),
        "on_behalf_of": ("ai.telemetry.metadata.userId",),
        "arguments": ("ai.toolCall.args", "ai.toolCall.input"),
        "result": ("ai.toolCall.result", "ai.toolCall.output"),
    },
    finish=_finish,
    is_agent=_is_agent,
)
