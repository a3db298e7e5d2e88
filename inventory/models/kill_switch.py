"""Uses of the kill switch: who stopped what, how far it reached, and how long it took."""

from datetime import timedelta

from django.db import models
from django.db.models import F, Q

from inventory.history import tracked
from inventory.models.identity import Identity


class KillSwitchUse(models.Model):
    """One identity was stopped with everything it gave to others; or a drill showed that it could be."""

    identity = models.ForeignKey(Identity, models.CASCADE, related_name="stops")
    drill = models.BooleanField(
        default=False, help_text="Nothing was stopped; the way there was exercised and timed."
    )
    author = models.CharField(max_length=200)
    reason = models.TextField()
    asked_at = models.DateTimeField(help_text="When the button was pressed.")
    stopped_at = models.DateTimeField(
        null=True, help_text="When nothing of it was effective any more, seen by asking."
    )
    lifted_at = models.DateTimeField(null=True, blank=True)
    grants = models.PositiveIntegerField(default=0)
    delegations = models.PositiveIntegerField(default=0)
    tasks = models.PositiveIntegerField(default=0)
    reached = models.PositiveIntegerField(
        default=0, help_text="Identities that could act through it, directly or through others."
    )
    left_over = models.PositiveIntegerField(
        default=0, help_text="Live credentials that the platforms still have to switch off."
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(stopped_at__isnull=True) | Q(stopped_at__gte=F("asked_at")),
                name="kill_switch_stops_after_it_was_pressed",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="kill_switch_has_a_reason"),
        ]
        indexes = [models.Index(fields=["identity", "-asked_at"], name="kill_switch_of_identity")]
        triggers = tracked(identity="identity_id")

    def __str__(self) -> str:
        return f"{'drill' if self.drill else 'stop'} of identity {self.identity_id}"

    @property
    def took(self) -> timedelta | None:
        """From the press of the button to the moment at which nothing was effective any more."""
        return self.stopped_at - self.asked_at if self.stopped_at else None
