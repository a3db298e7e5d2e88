"""Checks of whether access really ends: just in time, by the kill switch, and after a compromise."""

from datetime import datetime
from typing import Any

from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    FloatField,
    IntegerField,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Extract, Greatest, Least

from inventory.endings import OWN_SOURCE
from inventory.models import (
    Credential,
    Delegation,
    Grant,
    Identity,
    KillSwitchUse,
    Severity,
    Tier,
)
from inventory.search import any_of
from reviews.check import Check, Rows
from reviews.parameters import Days, Hours, LowestTier, Minutes

FLAGGED = Q(compromised_at__isnull=False)


class JitRevoked(Check):
    """Access that was meant for a task and outlives it is standing access that nobody asked for.

    Here it is dead at once; what is asked is whether its platform followed: nobody has seen it denied, nor read it back
    as gone, although the time for that is over. Revocations of standing grants are asked the same, because a revocation
    that nobody has confirmed is none. What Mandate issued itself is confirmed by its own decision.
    """

    id = "jit-revoked"
    problem = "Revocation not confirmed"
    title = (
        "Just-in-time grants are revoked when the task completes or at their limit,"
        " whichever comes first"
    )
    severity = Severity.HIGH
    fix = "Revoke it at the platform, then import its source completely or confirm a denied probe."
    evidence = (
        "entitlement__name", "just_in_time", "end_cause", "unconfirmed_since", "revoked_at",
        "source__label", "source__last_complete_at",
    )  # fmt: skip
    rests_on_source = (
        False  # a revocation that was seen stays seen, also when its source falls silent
    )

    grace = Minutes(15, "Minutes until a revocation has to be confirmed")

    def population(self, at: datetime) -> Rows:
        """Grants that were revoked, and just-in-time ones that are over by their own end or their task's."""
        since = Least(
            "revoked_at", "expires_at", "task__ended_at", "task__deadline", "task__silent_at"
        )
        by_time = Q(expires_at__lte=at) | Q(task__deadline__lte=at) | Q(task__silent_at__lte=at)
        over = by_time | Q(task__ended_at__lte=at)
        return Grant.objects.filter(
            Q(revoked_at__lte=at) | (Q(just_in_time=True, revoked_at=None) & over)
        ).annotate(unconfirmed_since=since)

    def fails(self, at: datetime) -> Q:
        return self._open() & Q(unconfirmed_since__lte=at - self.grace)

    def unknown(self, at: datetime) -> Q:
        """Its platform still has time to follow."""
        return self._open() & Q(unconfirmed_since__gt=at - self.grace)

    @staticmethod
    def _open() -> Q:
        return Q(revocation_confirmed_at=None, gone_at=None) & ~Q(source__key=OWN_SOURCE)


class KillSwitchTested(Check):
    """A stop that was never tried works only as long as nobody needs it.

    A real stop is stronger evidence than a drill; the evidence says which it was, and how long it took.
    """

    id = "kill-switch-tested"
    problem = "Kill switch not tested"
    title = (
        "Each agent above the set tier has a stop path that was exercised within its period,"
        " with measured time to stop"
    )
    severity = Severity.MEDIUM
    fix = "Open the agent and run a drill: it goes the whole way and stops nothing."
    evidence = ("kind", "tier", "tested_at", "was_drill", "stop_seconds", "credentials_left")
    rests_on_source = False

    tier_from = LowestTier(int(Tier.ACTOR), "Tested from tier")
    period = Days(180, "Days a test stays valid")

    def population(self, at: datetime) -> Rows:
        """Tier: the higher of declared and observed, else the usual one of the kind."""
        usual = Case(
            When(kind=Identity.Kind.ORCHESTRATOR, then=Value(int(Tier.BROKER))),
            When(kind=Identity.Kind.AUTONOMOUS_AGENT, then=Value(int(Tier.ACTOR))),
            default=Value(int(Tier.WORKLOAD)),
        )
        told = Greatest("declared_tier", "observed_tier")
        return (
            Identity.objects.live()
            .agents()
            .exclude(lifecycle=Identity.Lifecycle.PROPOSED)
            .annotate(tier=Coalesce(told, usual, output_field=IntegerField()))
            .filter(tier__gte=self.tier_from)
            .annotate(**_last_test(at))
        )

    def fails(self, at: datetime) -> Q:
        return Q(tested_at__isnull=True) | Q(tested_at__lt=at - self.period)


