"""Checks of what identities may do, and of whether they do it."""

from datetime import datetime

from django.db.models import (
    CharField,
    DateTimeField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Value,
)
from django.db.models.functions import Coalesce, Greatest, NullIf

from inventory.models import (
    ChainFacts,
    Credential,
    Delegation,
    Entitlement,
    Environment,
    Grant,
    Identity,
    Risk,
    Severity,
)
from inventory.models.chain import chains_computed_at
from reviews.check import NEVER, Check, Rows, silent
from reviews.checks.chains import not_computed
from reviews.parameters import Choices, Days

PRODUCTION = Environment.PRODUCTION
NOT_PRODUCTION = [str(value) for value in Environment.values if value != PRODUCTION]
REACHES = [("admin", "Administration"), ("wildcard", "Wildcards")]


def _allowed(at: datetime) -> QuerySet[Grant]:
    """What works now and can be changed here: effective grants that allow, without the platform's
    own."""
    return Grant.objects.effective(at).filter(
        entitlement__effect=Entitlement.Effect.ALLOW, identity__platform_managed=False
    )


class LeastPrivilege(Check):
    """Whoever takes over an identity can do all that it may do, also by acting as others; administration and
    wildcards make that everything.

    What it reaches through others counts where nothing on the way can stop it; where a condition may, nothing can be
    told. Up to four hops are followed. Denials and boundaries that narrow a grant elsewhere are not subtracted.
    """

    id = "least-privilege"
    problem = "More access than its purpose needs"
    title = (
        "Effective permissions stay within the declared need; no wildcard or admin role"
        " without an approved exception"
    )
    severity = Severity.HIGH
    version = 2
    fix = (
        "Grant only the actions and resources needed, cut the delegation it reaches them through, or accept the finding"
        " with an end."
    )
    evidence = (
        "kind", "holds_admin", "holds_wildcard", "chain__reaches_admin", "chain__reaches_wildcard",
    )  # fmt: skip
    fails_first = True

    counts = Choices(("admin", "wildcard"), "Counts as too much", REACHES)

    def population(self, at: datetime) -> Rows:
        mine = _allowed(at).filter(identity=OuterRef("pk"))
        takes = Delegation.objects.effective(at).filter(delegate=OuterRef("pk"))
        return (
            Identity.objects.active()
            .ownable()
            .annotate(takes=Exists(takes))
            .filter(Q(takes=True) | Exists(mine))
            .annotate(
                holds_admin=Exists(mine.filter(entitlement__admin=True)),
                holds_wildcard=Exists(mine.filter(entitlement__wildcard=True)),
                computed_at=chains_computed_at(),
            )
        )

    def fails(self, at: datetime) -> Q:
        return self._any("holds_{}", True) | (
            Q(takes=True, chain__isnull=False)
            & self._any("chain__reaches_{}", ChainFacts.Reach.SURELY)
        )

    def unknown(self, at: datetime) -> Q:
        """Through others: when that was not computed, or is only a "may"."""
        may = self._any("chain__reaches_{}", ChainFacts.Reach.MAY)
        return Q(takes=True) & (not_computed(at) | may)

    def _any(self, name: str, value: object) -> Q:
        found = NEVER
        for word in self.counts:
            found |= Q(**{name.format(word): value})
        return found


class UnusedGrant(Check):
    """Access that nobody uses helps only whoever steals it, and can go without anybody noticing."""

    id = "unused-grant-90d"
    problem = "Grant not used for months"
    title = "No grant has gone unused for 90 days"
    severity = Severity.MEDIUM
    fix = "Revoke the grant, or give it an end."
    evidence = ("entitlement__name", "via", "last_used_at", "standing_since")

    unused = Days(90, "Days without use")
    grace = Days(30, "Days a new grant may wait for its first use")

    def population(self, at: datetime) -> Rows:
        """A grant that was never used is judged once it has had time to be."""
        since = Coalesce("starts_at", "first_seen_at")
        return (
            _allowed(at)
            .annotate(standing_since=since)
            .filter(Q(last_used_at__isnull=False) | Q(standing_since__lte=at - self.grace))
        )

    def fails(self, at: datetime) -> Q:
        return Q(last_used_at__isnull=True) | Q(last_used_at__lt=at - self.unused)

    def unknown(self, at: datetime) -> Q:
        """Use that a silent source did not report is not disuse."""
        return self.fails(at) & (Q(use_known=False) | silent(at))


