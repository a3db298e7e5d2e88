"""What the delegations of the whole estate mean for each identity: derived facts, computed anew again and again."""

from django.db import models
from django.db.models import F, Q, Subquery

from inventory.models.identity import Identity


class ChainFacts(models.Model):
    """What follows from all effective delegations together for an identity that takes or gives one.

    Derived (inventory/estate_graph.py), so it has no history, and is only as new as `chains_computed_at` says.
    """

    class Reach(models.IntegerChoices):
        NO = 0, "No"
        MAY = 1, "May"
        SURELY = 2, "Yes"

    identity = models.OneToOneField(
        Identity, models.CASCADE, primary_key=True, related_name="chain"
    )
    hops = models.PositiveSmallIntegerField(
        help_text="How many hops away is the farthest identity or person that it can act as."
    )
    takers = models.PositiveIntegerField(help_text="How many identities may act as it directly.")
    cycle = models.BigIntegerField(
        null=True,
        help_text="The smallest identity id of the cycle that it stands in; empty outside of any.",
    )
    rooted = models.BooleanField(
        null=True,
        help_text="Whether what it holds leads up to somebody who can answer; empty where it holds none.",
    )
    relayed = models.PositiveIntegerField(
        help_text="High or critical entitlements that it reaches through others and does not hold itself."
    )
    relayed_critical = models.PositiveIntegerField(help_text="Of these the critical ones.")
    relayed_certain = models.PositiveIntegerField(
        help_text="Of these the ones without a condition or caveat on the way."
    )
    reaches_admin = models.PositiveSmallIntegerField(
        choices=Reach,
        default=Reach.NO,
        help_text="Whether it reaches administration through others that it does not hold itself.",
    )
    reaches_wildcard = models.PositiveSmallIntegerField(
        choices=Reach, default=Reach.NO, help_text="The same for wildcards."
    )

    class Meta:
        verbose_name_plural = "chain facts"
        constraints = [
            models.CheckConstraint(
                condition=Q(relayed_critical__lte=F("relayed"))
                & Q(relayed_certain__lte=F("relayed")),
                name="chain_facts_parts_are_within_the_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["identity"], name="chain_relays", condition=Q(relayed__gt=0)),
            models.Index(
                fields=["cycle", "identity"],
                name="chain_in_cycle",
                condition=Q(cycle__isnull=False),
            ),
            models.Index(fields=["hops", "identity"], name="chain_by_hops"),
            models.Index(fields=["takers", "identity"], name="chain_by_takers"),
            models.Index(fields=["identity"], name="chain_without_root", condition=Q(rooted=False)),
        ]

    def __str__(self) -> str:
        return f"chain of {self.identity_id}"


class ChainComputation(models.Model):
    """When the facts were last computed: one row, so that a computation that changes nothing writes one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    computed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="chain_computation_is_one_row"),
        ]

    def __str__(self) -> str:
        return f"chains as of {self.computed_at:%Y-%m-%d %H:%M}"


def chains_computed_at() -> Subquery:
    """For querysets: when the facts were last computed. NULL means never, and then a missing row says nothing."""
    return Subquery(ChainComputation.objects.values("computed_at"))
