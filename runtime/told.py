"""What a report says of one call, in our own words, whatever language it was told in."""

from dataclasses import dataclass, field
from typing import Any

from runtime.models import ToolCall

TOOL, AGENT, HANDOFF = (str(kind) for kind in ToolCall.Kind)
LINK = ""  # no call, but a part of the way from a call up to its agent


@dataclass(slots=True)
class Told:
    """One call, or a span that only leads upwards. Texts are as they were sent: nothing is redacted yet."""

    kind: str
    trace_id: str
    span_id: str
    parent_span_id: str
    started_ns: int
    ended_ns: int | None
    outcome: str
    error: str = ""
    tool_name: str = ""
    agent_name: str = ""  # as told on the span itself
    agent_id: str = ""
    is_agent: bool = False  # the span is the work of `agent_name`: calls below it are its calls
    conversation: str = ""
    service_name: str = ""
    spiffe_id: str = ""
    credential: str = ""
    provider: str = ""
    system: str = ""
    resource: str = ""
    writes: bool | None = None
    arguments: Any = None
    result: Any = None
    task: str = ""
    on_behalf_of: str = ""
    decision_id: str = ""
    token_jti: str = ""  # the claim of the token under which it was made
    attributes: dict[str, Any] = field(default_factory=dict)
    place: str = ""  # in the report, for a refusal


@dataclass(frozen=True, slots=True)
class Refused:
    """One item of a report that is not taken: its place, and why."""

    place: str
    reason: str
