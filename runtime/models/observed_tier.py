"""The tier that an identity acts in, as its evidence says, over time."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from inventory.models import Identity, Tier
from inventory.noted import OF_ITS_IDENTITY, noted


class ObservedTierQuerySet(models.QuerySet["ObservedTier"]):
    def current(self) -> "ObservedTierQuerySet":
        return self.filter(ended_at=None)

    def crossings(self, since: datetime) -> "ObservedTierQuerySet":
        """Where an identity came to act above what is declared for it, and still does."""
        return self.current().filter(
            started_at__gte=since, tier__gt=F("identity__declared_tier"), rose=True
        )


class ObservedTier(models.Model):
    """One stretch of time in which the evidence put an identity into one tier; the current one has no end.

    Derived (runtime/observed_tiers.py), so it has no history of its own: it is one.
    """

    identity = models.ForeignKey(Identity, models.CASCADE, related_name="+", db_index=False)
    tier = models.PositiveSmallIntegerField(choices=Tier)
    rose = models.BooleanField(default=True, help_text="The first one, or above the one before.")
    evidence = models.JSONField(help_text="The numbers that made it, as last computed.")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    objects = ObservedTierQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["identity"], condition=Q(ended_at=None), name="observed_tier_is_one_now"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")),
                name="observed_tier_ends_after_start",
            ),
        ]
        indexes = [
            models.Index(fields=["identity", "-started_at"], name="observed_tier_of_identity"),
            models.Index(fields=["-started_at", "-id"], name="observed_tier_by_start"),
        ]
        triggers = noted(OF_ITS_IDENTITY)

    def __str__(self) -> str:
        return f"identity {self.identity_id} acts as {self.get_tier_display()}"
