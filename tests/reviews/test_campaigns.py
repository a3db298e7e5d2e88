"""Access reviews: launched, judged, carried out, closed; silence has a consequence, and what is closed stays."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.db.models import QuerySet

from inventory.models import EndCause, Grant, Identity
from inventory.rules import RuleBroken
from reviews import campaign_closing, campaigns, review_items
from reviews.campaigns import Plan
from reviews.models import Campaign, Notification, ReviewItem
from reviews.review_items import Verdict
from tests.factories import (
    NOW,
    a_delegation,
    a_grant,
    a_person,
    a_user,
    ago,
    an_entitlement,
    an_identity,
    days,
)
from tests.reviews.asking import Office

pytestmark = pytest.mark.django_db
KEEP, REVOKE = Verdict("keep"), Verdict("revoke", "Not needed.")
OVER = NOW + days(30) + days(7)


@pytest.fixture
def office() -> Office:
    return Office()


def held(office: Office, **fields: Any) -> Grant:
    given = {
        "last_used_at": ago(3),
        "use_known": True,
        "starts_at": ago(200),
        "identity": office.agent,
    }
    return a_grant(**{**given, **fields})


def launched(office: Office, **plan: Any) -> Campaign:
    terms = {"name": "Autumn review", "scope": "everything", "due_at": NOW + days(30), **plan}
    made = campaigns.draft(Plan(**terms), by=office.security, at=NOW)
    return campaigns.launch(made, by=office.security, at=NOW)


def only(grant: Grant) -> QuerySet[ReviewItem]:
    return ReviewItem.objects.filter(grant=grant)


def item_of(grant: Grant) -> ReviewItem:
    return only(grant).get()


def test_the_preview_says_how_much_it_asks_and_of_whom(office: Office) -> None:
    held(office), held(office)
    held(office, identity=an_identity(owner=None))
    plan = Plan("Autumn", "everything", NOW + days(30))
    made = campaigns.draft(plan, by=office.security, at=NOW)

    told = campaigns.preview(made, NOW)

    assert told.items == 3
    assert told.load == [(office.owner, 2), (None, 1)]
    assert not ReviewItem.objects.exists()


def test_launching_asks_each_reviewer_once_and_twice_is_no_more(office: Office) -> None:
    held(office), held(office)

    campaign = launched(office)
    campaigns.launch(campaign, by=office.security, at=NOW)

    assert campaign.items.count() == 2
    (told,) = Notification.objects.filter(event="campaign.launched")
    assert (told.person, told.title) == (office.owner, "Autumn review: 2 to review")


def test_nobody_is_asked_about_nothing(office: Office) -> None:
    with pytest.raises(RuleBroken, match="Nobody is asked about nothing"):
        launched(office)


@pytest.mark.parametrize(
    ("scope", "inside", "outside"),
    [
        ("critical", {"entitlement": {"risk": "critical"}}, {"entitlement": {"risk": "low"}}),
        ("unused", {"last_used_at": ago(120)}, {"last_used_at": ago(5)}),
        ("standing", {}, {"expires_at": NOW + days(5)}),
        (
            "production_actors",
            {"identity": {"environment": "production", "kind": "orchestrator"}},
            {"identity": {"environment": "production", "kind": "role"}},
        ),
    ],
)
def test_a_scope_is_a_question_to_the_inventory(
    office: Office, scope: str, inside: dict[str, Any], outside: dict[str, Any]
) -> None:
    def made(fields: dict[str, Any]) -> Grant:
        given = dict(fields)
        if "entitlement" in given:
            given["entitlement"] = an_entitlement(**given["entitlement"])
        identity = an_identity(owner=office.owner, **given.pop("identity", {}))
        return held(office, identity=identity, **given)

    wanted, _ = made(inside), made(outside)

    assert [item.grant for item in launched(office, scope=scope).items.all()] == [wanted]


def test_who_approved_it_does_not_review_it(office: Office) -> None:
    grant = held(office, approved_by=office.owner, approved_at=ago(10))

    launched(office)

    assert item_of(grant).reviewer == office.manager
    assert item_of(grant).facts["passed_over"] == "Ona approved it."


@pytest.mark.parametrize(
    ("fields", "wanted", "because"),
    [
        ({"last_used_at": None}, "revoke", "Nobody has ever used it."),
        ({"last_used_at": ago(100)}, "revoke", "Nobody has used it for 100 days."),
        ({"last_used_at": None, "use_known": False}, "ask", "does not report use"),
        ({"risk": "critical"}, "narrow", "has no end"),
        ({}, "keep", "In use: 3 days before the review began."),
    ],
)
def test_each_item_has_a_recommendation_and_its_reason(
    office: Office, fields: dict[str, Any], wanted: str, because: str
) -> None:
    risk = fields.pop("risk", "low")
    grant = held(office, entitlement=an_entitlement(risk=risk), **fields)

    launched(office)

    assert item_of(grant).recommendation == wanted
    assert because in item_of(grant).because


def test_decisions_are_carried_out_at_once(office: Office) -> None:
    kept, revoked, narrowed, handed = (held(office) for _ in range(4))
    heir = a_person()
    owner = office.login(office.owner)
    launched(office)
    end = NOW + days(60)

    for grant, verdict in (
        (kept, KEEP),
        (revoked, REVOKE),
        (narrowed, Verdict("narrow", ends_at=end)),
        (handed, Verdict("hand_over", to=heir)),
    ):
        review_items.decide(only(grant), verdict=verdict, by=owner, at=NOW)

    for grant in (kept, revoked, narrowed):
        grant.refresh_from_db()
    assert (kept.revoked_at, revoked.end_cause, narrowed.expires_at) == (None, EndCause.REVIEW, end)
    assert Identity.objects.get(pk=office.agent.pk).owner == heir
    assert item_of(handed).outcome == f"Handed over to {heir.name}."


def test_asking_tells_the_owner_and_still_waits(office: Office) -> None:
    grant = held(office)
    launched(office, reviewers="manager")
    manager = office.login(office.manager)

    review_items.decide(only(grant), verdict=Verdict("ask", "What for?"), by=manager, at=NOW)

    assert Notification.objects.get(event="review.asked").person == office.owner
    review_items.decide(only(grant), verdict=REVOKE, by=manager, at=NOW)
    assert item_of(grant).decision == "revoke"


def test_only_the_reviewer_or_security_decides_and_never_a_program(office: Office) -> None:
    grant = held(office)
    launched(office)

    for user in (office.login(office.keeper), office.platform):
        with pytest.raises(RuleBroken, match="not yours to judge"):
            review_items.decide(only(grant), verdict=KEEP, by=user, at=NOW)
    assert review_items.decide(only(grant), verdict=KEEP, by=office.security, at=NOW) == 1
    with pytest.raises(RuleBroken, match="Nothing of it waits"):
        review_items.decide(only(grant), verdict=REVOKE, by=office.security, at=NOW)


def test_many_at_once_only_where_they_are_alike(office: Office) -> None:
    held(office), held(office, last_used_at=ago(120))
    campaign = launched(office)
    owner = office.login(office.owner)

    with pytest.raises(RuleBroken, match="not alike"):
        review_items.decide(campaign.items.all(), verdict=KEEP, by=owner, at=NOW, in_bulk=True)
    alike = campaign.items.filter(recommendation="keep")
    assert review_items.decide(alike, verdict=KEEP, by=owner, at=NOW, in_bulk=True) == 1


def test_unused_critical_access_is_kept_in_bulk_only_with_a_reason(office: Office) -> None:
    for _ in range(2):
        held(office, last_used_at=None, entitlement=an_entitlement(risk="critical"))
    campaign = launched(office)
    terms: dict[str, Any] = {"by": office.login(office.owner), "at": NOW, "in_bulk": True}

    with pytest.raises(RuleBroken, match="powerful and unused"):
        review_items.decide(campaign.items.all(), verdict=KEEP, **terms)
    reasoned = Verdict("keep", "Needed once a year, for the closing.")
    assert review_items.decide(campaign.items.all(), verdict=reasoned, **terms) == 2


@pytest.mark.parametrize(
    ("silence", "decision", "cause", "lifecycle"),
    [
        ("revoke", "revoke", "review", "active"),
        ("suspend", "suspend", "", "suspended"),
        ("keep", "keep", "", "active"),
    ],
)
def test_silence_has_the_consequence_that_was_chosen(
    office: Office, silence: str, decision: str, cause: str, lifecycle: str
) -> None:
    grant = held(office)
    campaign = launched(office, on_silence=silence)

    early = campaign_closing.look_after(OVER - timedelta(minutes=1))
    late = campaign_closing.look_after(OVER)
    again = campaign_closing.look_after(OVER)

    grant.refresh_from_db()
    campaign.refresh_from_db()
    assert (early["closed"], late["closed"], again["closed"]) == (0, 1, 0)
    assert (item_of(grant).decision, item_of(grant).reason) == (decision, "Nobody decided in time.")
    assert (grant.end_cause, campaign.status) == (cause, "closed")
    assert Identity.objects.get(pk=office.agent.pk).lifecycle == lifecycle


def test_what_is_used_or_carries_others_is_spared(office: Office) -> None:
    used = held(office)
    carries = held(office, identity=an_identity(owner=office.owner))
    idle = held(office, identity=an_identity(owner=office.owner))
    a_delegation(delegator_identity=carries.identity, delegate=an_identity())
    launched(office)
    Grant.objects.filter(pk=used.pk).update(last_used_at=NOW + days(5))

    campaign_closing.look_after(OVER)

    assert [item_of(grant).decision for grant in (used, carries, idle)] == [
        "keep",
        "keep",
        "revoke",
    ]
    assert "while the review ran" in item_of(used).outcome
    assert "1 others act through this identity" in item_of(carries).outcome


def test_reminders_are_told_once(office: Office) -> None:
    held(office)
    launched(office)

    for at in (NOW + days(26), NOW + days(28), NOW + days(29)):
        campaign_closing.look_after(at)

    assert Notification.objects.filter(event="campaign.due").count() == 1


def test_it_starts_again_once(office: Office) -> None:
    held(office)
    first = launched(office, repeat_days=90, on_silence="keep")
    campaign_closing.look_after(OVER)

    told = [campaign_closing.look_after(NOW + days(90))["repeated"] for _ in range(2)]

    second = Campaign.objects.get(repeats=first)
    assert told == [1, 0]
    assert (second.status, second.due_at) == ("open", NOW + days(120))


def test_a_closed_campaign_cannot_be_changed_not_even_by_sql(office: Office) -> None:
    grant = held(office)
    campaign = launched(office)
    campaign_closing.look_after(OVER)

    for change in (
        lambda: only(grant).update(decision="keep"),
        lambda: only(grant).delete(),
        lambda: Campaign.objects.filter(pk=campaign.pk).update(name="Better"),
    ):
        with pytest.raises(DatabaseError, match="closed campaign"), transaction.atomic():
            change()
    with pytest.raises(RuleBroken, match="Nothing of it waits"):
        review_items.decide(only(grant), verdict=KEEP, by=office.security, at=OVER)


def test_the_report_says_everything_and_its_digest_proves_it(office: Office) -> None:
    grant = held(office)
    campaign = launched(office)
    review_items.decide(only(grant), verdict=KEEP, by=office.login(office.owner), at=NOW)
    campaign_closing.close_early(campaign, by=office.security, at=NOW + days(1))
    campaign.refresh_from_db()

    document = json.loads(campaign_closing.as_bytes(campaign))

    assert campaign_closing.digest(campaign) == campaign.report_digest
    (told,) = document["items"]
    assert (told["decision"], told["reviewer"]) == ("keep", office.owner.email)
    assert told["facts"]["last_used_at"] == ago(3).isoformat(timespec="seconds")


def test_the_next_review_knows_the_last_decision(office: Office) -> None:
    grant = held(office)
    first = launched(office)
    review_items.decide(only(grant), verdict=KEEP, by=office.login(office.owner), at=NOW)
    campaign_closing.close_early(first, by=office.security, at=NOW)

    second = launched(office, name="Winter review")

    facts = second.items.get().facts
    assert facts["last_review"]["decision"] == "keep"


def test_an_owner_sees_their_items_only_and_an_auditor_all(office: Office) -> None:
    mine = held(office)
    held(office, identity=an_identity(owner=office.keeper))
    launched(office)

    assert [item.grant for item in review_items.visible_to(office.login(office.owner))] == [mine]
    assert review_items.visible_to(a_user("auditor")).count() == 2
