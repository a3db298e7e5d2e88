"""Who is told that a session or token is over, and what was told: an outbox, so that nothing is lost."""

from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from inventory.history import tracked
from inventory.models import Identity
from runtime.models.token import Token


class EventStream(models.Model):
    """A receiver of security event tokens, pushed to it (RFC 8935)."""

    name = models.CharField(max_length=100, unique=True)
    url = models.CharField(max_length=1000)
    audience = models.CharField(max_length=500, help_text="The claim `aud` of what it is sent.")
    events = ArrayField(
        models.CharField(max_length=20), default=list, blank=True, help_text="None: all of them."
    )
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]
        triggers = tracked(identity="NULL::bigint")

    def __str__(self) -> str:
        return self.name


class SecurityEvent(models.Model):
    """One security event token for one receiver. It is signed when sent; `jti` stays the same at every attempt."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Delivered"
        FAILED = "failed", "Given up"
        DROPPED = "dropped", "No longer needed"

    jti = models.UUIDField(unique=True, default=uuid4)
    stream = models.ForeignKey(EventStream, models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=20)
    identity = models.ForeignKey(Identity, models.CASCADE, null=True, related_name="+")
    token = models.ForeignKey(Token, models.CASCADE, null=True, related_name="+")
    subject = models.JSONField(help_text="The claim `sub_id` (RFC 9493).")
    payload = models.JSONField(default=dict, help_text="What the event says.")
    status = models.CharField(max_length=7, choices=Status, default=Status.WAITING)
    created_at = models.DateTimeField()
    next_try_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["stream", "event", "token"],
                condition=Q(token__isnull=False),
                name="security_event_is_told_once_per_token",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_try_at"], name="security_event_waiting", condition=Q(status="waiting")
            ),
            models.Index(fields=["stream", "-id"], name="security_event_of_stream"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.jti}"
