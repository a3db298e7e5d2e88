"""Decisions over REST, to read: what was asked, and what was answered. Asking has its own, standard API."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.viewsets import ReadOnlyModelViewSet

from inventory.api.serializers import IdentityRef
from inventory.api.views import Reading
from runtime import decision_list
from runtime.decision_list import DecisionFilter
from runtime.models import Decision

_KEY = OpenApiParameter(
    "id", {"type": "string", "format": "uuid"}, OpenApiParameter.PATH,
    description="The `id` of the decision.",
)  # fmt: skip


class DecisionSerializer(serializers.ModelSerializer[Decision]):
    identity = IdentityRef(read_only=True, allow_null=True)
    task = serializers.IntegerField(source="task_id", allow_null=True, read_only=True)
    on_behalf_of = serializers.IntegerField(
        source="on_behalf_of_id", allow_null=True, read_only=True, help_text="Key of the person."
    )
    policy_version = serializers.IntegerField(
        source="policy_version_id", allow_null=True, read_only=True
    )
    facts = serializers.DictField(read_only=True, help_text="What the policies were told.")

    def get_fields(
        self,
    ) -> dict[str, Any]:  # Any: fields; "context" is an attribute of a serializer
        return {**super().get_fields(), "context": serializers.DictField(read_only=True)}

    class Meta:
        model = Decision
        fields = (
            "id", "made_at", "identity", "subject_type", "subject_id", "action", "resource_type",
            "resource_id", "task", "on_behalf_of", "context", "context_digest", "facts", "permitted",
            "reason_code", "reason", "remedy", "policy_version", "policies", "mode", "monitored",
            "latency_us", "asked_by",
        )  # fmt: skip


@extend_schema_view(retrieve=extend_schema(parameters=[_KEY]))
class DecisionViewSet(Reading, ReadOnlyModelViewSet[Decision]):
    """Answers that were given before something was done."""

    queryset = Decision.objects.all()
    serializer_class = DecisionSerializer
    filterset_class = DecisionFilter
    lookup_value_regex = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    orders = {"-id": "pk", "id": "pk"}

    def seen(self) -> QuerySet[Any]:
        return decision_list.visible_to(self.who).select_related("identity")
