"""Checks of what identities prove themselves with."""

from datetime import datetime

from django.db.models import (
    Case,
    Exists,
    ExpressionWrapper,
    F,
    IntegerField,
    OuterRef,
    Q,
    Value,
    When,
)
from django.db.models.fields import DateTimeField
from django.db.models.functions import Coalesce, Greatest

from inventory.models import Credential, Identity, Severity, Tier
from reviews.check import Check, Rows
from reviews.parameters import Choices, Days

KINDS = [(str(value), str(label)) for value, label in Credential.Kind.choices]
HAS_LIFETIME = Q(lifetime_seconds__isnull=False)


def _born() -> Coalesce:
    return Coalesce("rotated_at", "issued_at")


class CredentialAge(Check):
    """The older a credential, the more copies of it exist and the longer a leak stays useful."""

    id = "credential-age"
    problem = "Credential is too old"
    title = "No credential is older than policy allows for its class"
    severity = Severity.HIGH
    fix = "Rotate the credential, or replace it with a workload identity that needs none."
    evidence = ("kind", "key_id", "issued_at", "rotated_at", "lifetime_seconds")

    max_age = Days(90, "Oldest age in days")
    exempt_kinds = Choices((), "Kinds without a limit", KINDS)

    def population(self, at: datetime) -> Rows:
        live = Credential.objects.live(at).annotate(born_at=_born())
        return live.exclude(kind__in=self.exempt_kinds) if self.exempt_kinds else live

    def fails(self, at: datetime) -> Q:
        """One that is issued again and again is as old as its lifetime at most."""
        longest = int(self.max_age.total_seconds())
        return (HAS_LIFETIME & Q(lifetime_seconds__gt=longest)) | (
            ~HAS_LIFETIME & Q(born_at__lt=at - self.max_age)
        )


class CredentialExpirySet(Check):
    """A credential without an end works until somebody remembers it; a leaked one works for
    whoever found it."""

    id = "credential-expiry-set"
    problem = "Credential never expires, or too late"
    title = "Every credential has an expiry and none exceeds the maximum lifetime"
    severity = Severity.MEDIUM
    fix = "Issue the credential with an end, or replace it with a short-lived one."
    evidence = ("kind", "key_id", "issued_at", "expires_at", "lifetime_seconds")

    max_lifetime = Days(365, "Longest lifetime in days")

    def population(self, at: datetime) -> Rows:
        ends_at_most = ExpressionWrapper(
            _born() + Value(self.max_lifetime), output_field=DateTimeField()
        )
        return Credential.objects.live(at).annotate(ends_at_most=ends_at_most)

    def fails(self, at: datetime) -> Q:
        """Without an issue date, an end farther away than the whole lifetime is too far all the
        same."""
        longest = int(self.max_lifetime.total_seconds())
        too_long = Q(expires_at__gt=F("ends_at_most")) | Q(expires_at__gt=at + self.max_lifetime)
        return (HAS_LIFETIME & Q(lifetime_seconds__gt=longest)) | (
            ~HAS_LIFETIME & (Q(expires_at__isnull=True) | (Q(expires_at__isnull=False) & too_long))
        )

    def unknown(self, at: datetime) -> Q:
        return ~HAS_LIFETIME & Q(expires_at__isnull=True, expiry_known=False)


class CredentialSingleWorkload(Check):
    """What two workloads share cannot be revoked for one of them, and no log says which of them
    used it."""

    id = "credential-single-workload"
    problem = "Credential shared by several workloads"
    title = "Each credential is bound to one workload and used from that workload only"
    severity = Severity.HIGH
    fix = "Give each workload a credential of its own, bound to it."
    evidence = ("kind", "key_id", "fingerprint", "bound_to", "shared")

    def population(self, at: datetime) -> Rows:
        twins = Credential.objects.live(at).filter(fingerprint=OuterRef("fingerprint"))
        others = twins.exclude(fingerprint="").exclude(identity=OuterRef("identity"))
        return Credential.objects.live(at).annotate(shared=Exists(others))

    def fails(self, at: datetime) -> Q:
        return Q(shared=True) | Q(binding_known=True, bound_to="")

    def unknown(self, at: datetime) -> Q:
        return Q(shared=False, binding_known=False, fingerprint="")


class StrongMachineAuth(Check):
    """A secret that can be copied proves who has it, not what runs; the more an agent may do, the
    less that is enough."""

    id = "strong-machine-auth"
    problem = "Weak way to sign in"
    title = "No NHI authenticates by a method that policy has deprecated for its class"
    severity = Severity.HIGH
    fix = "Move the identity to a workload identity or a short-lived, bound credential."
    evidence = ("kind", "key_id", "identity__kind", "tier")

    for_any = Choices(("password",), "Deprecated for every identity", KINDS)
    for_actors = Choices(
        ("access_key", "api_key", "client_secret"),
        "Deprecated for agents of tier 3 and above",
        KINDS,
    )

    def population(self, at: datetime) -> Rows:
        """Tier: the higher of declared and observed, else the usual one of the kind."""
        usual = Case(
            When(identity__kind=Identity.Kind.ORCHESTRATOR, then=Value(int(Tier.BROKER))),
            When(identity__kind=Identity.Kind.AUTONOMOUS_AGENT, then=Value(int(Tier.ACTOR))),
            default=Value(int(Tier.WORKLOAD)),
        )
        told = Greatest("identity__declared_tier", "identity__observed_tier")
        return (
            Credential.objects.live(at)
            .filter(identity__gone_at=None)
            .annotate(tier=Coalesce(told, usual, output_field=IntegerField()))
        )

    def fails(self, at: datetime) -> Q:
        agent = Q(identity__kind__in=Identity.AI_KINDS, tier__gte=Tier.ACTOR)
        return Q(kind__in=self.for_any) | (Q(kind__in=self.for_actors) & agent)
