"""What reviewers decide about grants, one or many like ones; each decision is carried out at once."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.urls import reverse

from inventory import access, audit, endings, ownership, signals
from inventory.models import EndCause, Grant, Identity, Person, User
from inventory.rules import RuleBroken
from reviews import notifications
from reviews.models import Campaign, ReviewItem
from reviews.notifications import Message

Decision = ReviewItem.Decision
BY_PEOPLE = (Decision.KEEP, Decision.REVOKE, Decision.NARROW, Decision.HAND_OVER, Decision.ASK)
UNDECIDED = Q(decision="") | Q(decision=Decision.ASK)
MOST = 500


@dataclass(frozen=True)
class Verdict:
    """A decision with what it needs: an end for narrowing, a person for handing over."""

    decision: str
    reason: str = ""
    ends_at: datetime | None = None
    to: Person | None = None


def visible_to(user: User) -> QuerySet[ReviewItem]:
    """Security and auditors see all, an auditor of a team its identities' in reviews of that team, a reviewer their
    own."""
    rows = ReviewItem.objects.exclude(campaign__status=Campaign.Status.DRAFT)
    if access.sees_all(user):
        return rows
    team = access.team_of(user)
    if user.is_active and team is not None:
        mine = access.visible_to(user, Identity.objects.all()).order_by().values("pk")
        return rows.filter(identity__in=mine, campaign__team=team)
    if not user.is_active or user.person_id is None:
        return rows.none()
    return rows.filter(reviewer=user.person_id)


def waits_for(user: User, at: datetime) -> QuerySet[ReviewItem]:
    """Undecided items of open campaigns that this person is to judge."""
    if user.person_id is None:
        return ReviewItem.objects.none()
    rows = visible_to(user).filter(UNDECIDED, campaign__status=Campaign.Status.OPEN)
    return rows.filter(reviewer=user.person_id)


def may_decide(item: ReviewItem, user: User) -> bool:
    """The reviewer, or security in their place; never whoever approved the grant."""
    if user.is_service or item.campaign.status != Campaign.Status.OPEN:
        return False
    mine = user.person_id is not None and item.reviewer_id == user.person_id
    approved = user.person_id is not None and item.grant.approved_by_id == user.person_id
    return user.is_active and not approved and (access.changes_all(user) or mine)


def decide(
    items: QuerySet[ReviewItem], *, verdict: Verdict, by: User, at: datetime, in_bulk: bool = False
) -> int:
    """Decides and carries out. Many at once only where they are alike: the same recommendation; and unused access of
    high risk is kept in bulk only with a reason. Returns how many."""
    access.require_decider(by)
    _require_whole(verdict, at)
    with audit.acting(by, f"review.{verdict.decision}", verdict.reason):
        held = _held(items)
        if not held:
            raise RuleBroken("Nothing of it waits for a decision any more.")
        if len(held) > MOST:
            raise RuleBroken(f"{len(held):,} are too many at once. Choose {MOST} or fewer.")
        refused = [item for item in held if not may_decide(item, by)]
        if refused:
            raise RuleBroken(f"{len(refused)} of them are not yours to judge. Choose your own.")
        if in_bulk:
            _require_alike(held, verdict)
        for item in held:
            item.outcome = carry_out(item, verdict, by=by, at=at)
            item.decision, item.decided_by, item.decided_at = verdict.decision, by, at
            item.reason, item.in_bulk, item.ends_at = (
                verdict.reason.strip(),
                in_bulk,
                verdict.ends_at,
            )
            item.done_at = None if verdict.decision == Decision.ASK else at
            item.shown_at = item.shown_at or at
        ReviewItem.objects.bulk_update(
            held,
            ["outcome", "decision", "decided_by", "decided_at", "reason", "in_bulk", "ends_at",
             "done_at", "shown_at"],
        )  # fmt: skip
        signals.announce_changed([item.identity_id for item in held])
    return len(held)


def show(items: QuerySet[ReviewItem], *, to: User, at: datetime) -> None:
    """Notes when a reviewer first had items on the screen; how long somebody looked says something."""
    if to.person_id is not None:
        keys = list(items.values_list("pk", flat=True))
        rows = ReviewItem.objects.filter(pk__in=keys, shown_at=None, reviewer=to.person_id)
        with audit.acting(to, "review.shown"):
            rows.filter(campaign__status=Campaign.Status.OPEN).update(shown_at=at)


def carry_out(item: ReviewItem, verdict: Verdict, *, by: User | str, at: datetime) -> str:
    """Does what was decided, inside the caller's transaction; says what became of it."""
    grant = Grant.objects.filter(pk=item.grant_id)
    if verdict.decision == Decision.REVOKE:
        ended = endings.end_grants(grant, cause=EndCause.REVIEW, at=at)
        return "Revoked." if ended else "It had ended already."
    if verdict.decision == Decision.NARROW and verdict.ends_at is not None:
        earlier = Q(expires_at=None) | Q(expires_at__gt=verdict.ends_at)
        alive = grant.filter(earlier, revoked_at=None)
        changed = alive.update(expires_at=verdict.ends_at, end_decided_at=verdict.ends_at)
        return f"Ends {verdict.ends_at:%d %b %Y}." if changed else "It ends earlier already."
    if verdict.decision == Decision.HAND_OVER and verdict.to is not None:
        name = by if isinstance(by, str) else by.get_username()
        job = f"campaign #{item.campaign_id}, decided by {name}"
        identity = Identity.objects.get(pk=item.identity_id)
        ownership.assign_owner(identity, owner=verdict.to, by=job, reason=verdict.reason, at=at)
        return f"Handed over to {verdict.to.name}."
    if verdict.decision == Decision.ASK:
        return _asked(item, verdict, at)
    return "Kept."


