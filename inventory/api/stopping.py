"""Stopping, drilling, flagging and proving over REST: what the pages do, by the same rules."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from inventory import access, compromise, delegations, kill_switch, revocations
from inventory.api import inputs, views
from inventory.api import serializers as shown
from inventory.api.views import Reading, act
from inventory.models import Credential, Delegation, Grant, Identity, KillSwitchUse
from inventory.revocations import Probe
from inventory.stop_list import StopFilter


class Denied(inputs.Given):
    """A denied probe: what was tried with the revoked access, when, and what the platform answered."""

    tried = serializers.CharField(max_length=120, help_text="Never the secret itself.")
    tried_at = serializers.DateTimeField(help_text="After the revocation was asked (RFC 3339).")
    answer = serializers.CharField(max_length=100, help_text="Such as 403 Forbidden.")


class ReachSerializer(serializers.Serializer[Any]):
    """What a stop would reach at this moment."""

    grants = serializers.IntegerField(help_text="Effective grants, which would stop working.")
    ending = serializers.IntegerField(help_text="Of these, just-in-time ones that end for good.")
    resting = serializers.IntegerField(help_text="Of these, standing ones that only rest.")
    tasks = serializers.IntegerField(help_text="Open tasks, which would be cancelled.")
    delegations = serializers.IntegerField(help_text="Delegations that it gave, which would end.")
    credentials = serializers.IntegerField(help_text="Live ones, which platforms must switch off.")
    reached = serializers.SerializerMethodField(
        help_text="Identities that act through it, directly or through others."
    )

    def get_reached(self, found: kill_switch.Reach) -> int:
        return len(found.reached)


class KillSwitchUseSerializer(serializers.ModelSerializer[KillSwitchUse]):
    """One stop or drill. Without `stopped_at` nobody has seen yet that nothing is effective any more."""

    identity = shown.IdentityRef(read_only=True)
    seconds = serializers.SerializerMethodField(
        help_text="From the press of the button until nothing was effective any more."
    )

    class Meta:
        model = KillSwitchUse
        fields = (
            "id", "identity", "drill", "author", "reason", "asked_at", "stopped_at", "seconds",
            "lifted_at", "grants", "delegations", "tasks", "reached", "left_over",
        )  # fmt: skip

    def get_seconds(self, use: KillSwitchUse) -> float | None:
        return use.took.total_seconds() if use.took is not None else None


class StopViewSet(Reading, ReadOnlyModelViewSet[KillSwitchUse]):
    """Stops and drills, with how far each reached and how long it took."""

    queryset = KillSwitchUse.objects.select_related("identity")
    serializer_class = KillSwitchUseSerializer
    filterset_class = StopFilter
    orders = {"-id": "pk", "id": "pk"}


class IdentityViewSet(views.IdentityViewSet):
    """AI agents and other non-human identities."""

    @extend_schema(responses=ReachSerializer)
    @action(detail=True, methods=["get"], url_path="stop")
    def stop_preview(self, request: Request, pk: str) -> Response:
        """Count what a stop would reach; nothing is changed."""
        identity = self.get_object()
        return Response(ReachSerializer(kill_switch.preview(identity, at=timezone.now())).data)

    @extend_schema(request=inputs.Reason, responses=KillSwitchUseSerializer)
    @stop_preview.mapping.post
    def stop(self, request: Request, pk: str) -> Response:
        """Stop it with everything it gave to others, and measure how long that takes."""
        return self._use(kill_switch.stop)

    @extend_schema(request=inputs.Reason, responses=KillSwitchUseSerializer)
    @action(detail=True, methods=["post"])
    def drill(self, request: Request, pk: str) -> Response:
        """Go the whole way of a stop without stopping anything, and keep the time."""
        return self._use(kill_switch.drill)

    @extend_schema(request=inputs.Reason, responses=shown.IdentityDetailSerializer)
    @action(detail=True, methods=["post"])
    def flag(self, request: Request, pk: str) -> Response:
        """Flag it as compromised; it goes on until it is stopped."""
        return act(self, inputs.Reason, compromise.flag, "flag")

    @extend_schema(request=inputs.Reason, responses=shown.IdentityDetailSerializer)
    @action(detail=True, methods=["post"], url_path="clear-flag")
    def clear_flag(self, request: Request, pk: str) -> Response:
        """Take the flag back; what was revoked or stopped stays so."""
        return act(self, inputs.Reason, compromise.clear)

    def _use(self, rule: Callable[..., KillSwitchUse]) -> Response:
        at = timezone.now()
        identity: Identity = self.get_object()
        access.require(self.who, "suspend", identity)
        given = inputs.read(inputs.Reason, self.request)
        use = rule(identity, by=self.who, at=at, **given)
        return Response(KillSwitchUseSerializer(use).data)


class CredentialViewSet(views.CredentialViewSet):
    """What identities prove themselves with; public IDs and fingerprints, never a secret."""

    @extend_schema(request=Denied, responses=shown.CredentialSerializer)
    @action(detail=True, methods=["post"], url_path="confirm-revocation")
    def confirm_revocation(self, request: Request, pk: str) -> Response:
        """Keep a denied probe as proof that the platform followed."""
        return act(self, Denied, _confirm)

    @extend_schema(request=inputs.Reason, responses=shown.CredentialSerializer)
    @action(detail=True, methods=["post"])
    def flag(self, request: Request, pk: str) -> Response:
        """Flag it as compromised, which revokes it."""
        return act(self, inputs.Reason, compromise.flag, "flag")

    @extend_schema(request=inputs.Reason, responses=shown.CredentialSerializer)
    @action(detail=True, methods=["post"], url_path="clear-flag")
    def clear_flag(self, request: Request, pk: str) -> Response:
        """Take the flag back; it stays revoked."""
        return act(self, inputs.Reason, compromise.clear)


class GrantViewSet(views.GrantViewSet):
    """What identities may do, and until when."""

    @extend_schema(request=Denied, responses=shown.GrantSerializer)
    @action(detail=True, methods=["post"], url_path="confirm-revocation")
    def confirm_revocation(self, request: Request, pk: str) -> Response:
        """Keep a denied probe as proof that the platform followed."""
        return act(self, Denied, _confirm)


class DelegationViewSet(views.DelegationViewSet):
    """Who may act as, or for, whom."""

    @extend_schema(request=inputs.Reason, responses=shown.DelegationSerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        """End it now."""
        return act(self, inputs.Reason, delegations.revoke, "revoke")

    @extend_schema(request=Denied, responses=shown.DelegationSerializer)
    @action(detail=True, methods=["post"], url_path="confirm-revocation")
    def confirm_revocation(self, request: Request, pk: str) -> Response:
        """Keep a denied probe as proof that the platform followed."""
        return act(self, Denied, _confirm)


def _confirm(row: Grant | Delegation | Credential, *, by: Any, at: Any, **probe: Any) -> object:
    """Any: who and when, as `act` gives them, and the fields of `Denied`."""
    return revocations.confirm(row, proof=Probe(**probe), by=by, at=at)  # type: ignore[type-var]  # one of three
