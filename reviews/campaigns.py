"""Access reviews from plan to launch: what is in scope, who judges it, and telling them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.db.models import Q, QuerySet
from django.urls import reverse

from inventory import access, audit
from inventory.audit import Actor
from inventory.models import Entitlement, Grant, Identity, Person, Risk, Team, Tier, User
from inventory.models.moments import endless, unused_since
from inventory.rules import RuleBroken
from reviews import notifications, review_facts
from reviews.models import Campaign, ReviewItem
from reviews.notifications import Message

Scope, Status = Campaign.Scope, Campaign.Status
MOST = 50_000  # items; more than that nobody reviews
CHUNK = 500
UNUSED = timedelta(days=90)
LONGEST = timedelta(days=366)
_ACTORS = Q(identity__declared_tier__gte=Tier.ACTOR) | Q(
    identity__declared_tier=None,
    identity__kind__in=[Identity.Kind.AUTONOMOUS_AGENT, Identity.Kind.ORCHESTRATOR],
)


@dataclass(frozen=True)
class Plan:
    """What a campaign is to review, by whom, until when, and what happens to what nobody decides."""

    name: str
    scope: str
    due_at: datetime
    team: Team | None = None
    reviewers: str = Campaign.Reviewer.OWNER
    named_reviewer: Person | None = None
    on_silence: str = Campaign.Silence.REVOKE
    spare_used: bool = True
    grace: timedelta = timedelta(days=7)
    repeat_days: int | None = None


@dataclass(frozen=True)
class Preview:
    """How much it would ask, and of whom; None stands for security, where nobody else may judge."""

    items: int
    load: list[tuple[Person | None, int]]


def visible_to(user: User) -> QuerySet[Campaign]:
    """Security and auditors see all, an auditor of a team those of that team only; others those in which they review
    something."""
    rows = Campaign.objects.all()
    if access.sees_all(user):
        return rows
    team = access.team_of(user)
    if user.is_active and team is not None:
        return rows.filter(team=team).exclude(status=Status.DRAFT)
    if not user.is_active or user.person_id is None:
        return rows.none()
    mine = ReviewItem.objects.filter(reviewer=user.person_id).values("campaign")
    return rows.filter(pk__in=mine).exclude(status=Status.DRAFT)


def draft(plan: Plan, *, by: User, at: datetime) -> Campaign:
    """Writes a campaign down; nobody is asked anything yet."""
    access.require_security(by)
    if not plan.name.strip():
        raise RuleBroken("The campaign has no name. Give it one that reviewers recognise.")
    if not at < plan.due_at <= at + LONGEST:
        raise RuleBroken("It is due within a year from now. Choose such a day.")
    if plan.reviewers == Campaign.Reviewer.NAMED and plan.named_reviewer is None:
        raise RuleBroken("Name the person who reviews.")
    if plan.repeat_days is not None and timedelta(days=plan.repeat_days) <= plan.due_at - at:
        raise RuleBroken(
            "It would start again before it is due. Repeat it later, or make it shorter."
        )
    with audit.acting(by, "campaign.drafted", plan.name):
        return Campaign.objects.create(
            **{**vars(plan), "name": plan.name.strip()},
            author=by.get_username(),
            created_at=at,
        )


def preview(campaign: Campaign, at: datetime) -> Preview:
    """What launching it now would ask; only reads."""
    load: Counter[Person | None] = Counter()
    for grant in _rows(campaign, at):
        load[reviewer_of(campaign, grant, at)[0]] += 1
    ranked = sorted(load.items(), key=lambda one: (-one[1], str(one[0])))
    return Preview(sum(load.values()), ranked)


def launch(campaign: Campaign, *, by: Actor, at: datetime) -> Campaign:
    """Asks the reviewers. Nobody is asked about nothing: an empty scope is refused. Launching twice is not an error."""
    access.require_security(by)
    with audit.acting(by, "campaign.launched", campaign.name):
        held = Campaign.objects.select_for_update().get(pk=campaign.pk)
        if held.status == Status.OPEN:
            return held
        if held.status != Status.DRAFT:
            raise RuleBroken(
                f"The campaign is {held.get_status_display().lower()}. Draft a new one."
            )
        if held.due_at <= at:
            raise RuleBroken(
                "The day on which it is due has passed. Draft it again with a later one."
            )
        load = _insert(held, at)
        if not load:
            raise RuleBroken("Nothing is in its scope now. Nobody is asked about nothing.")
        held.status, held.launched_at = Status.OPEN, at
        held.save(update_fields=["status", "launched_at"])
        for person, number in load.items():
            if person is not None:
                notifications.tell(person, _message(held, number), at=at)
    return held


def cancel(campaign: Campaign, *, by: User, reason: str, at: datetime) -> Campaign:
    """Ends it without acting; what was decided so far stays done."""
    access.require_security(by)
    with audit.acting(by, "campaign.cancelled", reason):
        if not Campaign.objects.filter(
            pk=campaign.pk, status__in=[Status.DRAFT, Status.OPEN]
        ).update(status=Status.CANCELLED):
            raise RuleBroken("It is over already. What it says stays as evidence.")
        notifications.drop(f"campaign:{campaign.pk}")
    return Campaign.objects.get(pk=campaign.pk)


def in_scope(campaign: Campaign, at: datetime) -> QuerySet[Grant]:
    """The grants that work at the moment and that the campaign is about."""
    rows = Grant.objects.effective(at).filter(
        entitlement__effect=Entitlement.Effect.ALLOW, identity__platform_managed=False
    )
    if campaign.team_id is not None:
        rows = rows.filter(identity__team=campaign.team_id)
    return rows.filter(_SCOPES[Scope(campaign.scope)](at))


def reviewer_of(campaign: Campaign, grant: Grant, at: datetime) -> tuple[Person | None, str]:
    """Who judges a grant, and why not the first choice. Nobody judges what they approved or gain by."""
    owner = grant.identity.owner
    first = {
        Campaign.Reviewer.OWNER: owner,
        Campaign.Reviewer.SPONSOR: grant.identity.sponsor,
        Campaign.Reviewer.MANAGER: owner.manager if owner else None,
        Campaign.Reviewer.NAMED: campaign.named_reviewer,
    }[Campaign.Reviewer(campaign.reviewers)]
    said = ""
    for person in (first, owner, owner.manager if owner else None):
        if person is None:
            continue
        against = _against(person, grant, at)
        if not against:
            return person, said
        said = said or against
    return None, said or "Nobody is named for it."


def _against(person: Person, grant: Grant, at: datetime) -> str:
    if not person.can_answer(at):
        return f"{person.name} has left."
    if grant.approved_by_id == person.pk:
        return f"{person.name} approved it."
    if grant.task is not None and grant.task.on_behalf_of_id == person.pk:
        return f"{person.name} gains by it."
    return ""


def _insert(campaign: Campaign, at: datetime) -> Counter[Person | None]:
    load: Counter[Person | None] = Counter()
    rows = _rows(campaign, at)
    while chunk := list(islice(rows, CHUNK)):
        facts = review_facts.of(chunk, at)
        made = []
        for grant in chunk:
            person, said = reviewer_of(campaign, grant, at)
            load[person] += 1
            told = facts[grant.pk] | ({"passed_over": said} if said else {})
            wanted, because = review_facts.recommend(grant, told, at)
            made.append(
                ReviewItem(
                    campaign=campaign, grant=grant, identity_id=grant.identity_id, reviewer=person,
                    recommendation=wanted, because=because, facts=told,
                )
            )  # fmt: skip
        ReviewItem.objects.bulk_create(made, ignore_conflicts=True)
    return load


def _rows(campaign: Campaign, at: datetime) -> Iterator[Grant]:
    rows = in_scope(campaign, at).select_related(
        "identity__owner__manager", "identity__sponsor", "entitlement__system", "task",
        "approved_by", "source",
    )  # fmt: skip
    found = rows.order_by("identity_id", "pk")[: MOST + 1]
    if found.count() > MOST:
        raise RuleBroken(
            f"Over {MOST:,} grants are in scope. Choose one team, or a narrower scope."
        )
    return found.iterator(chunk_size=2_000)


def _message(campaign: Campaign, number: int) -> Message:
    return Message(
        event="campaign.launched",
        about=f"campaign:{campaign.pk}",
        title=f"{campaign.name}: {number} to review",
        body=f"Due {campaign.due_at:%d %b %Y}. What nobody decides: {campaign.get_on_silence_display().lower()}.",
        path=reverse("reviews:campaign-items", args=[campaign.pk]) + "?decision=open&reviewer=me",
    )


_SCOPES = {
    Scope.PRODUCTION_ACTORS: lambda at: Q(identity__environment="production") & _ACTORS,
    Scope.CRITICAL: lambda at: Q(entitlement__risk=Risk.CRITICAL) | Q(entitlement__admin=True),
    Scope.UNUSED: lambda at: Q(unused_since(at - UNUSED), use_known=True),
    Scope.STANDING: lambda at: Q(endless(), just_in_time=False),
    Scope.EVERYTHING: lambda at: Q(),
}
