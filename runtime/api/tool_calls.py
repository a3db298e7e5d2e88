"""Tool calls over REST: gateways report them, platforms read them."""

from typing import Any

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from inventory import access
from inventory.api import inputs
from inventory.api.problems import TooLarge, problem
from inventory.api.serializers import IdentityRef, PersonRef
from inventory.api.views import Reading
from inventory.models import ApiToken
from inventory.rules import RuleBroken
from runtime import ingest, otlp, reported_calls, seeing
from runtime.call_list import CallFilter
from runtime.ingest import Taken
from runtime.models import ToolCall
from runtime.reported_calls import MOST_CALLS
from runtime.told import Refused, Told

log = structlog.get_logger(__name__)
JSON_LINES = "application/x-ndjson"


class _Raw(BaseParser):
    """The body as it came, unpacked; bounded by what ingest takes."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        most = settings.INGEST_MAX_BYTES
        too_large = TooLarge(f"The body is larger than {most // 2**20} MB. Send less at once.")
        body: bytes = stream.read(most + 1)
        if len(body) > most:
            raise too_large
        encoding = parser_context["request"].headers.get("Content-Encoding", "").strip().lower()
        try:
            return otlp.unpack(body, encoding, most)
        except otlp.TooBig as error:
            raise too_large from error
        except otlp.Unreadable as error:
            raise ValidationError({"body": str(error)}) from error


class RawJson(_Raw):
    media_type = "application/json"


class RawLines(_Raw):
    media_type = JSON_LINES


@extend_schema_field({"type": "object", "additionalProperties": True})
class ObjectField(serializers.JSONField):
    """Any JSON object."""


class ReportedCall(inputs.Given):
    """One call. `id` stays the same when it is sent again; within a trace it is the span's id."""

    id = serializers.CharField(max_length=128)
    tool = serializers.CharField(max_length=255, help_text="The tool's name.")
    started_at = serializers.DateTimeField(help_text="With its zone (RFC 3339).")
    duration_ms = serializers.FloatField(required=False, min_value=0, max_value=10**12)
    kind = serializers.ChoiceField(ToolCall.Kind.choices, required=False)
    outcome = serializers.ChoiceField(ToolCall.Outcome.choices, required=False)
    error = serializers.CharField(required=False, allow_blank=True, max_length=4_000)
    agent = serializers.CharField(required=False, allow_blank=True, max_length=255)
    service = serializers.CharField(required=False, allow_blank=True, max_length=255)
    spiffe_id = serializers.CharField(required=False, allow_blank=True, max_length=2_048)
    credential = serializers.CharField(
        required=False, allow_blank=True, max_length=255, help_text="Its public key id."
    )
    provider = serializers.CharField(required=False, allow_blank=True, max_length=255)
    system = serializers.CharField(required=False, allow_blank=True, max_length=255)
    resource = serializers.CharField(required=False, allow_blank=True, max_length=1_000)
    writes = serializers.BooleanField(required=False)
    arguments = ObjectField(required=False)
    result = serializers.JSONField(required=False, help_text="Anything; only a summary is kept.")
    trace_id = serializers.RegexField(r"^[0-9a-f]{32}$", required=False)
    parent_id = serializers.CharField(required=False, allow_blank=True, max_length=128)
    conversation = serializers.CharField(required=False, allow_blank=True, max_length=255)
    task = serializers.CharField(
        required=False, allow_blank=True, max_length=200, help_text="Its id here, or its reference."
    )
    on_behalf_of = serializers.CharField(
        required=False, allow_blank=True, max_length=254, help_text="E-mail address or external id."
    )
    decision_id = serializers.UUIDField(required=False)
    token_jti = serializers.UUIDField(
        required=False, help_text="The jti of the token under which it was made."
    )
    attributes = ObjectField(required=False)


class Report(inputs.Given):
    """Calls of one or more agents."""

    calls = serializers.ListField(child=ReportedCall(), allow_empty=True, max_length=MOST_CALLS)


