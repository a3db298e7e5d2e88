"""The OpenInference conventions (Arize): the kind of a span says what it is."""

from typing import Any

import orjson

from runtime.dialects.dialect import Dialect, Span
from runtime.told import AGENT, HANDOFF, LINK, TOOL

_LEAVES = frozenset(("LLM", "EMBEDDING", "RERANKER"))
_HANDOFF = "handoff to "
_LANGCHAIN_AGENT = "lc_agent_name"


def _kind(span: Span) -> str | None:
    kind = str(span.attributes["openinference.span.kind"]).upper()
    if kind in _LEAVES:
        return None
    if kind == "TOOL":
        handed = "tool.name" not in span.attributes and span.name.startswith(_HANDOFF)
        return HANDOFF if handed else TOOL
    if kind == "AGENT" and (
        span.attributes.get("agent.name") or span.attributes.get("graph.node.id")
    ):
        return AGENT
    return LINK


def _finish(span: Span, said: dict[str, Any]) -> None:
    if not said.get("tool_name"):
        said["tool_name"] = span.name.removeprefix(_HANDOFF)
    if span.name.startswith(_HANDOFF) and "tool.name" not in span.attributes:
        said["agent_name"] = said.pop("arguments", "")  # who hands over, and to whom
        said.pop("result", None)
    metadata = span.attributes.get("metadata")
    if not said.get("agent_name") and isinstance(metadata, str) and _LANGCHAIN_AGENT in metadata:
        said["agent_name"] = _langchain_agent(metadata)


def _langchain_agent(metadata: str) -> str:
    try:
        found = orjson.loads(metadata)
    except ValueError:
        return ""
    return str(found.get(_LANGCHAIN_AGENT, "")) if isinstance(found, dict) else ""


OPENINFERENCE = Dialect(
    key="openinference",
    label="OpenInference",
    mark="openinference.span.kind",
    kind_of=_kind,
    fields={
        "tool_name": ("tool.name",),
        "agent_name": ("agent.name", "graph.node.id"),
        "conversation": ("session.id",),
        "arguments": ("input.value",),
        "result": ("output.value",),
    },
    finish=_finish,
)
