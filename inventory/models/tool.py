"""Tools that agents call, and which identity holds which."""

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from inventory.history import tracked
from inventory.models.identity import Identity, Risk
from inventory.models.source import Sourced


class Tool(Sourced):
    """A tool of a provider (an MCP server, a plugin, an action group), pinned by its descriptor's digest."""

    provider = models.CharField(max_length=300)
    name = models.CharField(max_length=300)
    description = models.TextField(blank=True, default="")
    descriptor_digest = models.CharField(max_length=64, blank=True, default="")
    approved_digest = models.CharField(max_length=64, blank=True, default="")
    writes = models.BooleanField(null=True, blank=True)
    risk = models.CharField(max_length=8, choices=Risk, blank=True, default="")
    attributes = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("namespace", "external_id", name="tool_is_once_in_a_namespace"),
            models.CheckConstraint(
                condition=Q(descriptor_digest="") | Q(descriptor_digest__regex=r"^[0-9a-f]{64}$"),
                name="tool_descriptor_digest_is_sha256",
            ),
        ]
        indexes = [
            models.Index(fields=["provider", "name", "id"], name="tool_by_provider"),
            models.Index(fields=["name", "id"], name="tool_by_name"),
            GinIndex(fields=["name"], opclasses=["gin_trgm_ops"], name="tool_name_search"),
        ]
        triggers = tracked(identity="NULL::bigint")

    def __str__(self) -> str:
        return f"{self.provider}/{self.name}"


class ToolBinding(Sourced):
    """An identity holds a tool: declared in its configuration, or observed in use."""

    class Origin(models.TextChoices):
        DECLARED = "declared", "Declared"
        OBSERVED = "observed", "Observed"

    identity = models.ForeignKey(Identity, models.CASCADE, related_name="tool_bindings")
    tool = models.ForeignKey(Tool, models.CASCADE, related_name="bindings")
    origin = models.CharField(max_length=8, choices=Origin)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "namespace", "external_id", name="tool_binding_is_once_in_a_namespace"
            ),
        ]
        triggers = tracked(identity="identity_id")

    def __str__(self) -> str:
        return f"{self.identity_id} holds {self.tool_id}"
