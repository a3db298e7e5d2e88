"""The end of a campaign: what nobody decided is acted upon, the report is sealed, the next one begins.

Everything goes in small lots that are claimed by their state, so that a worker killed in the middle loses and doubles
nothing: the next one goes on where it stopped.
"""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q
from django.urls import reverse

from inventory import access, audit, identities
from inventory.audit import Actor
from inventory.models import Delegation, Identity, User
from inventory.rules import RuleBroken
from reviews import campaigns, notifications
from reviews.models import Campaign, ReviewItem
from reviews.notifications import Message
from reviews.review_items import UNDECIDED, Verdict, carry_out

BY_TIME = "job campaigns"
LOT = 100
REMIND_BEFORE = timedelta(days=3)
Decision, Status = ReviewItem.Decision, Campaign.Status
NOT_DECIDED = "Nobody decided in time."


def look_after(at: datetime, *, by: Actor = BY_TIME) -> dict[str, int]:
    """Reminds, acts on what is overdue, closes, and starts what repeats. Running it twice changes nothing."""
    told = sum(_remind(one, at) for one in Campaign.objects.open(at))
    closed = 0
    for one in Campaign.objects.open(at).filter(due_at__lte=at - F("grace")).order_by("pk"):
        closed += close(one, by=by, at=at)
    return {"reminded": told, "closed": closed, "repeated": _repeat(at, by)}


def close(campaign: Campaign, *, by: Actor, at: datetime) -> int:
    """Acts on what nobody decided, seals the report and closes; 1 when it did, 0 when somebody else had."""
    while _act_on_some(campaign, by, at):
        pass
    with audit.acting(by, "campaign.closed", campaign.name):
        held = Campaign.objects.select_for_update().get(pk=campaign.pk)
        if held.status != Status.OPEN or held.items.filter(UNDECIDED).exists():
            return 0
        held.status, held.closed_at = Status.CLOSED, at
        held.report_digest = digest(held)
        held.save(update_fields=["status", "closed_at", "report_digest"])
        notifications.drop(f"campaign:{held.pk}")
    return 1


def close_early(campaign: Campaign, *, by: User, at: datetime) -> Campaign:
    """Closes a campaign in which everything is decided, before its time."""
    access.require_security(by)
    if campaign.items.filter(UNDECIDED).exists():
        raise RuleBroken(
            "Some items wait for a decision. Let it end when it is due, or decide them."
        )
    close(campaign, by=by, at=at)
    return Campaign.objects.get(pk=campaign.pk)


def report(campaign: Campaign) -> dict[str, Any]:  # Any: JSON
    """All that the campaign says, in one document; the same rows give the same bytes."""
    items = campaign.items.select_related(
        "identity", "grant__entitlement", "reviewer", "decided_by"
    )
    return {
        "campaign": campaign.pk,
        "name": campaign.name,
        "scope": campaign.scope,
        "team": campaign.team.name if campaign.team else None,
        "reviewers": campaign.reviewers,
        "on_silence": campaign.on_silence,
        "launched_at": _text(campaign.launched_at),
        "due_at": _text(campaign.due_at),
        "closed_at": _text(campaign.closed_at),
        "items": [_told(item) for item in items.order_by("pk").iterator(chunk_size=2_000)],
    }


def digest(campaign: Campaign) -> str:
    """SHA-256 over `as_bytes`, hexadecimal."""
    return hashlib.sha256(as_bytes(campaign)).hexdigest()


def as_bytes(campaign: Campaign) -> bytes:
    """The report as JSON: sorted keys, two spaces, UTF-8."""
    text = json.dumps(report(campaign), sort_keys=True, indent=2, ensure_ascii=False)
    return text.encode()


def _act_on_some(campaign: Campaign, by: Actor, at: datetime) -> int:
    with audit.acting(by, "review.silence", NOT_DECIDED):
        waiting = campaign.items.filter(UNDECIDED, campaign__status=Status.OPEN).order_by("pk")
        held = list(
            waiting.select_for_update(of=("self",), skip_locked=True).select_related(
                "campaign", "grant", "identity"
            )[:LOT]
        )
        for item in held:
            decision, outcome = _silence(item, at)
            item.decision, item.decided_at, item.done_at = decision, at, at
            item.reason, item.outcome = NOT_DECIDED, outcome
        ReviewItem.objects.bulk_update(
            held, ["decision", "decided_at", "done_at", "reason", "outcome"]
        )
    return len(held)


