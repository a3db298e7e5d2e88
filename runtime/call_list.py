"""The list of tool calls: its filters and columns, for page and export."""

import re
from datetime import UTC, datetime

import django_filters
from django.db.models import F, Q

from inventory.columns import Column, labelled
from inventory.filter_bar import ManyFilter
from inventory.filters import YES_NO, Filters, KeyFilter, Rows, choice
from inventory.listing import Empty, Listing
from inventory.models import Identity, Person, Tool
from inventory.search import holds
from runtime import call_ends, seeing
from runtime.models import CallTally, ToolCall

IDENTITY, CALL = "inventory:identity-detail", "runtime:call-detail"
_TRACE = re.compile(r"^[0-9a-f]{32}$")
_NAMES = 200  # tools or identities that a search means at most


class CallFilter(Filters):
    q = django_filters.CharFilter(
        method="search", label="Search", help_text="Tool, identity, or trace ID"
    )
    outcome = ManyFilter(choices=ToolCall.Outcome.choices)
    covered = choice(YES_NO, "by_cover", label="Covered by a rule")
    started = django_filters.DateFromToRangeFilter(method="by_day", label="Day")
    kind = ManyFilter(choices=ToolCall.Kind.choices)
    known = choice(YES_NO, "by_identity_known", label="Known identity")
    tool_name = django_filters.CharFilter(label="Tool", help_text="Exact name")
    provider = django_filters.CharFilter(
        method="by_provider", label="Provider", help_text="Exact name"
    )
    trace = django_filters.CharFilter(field_name="trace_id", label="Trace", help_text="Trace ID")
    conversation = django_filters.CharFilter(label="Conversation", help_text="Its ID")
    identity = KeyFilter(label="Identity")
    tool = KeyFilter(method="by_tool", label="Tool")
    task = KeyFilter(label="Task")
    person = KeyFilter(field_name="on_behalf_of", label="On behalf of")

    described = {"identity": Identity, "person": Person, "tool": Tool}

    class Meta:
        model = ToolCall
        fields: list[str] = []

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        if _TRACE.match(value.strip().lower()):
            return rows.filter(trace_id=value.strip().lower())
        tools = CallTally.objects.filter(holds(value, "tool_name", "provider")).order_by()
        names = list(tools.values_list("tool_name", flat=True).distinct()[:_NAMES])
        named = Identity.objects.filter(holds(value, "name", "external_id")).order_by()
        identities = list(named.values_list("pk", flat=True)[:_NAMES])
        return rows.filter(Q(tool_name__in=names) | Q(identity__in=identities))

    def by_cover(self, rows: Rows, name: str, value: str) -> Rows:
        """What is uncovered is looked for only where the tallies say that there is some."""
        if value == "yes":
            return seeing.with_cover(rows).filter(covered=True)
        some = CallTally.objects.filter(covered__lt=F("calls")).order_by()
        pairs = set(some.values_list("identity", "tool_name").distinct()[: _NAMES + 1])
        found = Q(pk__in=[]) if not pairs else Q()
        if len(pairs) <= _NAMES:
            for identity, tool in pairs:
                found |= Q(identity=identity, tool_name=tool)
        return seeing.with_cover(rows.filter(found)).filter(covered=False)

    def by_day(self, rows: Rows, name: str, value: slice) -> Rows:
        if value.start:
            rows = rows.filter(started_at__gte=_utc(value.start))
        return rows.filter(started_at__lte=_utc(value.stop)) if value.stop else rows

    def by_identity_known(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(identity__isnull=value == "no")

    def by_provider(self, rows: Rows, name: str, value: str) -> Rows:
        of = CallTally.objects.filter(provider=value.strip()).order_by()
        names = list(of.values_list("tool_name", flat=True).distinct()[:_NAMES])
        return rows.filter(provider=value.strip(), tool_name__in=names)

    def by_tool(self, rows: Rows, name: str, value: int) -> Rows:
        names = Tool.objects.filter(pk=value).values_list("name", flat=True)
        return rows.filter(tool=value, tool_name__in=list(names))


class CallPageFilter(CallFilter):
    """On the page, where a call that both ends told is one row unless every row is asked for."""

    spans = choice((("all", "Show both rows"),), "by_spans", label="Told twice")

    def by_spans(self, rows: Rows, name: str, value: str) -> Rows:
        return rows


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def who(call: ToolCall) -> str:
    """The identity, or what the caller called itself."""
    if call.identity_id is not None and call.identity is not None:
        return str(call.identity)
    return f"Unknown: {call.agent_name or call.service_name or 'no name'}"


def where(call: ToolCall) -> str:
    return call.resource or call.system


CALLS = Listing(
    title="Tool calls",
    singular="call",
    plural="calls",
    intro="What agents did, call by call, and on whose behalf.",
    columns=(
        Column("tool", "Tool", "tool_name", kind="link", url=CALL),
        Column("who", "Identity", who, kind="link", url=IDENTITY, key_path="identity_id"),
        Column("outcome", "Outcome", labelled("outcome", ToolCall.Outcome), kind="badge"),
        Column("where", "Where", where, wide=True),
        Column(
            "person", "On behalf of", "on_behalf_of", kind="person", empty="Nobody named",
            url="inventory:person-detail", key_path="on_behalf_of_id", wide=True,
        ),
        Column("started", "When", "started_at", kind="time", sort="started_at"),
        Column(
            "other", "Also told by", call_ends.told_by, kind="link", url=CALL,
            key_path="other_end.pk", wide=True,
        ),
        Column("provider", "Provider", "provider", shown=False),
        Column("system", "System", "system", shown=False),
        Column("kind", "Kind", labelled("kind", ToolCall.Kind), shown=False),
        Column(
            "task", "Task", "task.purpose", kind="link", url="inventory:task-detail",
            key_path="task_id", shown=False,
        ),
        Column("trace", "Trace", "trace_id", kind="code", shown=False),
        Column("conversation", "Conversation", "conversation", kind="code", shown=False),
        Column("duration", "Microseconds", "duration_us", kind="number", shown=False),
        Column("digest", "Digest of the arguments", "arguments_digest", kind="code", shown=False),
        Column("decision", "Decision", "decision_id", kind="code", shown=False),
        Column("error", "Error", "error", shown=False),
        Column("id", "ID", "id", kind="code", shown=False),
    ),
    order="-started",
    export_name="tool-calls",
    in_order=True,
    empty=Empty(
        "No tool calls yet",
        "Point an agent’s OpenTelemetry exporter at /v1/traces with an API token for reporting, or post lines to"
        " /api/v1/tool-calls/.",
        "API tokens",
        "inventory:my-tokens",
        icon="activity",
    ),
)  # fmt: skip
