"""The OpenTelemetry conventions for generative AI, with the names they had before, and what libraries make of them."""

from typing import Any

from runtime.dialects.dialect import Dialect, Span
from runtime.told import AGENT, HANDOFF, LINK, TOOL

_KINDS: dict[str, str | None] = {
    "execute_tool": TOOL,
    "invoke_agent": AGENT,
    "agent_handoff": HANDOFF,
    "chat": None,
    "text_completion": None,
    "generate_content": None,
    "embeddings": None,
}
# opentelemetry-instrumentation-openai-agents-v2 says these on every span that is no agent's.
_BOGUS_NAME, _BOGUS_ID = "OpenAI Agent", "agent"
_TOOL_PREFIX = "execute_tool "


def _kind(span: Span) -> str | None:
    kind = _KINDS.get(str(span.attributes["gen_ai.operation.name"]), LINK)
    if kind == AGENT and not _agent(span.attributes):
        return LINK
    return kind


def _agent(attributes: dict[str, Any]) -> str:
    name = attributes.get("gen_ai.agent.name") or attributes.get("agent_name") or ""
    return "" if name == _BOGUS_NAME else str(name)


def _finish(span: Span, said: dict[str, Any]) -> None:
    if said.get("agent_name") == _BOGUS_NAME:
        said["agent_name"] = ""
    if said.get("agent_id") == _BOGUS_ID:
        said["agent_id"] = ""
    if not said.get("tool_name") and span.name.startswith(_TOOL_PREFIX):
        said["tool_name"] = span.name.removeprefix(_TOOL_PREFIX)
    giver = span.attributes.get("gen_ai.handoff.from_agent")
    if giver:
        said["agent_name"] = giver


OTEL_GENAI = Dialect(
    key="otel_genai",
    label="OpenTelemetry GenAI",
    mark="gen_ai.operation.name",
    kind_of=_kind,
    fields={
        "tool_name": ("gen_ai.tool.name", "gen_ai.handoff.to_agent"),
        "agent_name": ("gen_ai.agent.name", "agent_name"),
        "agent_id": ("gen_ai.agent.id",),
        "conversation": (
            "gen_ai.conversation.id",
            "session.id",
            "traceloop.association.properties.thread_id",
        ),
        "arguments": ("gen_ai.tool.call.arguments", "tool_arguments", "input"),
        "result": ("gen_ai.tool.call.result", "tool_response", "output"),
    },
    finish=_finish,
)
