"""Notifications and webhooks over REST: the querysets, permissions and rules of the pages."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from inventory import access
from inventory.api import inputs
from inventory.api.serializers import PersonRef
from inventory.api.views import Readers, Reading, act
from reviews import links, notifications, outbox, webhooks
from reviews.events import EVENTS
from reviews.models import Notification, Webhook
from reviews.notification_list import ToldFilter

_ADDRESS = "HTTPS, on a public address. Redirects are not followed."


class WebhookRef(serializers.ModelSerializer[Webhook]):
    class Meta:
        model = Webhook
        fields = ("id", "name")


class NotificationSerializer(serializers.ModelSerializer[Notification]):
    person = PersonRef(read_only=True, allow_null=True)
    webhook = WebhookRef(read_only=True, allow_null=True)
    url = serializers.SerializerMethodField(help_text="The page where it is dealt with.")

    class Meta:
        model = Notification
        fields = (
            "id", "event", "about", "title", "body", "url", "person", "webhook", "status",
            "attempts", "error", "created_at", "next_try_at", "sent_at", "read_at",
        )  # fmt: skip

    def get_url(self, notification: Notification) -> str:
        return links.absolute(notification.path)


class WebhookSerializer(serializers.ModelSerializer[Webhook]):
    events = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Empty: all of them."
    )

    class Meta:
        model = Webhook
        fields: tuple[str, ...] = (
            "id", "name", "url", "events", "enabled", "key_version", "created_at",
        )  # fmt: skip


class WebhookWithKey(WebhookSerializer):
    """The only two answers that hold the signing key: of making a webhook, and of giving it a new key."""

    signing_key = serializers.CharField(
        read_only=True, help_text="As in Standard Webhooks (whsec_...). Shown this once."
    )

    class Meta(WebhookSerializer.Meta):
        fields = (*WebhookSerializer.Meta.fields, "signing_key")


class GivenWebhook(inputs.Given):
    name = serializers.CharField(max_length=100, help_text="Which platform it is.")
    url = serializers.CharField(max_length=1000, help_text=_ADDRESS)
    events = serializers.ListField(
        child=serializers.ChoiceField(EVENTS),
        required=False,
        default=list,
        max_length=len(EVENTS),
        help_text="Left out or empty: all of them.",
    )


class NotificationViewSet(Reading, ReadOnlyModelViewSet[Notification]):
    """What people and platforms are told. Security and auditors see all of it, everybody else what they are told."""

    queryset = Notification.objects.select_related("person", "webhook")
    serializer_class = NotificationSerializer
    filterset_class = ToldFilter
    orders = {"-id": "pk", "id": "pk"}

    def seen(self) -> QuerySet[Any]:
        return notifications.visible_to(self.who).select_related("person", "webhook")

    @extend_schema(request=inputs.Nothing, responses=NotificationSerializer)
    @action(detail=True, methods=["post"], url_path="try-again")
    def try_again(self, request: Request, pk: str) -> Response:
        """Deliver what was given up, with all its attempts."""
        return act(self, inputs.Nothing, outbox.try_again)


class WebhookViewSet(Readers, ReadOnlyModelViewSet[Webhook]):
    """Platforms that are told what happens: signed as in Standard Webhooks, with retries."""

    queryset = Webhook.objects.all()
    serializer_class = WebhookSerializer
    orders = {"id": "pk"}

    @extend_schema(request=GivenWebhook, responses={201: WebhookWithKey})
    def create(self, request: Request) -> Response:
        """Make a webhook. The answer holds its signing key, this once."""
        access.require_security(self.who)
        given = inputs.read(GivenWebhook, request)
        made, key = webhooks.create(by=self.who, at=timezone.now(), **given)
        return Response({**self.get_serializer(made).data, "signing_key": key}, status=201)

    @extend_schema(request=GivenWebhook, responses=WebhookSerializer)
    @action(detail=True, methods=["post"])
    def change(self, request: Request, pk: str) -> Response:
        """Give it another name, address or choice of events; its key stays."""
        return act(self, GivenWebhook, webhooks.change)

    @extend_schema(request=inputs.OptionalReason, responses=WebhookWithKey)
    @action(detail=True, methods=["post"], url_path="rotate-key")
    def rotate_key(self, request: Request, pk: str) -> Response:
        """Make a new signing key; the old one ends now. The answer holds it, this once."""
        webhook = self.get_object()
        access.require_security(self.who)
        given = inputs.read(inputs.OptionalReason, request)
        fresh, key = webhooks.rotate_key(webhook, by=self.who, at=timezone.now(), **given)
        return Response({**self.get_serializer(fresh).data, "signing_key": key})

    @extend_schema(request=inputs.OptionalReason, responses=WebhookSerializer)
    @action(detail=True, methods=["post"], url_path="switch-off")
    def switch_off(self, request: Request, pk: str) -> Response:
        """Tell it nothing more, and drop what waits for it."""
        return act(self, inputs.OptionalReason, webhooks.switch_off)

    @extend_schema(request=inputs.OptionalReason, responses=WebhookSerializer)
    @action(detail=True, methods=["post"], url_path="switch-on")
    def switch_on(self, request: Request, pk: str) -> Response:
        """Tell it what happens from now on."""
        return act(self, inputs.OptionalReason, webhooks.switch_on)

    @extend_schema(request=inputs.Nothing, responses=WebhookSerializer)
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """Send it a message that says nothing; what became of it stands under notifications."""
        return act(self, inputs.Nothing, webhooks.test)
