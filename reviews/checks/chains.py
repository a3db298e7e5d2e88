"""Checks of what delegations add up to over several hops, from facts that are computed for the whole estate."""

from datetime import datetime, timedelta

from django.db.models import Case, Exists, IntegerField, OuterRef, Q, Value, When
from django.db.models.functions import Coalesce

from inventory.models import Delegation, Identity, Severity, Tier
from inventory.models.chain import chains_computed_at
from inventory.models.identity import IdentityQuerySet
from reviews.check import Check, Rows
from reviews.parameters import Count, LowestTier

Kind = Identity.Kind
FRESH = timedelta(days=1)  # facts older than that prove no pass any more


class DelegationDepth(Check):
    """With each hop fewer people can say who asked for what, and one stolen identity reaches one hop further.

    Depth: how many hops away the farthest one is that it can act as. Fan-out: how many may act as it directly. Until
    the chains were computed, and after a day without it, nothing can be told but what was too deep already.
    """

    id = "delegation-depth"
    problem = "Delegation chain too deep or too wide"
    title = "Delegation chains stay within the maximum depth and fan-out"
    severity = Severity.MEDIUM
    fix = "Delegate from the source directly, or split the identity that so many may act as."
    evidence = ("kind", "chain__hops", "chain__takers")
    fails_first = True

    hops = Count(3, "Most hops to the farthest identity")
    fan_out = Count(25, "Most identities that may act as one directly")

    def population(self, at: datetime) -> Rows:
        return _in_chains(at)

    def fails(self, at: datetime) -> Q:
        return Q(chain__hops__gt=self.hops) | Q(chain__takers__gt=self.fan_out)

    def unknown(self, at: datetime) -> Q:
        return not_computed(at)


class DelegationCycle(Check):
    """In a circle everybody acts for everybody, so each of them is as strong as the strongest, and nobody began it."""

    id = "delegation-cycle"
    problem = "Delegation leads back to itself"
    title = "No chain of delegations leads back to where it began"
    severity = Severity.MEDIUM
    fix = "Open the circle: revoke the delegation in it that nobody needs."
    evidence = ("kind", "chain__cycle", "chain__hops")
    fails_first = True

    def population(self, at: datetime) -> Rows:
        return _in_chains(at)

    def fails(self, at: datetime) -> Q:
        return Q(chain__cycle__isnull=False)

    def unknown(self, at: datetime) -> Q:
        return not_computed(at)


class PrivilegeRelay(Check):
    """The weakest identity that can act as a strong one is where an intruder begins: its owner thinks it can do little.

    Asked of identities below the set tier, and of those that somebody outside runs: do they reach high-risk or critical
    access through others that they do not hold themselves? Tier: the declared one, else the usual one of the kind.
    “Certain” ones have no condition or caveat on the way; the others may be stopped by one.
    """

    id = "privilege-relay"
    problem = "Reaches high-risk access through others"
    title = "No low-tier or outside identity reaches high-risk access through others"
    severity = Severity.HIGH
    fix = "Narrow the delegations on the way, or declare and govern it as what it can become."
    evidence = (
        "kind", "tier", "third_party",
        "chain__relayed", "chain__relayed_critical", "chain__relayed_certain",
    )  # fmt: skip
    fails_first = True

    tier_below = LowestTier(int(Tier.ACTOR), "Asked below tier")

    def population(self, at: datetime) -> Rows:
        """Services of the platform act as many by design, and nobody here can change it."""
        outside = Q(third_party=True) | ~Q(supplier="")
        return (
            _in_chains(at)
            .ownable()
            .annotate(tier=Coalesce("declared_tier", _usual_tier(), output_field=IntegerField()))
            .filter(Q(tier__lt=self.tier_below) | outside)
        )

    def fails(self, at: datetime) -> Q:
        return Q(chain__relayed__gt=0)

    def unknown(self, at: datetime) -> Q:
        return not_computed(at)


def _in_chains(at: datetime) -> IdentityQuerySet:
    """Active ones that take or give a delegation, whether or not that was computed yet."""
    works = Delegation.objects.effective(at)
    takes, gives = (
        works.filter(delegate=OuterRef("pk")),
        works.filter(delegator_identity=OuterRef("pk")),
    )
    return (
        Identity.objects.active()
        .filter(Q(chain__isnull=False) | Exists(takes) | Exists(gives))
        .annotate(computed_at=chains_computed_at())
    )


def not_computed(at: datetime) -> Q:
    """Nothing is known of its chains: never computed, or too long ago. Asked of rows with `computed_at`."""
    missing = Q(computed_at__isnull=True) | Q(chain__isnull=True)
    return missing | Q(computed_at__lt=at - FRESH)


def _usual_tier() -> Case:
    """By kind, as docs/concepts.md lists them."""
    usual = {
        Kind.RETRIEVAL_PIPELINE: Tier.READER,
        Kind.ASSISTANT: Tier.ASSISTANT,
        Kind.AUTONOMOUS_AGENT: Tier.ACTOR,
        Kind.ORCHESTRATOR: Tier.BROKER,
    }
    return Case(
        *(When(kind=kind, then=Value(int(tier))) for kind, tier in usual.items()),
        default=Value(int(Tier.WORKLOAD)),
    )
