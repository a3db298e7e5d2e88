"""Requests for access and single actions over REST. Asking is for programs; approving is for people, in a browser."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from inventory import access
from inventory.api import inputs
from inventory.api.serializers import EntitlementSerializer, IdentityRef, PersonRef, StateField
from inventory.api.views import Reading
from inventory.models import Entitlement, Identity, Risk, Task, Tool
from reviews import action_approvals, requests
from reviews.action_approvals import Action
from reviews.action_list import ActionFilter
from reviews.api import UserRef
from reviews.models import AccessRequest, ActionApproval, Approval, RequestedEntitlement
from reviews.request_list import RequestFilter
from reviews.requests import MOST, Wish


class ItemSerializer(serializers.ModelSerializer[RequestedEntitlement]):
    entitlement = EntitlementSerializer(read_only=True)

    class Meta:
        model = RequestedEntitlement
        fields = ("entitlement", "kept", "grant")


class ApprovalSerializer(serializers.ModelSerializer[Approval]):
    person = PersonRef(read_only=True, allow_null=True)
    answered_by = UserRef(read_only=True, allow_null=True)
    passed_over = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Approval
        fields = (
            "part", "person", "stands_for", "passed_over", "asked_at", "answer", "answered_by",
            "answered_at", "reason",
        )  # fmt: skip


class AccessRequestSerializer(serializers.ModelSerializer[AccessRequest]):
    identity = IdentityRef(read_only=True)
    requested_by = UserRef(read_only=True)
    state = StateField(help_text="waiting, approved, refused, cancelled or lapsed, at this moment.")
    rules_version = serializers.IntegerField(source="policy.version", read_only=True)

    class Meta:
        model = AccessRequest
        fields: tuple[str, ...] = (
            "id", "kind", "state", "identity", "task", "requested_by", "reason", "lasts", "risk",
            "rules_version", "created_at", "answer_by", "escalated_at", "decided_at", "answer",
        )  # fmt: skip


class AccessRequestDetailSerializer(AccessRequestSerializer):
    items = ItemSerializer(many=True, read_only=True)
    approvals = ApprovalSerializer(many=True, read_only=True)

    class Meta(AccessRequestSerializer.Meta):
        fields = (*AccessRequestSerializer.Meta.fields, "items", "approvals")


class Ask(inputs.Given):
    identity = inputs.RowField(Identity.objects.all())
    entitlements = serializers.ListField(
        child=inputs.RowField(Entitlement.objects.select_related("system"), for_all=True),
        min_length=1, max_length=MOST, help_text="Ids, as /api/v1/entitlements/ lists them.",
    )  # fmt: skip
    task = inputs.RowField(Task.objects.all(), required=False, allow_null=True, default=None)
    lasts_seconds = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=60, max_value=31_536_000,
        help_text="Left out: as long as the rules allow.",
    )  # fmt: skip
    permanent = serializers.BooleanField(
        required=False,
        default=False,
        help_text="For good: the exception, with its own, stricter rule.",
    )
    reason = serializers.CharField(max_length=2_000, help_text="What the access is for.")


class AccessRequestViewSet(Reading, ReadOnlyModelViewSet[AccessRequest]):
    """Who asked for which access, and what was decided. A person approves in a browser, never a program."""

    queryset = AccessRequest.objects.select_related("identity", "requested_by", "policy")
    serializer_class = AccessRequestSerializer
    detail_serializer_class = AccessRequestDetailSerializer
    filterset_class = RequestFilter
    orders = {"-id": "pk", "id": "pk"}

    def seen(self) -> QuerySet[Any]:
        rows = requests.visible_to(self.who).select_related("identity", "requested_by", "policy")
        if self.action == "list":
            return rows
        return rows.prefetch_related(
            "items__entitlement__system", "approvals__person", "approvals__answered_by"
        )

    @extend_schema(request=Ask, responses={201: AccessRequestDetailSerializer})
    def create(self, request: Request) -> Response:
        """Ask for access. The answer says whether it was given at once, and who is asked."""
        given = inputs.read(Ask, request)
        seconds = given["lasts_seconds"]
        wish = Wish(
            reason=given["reason"],
            lasts=timedelta(seconds=seconds) if seconds else None,
            task=given["task"],
            permanent=given["permanent"],
        )
        made = requests.ask(
            given["identity"],
            entitlements=given["entitlements"],
            wish=wish,
            by=self.who,
            at=timezone.now(),
        )
        return Response(self.get_serializer(self.get_queryset().get(pk=made.pk)).data, status=201)

    @extend_schema(request=inputs.OptionalReason, responses=AccessRequestDetailSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Take it back."""
        asked = self.get_object()
        if asked.requested_by_id != self.who.pk:
            access.require_security(self.who)
        given = inputs.read(inputs.OptionalReason, request)
        requests.cancel(asked, by=self.who, at=timezone.now(), **given)
        return Response(self.get_serializer(self.get_object()).data)