class RefusedSerializer(serializers.Serializer[Any]):
    place = serializers.CharField(help_text="Such as “line 3”.")
    reason = serializers.CharField()


class TakenSerializer(serializers.Serializer[Any]):
    """What became of a report."""

    new = serializers.IntegerField(help_text="On record now, and not before.")
    known = serializers.IntegerField(help_text="On record already; nothing was changed.")
    refused = serializers.IntegerField()
    reasons = RefusedSerializer(many=True, help_text="The first hundred.")


class ToolCallSerializer(serializers.ModelSerializer[ToolCall]):
    identity = IdentityRef(read_only=True, allow_null=True)
    on_behalf_of = PersonRef(read_only=True, allow_null=True)
    summary = ObjectField(read_only=True)
    attributes = ObjectField(read_only=True)

    class Meta:
        model = ToolCall
        fields = (
            "id", "started_at", "duration_us", "kind", "tool_name", "tool", "provider", "system", "resource",
            "writes", "outcome", "error", "identity", "agent_name", "service_name", "spiffe_id",
            "on_behalf_of", "task", "decision_id", "trace_id", "span_id", "parent_span_id", "conversation",
            "arguments_digest", "summary", "attributes", "received_at",
        )  # fmt: skip


class ToolCallViewSet(Reading, ReadOnlyModelViewSet[ToolCall]):
    """What agents did, newest first; an owner sees the calls of what is theirs."""

    queryset = ToolCall.objects.select_related("identity", "on_behalf_of")
    serializer_class = ToolCallSerializer
    filterset_class = CallFilter
    write_scope = ApiToken.Scope.INGEST
    lookup_value_regex = "[0-9a-fA-F-]{36}"
    orders = {"-started_at": "started_at", "started_at": "started_at"}

    def seen(self) -> QuerySet[ToolCall]:
        return seeing.calls(self.who).select_related("identity", "on_behalf_of")

    def get_object(self) -> ToolCall:
        """One partition is asked, which the id names."""
        return seeing.call(self.who, self.kwargs["pk"])

    @extend_schema(request={"application/json": Report}, responses={200: TakenSerializer})
    def create(self, request: Request) -> Response:
        """Report calls. As JSON the whole report is refused when a field is wrong; as JSON lines
        (application/x-ndjson, one call on each line) a wrong line is named and the rest is taken. What is answered
        with 200 is durable, and sending it again changes nothing."""
        token = request.auth if isinstance(request.auth, ApiToken) else None
        if token is None:
            access.require_security(self.who)
        told = _told(request.data, request.content_type or "")
        try:
            taken = ingest.take(
                [one for one in told if isinstance(one, Told)],
                reporter=self.who,
                token=token,
                at=timezone.now(),
            )
        except (OperationalError, InterfaceError) as error:
            log.warning("ingest.database_away", error=type(error).__name__)
            again = {"Retry-After": "2"}
            return problem(503, "The database does not answer. Send it again.", headers=again)
        for one in told:
            if isinstance(one, Refused):
                taken.refuse(one.place, one.reason)
        return _answer(taken)

    def get_parsers(self) -> list[Any]:
        return [RawJson(), RawLines()]


def _told(body: Any, content_type: str) -> list[Told | Refused]:
    if not isinstance(body, bytes):  # no body at all
        raise ValidationError({"body": "The body is empty. Send calls."})
    if content_type.lower().startswith(JSON_LINES):
        return list(reported_calls.of_lines(body))
    try:
        told = list(reported_calls.of_list(reported_calls.of_body(body)))
    except reported_calls.Malformed as error:
        raise ValidationError({"body": str(error)}) from error
    wrong = [one for one in told if isinstance(one, Refused)]
    if wrong:
        raise ValidationError({one.place: [one.reason] for one in wrong[: ingest.MOST_REASONS]})
    return told


def _answer(taken: Taken) -> Response:
    if taken.refused and not taken.told:
        raise RuleBroken(taken.message)
    return Response(TakenSerializer(taken).data)
