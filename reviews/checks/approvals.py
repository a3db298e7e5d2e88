"""Checks of who approved what: duties kept apart, and high-impact actions approved before they happen."""

from datetime import datetime

from django.db.models import BigIntegerField, Exists, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce

from inventory.models import Entitlement, Grant, Identity, Risk, Severity
from reviews.check import Check, Rows
from reviews.models import Approval, RequestedEntitlement
from reviews.parameters import Choices

NOBODY = Value(0, output_field=BigIntegerField())


class ApprovalSod(Check):
    """Whoever asks for access, or gains by it, judges in their own cause when they approve it as well.

    Grants that a source reports without saying who approved them cannot be judged.
    """

    id = "approval-sod"
    problem = "Approved by whoever asked or gains"
    title = "Requester, approver and beneficiary differ, and no agent approves its own or its peer's request"
    severity = Severity.HIGH
    fix = "Revoke the grant and request it again, so that somebody else decides."
    evidence = (
        "entitlement__name", "granted_by", "approved_by__name", "approved_at", "for_whom", "asked_by",
    )  # fmt: skip

    def population(self, at: datetime) -> Rows:
        """Allowing grants in force that somebody approved, or that should have been."""
        request = RequestedEntitlement.objects.filter(grant=OuterRef("pk")).order_by("-pk")
        return (
            Grant.objects.effective(at)
            .filter(entitlement__effect=Entitlement.Effect.ALLOW, identity__platform_managed=False)
            .filter(Q(approved_at__isnull=False) | Q(just_in_time=True))
            .annotate(
                for_whom=F("task__on_behalf_of__name"),
                asked_by=Subquery(request.values("request__requested_by__username")[:1]),
                # 0 is nobody: with NULL in it, a comparison would be "cannot tell".
                asker=Coalesce(
                    Subquery(request.values("request__requested_by__person")[:1]), NOBODY
                ),
                gains=Coalesce(F("task__on_behalf_of"), NOBODY),
                by_program=Exists(
                    Approval.objects.filter(
                        request__items__grant=OuterRef("pk"), answered_by__is_service=True
                    )
                ),
            )
        )

    def fails(self, at: datetime) -> Q:
        own = Q(approved_by__isnull=False) & (
            Q(approved_by=F("asker"))
            | Q(approved_by=F("gains"))
            | Q(approved_by__email__iexact=F("granted_by"))
        )
        return own | Q(by_program=True)

    def unknown(self, at: datetime) -> Q:
        return Q(approved_by__isnull=True, just_in_time=False)


class HighImpactApproval(Check):
    """An agent that may change what matters without a person agreeing first is trusted never to be wrong, or misled.

    Judged by the agent's grants: whether a person approved high-impact access before it was used. Single actions that
    were approved one by one are shown with the identity; every call is judged once calls are recorded.
    """

    id = "high-impact-approval"
    problem = "High-impact access without a person's approval"
    title = "High-impact actions carry a recorded human approval given before execution"
    severity = Severity.HIGH
    fix = "End the grant and request it again, so that a person approves it before it is used."
    evidence = (
        "entitlement__name", "entitlement__risk", "approved_by__name", "approved_at", "last_used_at",
    )  # fmt: skip

    risks = Choices(
        ("high", "critical"),
        "Risks that count as high impact",
        [(str(value), str(label)) for value, label in Risk.choices],
    )

    def population(self, at: datetime) -> Rows:
        """Grants of AI agents that change something of such a risk."""
        return Grant.objects.effective(at).filter(
            entitlement__effect=Entitlement.Effect.ALLOW,
            entitlement__writes=True,
            entitlement__risk__in=list(self.risks) or ["none"],
            identity__kind__in=Identity.AI_KINDS,
            identity__platform_managed=False,
        )

    def fails(self, at: datetime) -> Q:
        late = Q(
            last_used_at__isnull=False, approved_at__isnull=False, last_used_at__lt=F("approved_at")
        )
        return Q(approved_at__isnull=True) | late

    def unknown(self, at: datetime) -> Q:
        """A source that says nothing of approvals leaves it open."""
        return Q(approved_at__isnull=True, just_in_time=False)
