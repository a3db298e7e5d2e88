"""Requests for access: asked for, decided by the rules at once or by people, cancelled."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from inventory import access, audit
from inventory.models import Entitlement, Identity, Task, User
from inventory.rules import RuleBroken
from reviews import access_rules, asking, issuing, notifications
from reviews.access_rules import REFUSE, Rule
from reviews.approvers import Duties, require_may_answer
from reviews.models import AccessRequest, Approval, RequestedEntitlement

Status = AccessRequest.Status
_WITH_OWNER = Identity.objects.select_related("owner__manager", "owner__deputy")
MOST = 50  # entitlements in one request


@dataclass(frozen=True)
class Wish:
    """What is asked for: why, how long (None with `permanent`; None otherwise: as long as the rules allow), for which
    task."""

    reason: str
    lasts: timedelta | None = None
    task: Task | None = None
    permanent: bool = False

    @property
    def kind(self) -> str:
        return AccessRequest.Kind.PERMANENT if self.permanent else AccessRequest.Kind.TEMPORARY


@dataclass(frozen=True)
class Answer:
    """A decision on a request: why; `keep`: the entitlements that stay, `lasts`: a shorter life (None: as asked)."""

    approved: bool
    reason: str = ""
    keep: Collection[int] | None = None
    lasts: timedelta | None = None


def visible_to(user: User) -> QuerySet[AccessRequest]:
    """Those of identities that the user sees, those they asked for, and those they are asked about."""
    rows = AccessRequest.objects.all()
    if access.sees_all(user):
        return rows
    mine = access.visible_to(user, Identity.objects.all()).order_by().values("pk")
    if access.team_of(user) is not None:  # what they asked for in another role is of any team
        return rows.filter(identity__in=mine)
    seen = Q(identity__in=mine) | Q(requested_by=user)
    if user.person_id is not None:
        asked = Approval.objects.filter(person=user.person_id).values("request")
        seen |= Q(pk__in=asked)
    return rows.filter(seen) if user.is_active else rows.none()


def ask(
    identity: Identity, *, entitlements: Sequence[Entitlement], wish: Wish, by: User, at: datetime
) -> AccessRequest:
    """Asks for access. The rules of the moment decide who has to approve; where nobody has to, the grants start now.
    What the rules refuse is kept as refused, with the rule."""
    identity = _WITH_OWNER.get(pk=identity.pk)  # as they stand now, whatever the caller read before
    access.require(by, "request", identity)
    _require_sense(identity, entitlements, wish, at)
    policy = access_rules.current()
    risks = [each.risk for each in entitlements] + ([wish.task.risk] if wish.task else [])
    risk = access_rules.worst(risks)
    rule = access_rules.rules_of(policy).of(wish.kind, risk)
    with audit.acting(by, "request.asked", wish.reason):
        request = AccessRequest.objects.create(
            kind=wish.kind,
            identity=identity,
            task=wish.task,
            beneficiary=wish.task.on_behalf_of if wish.task else None,
            requested_by=by,
            reason=wish.reason.strip(),
            lasts=_life(identity, wish, rule, at),
            risk=risk,
            policy=policy,
            created_at=at,
            answer_by=at + timedelta(hours=rule.answer_hours),
            escalate_at=at + timedelta(hours=rule.escalate_hours),
        )
        RequestedEntitlement.objects.bulk_create(
            RequestedEntitlement(request=request, entitlement=each)
            for each in dict.fromkeys(entitlements)
        )
        _begin(request, rule, at)
    return request


def answer(request: AccessRequest, *, given: Answer, by: User, at: datetime) -> AccessRequest:
    """Answers in the slot in which `by` is asked. The last approval that was needed makes the grants; one refusal
    refuses it all. Two at the same instant: the request is locked, the second finds it decided."""
    access.require_decider(by)
    with audit.acting(
        by, "request.approved" if given.approved else "request.refused", given.reason
    ):
        held = _locked(request)
        asked = _asked(held, by, at)
        if given.approved:
            _narrow(held, given)
        elif not given.reason.strip():
            raise RuleBroken(
                "There is no reason. Say why, so that they know what to ask for instead."
            )
        asked.answer = Approval.Answer.APPROVED if given.approved else Approval.Answer.REFUSED
        asked.answered_by, asked.answered_at, asked.reason = by, at, given.reason.strip()
        asked.save()
        if not given.approved:
            _close(held, Status.REFUSED, given.reason, at)
        elif asking.is_complete(held):
            issuing.issue(held, approved_by=by.person, at=at)
            _close(held, Status.APPROVED, given.reason, at)
        else:
            issuing.require_alive(held, at)
    return held


def cancel(request: AccessRequest, *, by: User, reason: str, at: datetime) -> AccessRequest:
    """Takes a request back: whoever asked for it, or security."""
    if by.pk != request.requested_by_id:
        access.require_security(by)
    with audit.acting(by, "request.cancelled", reason):
        held = _locked(request)
        _require_waiting(held, at)
        _close(held, Status.CANCELLED, reason, at)
    return held


def duties_of(request: AccessRequest) -> Duties:
    return Duties(request.requested_by, request.beneficiary)


def may_answer(request: AccessRequest, user: User, at: datetime) -> bool:
    """Whether this user is asked and nothing stands against it."""
    try:
        require_answer(request, user, at)
    except RuleBroken:
        return False
    return True


def require_answer(request: AccessRequest, user: User, at: datetime) -> None:
    """Raises RuleBroken with the rule that stands against an answer of this user."""
    _asked(request, user, at)


def _begin(request: AccessRequest, rule: Rule, at: datetime) -> None:
    if rule.approval == REFUSE:
        said = (
            f"The rules (version {request.policy.version}) refuse access of {request.risk} risk"
            f" {request.get_kind_display().lower()}."
        )
        _close(request, Status.REFUSED, said, at)
        return
    issuing.require_alive(request, at)
    asking.ask_people(request, rule, duties_of(request), at)
    if not request.needed:
        issuing.issue(request, approved_by=None, at=at)
        said = f"The rules (version {request.policy.version}) give {request.risk} risk at once."
        _close(request, Status.APPROVED, said, at)


def _asked(request: AccessRequest, by: User, at: datetime) -> Approval:
    _require_waiting(request, at)
    require_may_answer(by, duties_of(request))
    given = [each for each in request.approvals.all() if each.answer]
    if any(each.answered_by_id == by.pk for each in given):
        raise RuleBroken("You have answered already. Two approvals are two people.")
    for each in request.approvals.all():
        mine = each.person_id is not None and each.person_id == by.person_id
        if not each.answer and (mine or (each.person_id is None and access.changes_all(by))):
            return each
    raise RuleBroken("You are not asked about this request. The people who are stand on its page.")


def _narrow(request: AccessRequest, given: Answer) -> None:
    """Fewer entitlements, a shorter life; never more than was asked."""
    if given.lasts is not None:
        if request.lasts is not None and given.lasts > request.lasts:
            raise RuleBroken("That is longer than was asked for. Approve it as asked, or shorter.")
        if given.lasts <= timedelta(0):
            raise RuleBroken("Say how long, or refuse the request.")
        request.lasts, request.kind = given.lasts, AccessRequest.Kind.TEMPORARY
        request.save(update_fields=["lasts", "kind"])
    if given.keep is not None:
        keep = set(given.keep)
        items = request.items.filter(kept=True)
        if not keep & set(items.values_list("entitlement_id", flat=True)):
            raise RuleBroken(
                "Nothing is left of the request. Keep at least one entitlement, or refuse it."
            )
        items.exclude(entitlement__in=keep).update(kept=False)


def _close(request: AccessRequest, status: str, said: str, at: datetime) -> None:
    request.status, request.answer, request.decided_at = status, said.strip(), at
    request.save(update_fields=["status", "answer", "decided_at"])
    notifications.drop(f"request:{request.pk}")
    asking.tell_requester(request, at)


def _locked(request: AccessRequest) -> AccessRequest:
    rows = AccessRequest.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("requested_by", "beneficiary", "identity", "task", "policy").get(
        pk=request.pk
    )


def _require_waiting(request: AccessRequest, at: datetime) -> None:
    state = request.state(at)
    if state != Status.WAITING:
        raise RuleBroken(
            f"The request is {Status(state).label.lower()} already. Ask again if it is still needed."
        )


def _life(identity: Identity, wish: Wish, rule: Rule, at: datetime) -> timedelta | None:
    if wish.permanent:
        return None
    longest = rule.longest(access_rules.tier_of(identity))
    if wish.task is not None:
        longest = min(longest, wish.task.deadline - at) if rule.approval != REFUSE else longest
    if wish.lasts is None:
        return longest
    if wish.lasts > longest and rule.approval != REFUSE:
        hours = longest.total_seconds() / 3600
        raise RuleBroken(f"The rules allow at most {hours:.1f} hours here. Ask for less.")
    return wish.lasts


def _require_sense(
    identity: Identity, entitlements: Sequence[Entitlement], wish: Wish, at: datetime
) -> None:
    if not wish.reason.strip():
        raise RuleBroken("There is no reason. Say what the access is for.")
    if not 1 <= len(entitlements) <= MOST:
        raise RuleBroken(f"Name one to {MOST} entitlements.")
    if not identity.may_act:
        raise RuleBroken(f"{identity.name} is not active. Activate it before it gets access.")
    denied = [each for each in entitlements if each.effect != Entitlement.Effect.ALLOW]
    if denied:
        raise RuleBroken(f"{denied[0]} denies something. Ask for what allows.")
    if wish.lasts is not None and (wish.permanent or wish.lasts <= timedelta(0)):
        raise RuleBroken("Say how long, or ask for access for good; not both.")
    task = wish.task
    if task is not None and (task.identity_id != identity.pk or not task.is_open(at)):
        raise RuleBroken("The task is over, or another identity's. Open a task for this one.")
    if task is not None and wish.permanent:
        raise RuleBroken("What a task needs ends with the task. Ask for it for a while.")
