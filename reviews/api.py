"""Findings, checks and sweeps over REST: the querysets, filters, permissions and rules of the pages."""

from collections.abc import Callable
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet, ViewSet

from inventory import access
from inventory.api import inputs
from inventory.api.serializers import IdentityRef
from inventory.api.views import Readers, Reading
from inventory.models import User
from reviews import findings, sweep_now
from reviews.check import Check
from reviews.checks import CHECKS, configured
from reviews.columns import title_of
from reviews.filters import FindingFilter
from reviews.models import CheckRun, Finding, SweepRun

_REASON: dict[str, Any] = {"max_length": 2_000, "help_text": "Why; kept with the finding."}


class UserRef(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ("id", "username")


class FindingSerializer(serializers.ModelSerializer[Finding]):
    title = serializers.SerializerMethodField()
    identity = IdentityRef(read_only=True, allow_null=True)
    assignee = UserRef(read_only=True, allow_null=True)
    state = serializers.SerializerMethodField(
        help_text="At this moment; an exception that ended counts as open."
    )

    class Meta:
        model = Finding
        fields = (
            "id", "check_id", "title", "subject", "identity", "severity", "state", "until",
            "first_seen_at", "opened_at", "resolved_at", "assignee", "evidence",
        )  # fmt: skip

    def get_title(self, finding: Finding) -> str:
        return title_of(finding)

    @extend_schema_field(serializers.ChoiceField(Finding.Status.choices))
    def get_state(self, finding: Finding) -> str:
        return finding.state(self.context["at"])


class CheckRunSerializer(serializers.ModelSerializer[CheckRun]):
    class Meta:
        model = CheckRun
        fields = (
            "check_id", "version", "at", "population", "passed", "failed", "unknown", "seconds",
        )  # fmt: skip


class CheckSerializer(serializers.Serializer[Any]):
    """A check, and what it said in the last full sweep."""

    id = serializers.CharField()
    title = serializers.CharField()
    problem = serializers.CharField(help_text="What is wrong when it fails, in a few words.")
    why = serializers.CharField()
    fix = serializers.CharField()
    severity = serializers.IntegerField()
    enabled = serializers.BooleanField()
    last_run = CheckRunSerializer(allow_null=True)


class SweepSerializer(serializers.ModelSerializer[SweepRun]):
    counts = serializers.DictField(child=serializers.IntegerField(), read_only=True)

    class Meta:
        model = SweepRun
        fields: tuple[str, ...] = (
            "id", "status", "trigger", "author", "at", "started_at", "finished_at", "progress",
            "counts", "error",
        )  # fmt: skip


class SweepDetailSerializer(SweepSerializer):
    check_runs = CheckRunSerializer(many=True, read_only=True)

    class Meta(SweepSerializer.Meta):
        fields = (*SweepSerializer.Meta.fields, "check_runs")


class FindingReason(inputs.Given):
    reason = serializers.CharField(**_REASON)


class Snooze(FindingReason):
    until = serializers.DateTimeField(help_text="When it counts as open again (RFC 3339).")


class Accept(Snooze):
    compensating_control = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=2_000,
        help_text="What protects meanwhile.",
    )


class FalsePositive(FindingReason):
    until = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="Left out: for good."
    )


@extend_schema_field({"type": "string", "minLength": 1, "maxLength": 150})
class UserField(serializers.Field):  # type: ignore[type-arg]  # reads only
    """Somebody who can sign in, by user name."""

    def to_internal_value(self, data: Any) -> User:  # Any: whatever the body holds
        text = serializers.CharField(max_length=150).run_validation(data)
        user = User.objects.filter(username=text, is_active=True, is_service=False).first()
        if user is None:
            raise serializers.ValidationError(f"Nobody signs in as “{text}”. Choose another user.")
        return user


class Assign(inputs.Given):
    to = UserField(allow_null=True, help_text="A user name; null for nobody.")
    reason = serializers.CharField(required=False, allow_blank=True, default="", **_REASON)


