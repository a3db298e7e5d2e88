"""Requests for evidence: an auditor asks, security answers, the auditor accepts the answer or asks again."""

from datetime import date, datetime

from django.core.exceptions import PermissionDenied
from django.db.models import F

from frameworks import seeing
from frameworks.comments import Place
from frameworks.models import EvidenceRequest
from inventory import access, audit
from inventory.models import User
from inventory.rules import RuleBroken

Status = EvidenceRequest.Status


def ask(
    *,
    question: str,
    by: User,
    at: datetime,
    due_on: date | None = None,
    place: Place | None = None,
) -> EvidenceRequest:
    """Auditors and security may; it changes nothing that is governed."""
    _require_reader(by)
    if not question.strip():
        raise RuleBroken("There is no question. Say what is to be shown.")
    if due_on is not None and due_on < at.date():
        raise RuleBroken(f"{due_on} is past. Choose a later day.")
    about = place or Place()
    if about.assessment is not None:
        seeing.require_assessment(by, about.assessment)
    with audit.acting(by, "evidence.asked"):
        return EvidenceRequest.objects.create(
            question=question.strip(), asked_by=by, asked_at=at, due_on=due_on,
            assessment=about.assessment, framework_key=about.framework_key,
            control_id=about.control_id,
        )  # fmt: skip


def answer(asked: EvidenceRequest, *, text: str, link: str, by: User, at: datetime) -> None:
    """Security answers; answering again replaces the answer until it is accepted, and history keeps both."""
    access.require_security(by)
    if not text.strip():
        raise RuleBroken("There is no answer. Say where the evidence is, or why there is none.")
    _move(
        asked, (Status.OPEN, Status.ANSWERED), "evidence.answered", by=by,
        status=Status.ANSWERED, answer=text.strip(), answer_link=link,
        answered_by=by.display_name, answered_at=at,
    )  # fmt: skip


def accept(asked: EvidenceRequest, *, by: User, at: datetime) -> None:
    """Who asked is content. Nobody accepts their own answer."""
    seeing.require_request(by, asked)
    if by.role == User.Role.SECURITY and by.pk != asked.asked_by_id:
        raise PermissionDenied("Only an auditor, or who asked, accepts an answer.")
    if by.display_name == asked.answered_by:
        raise RuleBroken("You answered it yourself. Let somebody else accept the answer.")
    _move(
        asked, (Status.ANSWERED,), "evidence.accepted", by=by, status=Status.ACCEPTED, closed_at=at
    )


def ask_again(asked: EvidenceRequest, *, reason: str, by: User) -> None:
    """The answer does not do; the request is open again."""
    seeing.require_request(by, asked)
    if not reason.strip():
        raise RuleBroken("There is no reason. Say what is missing.")
    _move(
        asked, (Status.ANSWERED, Status.ACCEPTED), "evidence.asked_again", reason, by=by,
        status=Status.OPEN, closed_at=None,
    )  # fmt: skip


def withdraw(asked: EvidenceRequest, *, by: User, at: datetime) -> None:
    """Nobody needs it any more; only who asked says so."""
    if by.pk != asked.asked_by_id:
        raise PermissionDenied("Only who asked withdraws a request.")
    _move(
        asked, (Status.OPEN, Status.ANSWERED), "evidence.withdrawn", by=by,
        status=Status.WITHDRAWN, closed_at=at,
    )  # fmt: skip


def _move(
    asked: EvidenceRequest,
    states: tuple[str, ...],
    verb: str,
    reason: str = "",
    *,
    by: User,
    **changes: object,
) -> None:
    """Changes it where it is in one of the states; the row is claimed by that very update."""
    with audit.acting(by, verb, reason):
        rows = EvidenceRequest.objects.filter(pk=asked.pk, status__in=states)
        if not rows.update(**changes):
            now = EvidenceRequest.objects.values_list("status", flat=True).get(pk=asked.pk)
            raise RuleBroken(f"The request is {Status(now).label.lower()}. Load the page again.")
    asked.refresh_from_db()


def open_first() -> tuple[object, ...]:
    """The order in which a list of them is read."""
    return (F("closed_at").asc(nulls_first=True), "-id")


def _require_reader(by: User) -> None:
    if not access.reads_evidence(by):
        raise PermissionDenied("Only auditors and security ask for evidence.")
