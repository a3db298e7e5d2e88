"""Tasks over REST: platforms open, keep alive and end the work of their agents here."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from inventory import access, task_life
from inventory.api import inputs
from inventory.api.serializers import IdentityRef, PersonRef, StateField, SystemRef
from inventory.api.views import Reading
from inventory.models import Identity, Resource, Risk, System, Task, TaskTarget
from inventory.task_life import WAYS_TO_END, Work
from inventory.task_list import TaskFilter

MOST_TARGETS = 50


class TargetSerializer(serializers.ModelSerializer[TaskTarget]):
    system = SystemRef(read_only=True)

    class Meta:
        model = TaskTarget
        fields = ("system", "resource")


class TaskSerializer(serializers.ModelSerializer[Task]):
    identity = IdentityRef(read_only=True)
    on_behalf_of = PersonRef(read_only=True, allow_null=True)
    state = StateField(
        help_text="open, done, failed, cancelled, overdue or silent, at this moment."
    )

    class Meta:
        model = Task
        fields: tuple[str, ...] = (
            "id", "identity", "purpose", "on_behalf_of", "risk", "state", "opened_at", "deadline",
            "heartbeat_every", "silent_at", "ended_at", "outcome", "opened_by", "reference",
        )  # fmt: skip


class TaskDetailSerializer(TaskSerializer):
    targets = TargetSerializer(many=True, read_only=True)

    class Meta(TaskSerializer.Meta):
        fields = (*TaskSerializer.Meta.fields, "targets")


class EndedSerializer(serializers.Serializer[Any]):
    """What ended with the task."""

    task = TaskDetailSerializer()
    grants = serializers.IntegerField()
    delegations = serializers.IntegerField()
    names = serializers.ListField(
        child=serializers.CharField(), help_text="The first 20 entitlements that ended."
    )


class OpenTask(inputs.Given):
    """A piece of work. The same reference again, while it is open, is the same task."""

    identity = inputs.RowField(Identity.objects.all())
    purpose = serializers.CharField(max_length=2_000, help_text="The declared intent, in words.")
    deadline = serializers.DateTimeField(help_text="At most 31 days from now (RFC 3339).")
    risk = serializers.ChoiceField(Risk.choices, required=False, default=Risk.LOW)
    on_behalf_of = inputs.PersonField(
        required=False, allow_null=True, default=None, help_text="E-mail address of a person."
    )
    heartbeat_seconds = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=10, max_value=86_400,
        help_text="Without a beat for so long the task is over.",
    )  # fmt: skip
    systems = serializers.ListField(
        child=inputs.RowField(System.objects.all(), for_all=True), required=False, default=list,
        max_length=MOST_TARGETS, help_text="Ids of target systems.",
    )  # fmt: skip
    resources = serializers.ListField(
        child=inputs.RowField(Resource.objects.all(), for_all=True), required=False, default=list,
        max_length=MOST_TARGETS, help_text="Ids of datasets.",
    )  # fmt: skip
    reference = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=200,
        help_text="What the platform calls it.",
    )


class EndTask(inputs.Given):
    how = serializers.ChoiceField([(way.value, way.label) for way in WAYS_TO_END])
    outcome = serializers.CharField(required=False, allow_blank=True, default="", max_length=2_000)


class TaskViewSet(Reading, ReadOnlyModelViewSet[Task]):
    """Bounded pieces of work. What was granted for one ends with it."""

    queryset = Task.objects.select_related("identity", "on_behalf_of")
    serializer_class = TaskSerializer
    detail_serializer_class = TaskDetailSerializer
    filterset_class = TaskFilter
    orders = {"-id": "pk", "id": "pk"}

    def get_queryset(self) -> QuerySet[Any]:
        rows = super().get_queryset()
        return rows if self.action == "list" else rows.prefetch_related("targets__system")

    @extend_schema(request=OpenTask, responses={201: TaskDetailSerializer})
    def create(self, request: Request) -> Response:
        """Open a task for an identity."""
        given = inputs.read(OpenTask, request)
        identity, beat = given.pop("identity"), given.pop("heartbeat_seconds")
        work = Work(
            **{**given, "systems": tuple(given["systems"]), "resources": tuple(given["resources"])},
            heartbeat_every=timedelta(seconds=beat) if beat else None,
        )
        task = task_life.open_task(identity, work=work, by=self.who, at=timezone.now())
        return Response(self.get_serializer(self.get_queryset().get(pk=task.pk)).data, status=201)

    @extend_schema(request=None, responses=TaskDetailSerializer)
    @action(detail=True, methods=["post"])
    def beat(self, request: Request, pk: str) -> Response:
        """A sign of life."""
        task = self.get_object()
        access.require(self.who, "open_task", task)
        inputs.read(inputs.Nothing, request)
        task_life.beat(task, by=self.who, at=timezone.now())
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=EndTask, responses=EndedSerializer)
    @action(detail=True, methods=["post"])
    def end(self, request: Request, pk: str) -> Response:
        """End it, and with it everything that hangs on it."""
        task = self.get_object()
        access.require(self.who, "open_task", task)
        given = inputs.read(EndTask, request)
        ended = task_life.end_task(task, by=self.who, at=timezone.now(), **given)
        shown = {
            "task": self.get_object(),
            "grants": ended.grants,
            "delegations": ended.delegations,
            "names": ended.names,
        }
        return Response(EndedSerializer(shown, context=self.get_serializer_context()).data)
