"""Tool calls: what agents did, as it was reported; a table in partitions by day.

The columns of the evidence are written once. Whose call it was (identity, agent's name, tool, task, person) may be
found out later, when the rest of its trace has arrived or when security says who a name belongs to.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID

import pgtrigger
from django.contrib.postgres.indexes import BrinIndex, HashIndex
from django.db import models
from django.db.models import Func, Q, Value

from inventory.models import ApiToken, Identity, Person, Task, Tool, User

_MILLISECONDS = 48  # of the id, in front
_TICK = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VARIANT = {digit: f"{int(digit, 16) & 3 | 8:x}" for digit in "0123456789abcdef"}
PLACES = "runtime_toolcall_places"  # a sequence


# Written once; the rest may be found out later, see `attribution`.
EVIDENCE = (
    "id", "started_at", "duration_us", "kind", "trace_id", "span_id", "parent_span_id",
    "service_name", "spiffe_id", "tool_name", "provider", "system", "resource", "writes", "outcome",
    "error", "arguments_digest", "summary", "attributes", "decision_id", "received_at", "reporter_id",
    "token_id", "position",
)  # fmt: skip


class ToolCallQuerySet(models.QuerySet["ToolCall"]):
    def with_id(self, call_id: UUID) -> "ToolCallQuerySet":
        """The one call; its id says when it began, so that one partition is asked."""
        began = began_at(call_id)
        return self.filter(pk=call_id, started_at__gte=began, started_at__lt=began + _TICK)

    def of_trace(self, trace_id: str) -> "ToolCallQuerySet":
        """All calls of a trace, in the order in which they began."""
        return self.filter(trace_id=trace_id).order_by("started_at", "pk")

    def of_conversation(self, conversation: str) -> "ToolCallQuerySet":
        return self.filter(conversation=conversation).order_by("started_at", "pk")

    def unknown(self) -> "ToolCallQuerySet":
        """Nobody knows yet whose calls these were."""
        return self.filter(identity=None)


class ToolCall(models.Model):
    """A tool was called, an agent was asked, or work was handed over: reported once, never changed."""

    class Kind(models.TextChoices):
        TOOL = "tool", "Tool call"
        AGENT = "agent", "Agent invoked"
        HANDOFF = "handoff", "Handed over"

    class Outcome(models.TextChoices):
        OK = "ok", "Done"
        ERROR = "error", "Failed"
        DENIED = "denied", "Denied"
        UNKNOWN = "unknown", "Not told"

    id = models.UUIDField(primary_key=True)
    started_at = models.DateTimeField()
    duration_us = models.BigIntegerField(null=True)
    kind = models.TextField(choices=Kind)
    trace_id = models.TextField(help_text="32 hexadecimal digits; empty outside a trace.")
    span_id = models.TextField(help_text="16 hexadecimal digits, or what the reporter calls it.")
    parent_span_id = models.TextField()
    conversation = models.TextField()
    identity = models.ForeignKey(
        Identity,
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    agent_name = models.TextField(help_text="Of the nearest agent around the call.")
    service_name = models.TextField()
    spiffe_id = models.TextField()
    tool = models.ForeignKey(
        Tool, models.DO_NOTHING, null=True, related_name="+", db_index=False, db_constraint=False
    )
    tool_name = models.TextField(
        help_text="Of the tool; of the agent that was asked or given work."
    )
    provider = models.TextField()
    system = models.TextField()
    resource = models.TextField()
    writes = models.BooleanField(null=True)
    outcome = models.TextField(choices=Outcome)
    error = models.TextField()
    arguments_digest = models.TextField(help_text="SHA-256 of the arguments as canonical JSON.")
    summary = models.JSONField(help_text="Arguments and result, shortened, without secrets.")
    attributes = models.JSONField(help_text="What else was told, bounded, without secrets.")
    task = models.ForeignKey(
        Task, models.DO_NOTHING, null=True, related_name="+", db_index=False, db_constraint=False
    )
    on_behalf_of = models.ForeignKey(
        Person, models.DO_NOTHING, null=True, related_name="+", db_index=False, db_constraint=False
    )
    decision_id = models.UUIDField(null=True, help_text="The decision that allowed it, as told.")
    received_at = models.DateTimeField()
    reporter = models.ForeignKey(
        User, models.DO_NOTHING, null=True, related_name="+", db_index=False, db_constraint=False
    )
    token = models.ForeignKey(
        ApiToken,
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    position = models.BigIntegerField(
        db_default=Func(Value(PLACES), function="nextval", output_field=models.BigIntegerField()),
        help_text="In the order of arrival, over all calls.",
    )

    objects = ToolCallQuerySet.as_manager()

    class Meta:
        # The primary key of the table is (started_at, id): see the migration. It finds a call by its id as well, which
        # says when it began.
        indexes = [
            models.Index(fields=["identity", "-started_at"], name="tool_call_of_identity"),
            models.Index(fields=["tool_name", "-started_at"], name="tool_call_by_tool_name"),
            HashIndex(fields=["trace_id"], name="tool_call_of_trace"),
            HashIndex(
                fields=["conversation"],
                name="tool_call_of_conversation",
                condition=~Q(conversation=""),
            ),
            models.Index(
                fields=["task", "-started_at"],
                name="tool_call_of_task",
                condition=Q(task__isnull=False),
            ),
            BrinIndex(fields=["position"], name="tool_call_position"),
            models.Index(
                fields=["on_behalf_of", "-started_at"],
                name="tool_call_of_person",
                condition=Q(on_behalf_of__isnull=False),
            ),
            models.Index(
                fields=["outcome", "-started_at"],
                name="tool_call_not_done",
                condition=Q(outcome__in=["error", "denied"]),
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="evidence_stays",
                operation=pgtrigger.UpdateOf(*EVIDENCE) | pgtrigger.Delete,  # type: ignore[no-untyped-call]  # pgtrigger\'s own gap
            )
        ]

    def __str__(self) -> str:
        return f"{self.tool_name} at {self.started_at:%Y-%m-%d %H:%M:%S}"


class CallKey(models.Model):
    """Which calls arrived: holds that a call told twice, on whatever day, is kept once."""

    key = models.UUIDField(primary_key=True)
    started_at = models.DateTimeField()

    class Meta:
        indexes = [BrinIndex(fields=["started_at"], name="call_key_started")]

    def __str__(self) -> str:
        return str(self.key)


def key_of(reporter_id: int, trace_id: str, span_id: str) -> str:
    """What makes a call the same when it is told again, as the 32 digits of a UUID. The first half is the trace's, so
    that the calls of one trace lie side by side in the index; nobody takes the place of another one's call."""
    trace = f"{reporter_id} {trace_id}"
    return _trace_half(trace) + _half(f"{trace} {span_id}")


def _half(named: str) -> str:
    return hashlib.blake2b(named.encode(), digest_size=8).hexdigest()


_trace_half = lru_cache(maxsize=1_000)(_half)  # the calls of a trace come together


def id_of(key: str, started_ns: int) -> str:
    """The moment in milliseconds, then the key, as the digits of a UUID of version 8 (RFC 9562, section 5.8)."""
    return f"{started_ns // 1_000_000:012x}8{key[13:16]}{_VARIANT[key[16]]}{key[17:]}"


def began_at(call_id: UUID) -> datetime:
    """The millisecond in which the call with this id began; far away for an id that is none of ours."""
    milliseconds = call_id.int >> (128 - _MILLISECONDS)
    return _EPOCH + min(milliseconds, 253_000_000_000_000) * _TICK