class CompromiseRevocationSla(Check):
    """Every hour that stolen access works is an hour in which somebody else works with it."""

    id = "compromise-revocation-sla"
    problem = "Compromised, but still works"
    title = (
        "After compromise is flagged, all credentials, sessions and delegations of the identity"
        " are revoked within the SLA"
    )
    severity = Severity.CRITICAL
    fix = "Stop the identity, revoke its credentials at their platforms, and confirm that they are denied."
    evidence = (
        "flagged_at", "identity_flagged", "lifecycle", "credentials_left", "delegations_left", "grants_left",
    )  # fmt: skip

    sla = Hours(4, "Hours to revoke everything")

    def population(self, at: datetime) -> Rows:
        """Flagged identities, with all that is theirs; identities of flagged credentials, with these."""
        keys = Credential.objects.filter(compromised_at__isnull=False)
        mine = keys.filter(identity=OuterRef("pk"))
        either = any_of(Identity, FLAGGED, Q(pk__in=keys.values("identity")))
        return (
            Identity.objects.filter(either)
            .annotate(
                flagged_at=Least("compromised_at", Subquery(_first(mine))),
                identity_flagged=Case(When(FLAGGED, then=Value(True)), default=Value(False)),
            )
            .annotate(**_left(at))
        )

    def fails(self, at: datetime) -> Q:
        left = Q(credentials_left__gt=0) | Q(grants_left__gt=0) | Q(delegations_left__gt=0)
        return Q(flagged_at__lte=at - self.sla) & left


def _last_test(at: datetime) -> dict[str, Subquery]:
    """The latest stop or drill whose end was seen."""
    last = KillSwitchUse.objects.filter(
        identity=OuterRef("pk"), stopped_at__isnull=False, asked_at__lte=at
    ).order_by("-asked_at")
    seconds = Extract(F("stopped_at") - F("asked_at"), "epoch", output_field=FloatField())
    return {
        "tested_at": Subquery(last.values("asked_at")[:1]),
        "was_drill": Subquery(last.values("drill")[:1]),
        "stop_seconds": Subquery(last.annotate(seconds=seconds).values("seconds")[:1]),
        "credentials_left": Subquery(last.values("left_over")[:1]),
    }


def _left(at: datetime) -> dict[str, Case]:
    """What may still work: all of a flagged identity, or only its flagged credentials."""
    keys = Credential.objects.filter(_may_still_work(at), identity=OuterRef("pk"))
    grants = Grant.objects.effective(at).filter(identity=OuterRef("pk"))
    open_ones = Delegation.objects.filter(_is_open(at))
    held = _count(open_ones.filter(delegate=OuterRef("pk")), "delegate")
    given = open_ones.filter(delegator_identity=OuterRef("pk"))
    delegations = held + _count(given, "delegator_identity")
    flagged_keys = _count(keys.filter(compromised_at__isnull=False), "identity")
    return {
        "credentials_left": Case(
            When(FLAGGED, then=_count(keys, "identity")), default=flagged_keys
        ),
        "grants_left": Case(When(FLAGGED, then=_count(grants, "identity")), default=0),
        "delegations_left": Case(When(FLAGGED, then=delegations), default=0),
    }


def _may_still_work(at: datetime) -> Q:
    """Where it is used, whatever was decided here: nobody has seen that it does not."""
    there = Q(enabled=True, gone_at=None) & (Q(expires_at=None) | Q(expires_at__gt=at))
    return there & (Q(revoked_at=None) | Q(revoked_at__gt=at) | Q(revocation_confirmed_at=None))


def _is_open(at: datetime) -> Q:
    """Effective, or revoked and nobody has seen yet that its platform followed."""
    works = Delegation.objects.effective(at).filter(pk=OuterRef("pk"))
    ahead = Q(expires_at=None) | Q(expires_at__gt=at)
    asked = Q(revoked_at__lte=at, revocation_confirmed_at=None, gone_at=None)
    return Q(Exists(works)) | (asked & ahead & ~Q(source__key=OWN_SOURCE))


def _first(flagged: QuerySet[Credential]) -> QuerySet[Any]:
    """When the first of them was flagged."""
    return flagged.order_by().values("identity").annotate(at=Min("compromised_at")).values("at")


def _count(rows: QuerySet[Any], by: str) -> Coalesce:
    counted = rows.order_by().values(by).annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted), 0, output_field=IntegerField())
