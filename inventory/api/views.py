"""The inventory over REST: the querysets, filters, permissions and rules of the pages."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import GenericViewSet, ReadOnlyModelViewSet

from inventory import access, credentials, filters, grants, identities, kill_switch, ownership
from inventory.api import inputs
from inventory.api import serializers as shown
from inventory.api.filtering import refuse_parameters
from inventory.models import (
    Credential,
    Delegation,
    Grant,
    Identity,
    Person,
    Source,
    Team,
    User,
)
from inventory.views.sources import SourceFilter

OWNED = ("owner", "sponsor", "team", "source")


class Reading(GenericViewSet[Any]):
    """What every view here shares: only rows that the user may see, and the moment of asking."""

    lookup_value_regex = "[0-9]{1,18}"
    detail_serializer_class: type[BaseSerializer[Any]] | None = None
    orders: dict[str, str] = {"id": "pk"}

    @property
    def who(self) -> User:
        user = self.request.user
        if not isinstance(user, User):  # authentication lets nobody else in
            raise PermissionDenied
        return user

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Only a list has parameters, and its filters refuse what they do not know."""
        super().initial(request, *args, **kwargs)
        if self.action and (self.action != "list" or self.pagination_class is None):
            refuse_parameters(request)

    def get_queryset(self) -> QuerySet[Any]:
        """Nothing while the OpenAPI document is made: then nobody asks."""
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset().none()
        return self.seen()

    def seen(self) -> QuerySet[Any]:
        """The rows that `who` may see, where another rule than `access.visible_to` says so."""
        return access.visible_to(self.who, super().get_queryset())

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        if self.action != "list" and self.detail_serializer_class is not None:
            return self.detail_serializer_class
        return super().get_serializer_class()

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "at": timezone.now()}


class Readers(Reading):
    """For what concerns the whole organisation: security and auditors."""

    def seen(self) -> QuerySet[Any]:
        if not access.sees_all(self.who):
            raise PermissionDenied("Only security and auditors see this.")
        return super(Reading, self).get_queryset()


def act(
    view: Any, given: type[inputs.Given], rule: Callable[..., object], action: str = ""
) -> Response:
    """Checks who and the shape, calls the rule with the row and the fields, answers with the row as it is then.

    Who comes first, as on the pages. `action` is what `access` calls it; without one it is for security.
    """
    row = view.get_object()
    if action:
        access.require(view.who, action, row)
    else:
        access.require_security(view.who)
    rule(row, by=view.who, at=timezone.now(), **inputs.read(given, view.request))
    return Response(view.get_serializer(view.get_object()).data)


class TeamViewSet(Readers, ReadOnlyModelViewSet[Team]):
    """Teams."""

    queryset = Team.objects.select_related("source")
    serializer_class = shown.TeamSerializer


class PersonViewSet(Reading, ReadOnlyModelViewSet[Person]):
    """People who can answer for identities."""

    queryset = Person.objects.select_related("team", "manager", "source")
    serializer_class = shown.PersonSerializer
    filterset_class = filters.PersonFilter
    orders = {"name": "name", "id": "pk"}

    @extend_schema(request=inputs.LastDay, responses=shown.PersonSerializer)
    @action(detail=True, methods=["post"], url_path="last-day")
    def last_day(self, request: Request, pk: str) -> Response:
        """Announce the last day of a person."""
        return act(self, inputs.LastDay, ownership.mark_leaving)

    @extend_schema(request=inputs.OptionalReason, responses=shown.PersonSerializer)
    @action(detail=True, methods=["post"])
    def left(self, request: Request, pk: str) -> Response:
        """Mark a person as left; what they owned is judged at once."""
        return act(self, inputs.OptionalReason, ownership.mark_left)

    @extend_schema(request=inputs.HandOver, responses=inputs.HandedOver)
    @action(detail=True, methods=["post"], url_path="hand-over")
    def hand_over(self, request: Request, pk: str) -> Response:
        """Hand over everything a person owns in one go."""
        person = self.get_object()
        access.require_security(self.who)
        given = inputs.read(inputs.HandOver, request)
        moved = ownership.hand_over(person, by=self.who, at=timezone.now(), **given)
        return Response({"moved": moved})