def _asked(item: ReviewItem, verdict: Verdict, at: datetime) -> str:
    """Puts the question to the owner; the item still waits for a decision."""
    owner = item.identity.owner
    if owner is None or owner.pk == item.reviewer_id:
        return "Noted; there is nobody else to ask."
    message = Message(
        event="review.asked",
        about=f"review:{item.pk}",
        title=f"A question about {item.grant.entitlement} of {item.identity}",
        body=verdict.reason,
        path=reverse("inventory:grant-detail", args=[item.grant_id]),
    )
    notifications.tell(owner, message, at=at, key=f"review.asked/{item.pk}/{at.isoformat()}")
    return f"{owner.name} was asked."


def _held(items: QuerySet[ReviewItem]) -> list[ReviewItem]:
    """The undecided ones, locked in the order of keys."""
    chosen = ReviewItem.objects.filter(
        UNDECIDED, pk__in=items.order_by().values("pk"), campaign__status=Campaign.Status.OPEN
    )
    rows = chosen.select_for_update(of=("self",)).select_related(
        "campaign", "grant__entitlement", "identity__owner"
    )
    return list(rows.order_by("pk")[: MOST + 1])


def _require_whole(verdict: Verdict, at: datetime) -> None:
    if verdict.decision not in BY_PEOPLE:
        raise RuleBroken(
            f"“{verdict.decision}” is no decision. Keep, revoke, narrow, hand over or ask."
        )
    if verdict.decision == Decision.NARROW and (verdict.ends_at is None or verdict.ends_at <= at):
        raise RuleBroken("Say until when, on a day still to come.")
    if verdict.decision == Decision.HAND_OVER and verdict.to is None:
        raise RuleBroken("Say to whom.")
    if verdict.decision in (Decision.REVOKE, Decision.ASK) and not verdict.reason.strip():
        raise RuleBroken("There is no reason. Say why, for whoever asks later.")


def _require_alike(held: list[ReviewItem], verdict: Verdict) -> None:
    kinds = {item.recommendation for item in held}
    if len(kinds) > 1:
        raise RuleBroken(
            "These are not alike: their recommendations differ. Filter by recommendation, then decide."
        )
    risky = [
        item
        for item in held
        if item.recommendation == Decision.REVOKE
        and (item.facts.get("risk") in ("high", "critical") or item.facts.get("admin"))
    ]
    if verdict.decision == Decision.KEEP and risky and not verdict.reason.strip():
        raise RuleBroken(
            f"{len(risky)} of them are powerful and unused. Say why they are to be kept all the same."
        )