class ActionApprovalSerializer(serializers.ModelSerializer[ActionApproval]):
    identity = IdentityRef(read_only=True)
    asked_by = UserRef(read_only=True)
    decided_by = UserRef(read_only=True, allow_null=True)
    state = StateField(help_text="waiting, approved, refused, used or lapsed, at this moment.")
    arguments = serializers.DictField(
        child=serializers.CharField(), read_only=True, help_text="Without secrets, long values cut."
    )

    class Meta:
        model = ActionApproval
        fields = (
            "id", "state", "identity", "task", "tool", "target", "arguments", "arguments_digest",
            "risk", "reason", "asked_by", "asked_at", "expires_at", "decided_by", "decided_at",
            "answer", "used_at",
        )  # fmt: skip


@extend_schema_field({"type": "object", "additionalProperties": True})
class ArgumentsField(serializers.Field):  # type: ignore[type-arg]  # reads only
    """A JSON object of at most 64 KB."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:  # Any: JSON
        if not isinstance(data, dict):
            raise serializers.ValidationError("Arguments are an object of names and values.")
        try:
            size = len(Action(Tool(), data).text)
        except ValueError:
            raise serializers.ValidationError("A number in it is none that JSON has.") from None
        if size > 65_536:
            raise serializers.ValidationError(
                "The arguments are over 64 KB. Send a digest of long values instead."
            )
        return data


class AskAction(inputs.Given):
    """One call, exactly as it will be made."""

    identity = inputs.RowField(Identity.objects.all())
    tool = inputs.RowField(Tool.objects.all(), for_all=True)
    arguments = ArgumentsField(required=False, default=dict)
    target = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)
    task = inputs.RowField(Task.objects.all(), required=False, allow_null=True, default=None)
    risk = serializers.ChoiceField(Risk.choices, required=False, default=Risk.HIGH)
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=2_000)


class ActionApprovalViewSet(Reading, ReadOnlyModelViewSet[ActionApproval]):
    """Single actions that a person approves: once, for exactly these arguments, this target and this task."""

    queryset = ActionApproval.objects.select_related("identity", "asked_by", "decided_by")
    serializer_class = ActionApprovalSerializer
    filterset_class = ActionFilter
    orders = {"-id": "pk", "id": "pk"}

    def seen(self) -> QuerySet[Any]:
        rows = action_approvals.visible_to(self.who)
        return rows.select_related("identity", "asked_by", "decided_by")

    @extend_schema(request=AskAction, responses={201: ActionApprovalSerializer})
    def create(self, request: Request) -> Response:
        """Ask a person. The same action again, while it waits or is approved, is the same question."""
        identity, wanted = self._wanted(request)
        made = action_approvals.ask(identity, action=wanted, by=self.who, at=timezone.now())
        return Response(self.get_serializer(made).data, status=201)

    @extend_schema(request=AskAction, responses=ActionApprovalSerializer)
    @action(detail=False, methods=["post"])
    def use(self, request: Request) -> Response:
        """Take the approval of exactly this action, once; 422 when there is none."""
        identity, wanted = self._wanted(request)
        used = action_approvals.use(identity, action=wanted, by=self.who, at=timezone.now())
        return Response(self.get_serializer(used).data)

    def _wanted(self, request: Request) -> tuple[Identity, Action]:
        given = inputs.read(AskAction, request)
        identity = given.pop("identity")
        return identity, Action(**given)
