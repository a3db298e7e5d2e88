"""Event streams and what they were told, over REST: the rules of the pages."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from inventory import access
from inventory.api import inputs
from inventory.api.views import Readers, act
from runtime import event_delivery, event_streams, security_events
from runtime.models import EventStream, SecurityEvent


class EventStreamSerializer(serializers.ModelSerializer[EventStream]):
    """A receiver of security events."""

    events = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Empty: all of them."
    )

    class Meta:
        model = EventStream
        fields = ("id", "name", "url", "audience", "events", "enabled", "created_at")


class SecurityEventSerializer(serializers.ModelSerializer[SecurityEvent]):
    """One event for one receiver, and what became of it."""

    stream = serializers.IntegerField(source="stream_id", read_only=True)
    token = serializers.IntegerField(source="token_id", read_only=True, allow_null=True)
    subject = serializers.DictField(read_only=True, help_text="The claim sub_id (RFC 9493).")
    payload = serializers.DictField(read_only=True, help_text="What the event says.")

    class Meta:
        model = SecurityEvent
        fields = (
            "id", "jti", "stream", "event", "token", "subject", "payload", "status", "attempts",
            "error", "created_at", "next_try_at", "sent_at",
        )  # fmt: skip


class GivenStream(inputs.Given):
    name = serializers.CharField(max_length=100, help_text="Who receives the events.")
    url = serializers.CharField(max_length=1_000, help_text="HTTPS, on a public address.")
    audience = serializers.CharField(
        max_length=500,
        required=False,
        default="",
        allow_blank=True,
        help_text="Left out: the address.",
    )
    events = serializers.ListField(
        child=serializers.ChoiceField(security_events.EVENTS),
        required=False,
        default=list,
        max_length=len(security_events.EVENTS),
        help_text="Left out or empty: all of them.",
    )


class EventStreamViewSet(Readers, ReadOnlyModelViewSet[EventStream]):
    """Receivers of security events (CAEP), pushed as RFC 8935 says."""

    queryset = EventStream.objects.all()
    serializer_class = EventStreamSerializer
    orders = {"id": "pk"}

    @extend_schema(request=GivenStream, responses={201: EventStreamSerializer})
    def create(self, request: Request) -> Response:
        """Tell a receiver from now on."""
        access.require_security(self.who)
        given: dict[str, Any] = inputs.read(GivenStream, request)
        made = event_streams.create(by=self.who, at=timezone.now(), **given)
        return Response(self.get_serializer(made).data, status=201)

    @extend_schema(request=inputs.OptionalReason, responses=EventStreamSerializer)
    @action(detail=True, methods=["post"], url_path="switch-off")
    def switch_off(self, request: Request, pk: str) -> Response:
        """Tell it nothing more, and drop what waits for it."""
        return act(self, inputs.OptionalReason, event_streams.switch_off)

    @extend_schema(request=inputs.OptionalReason, responses=EventStreamSerializer)
    @action(detail=True, methods=["post"], url_path="switch-on")
    def switch_on(self, request: Request, pk: str) -> Response:
        """Tell it what happens from now on."""
        return act(self, inputs.OptionalReason, event_streams.switch_on)

    @extend_schema(request=inputs.Nothing, responses=EventStreamSerializer)
    @action(detail=True, methods=["post"])
    def verify(self, request: Request, pk: str) -> Response:
        """Send it an event that says nothing but that the stream works."""
        return act(self, inputs.Nothing, event_streams.verify)


class SecurityEventViewSet(Readers, ReadOnlyModelViewSet[SecurityEvent]):
    """What receivers were told, and what waits for them."""

    queryset = SecurityEvent.objects.select_related("stream")
    serializer_class = SecurityEventSerializer
    orders = {"-id": "pk", "id": "pk"}

    @extend_schema(request=inputs.Nothing, responses=SecurityEventSerializer)
    @action(detail=True, methods=["post"], url_path="try-again")
    def try_again(self, request: Request, pk: str) -> Response:
        """Deliver what was given up, with all its attempts."""
        return act(self, inputs.Nothing, event_delivery.try_again)
