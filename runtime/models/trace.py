"""Traces that have not settled: what is known of spans that are no calls, until whose calls are whose is clear."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models


class SpanLink(models.Model):
    """A span that is no call, or names the agent around it: the way from a call up to its agent. Kept for a day."""

    key = models.UUIDField(primary_key=True, help_text="As for a call: reporter, trace and span.")
    trace_id = models.TextField()
    span_id = models.TextField()
    parent_span_id = models.TextField()
    agent_name = models.TextField(help_text="Empty when the span names no agent.")
    conversation = models.TextField()
    received_at = models.DateTimeField()

    class Meta:
        indexes = [BrinIndex(fields=["received_at"], name="span_link_received")]

    def __str__(self) -> str:
        return f"{self.span_id} in {self.trace_id}"


class OpenTrace(models.Model):
    """A trace of which something arrived since its calls were last attributed."""

    key = models.UUIDField(primary_key=True, help_text="Reporter and trace.")
    reporter = models.ForeignKey(
        "inventory.User", models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    trace_id = models.TextField()
    touched_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["touched_at"], name="open_trace_touched")]

    def __str__(self) -> str:
        return self.trace_id
