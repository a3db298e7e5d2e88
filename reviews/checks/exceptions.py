"""Checks of the exceptions that people granted."""

from datetime import datetime

from django.db.models import Q

from inventory.models import Severity
from reviews.check import Check, Rows
from reviews.models import Finding, Waiver

Kind = Waiver.Kind


class ExceptionsBounded(Check):
    """An exception that never ends, or that nothing makes up for, is a policy that nobody decided.

    A false positive may stand for good: it says that there is nothing to make up for. A snooze puts off and does not
    accept, so it needs an end but no compensating control.
    """

    id = "exceptions-bounded"
    problem = "Exception without an end, a control, or overdue"
    title = (
        "Every policy exception is approved, has an end date and a compensating control,"
        " and none is overdue"
    )
    severity = Severity.MEDIUM
    fix = (
        "Resolve the finding behind it, or accept it again with an end and what protects meanwhile."
    )
    evidence = (
        "kind", "finding__check_id", "finding__subject", "finding__severity", "author__username",
        "starts_at", "ends_at", "compensating_control",
    )  # fmt: skip
    rests_on_source = False  # exceptions are decided here
    identity = "finding__identity"

    def population(self, at: datetime) -> Rows:
        """Exceptions that nobody took back, of findings that are not resolved."""
        standing = Waiver.objects.filter(withdrawn_at=None, starts_at__lte=at)
        return standing.exclude(finding__status=Finding.Status.RESOLVED)

    def fails(self, at: datetime) -> Q:
        endless = Q(ends_at__isnull=True) & ~Q(kind=Kind.FALSE_POSITIVE)
        bare = Q(kind=Kind.ACCEPTED, compensating_control="", finding__severity__gte=Severity.HIGH)
        overdue = Q(ends_at__isnull=False) & Q(ends_at__lte=at)
        return endless | bare | overdue