class DormantIdentity(Check):
    """An identity that has gone quiet keeps all its access, and nobody would notice if somebody
    else used it."""

    id = "dormant-identity"
    problem = "Enabled, but not active any more"
    title = "No enabled identity has been inactive longer than policy allows"
    severity = Severity.MEDIUM
    fix = "Suspend or retire the identity, or say how rarely it normally runs."
    evidence = ("last_active_at", "expected_every", "created_at", "source_state")

    quiet = Days(90, "Days without activity")

    def population(self, at: datetime) -> Rows:
        """A job that runs rarely may be quiet as long as its normal pause."""
        pause = Greatest("expected_every", Value(self.quiet))
        return (
            Identity.objects.active()
            .exclude(source_state=Identity.SourceState.DISABLED)
            .annotate(
                quiet_since=ExpressionWrapper(Value(at) - pause, output_field=DateTimeField()),
                here_since=Coalesce("created_at", "first_seen_at"),
            )
        )

    def fails(self, at: datetime) -> Q:
        return (Q(last_active_at__isnull=False) & Q(last_active_at__lt=F("quiet_since"))) | Q(
            last_active_at__isnull=True, here_since__lt=F("quiet_since")
        )

    def unknown(self, at: datetime) -> Q:
        quiet = Q(last_active_at__isnull=True) | Q(last_active_at__lt=F("quiet_since"))
        return quiet & (Q(activity_known=False) | silent(at))


class GrantExpires(Check):
    """Permanent access is mostly granted by accident; an end makes somebody decide again."""

    id = "grant-expires"
    problem = "Grant without an end"
    title = "Every grant has an end date or a bound condition"
    severity = Severity.LOW
    fix = "Give the grant an end, or grant it for a task."
    evidence = ("entitlement__name", "entitlement__risk", "via", "starts_at", "expires_at")

    exempt_kinds = Choices(
        (),
        "Kinds of identity that may hold grants for good",
        [(str(value), str(label)) for value, label in Identity.Kind.choices],
    )
    exempt_risks = Choices(
        (),
        "Risks that may be granted for good",
        [(str(value), str(label)) for value, label in Risk.choices],
    )

    def population(self, at: datetime) -> Rows:
        grants = _allowed(at).filter(task=None)
        if self.exempt_kinds:
            grants = grants.exclude(identity__kind__in=self.exempt_kinds)
        if self.exempt_risks:
            grants = grants.exclude(entitlement__risk__in=self.exempt_risks)
        return grants

    def fails(self, at: datetime) -> Q:
        return Q(expires_at__isnull=True, entitlement__conditions={})


class EnvSeparation(Check):
    """What works in development and in production carries a mistake, or an intruder, from one to
    the other."""

    id = "env-separation"
    problem = "Works in production and elsewhere"
    title = "No NHI or credential works in both production and non-production"
    severity = Severity.HIGH
    fix = "Use one identity with its own credentials and grants for each environment."
    evidence = ("environment", "reaches_production", "reaches_other", "shares_credential")
    fails_first = True

    def population(self, at: datetime) -> Rows:
        where = Coalesce(
            NullIf("entitlement__resource__environment", Value("")),
            NullIf("entitlement__system__environment", Value("")),
            Value(""),
            output_field=CharField(),
        )
        mine = _allowed(at).filter(identity=OuterRef("pk")).alias(where=where)
        return (
            Identity.objects.live()
            .ownable()
            .annotate(
                reaches_production=Exists(mine.filter(where=PRODUCTION)),
                reaches_other=Exists(mine.filter(where__in=NOT_PRODUCTION)),
                reaches_unnamed=Exists(mine.filter(where="")),
                shares_credential=Exists(_in_both(at)),
            )
        )

    def fails(self, at: datetime) -> Q:
        unsaid_and_both = Q(environment="", reaches_other=True)
        return (
            Q(shares_credential=True)
            | Q(environment=PRODUCTION, reaches_other=True)
            | (Q(reaches_production=True) & (Q(environment__in=NOT_PRODUCTION) | unsaid_and_both))
        )

    def unknown(self, at: datetime) -> Q:
        return Q(environment="") | Q(reaches_unnamed=True)


def _in_both(at: datetime) -> QuerySet[Credential]:
    """Credentials of the identity whose fingerprint works in production and elsewhere as well."""
    place = Coalesce(
        NullIf("environment", Value("")),
        NullIf("identity__environment", Value("")),
        Value(""),
        output_field=CharField(),
    )
    known = Credential.objects.live(at).exclude(fingerprint="").annotate(place=place)
    crosses = Exists(
        known.alias(mine=ExpressionWrapper(OuterRef("place"), output_field=CharField())).filter(
            Q(mine=PRODUCTION, place__in=NOT_PRODUCTION)
            | Q(mine__in=NOT_PRODUCTION, place=PRODUCTION),
            fingerprint=OuterRef("fingerprint"),
        )
    )
    elsewhere = Q(environment=PRODUCTION, identity__environment__in=NOT_PRODUCTION) | Q(
        environment__in=NOT_PRODUCTION, identity__environment=PRODUCTION
    )
    mine = Credential.objects.live(at).annotate(place=place).filter(identity=OuterRef("pk"))
    return mine.filter((~Q(fingerprint="") & crosses) | elsewhere)
