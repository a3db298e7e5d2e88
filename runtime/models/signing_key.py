"""The keys that Mandate signs with: the public part for everybody, the private part sealed."""

from django.db import models
from django.db.models import Q

from inventory.history import tracked


class SigningKey(models.Model):
    """One key pair for one purpose. The private part is encrypted at rest, and is gone once the key is retired."""

    class Purpose(models.TextChoices):
        TOKENS = "tokens", "Access tokens"
        EVENTS = "events", "Security events"
        EVIDENCE = "evidence", "Evidence"

    class State(models.TextChoices):
        NEXT = "next", "Next"
        ACTIVE = "active", "Active"
        RETIRED = "retired", "Retired"

    kid = models.CharField(max_length=64, unique=True, help_text="Its thumbprint (RFC 7638).")
    purpose = models.CharField(max_length=8, choices=Purpose)
    algorithm = models.CharField(max_length=10)
    public_jwk = models.JSONField()
    sealed = models.BinaryField(blank=True, default=b"")
    state = models.CharField(max_length=7, choices=State)
    created_at = models.DateTimeField()
    activated_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["purpose", "state"],
                condition=~Q(state="retired"),
                name="signing_key_is_next_or_active_once_per_purpose",
            ),
            models.CheckConstraint(
                condition=Q(state="next", activated_at__isnull=True, retired_at__isnull=True)
                | Q(state="active", activated_at__isnull=False, retired_at__isnull=True)
                | Q(state="retired", retired_at__isnull=False),
                name="signing_key_has_the_times_of_its_state",
            ),
            models.CheckConstraint(
                condition=~Q(state="retired") | Q(sealed=b""),
                name="signing_key_that_is_retired_has_no_private_part",
            ),
        ]
        triggers = tracked(identity="NULL::bigint", hidden=("sealed",))

    def __str__(self) -> str:
        return self.kid
