"""Issued tokens over REST: the queryset, permission and rule of the pages. Getting one is OAuth: /oauth/token."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from inventory.api import inputs
from inventory.api.serializers import IdentityRef, PersonRef, StateField
from inventory.api.views import Reading, act
from runtime import token_endings, token_list
from runtime.models import Token
from runtime.token_list import IssuedFilter


class TokenSerializer(serializers.ModelSerializer[Token]):
    """What is known of a token; the token itself is stored nowhere."""

    identity = IdentityRef(read_only=True)
    person = PersonRef(read_only=True, allow_null=True)
    state = StateField(help_text="live, revoked, ended or expired.")
    scope = serializers.ListField(child=serializers.CharField(), read_only=True)
    task = serializers.IntegerField(source="task_id", read_only=True)
    came_from = serializers.IntegerField(
        source="parent_id",
        read_only=True,
        allow_null=True,
        help_text="The token it was exchanged for.",
    )

    class Meta:
        model = Token
        fields = (
            "id", "jti", "identity", "person", "task", "subject", "audience", "scope", "state",
            "proof", "jkt", "x5t", "came_from", "issued_at", "expires_at", "revoked_at", "end_cause",
        )  # fmt: skip


class IssuedTokenViewSet(Reading, ReadOnlyModelViewSet[Token]):
    """Access tokens that workloads got for a task."""

    queryset = Token.objects.select_related("identity", "person")
    serializer_class = TokenSerializer
    filterset_class = IssuedFilter
    orders = {"-id": "pk", "id": "pk"}

    def seen(self) -> QuerySet[Any]:
        return token_list.visible_to(self.who, Token.objects.select_related("identity", "person"))

    @extend_schema(request=inputs.Reason, responses=TokenSerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        """Refuse it from now on, with every token that came from it."""
        return act(self, inputs.Reason, token_endings.revoke, "revoke")