class IdentityViewSet(Reading, ReadOnlyModelViewSet[Identity]):
    """AI agents and other non-human identities."""

    queryset = Identity.objects.select_related(*OWNED)
    serializer_class = shown.IdentitySerializer
    detail_serializer_class = shown.IdentityDetailSerializer
    filterset_class = filters.IdentityFilter
    orders = {
        "name": "name",
        "worst_severity": "worst_severity",
        "last_active_at": "last_active_at",
        "id": "pk",
    }

    def get_queryset(self) -> QuerySet[Any]:
        rows = super().get_queryset()
        if self.action == "list":
            return rows
        return rows.prefetch_related(
            "successors__person", "tool_bindings__source", "tool_bindings__tool__source"
        )

    @extend_schema(request=inputs.Owner, responses=shown.IdentityDetailSerializer)
    @action(detail=True, methods=["post"], url_path="assign-owner")
    def assign_owner(self, request: Request, pk: str) -> Response:
        """Make a person the accountable owner."""
        return act(self, inputs.Owner, ownership.assign_owner, "assign_owner")

    @extend_schema(request=inputs.Successors, responses=shown.IdentityDetailSerializer)
    @action(detail=True, methods=["post"])
    def successors(self, request: Request, pk: str) -> Response:
        """Name who takes over, in order."""
        return act(self, inputs.Successors, ownership.set_successors, "assign_owner")

    @extend_schema(request=inputs.Describe, responses=shown.IdentityDetailSerializer)
    @action(detail=True, methods=["post"])
    def describe(self, request: Request, pk: str) -> Response:
        """Say what it is for, where it runs, its declared tier and its risk."""
        return act(self, inputs.Describe, identities.describe, "describe")

    @extend_schema(request=inputs.Reason, responses=shown.IdentityDetailSerializer)
    @action(detail=True, methods=["post"])
    def suspend(self, request: Request, pk: str) -> Response:
        """Stop it; the same as `stop`, answered with the identity."""
        return act(self, inputs.Reason, kill_switch.stop, "suspend")

    @extend_schema(request=inputs.OptionalReason, responses=shown.IdentityDetailSerializer)
    @action(detail=True, methods=["post"])
    def activate(self, request: Request, pk: str) -> Response:
        """Let it act; what was revoked stays revoked."""
        return act(self, inputs.OptionalReason, identities.activate, "activate")

    @extend_schema(request=inputs.Reason, responses=shown.IdentityDetailSerializer)
    @action(detail=True, methods=["post"])
    def retire(self, request: Request, pk: str) -> Response:
        """End it for good; its record and history stay."""
        return act(self, inputs.Reason, identities.retire, "retire")


class CredentialViewSet(Reading, ReadOnlyModelViewSet[Credential]):
    """What identities prove themselves with; public IDs and fingerprints, never a secret."""

    queryset = Credential.objects.select_related("identity", "source")
    serializer_class = shown.CredentialSerializer
    filterset_class = filters.CredentialFilter
    orders = {
        "-last_used_at": "used_at",
        "last_used_at": "used_at",
        "expires_at": "ends_at",
        "id": "pk",
    }

    @extend_schema(request=inputs.Reason, responses=shown.CredentialSerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        """Count it as dead from now on; the platform still has to follow."""
        return act(self, inputs.Reason, credentials.revoke, "revoke")


class GrantViewSet(Reading, ReadOnlyModelViewSet[Grant]):
    """What identities may do, and until when."""

    queryset = Grant.objects.select_related(
        "identity", "entitlement__system", "approved_by", "source"
    )
    serializer_class = shown.GrantSerializer
    filterset_class = filters.GrantFilter
    orders = {
        "-last_used_at": "used_at",
        "last_used_at": "used_at",
        "expires_at": "ends_at",
        "id": "pk",
    }

    @extend_schema(request=inputs.Reason, responses=shown.GrantSerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        """End it now, as something that should not be."""
        return act(self, inputs.Reason, grants.revoke, "revoke")

    @extend_schema(request=inputs.OptionalReason, responses=shown.GrantSerializer)
    @action(detail=True, methods=["post"])
    def expire(self, request: Request, pk: str) -> Response:
        """Let it end now, as planned ends do."""
        return act(self, inputs.OptionalReason, grants.expire_now, "expire")

    @extend_schema(request=inputs.End, responses=shown.GrantSerializer)
    @action(detail=True, methods=["post"], url_path="end")
    def set_end(self, request: Request, pk: str) -> Response:
        """Give it a day on which it ends."""
        return act(self, inputs.End, grants.set_end, "narrow")

    @extend_schema(request=inputs.Extend, responses=shown.GrantSerializer)
    @action(detail=True, methods=["post"])
    def extend(self, request: Request, pk: str) -> Response:
        """Put the end of just-in-time access off, once."""
        return act(self, inputs.Extend, grants.extend, "extend")

    @extend_schema(request=inputs.ExpireUnlessUsed, responses=shown.GrantSerializer)
    @action(detail=True, methods=["post"], url_path="expire-unless-used")
    def expire_unless_used(self, request: Request, pk: str) -> Response:
        """Let it end by itself once nobody uses it for so long."""
        return act(self, inputs.ExpireUnlessUsed, _end_when_unused, "narrow")


def _end_when_unused(grant: Grant, *, days: int | None, **acting: Any) -> Grant:
    within = None if days is None else timedelta(days=days)
    return grants.expire_unless_used(grant, within=within, **acting)


class DelegationViewSet(Reading, ReadOnlyModelViewSet[Delegation]):
    """Who may act as, or for, whom."""

    queryset = Delegation.objects.select_related(
        "delegator_person", "delegator_identity", "delegate", "source"
    )
    serializer_class = shown.DelegationSerializer
    filterset_class = filters.DelegationFilter
    orders = {"expires_at": "ends_at", "how": "how", "id": "pk"}


class SourceViewSet(Readers, ReadOnlyModelViewSet[Source]):
    """Where rows come from, and how fresh each source is."""

    queryset = Source.objects.all()
    serializer_class = shown.SourceSerializer
    filterset_class = SourceFilter
    orders = {
        "label": "label",
        "last_complete_at": "last_complete_at",
        "last_run_at": "last_run_at",
        "id": "pk",
    }
