"""Who sees which assessments, reports, requests for evidence and comments: security and auditors all of them; an
auditor of one team the assessments of only that team, with their reports, and what they asked and wrote themselves."""

from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet

from frameworks.models import Assessment, Comment, EvidenceRequest, Report
from inventory import access
from inventory.models import User

Rows = TypeVar("Rows", bound=QuerySet[Any])  # Any: of each noun


def assessments(user: User, rows: Rows) -> Rows:
    return _narrowed(user, rows, "")


def reports(user: User, rows: QuerySet[Report]) -> QuerySet[Report]:
    return _narrowed(user, rows, "assessment__")


def requests(user: User) -> QuerySet[EvidenceRequest]:
    """Of one's own, those about an assessment that is out of sight are too."""
    rows = EvidenceRequest.objects.all()
    if access.sees_all(user):
        return rows
    about = Q(assessment=None) | Q(assessment__in=assessments(user, Assessment.objects.all()))
    return rows.filter(about, asked_by=user) if access.reads_evidence(user) else rows.none()


def comments(user: User, rows: QuerySet[Comment]) -> QuerySet[Comment]:
    """On a request of theirs an auditor of a team reads what they are told; elsewhere only their own words."""
    if access.sees_all(user):
        return rows
    if not access.reads_evidence(user):
        return rows.none()
    return rows.filter(Q(author=user) | Q(request__in=requests(user)))


def require_assessment(by: User, assessment: Assessment) -> None:
    """Raises PermissionDenied unless `by` sees the assessment."""
    if not assessments(by, Assessment.objects.filter(pk=assessment.pk)).exists():
        raise PermissionDenied("Only security and auditors see it, each of their own scope.")


def require_request(by: User, asked: EvidenceRequest) -> None:
    """Raises PermissionDenied unless `by` sees the request for evidence."""
    if not requests(by).filter(pk=asked.pk).exists():
        raise PermissionDenied("Only auditors and security see it, each of their own scope.")


def _narrowed(user: User, rows: Rows, prefix: str) -> Rows:
    if access.sees_all(user):
        return rows
    team = access.team_of(user)
    if team is None or not access.reads_evidence(user):
        return rows.none()
    return rows.filter(**{f"{prefix}team": team})
