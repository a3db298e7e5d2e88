"""Comments of those who read everything: on an assessment, a control, a request for evidence. None is ever changed."""

from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import PermissionDenied

from frameworks import seeing
from frameworks.models import Assessment, Comment, EvidenceRequest
from inventory import access, audit
from inventory.models import User
from inventory.rules import RuleBroken


@dataclass(frozen=True)
class Place:
    """What a comment is about; one of the three."""

    assessment: Assessment | None = None
    request: EvidenceRequest | None = None
    framework_key: str = ""
    control_id: str = ""


def add(place: Place, *, text: str, by: User, at: datetime) -> Comment:
    """Writes it down. Auditors may, on what they see: it changes nothing that is governed."""
    if place.assessment is not None:
        seeing.require_assessment(by, place.assessment)
    elif place.request is not None:
        seeing.require_request(by, place.request)
    elif not access.sees_all(by):
        raise PermissionDenied("Only security and auditors comment here.")
    if not text.strip():
        raise RuleBroken("There is no text. Write the comment first.")
    with audit.acting(by, "comment.written"):
        return Comment.objects.create(
            assessment=place.assessment, request=place.request,
            framework_key=place.framework_key, control_id=place.control_id,
            text=text.strip(), author=by, at=at,
        )  # fmt: skip


def about(
    *,
    seen_by: User,
    assessment: Assessment | None = None,
    request: EvidenceRequest | None = None,
    framework_key: str = "",
    control_id: str = "",
) -> list[Comment]:
    """The comments on one thing that the user may read, oldest first."""
    rows = seeing.comments(seen_by, Comment.objects.select_related("author").order_by("id"))
    if assessment is not None:
        return list(rows.filter(assessment=assessment))
    if request is not None:
        return list(rows.filter(request=request))
    return list(rows.filter(framework_key=framework_key, control_id=control_id))