def _silence(item: ReviewItem, at: datetime) -> tuple[str, str]:
    """What happens to one that nobody decided; what is in use, or carries others, is spared where that was chosen."""
    campaign = item.campaign
    if campaign.on_silence == Campaign.Silence.KEEP:
        return Decision.KEEP, "Kept, as chosen for what nobody decides."
    if campaign.spare_used and (spared := _in_use(item, at)):
        return Decision.KEEP, spared
    if campaign.on_silence == Campaign.Silence.REVOKE:
        return Decision.REVOKE, carry_out(item, Verdict(Decision.REVOKE), by=BY_TIME, at=at)
    if item.identity.lifecycle == Identity.Lifecycle.ACTIVE:
        identities.suspend(item.identity, by=BY_TIME, reason=NOT_DECIDED, at=at)
    return Decision.SUSPEND, "The identity is suspended."


def _in_use(item: ReviewItem, at: datetime) -> str:
    used, begun = item.grant.last_used_at, item.campaign.launched_at
    if used is not None and begun is not None and used >= begun:
        return f"Kept: it was used on {used:%d %b %Y}, while the review ran."
    depends = Delegation.objects.effective(at).filter(delegator_identity=item.identity_id).count()
    return f"Kept: {depends} others act through this identity." if depends else ""


def _remind(campaign: Campaign, at: datetime) -> int:
    if campaign.due_at - REMIND_BEFORE > at:
        return 0
    waiting = campaign.items.filter(UNDECIDED, reviewer__isnull=False).select_related("reviewer")
    people = {
        item.reviewer_id: item.reviewer
        for item in waiting.order_by("reviewer").distinct("reviewer")
    }
    for person in people.values():
        if person is not None:
            notifications.tell(person, _reminder(campaign), at=at)
    return len(people)


def _reminder(campaign: Campaign) -> Message:
    return Message(
        event="campaign.due",
        about=f"campaign:{campaign.pk}",
        title=f"{campaign.name} is due on {campaign.due_at:%d %b %Y}",
        body=f"What nobody decides by {campaign.acts_at:%d %b %Y}: {campaign.get_on_silence_display().lower()}.",
        path=reverse("reviews:campaign-items", args=[campaign.pk]) + "?decision=open&reviewer=me",
    )


def _repeat(at: datetime, by: Actor) -> int:
    """The unique `repeats` lets one worker start it."""
    due = Campaign.objects.filter(
        Q(status__in=[Status.OPEN, Status.CLOSED]), repeat_days__isnull=False, repeated_by=None
    )
    started = 0
    for one in due:
        if one.launched_at is None or one.launched_at + timedelta(days=one.repeat_days or 0) > at:
            continue
        with audit.acting(by, "campaign.repeated", one.name):
            copy, made = Campaign.objects.get_or_create(repeats=one, defaults=_again(one, at))
        if made:
            try:
                campaigns.launch(copy, by=by, at=at)
                started += 1
            except RuleBroken:
                Campaign.objects.filter(pk=copy.pk).update(status=Status.CANCELLED)
    return started


def _again(campaign: Campaign, at: datetime) -> dict[str, Any]:  # Any: of each column
    same = (
        "name", "scope", "team", "reviewers", "named_reviewer", "on_silence", "spare_used", "grace",
        "repeat_days", "author",
    )  # fmt: skip
    lasts = campaign.due_at - (campaign.launched_at or campaign.created_at)
    return {name: getattr(campaign, name) for name in same} | {
        "created_at": at,
        "due_at": at + lasts,
    }


def _told(item: ReviewItem) -> dict[str, Any]:  # Any: JSON
    return {
        "grant": item.grant_id,
        "entitlement": str(item.grant.entitlement),
        "identity": item.identity.name,
        "reviewer": item.reviewer.email if item.reviewer else None,
        "recommendation": item.recommendation,
        "because": item.because,
        "facts": item.facts,
        "decision": item.decision,
        "decided_by": item.decided_by.username if item.decided_by else None,
        "decided_at": _text(item.decided_at),
        "in_bulk": item.in_bulk,
        "reason": item.reason,
        "done_at": _text(item.done_at),
        "outcome": item.outcome,
    }


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
