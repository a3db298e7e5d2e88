"""Checks of who answers for an identity, and of what stays behind when it ends."""

from datetime import datetime
from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    Count,
    Exists,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Least

from inventory.models import Credential, Delegation, Grant, Identity, Person, Severity, Source
from inventory.models.person import can_answer
from reviews.check import Check, Rows
from reviews.parameters import Days

State, Lifecycle = Identity.SourceState, Identity.Lifecycle


class OwnerActive(Check):
    """Nobody notices, rotates or retires what nobody answers for; identities without an owner
    outlive their purpose."""

    id = "owner-active"
    problem = "No accountable owner"
    title = "Every agent and NHI has at least one active, named human owner"
    severity = Severity.HIGH
    fix = "Assign an owner who is here, or retire the identity."
    evidence = ("kind", "owner__email", "owner__status", "owner_lost_at")
    rests_on_source = False

    def population(self, at: datetime) -> Rows:
        return Identity.objects.live().ownable()

    def fails(self, at: datetime) -> Q:
        here = Person.objects.filter(can_answer(at), pk=OuterRef("owner"))
        return Q(~Exists(here))


class OwnerOffboardedSla(Check):
    """Between an owner's last day and a new owner nobody answers for what the identity does."""

    id = "owner-offboarded-sla"
    problem = "Owner left and nobody took over"
    title = "When an owner leaves or moves, the agent is disabled or reassigned within the SLA"
    severity = Severity.HIGH
    fix = "Assign a new owner, or suspend the identity until there is one."
    evidence = ("owner__email", "owner_left_at", "lifecycle")
    rests_on_source = False

    sla = Days(0, "Days to reassign or disable")

    def population(self, at: datetime) -> Rows:
        here = Person.objects.filter(can_answer(at), pk=OuterRef("owner"))
        return (
            Identity.objects.live()
            .ownable()
            .filter(~Exists(here), owner__isnull=False)
            .annotate(owner_left_at=Least("owner__left_at", "owner__leaves_at", "owner__gone_at"))
        )

    def fails(self, at: datetime) -> Q:
        stopped = Q(lifecycle=Lifecycle.SUSPENDED) | Q(source_state=State.DISABLED)
        if not self.sla:
            return ~stopped
        return ~stopped & Q(owner_left_at__lte=at - self.sla)


class DecommissionComplete(Check):
    """A retired identity that can still sign in is one that nobody watches any more."""

    id = "decommission-complete"
    problem = "Retired, but still holds access"
    title = "A retired agent keeps no live credential, grant, delegation, session or schedule"
    severity = Severity.CRITICAL
    fix = "Revoke what is left at the platform, and disable the identity there."
    evidence = (
        "lifecycle",
        "retired_at",
        "gone_at",
        "source_state",
        "live_credentials",
        "live_grants",
        "live_delegations",
    )
    rests_on_source = False  # a gone identity's source may be gone as well; see unknown()

    def population(self, at: datetime) -> Rows:
        held = Delegation.objects.in_force(at).filter(delegate=OuterRef("pk"))
        given = Delegation.objects.in_force(at).filter(delegator_identity=OuterRef("pk"))
        return Identity.objects.filter(
            Q(lifecycle=Lifecycle.RETIRED) | Q(gone_at__isnull=False)
        ).annotate(
            live_credentials=_count(
                Credential.objects.live(at).filter(identity=OuterRef("pk")), "identity"
            ),
            live_grants=_count(
                Grant.objects.in_force(at).filter(identity=OuterRef("pk")), "identity"
            ),
            live_delegations=_count(held, "delegate") + _count(given, "delegator_identity"),
            enabled_there=Case(
                When(gone_at__isnull=False, then=Value(False)),
                When(source__kind=Source.MANUAL, then=Value(False)),
                When(source_state=State.ENABLED, then=Value(True)),
                When(source_state=State.DISABLED, then=Value(False)),
                default=None,
                output_field=BooleanField(),
            ),
        )

    def fails(self, at: datetime) -> Q:
        # NULL where the platform does not say whether it is enabled: then only what is left over
        # can tell.
        return (
            Q(enabled_there=True)
            | Q(live_credentials__gt=0)
            | Q(live_grants__gt=0)
            | Q(live_delegations__gt=0)
        )


class PurposeAndRiskRecorded(Check):
    """Without a purpose and a current risk assessment nobody can say whether an agent's access is
    right."""

    id = "purpose-and-risk-recorded"
    problem = "Purpose or risk is not recorded"
    title = (
        "Every agent has a declared purpose, risk class, approved use and a risk assessment"
        " within its review period"
    )
    severity = Severity.MEDIUM
    fix = "Describe what the agent is for, and assess its risk."
    evidence = ("purpose", "risk", "risk_assessed_at")
    rests_on_source = False

    review_period = Days(365, "Days a risk assessment stays valid")

    def population(self, at: datetime) -> Rows:
        return Identity.objects.live().agents()

    def fails(self, at: datetime) -> Q:
        return (
            Q(purpose="")
            | Q(risk="")
            | Q(risk_assessed_at__isnull=True)
            | Q(risk_assessed_at__lt=at - self.review_period)
        )


def _count(rows: QuerySet[Any], by: str) -> Coalesce:
    counted = rows.order_by().values(by).annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted), 0, output_field=IntegerField())
