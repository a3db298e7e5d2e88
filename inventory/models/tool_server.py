"""Where tools come from: servers as a source knows them, and secrets that stand open in configurations."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from inventory.history import tracked
from inventory.models.identity import Identity
from inventory.models.source import Sourced
from inventory.models.tool import SHA256


class ToolServer(Sourced):
    """A provider of tools as one source knows it: listed in a registry, configured in a client, or seen to answer."""

    class Origin(models.TextChoices):
        REGISTRY = "registry", "Listed in a registry"
        CONFIGURED = "configured", "Configured in a client"
        ANSWERED = "answered", "Listed its tools"
        CARD = "card", "Agent card"

    class Transport(models.TextChoices):
        STDIO = "stdio", "Local process"
        HTTP = "http", "HTTP"
        SSE = "sse", "HTTP with server-sent events"
        WEBSOCKET = "websocket", "WebSocket"
        GRPC = "grpc", "gRPC"

    class Auth(models.TextChoices):
        NONE = "none", "None"
        STATIC = "static", "A fixed secret"
        OAUTH = "oauth", "OAuth or OpenID Connect"
        MUTUAL_TLS = "mutual_tls", "Mutual TLS"

    provider = models.CharField(max_length=300)
    origin = models.CharField(max_length=10, choices=Origin)
    identity = models.ForeignKey(
        Identity, models.CASCADE, null=True, blank=True, related_name="tool_servers",
        help_text="Whose configuration it stands in, or which agent it is.",
    )  # fmt: skip
    title = models.CharField(max_length=300, blank=True, default="")
    description = models.TextField(blank=True, default="")
    release = models.CharField("version", max_length=100, blank=True, default="")
    transport = models.CharField(max_length=10, choices=Transport, blank=True, default="")
    endpoint = models.CharField(max_length=2048, blank=True, default="")
    encrypted = models.BooleanField(
        null=True, blank=True, help_text="Empty: it is not reached over a network, or not said."
    )
    auth = models.CharField(max_length=10, choices=Auth, blank=True, default="")
    package = models.CharField(max_length=500, blank=True, default="")
    wants_secrets = ArrayField(
        models.TextField(), default=list, blank=True,
        help_text="Names of the settings in which it is given secrets.",
    )  # fmt: skip
    attributes = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "namespace", "external_id", name="tool_server_is_once_in_a_namespace"
            ),
        ]
        indexes = [models.Index(fields=["provider", "id"], name="tool_server_by_provider")]
        triggers = tracked(identity="identity_id")

    def __str__(self) -> str:
        return self.provider


class Exposure(Sourced):
    """A secret that stood in plain text in an identity's configuration: where, and its fingerprint, never its value."""

    identity = models.ForeignKey(Identity, models.CASCADE, related_name="exposures")
    setting = models.CharField(max_length=300, help_text="Which setting held it.")
    found_in = models.CharField(max_length=300, help_text="Which file, and for which server.")
    kind = models.CharField(max_length=100, help_text="What it looks like, in words.")
    fingerprint = models.CharField(max_length=64, help_text="SHA-256, hexadecimal.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "namespace", "external_id", name="exposure_is_once_in_a_namespace"
            ),
            models.CheckConstraint(
                condition=Q(fingerprint__regex=SHA256), name="exposure_holds_a_fingerprint"
            ),
        ]
        indexes = [models.Index(fields=["fingerprint"], name="exposure_by_fingerprint")]
        triggers = tracked(identity="identity_id")

    def __str__(self) -> str:
        return f"{self.setting} in {self.found_in}"