class FindingViewSet(Reading, ReadOnlyModelViewSet[Finding]):
    """What the checks found wrong, and what was decided about it."""

    queryset = Finding.objects.select_related("identity", "assignee")
    serializer_class = FindingSerializer
    filterset_class = FindingFilter
    orders = {"-severity": "severity", "severity": "severity", "id": "pk"}

    def seen(self) -> QuerySet[Any]:
        return findings.visible_to(self.who).select_related("identity", "assignee")

    @extend_schema(request=Accept, responses=FindingSerializer)
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, pk: str) -> Response:
        """Accept the risk until a day."""
        return self._decide(Accept, findings.accept)

    @extend_schema(request=Snooze, responses=FindingSerializer)
    @action(detail=True, methods=["post"])
    def snooze(self, request: Request, pk: str) -> Response:
        """Put it off until a day."""
        return self._decide(Snooze, findings.snooze)

    @extend_schema(request=FalsePositive, responses=FindingSerializer)
    @action(detail=True, methods=["post"], url_path="false-positive")
    def false_positive(self, request: Request, pk: str) -> Response:
        """Say that it is not true."""
        return self._decide(FalsePositive, findings.mark_false_positive)

    @extend_schema(request=Assign, responses=FindingSerializer)
    @action(detail=True, methods=["post"])
    def assign(self, request: Request, pk: str) -> Response:
        """Give it to somebody to deal with."""
        return self._decide(Assign, findings.assign)

    @extend_schema(request=FindingReason, responses=FindingSerializer)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: str) -> Response:
        """End its exception."""
        return self._decide(FindingReason, findings.reopen)

    def _decide(self, given: type[inputs.Given], rule: Callable[..., int]) -> Response:
        finding = self.get_object()
        access.require_security(self.who)
        fields = inputs.read(given, self.request)
        rule([finding.pk], by=self.who, at=timezone.now(), **fields)
        return Response(self.get_serializer(self.get_object()).data)


class CheckViewSet(Readers, ViewSet):
    """What is asked of every identity, credential and grant."""

    queryset = CheckRun.objects.all()
    serializer_class = CheckSerializer
    pagination_class = None
    lookup_value_regex = "[a-z0-9-]{1,60}"

    @extend_schema(responses=CheckSerializer(many=True))
    def list(self, request: Request) -> Response:
        """All checks with what each said last."""
        last = self.get_queryset().order_by("check_id", "-at", "-pk").distinct("check_id")
        runs = {run.check_id: run for run in last}
        rows = [_told(check, runs.get(check.id)) for check in configured()]
        return Response(CheckSerializer(rows, many=True).data)

    @extend_schema(
        responses=CheckSerializer,
        parameters=[
            OpenApiParameter("id", str, OpenApiParameter.PATH, description="Id of the check.")
        ],
    )
    def retrieve(self, request: Request, pk: str) -> Response:
        """One check with what it said last."""
        if pk not in CHECKS:
            raise Http404
        run = self.get_queryset().filter(check_id=pk).order_by("-at", "-pk").first()
        check = next(check for check in configured() if check.id == pk)
        return Response(CheckSerializer(_told(check, run)).data)


class SweepViewSet(Readers, ReadOnlyModelViewSet[SweepRun]):
    """Runs of the checks."""

    queryset = SweepRun.objects.prefetch_related(
        Prefetch("check_runs", CheckRun.objects.order_by("check_id"))
    )
    serializer_class = SweepSerializer
    detail_serializer_class = SweepDetailSerializer
    orders = {"-id": "pk", "id": "pk"}

    def get_queryset(self) -> QuerySet[Any]:
        rows = super().get_queryset()
        return rows.prefetch_related(None) if self.action == "list" else rows

    @extend_schema(request=None, responses={202: SweepDetailSerializer})
    def create(self, request: Request) -> Response:
        """Run all checks now; the answer is the run, which a worker takes up."""
        access.require_security(self.who)
        inputs.read(inputs.Nothing, request)
        run = sweep_now.start(by=self.who, at=timezone.now())
        return Response(self.get_serializer(run).data, status=202)


def _told(check: Check, run: CheckRun | None) -> dict[str, object]:
    return {
        "id": check.id,
        "title": check.title,
        "problem": check.problem,
        "why": check.why(),
        "fix": check.fix,
        "severity": int(check.severity),
        "enabled": check.enabled,
        "last_run": run,
    }
