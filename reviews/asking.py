"""Whom a request is put to: the slots it needs, the people in them, who comes next when nobody answers."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from django.db.models import QuerySet
from django.urls import reverse

from inventory import audit
from inventory.audit import Actor
from inventory.models import Entitlement, Person, User
from reviews import notifications
from reviews.access_rules import BOTH, OWNER, Rule
from reviews.approvers import Duties, Line, owner_line, resource_lines
from reviews.models import AccessRequest, Approval
from reviews.notifications import Message

Part = Approval.Part
BY_TIME = "job requests"


def ask_people(request: AccessRequest, rule: Rule, duties: Duties, at: datetime) -> None:
    """Fills the slots that the rule needs; where nobody may answer, security is asked instead."""
    if rule.approval not in (OWNER, BOTH):
        return
    line = owner_line(request.identity, duties, at)
    asked = _fill(request, 0, Part.OWNER, line, at, number=rule.quorum)
    needed = [rule.quorum]
    if rule.approval == BOTH:
        taken = {person.pk for person in asked}
        for number, each in enumerate(
            resource_lines(_entitlements(request), duties, at, taken=taken), start=1
        ):
            asked = _fill(request, number, Part.RESOURCE_OWNER, each, at, number=1)
            taken |= {person.pk for person in asked}
            needed.append(1)
    request.needed = needed
    request.save(update_fields=["needed"])
    notifications.tell_platforms(_question(request), at=at)


def is_complete(request: AccessRequest) -> bool:
    """Every slot has the approvals it needs."""
    given = Counter(
        Approval.objects.filter(request=request, answer=Approval.Answer.APPROVED).values_list(
            "slot", flat=True
        )
    )
    return all(given[slot] >= number for slot, number in enumerate(request.needed))


def escalate(request: AccessRequest, duties: Duties, *, by: Actor, at: datetime) -> None:
    """Asks the next in line of every slot that waits, and security where the line is at its end. Once per request."""
    with audit.acting(by, "request.escalated", "Nobody has answered yet."):
        claimed = AccessRequest.objects.waiting(at).filter(pk=request.pk, escalated_at=None)
        if not claimed.update(escalated_at=at):
            return
        asked = {each.person_id for each in request.approvals.all()}
        for slot, line in enumerate(_lines(request, duties, at)):
            if _is_full(request, slot):
                continue
            rest = [one for one in line.people if one[0].pk not in asked]
            part = Part.OWNER if slot == 0 else Part.RESOURCE_OWNER
            people = _fill(request, slot, part, Line(rest[:1]), at, number=1)
            asked |= {person.pk for person in people}


def tell_requester(request: AccessRequest, at: datetime) -> None:
    """Whoever asked is told what came of it."""
    said = {
        AccessRequest.Status.APPROVED: "was approved",
        AccessRequest.Status.REFUSED: "was refused",
        AccessRequest.Status.LAPSED: "was not answered in time",
        AccessRequest.Status.CANCELLED: "was cancelled",
    }[AccessRequest.Status(request.status)]
    message = Message(
        event=f"request.{request.status}",
        about=f"request:{request.pk}:answer",
        title=f"Access for {request.identity} {said}",
        body=request.answer,
        path=_page(request),
        payload={"request": request.pk, "status": request.status, "identity": request.identity_id},
    )
    person = request.requested_by.person
    if person is not None:
        notifications.tell(person, message, at=at)
    notifications.tell_platforms(message, at=at)


def _fill(
    request: AccessRequest, slot: int, part: str, line: Line, at: datetime, *, number: int
) -> list[Person]:
    """Asks the first `number` people of the line; security for each that is missing."""
    chosen = line.people[:number]
    rows = [
        Approval(
            request=request, slot=slot, part=part, person=person, stands_for=why,
            passed_over=line.passed_over, asked_at=at,
        )
        for person, why in chosen
    ]  # fmt: skip
    if len(chosen) < number:
        rows.append(
            Approval(
                request=request, slot=slot, part=Part.SECURITY, person=None, asked_at=at,
                stands_for="Nobody else may decide.", passed_over=line.passed_over,
            )
        )  # fmt: skip
    Approval.objects.bulk_create(rows, ignore_conflicts=True)
    people = [person for person, _ in chosen]
    for person in [*people, *(_security(request) if len(people) < number else ())]:
        notifications.tell(person, _question(request), at=at)
    return people


def _security(request: AccessRequest) -> QuerySet[Person]:
    """Everybody from security who may sign in and did not ask for it themselves."""
    users = User.objects.filter(role=User.Role.SECURITY, is_active=True, is_service=False)
    others = users.exclude(pk=request.requested_by_id).exclude(person=None)
    return Person.objects.filter(pk__in=others.values("person")).order_by("pk")


def _question(request: AccessRequest) -> Message:
    names = [str(each) for each in _entitlements(request)[:3]]
    return Message(
        event="request.asked",
        about=f"request:{request.pk}",
        title=f"{request.identity} asks for {', '.join(names)}",
        body=f"{request.reason} Risk: {request.risk}. Answer by {request.answer_by:%d %b %Y %H:%M} UTC.",
        path=_page(request),
        payload={"request": request.pk, "risk": request.risk, "identity": request.identity_id},
    )


def _lines(request: AccessRequest, duties: Duties, at: datetime) -> Iterable[Line]:
    yield owner_line(request.identity, duties, at)
    if len(request.needed) > 1:
        yield from resource_lines(_entitlements(request), duties, at, taken=frozenset())


def _is_full(request: AccessRequest, slot: int) -> bool:
    given = request.approvals.filter(slot=slot, answer=Approval.Answer.APPROVED).count()
    return bool(given >= request.needed[slot])


def _entitlements(request: AccessRequest) -> QuerySet[Entitlement]:
    wanted = request.items.filter(kept=True).values("entitlement")
    return Entitlement.objects.filter(pk__in=wanted).select_related(
        "system__owner__manager", "system__owner__deputy",
        "resource__owner__manager", "resource__owner__deputy",
    ).order_by("pk")  # fmt: skip


def _page(request: AccessRequest) -> str:
    return reverse("reviews:request-detail", args=[request.pk])
