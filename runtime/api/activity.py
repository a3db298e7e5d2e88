"""What does not fit, over REST: deviations with what they make of their tasks, and who acts above its declared tier."""

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from inventory import access
from inventory.api.serializers import IdentityRef
from inventory.api.views import Reading
from inventory.models import Task
from runtime import deviations, drift, intent, seeing
from runtime.deviation_list import DeviationFilter
from runtime.drift import Crossing
from runtime.drift_list import DriftFilter
from runtime.models import Deviation, ObservedTier

_TASK = OpenApiParameter(
    "task", {"type": "integer", "minimum": 1}, OpenApiParameter.PATH,
    description="The `id` of the task.",
)  # fmt: skip


class DeviationSerializer(serializers.ModelSerializer[Deviation]):
    """One rule that is broken. `call` is the first call that broke it; `of-task` names all of a task."""

    identity = IdentityRef(read_only=True)
    task = serializers.IntegerField(source="task_id", allow_null=True, read_only=True)
    task_score = serializers.SerializerMethodField(
        help_text="Of its task, from 0 (fits) to 100, over all that nobody called expected; null without a task."
    )
    triaged_by = serializers.CharField(
        source="triaged_by.username", allow_null=True, default=None, read_only=True
    )

    class Meta:
        model = Deviation
        fields = (
            "id", "rule", "severity", "identity", "task", "task_score", "trace_id", "call", "happened_at",
            "found_at", "detail", "triaged_at", "triaged_by", "outcome", "note",
        )  # fmt: skip

    def get_task_score(self, row: Any) -> int | None:  # Any: with an annotation
        return None if row.task_id is None else deviations.score(row.task_severities)


class RuleSerializer(serializers.Serializer[intent.Verdict]):
    rule = serializers.CharField()
    answer = serializers.CharField(source="word", help_text="Holds, Broken or Cannot tell.")
    text = serializers.CharField()


class CalledSerializer(serializers.Serializer[intent.Called]):
    provider = serializers.CharField()
    tool = serializers.CharField(source="tool_name")
    calls = serializers.IntegerField()
    changes = serializers.BooleanField(help_text="Some of them changed something.")
    flagged = serializers.IntegerField()


class TaskIntentSerializer(serializers.Serializer[intent.Intent]):
    """What was called for a task, against what it declares."""

    score = serializers.IntegerField(help_text="From 0 (fits) to 100.")
    calls = serializers.IntegerField(source="total")
    complete = serializers.SerializerMethodField(help_text="False when only the first were judged.")
    rules = RuleSerializer(source="verdicts", many=True)
    called = CalledSerializer(many=True)
    flagged_calls = serializers.ListField(child=serializers.UUIDField())

    def get_complete(self, said: intent.Intent) -> bool:
        return not said.more


class DeviationViewSet(Reading, ReadOnlyModelViewSet[Deviation]):
    """What agents did that does not fit their task, their grants or themselves, newest first."""

    queryset = Deviation.objects.all()
    serializer_class = DeviationSerializer
    filterset_class = DeviationFilter
    orders = {"-happened_at": "happened_at", "happened_at": "happened_at"}

    def seen(self) -> QuerySet[Any]:
        same = Deviation.objects.filter(task=OuterRef("task")).order_by().exclude(
            outcome=Deviation.Outcome.EXPECTED
        )  # fmt: skip
        rows = seeing.deviations(self.who).select_related("identity", "triaged_by")
        return rows.annotate(task_severities=ArraySubquery(same.values("severity")))

    @extend_schema(parameters=[_TASK], responses=TaskIntentSerializer, filters=False)
    @action(
        detail=False, pagination_class=None, filterset_class=None,
        url_path="of-task/(?P<task>[0-9]{1,18})",
    )  # fmt: skip
    def of_task(self, request: Request, task: str) -> Response:
        """What was called for a task against its declared intent: score, rules, flagged calls."""
        row = get_object_or_404(access.visible_to(self.who, Task.objects.all()), pk=task)
        return Response(TaskIntentSerializer(intent.of_task(row, timezone.now())).data)


class WhySerializer(serializers.Serializer[Any]):
    tier = serializers.IntegerField()
    text = serializers.CharField()


class MissingSerializer(serializers.Serializer[Any]):
    key = serializers.CharField(source="control.key")
    title = serializers.CharField(source="control.title")
    tier = serializers.IntegerField(source="control.tier", help_text="From which it is needed.")
    answer = serializers.CharField(help_text="lacks, or unknown: it cannot be told.")


class DriftSerializer(serializers.Serializer[Crossing]):
    """An identity that acts above its declared tier, why, and which controls of the tier it acts in are missing."""

    id = serializers.IntegerField(source="row.pk")
    identity = IdentityRef(source="row.identity")
    declared_tier = serializers.IntegerField(source="row.identity.declared_tier")
    observed_tier = serializers.IntegerField(source="row.tier")
    since = serializers.DateTimeField(source="row.started_at")
    why = WhySerializer(source="lines", many=True)
    missing_controls = MissingSerializer(source="missing", many=True)


class DriftViewSet(Reading, ReadOnlyModelViewSet[ObservedTier]):
    """Who acts above its declared tier now, the newest first."""

    queryset = ObservedTier.objects.all()
    serializer_class = DriftSerializer
    filterset_class = DriftFilter
    orders = {"-since": "started_at", "since": "started_at"}

    def seen(self) -> QuerySet[Any]:
        return drift.drifting(self.who).select_related("identity__owner")

    def paginate_queryset(self, queryset: Any) -> list[Any] | None:
        page = super().paginate_queryset(queryset)
        return None if page is None else drift.explained(page, timezone.now())

    def get_object(self) -> Any:
        return drift.explained([super().get_object()], timezone.now())[0]
