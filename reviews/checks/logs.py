"""Checks of the record of what agents did: that it is there, says enough, is kept, and is as it was written."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Case, Exists, IntegerField, OuterRef, Q, Value, When

from inventory.models import Identity, Severity, ToolBinding
from reviews.check import Check, Rows
from reviews.parameters import Days
from runtime.models import SealMark, ToolCall


class ToolCallsLogged(Check):
    """An act that is not on record cannot be traced to a person, and a record without arguments or outcome says only
    that something happened.

    Whether every call arrives cannot be seen from the record alone: a second source, such as a gateway's own count, is
    needed for that. What is seen here: agents that hold tools and are at work, and of which nothing arrives; and calls
    that arrive without the digest of their arguments or without an outcome.
    """

    id = "tool-calls-logged"
    problem = "Tool calls are not, or not fully, on record"
    title = (
        "Every tool call is logged with agent, principal acted for, tool, arguments digest, decision"
        " and outcome"
    )
    severity = Severity.HIGH
    fix = (
        "Point the agent’s OpenTelemetry exporter, or its gateway, at Mandate, and let it send"
        " arguments and outcomes."
    )
    evidence = ("kind", "last_active_at", "on_record", "lacking")
    rests_on_source = False

    silence = Days(7, "Days at work without a call on record")

    def population(self, at: datetime) -> Rows:
        """Agents that hold a tool."""
        holds = ToolBinding.objects.filter(identity=OuterRef("pk"), gone_at=None)
        calls = ToolCall.objects.filter(identity=OuterRef("pk"), started_at__lte=at)
        recent = calls.filter(started_at__gte=at - self.silence)
        # One day of calls only: reading a month of them for each agent would take minutes.
        told = calls.filter(started_at__gte=at - timedelta(days=1), kind=ToolCall.Kind.TOOL)
        lacks = Q(arguments_digest="") | Q(outcome=ToolCall.Outcome.UNKNOWN)
        return (
            Identity.objects.live()
            .agents()
            .filter(Exists(holds), lifecycle=Identity.Lifecycle.ACTIVE)
            .annotate(on_record=Exists(recent), lacking=Exists(told.filter(lacks)))
        )

    def fails(self, at: datetime) -> Q:
        at_work = Q(last_active_at__isnull=False) & Q(last_active_at__gte=at - self.silence)
        return Q(lacking=True) | (Q(on_record=False) & at_work)

    def unknown(self, at: datetime) -> Q:
        """Nothing is on record, and nobody says whether it works at all."""
        return Q(on_record=False, last_active_at__isnull=True, activity_known=False)


class LogIntegrityRetention(Check):
    """A record that can be changed quietly, or that is gone when somebody asks, is no evidence.

    Sealing begins when something is recorded here; nothing can be said of the time before, nor of what was changed on
    its way.
    """

    id = "log-integrity-retention"
    problem = "The log is not as sealed, not sealed, or kept too short"
    title = "Logs are tamper-evident and kept for the required time"
    severity = Severity.HIGH
    fix = (
        "Compare the record with its seals on the page Log integrity and find out who changed it; see"
        " that the jobs run; set MANDATE_TOOL_CALL_DAYS."
    )
    evidence = ("log", "differences", "verified_at", "kept_days")
    rests_on_source = False
    fails_first = True

    unsealed = Days(1, "Days without a seal")
    compared = Days(30, "Days since the record was last compared with its seals")
    kept = Days(183, "Days that logs have to be kept")

    def population(self, at: datetime) -> Rows:
        """What is sealed: changes, decisions and tool calls. Changes and decisions are kept for good."""
        kept = Case(
            When(log="calls", then=Value(settings.TOOL_CALL_DAYS)),
            output_field=IntegerField(),
        )
        return SealMark.objects.annotate(kept_days=kept)

    def fails(self, at: datetime) -> Q:
        short = Q(log="calls") & Q(kept_days__lt=self.kept.days)
        return Q(differences__gt=0) | Q(taken_at__lt=at - self.unsealed) | short

    def unknown(self, at: datetime) -> Q:
        """Nobody has compared it lately."""
        return Q(verified_at__isnull=True) | Q(verified_at__lt=at - self.compared)
