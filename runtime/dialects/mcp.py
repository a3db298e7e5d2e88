"""The OpenTelemetry conventions for the Model Context Protocol, from the client's and from the server's side."""

from typing import Any

from runtime.dialects.dialect import SERVER, Dialect, Span
from runtime.told import LINK, TOOL

_CALL = "tools/call"


def _kind(span: Span) -> str | None:
    method = span.attributes["mcp.method.name"]
    if method == _CALL:
        return TOOL
    return LINK if span.kind == SERVER else None


def _finish(span: Span, said: dict[str, Any]) -> None:
    if not said.get("tool_name"):
        said["tool_name"] = span.name.removeprefix(_CALL).strip()
    if span.kind == SERVER:
        said["side"] = "server"
        said["provider"] = said.get("provider") or span.resource.get("service.name", "")


MCP = Dialect(
    key="mcp",
    label="Model Context Protocol",
    mark="mcp.method.name",
    kind_of=_kind,
    fields={
        "tool_name": ("gen_ai.tool.name", "mcp.tool.name"),
        "agent_name": ("gen_ai.agent.name",),
        "agent_id": ("gen_ai.agent.id",),
        "conversation": ("gen_ai.conversation.id", "mcp.session.id"),
        "arguments": ("gen_ai.tool.call.arguments",),
        "result": ("gen_ai.tool.call.result",),
        "provider": ("mandate.tool.provider", "mcp.server.name", "server.address"),
    },
    finish=_finish,
)
