"""What a dialect is: a table of which attribute says what, and how its spans are told apart."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

Attributes = Mapping[str, Any]


class Span(NamedTuple):
    """A span as it came, whatever the encoding: ids in hexadecimal digits, times in nanoseconds."""

    trace_id: str
    span_id: str
    parent_span_id: str
    name: str
    kind: int
    started_ns: int
    ended_ns: int
    status: int
    message: str
    attributes: dict[str, Any]
    resource: Mapping[str, Any]


@dataclass(frozen=True)
class Dialect:
    """`mark` is the attribute that only spans of this dialect have; `kind_of` says what such a span is."""

    key: str
    label: str
    mark: str
    kind_of: Callable[[Span], str | None]  # None: nothing that calls can lie below
    fields: Mapping[str, tuple[str, ...]]  # in the order of preference
    finish: Callable[[Span, dict[str, Any]], None] | None = None
    is_agent: Callable[[Span], bool] | None = None  # otherwise what invokes an agent is one


# Said in the same words in every dialect; the first that is there counts.
COMMON: Mapping[str, tuple[str, ...]] = {
    "task": ("mandate.task",),
    "on_behalf_of": ("mandate.on_behalf_of", "user.email", "enduser.id", "user.id"),
    "decision_id": ("mandate.decision",),
    "token_jti": ("mandate.token.jti",),
    "system": ("mandate.system",),
    "resource": ("mandate.resource",),
    "writes": ("mandate.writes",),
    "spiffe_id": ("mandate.spiffe_id", "spiffe.id"),
    "credential": ("mandate.credential",),
    "provider": ("mandate.tool.provider",),
    "error": ("error.type", "exception.type"),
}
# Prompts, answers and what libraries add for themselves: not needed, and full of what people said.
LEFT_OUT = (
    "gen_ai.input", "gen_ai.output", "gen_ai.prompt", "gen_ai.completion", "gen_ai.system_instructions",
    "gen_ai.tool.definitions", "gen_ai.usage", "gen_ai.aggregated_usage", "pydantic_ai.", "logfire.", "llm.",
    "model_request_parameters", "final_result", "all_messages", "ai.prompt", "ai.response", "ai.request",
    "ai.usage", "ai.settings", "input", "output", "tool.parameters", "telemetry.", "thread.", "code.",
)  # fmt: skip
# The names of errors that mean that somebody said no.
DENIED = frozenset(
    (
        "denied", "permission_denied", "permissiondenied", "permissionerror", "access_denied", "accessdenied",
        "accessdeniedexception", "forbidden", "unauthorized", "not_authorized", "policy_denied", "403", "401",
    )
)  # fmt: skip
OK, ERROR = 1, 2  # codes of a span's status
SERVER = 2  # a span's kind
