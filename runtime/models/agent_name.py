"""Names that reporters call agents by, and which identity each belongs to, if anybody knows."""

from django.db import models
from django.db.models import Q

from inventory.history import tracked
from inventory.models import Identity, User


class AgentNameQuerySet(models.QuerySet["AgentName"]):
    def unknown(self) -> "AgentNameQuerySet":
        """Seen at work, and nobody knows which identity it is."""
        return self.filter(identity=None, ignored_at=None)


class AgentName(models.Model):
    """One reporter's service and agent name, as seen in its calls. Without an identity it is an unknown agent."""

    class How(models.TextChoices):
        NOT = "", "Not known"
        SPIFFE = "spiffe", "By its SPIFFE ID"
        AGENT = "agent", "By the agent's name or id"
        SERVICE = "service", "By the service's name"
        CREDENTIAL = "credential", "By the credential it used"
        SET = "set", "Set by hand"

    reporter = models.ForeignKey(User, models.CASCADE, related_name="+")
    service_name = models.CharField(max_length=255, blank=True, default="")
    agent_name = models.CharField(max_length=255, blank=True, default="")
    spiffe_id = models.CharField(max_length=2048, blank=True, default="")
    credential = models.CharField(
        max_length=255, blank=True, default="", help_text="Its public key id, as told."
    )
    identity = models.ForeignKey(Identity, models.SET_NULL, null=True, related_name="+")
    how = models.CharField(max_length=10, choices=How, blank=True, default="")
    first_seen_at = models.DateTimeField()
    last_used_at = models.DateTimeField(help_text="To within a minute.")
    ignored_at = models.DateTimeField(
        null=True, blank=True, help_text="Somebody said that this is no agent of ours."
    )

    objects = AgentNameQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["reporter", "service_name", "agent_name", "spiffe_id", "credential"],
                name="agent_name_is_once_per_reporter",
            ),
        ]
        indexes = [
            models.Index(
                fields=["-last_used_at"], name="agent_name_unknown", condition=Q(identity=None)
            ),
            models.Index(fields=["identity"], name="agent_name_of_identity"),
        ]
        triggers = tracked(identity="identity_id")

    def __str__(self) -> str:
        return self.agent_name or self.spiffe_id or self.service_name or self.reporter.username
