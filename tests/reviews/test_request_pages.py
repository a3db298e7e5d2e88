"""The pages of requests, tasks, actions, rules and absences, as people use them."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from inventory import people, task_life
from inventory.models import Grant, Person, Task, User
from inventory.people import Absence
from inventory.rules import RuleBroken
from inventory.task_life import Work
from reviews import requests
from reviews.models import AccessPolicy, AccessRequest
from reviews.requests import Wish
from tests.factories import a_grant, a_person, a_system, an_entitlement
from tests.reviews.asking import HOUR, Office

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Office:
    return Office()


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def asked(office: Office, *entitlements: Any, **wish: Any) -> AccessRequest:
    return requests.ask(
        office.agent,
        entitlements=entitlements or [office.can()],
        wish=Wish(**{"reason": "The month closes.", **wish}),
        by=office.platform,
        at=timezone.now(),
    )


def test_a_person_asks_on_the_page_of_an_identity(office: Office) -> None:
    security = browser(office.security)
    ledger = an_entitlement(
        name="invoices.post", system=a_system(name="Ledger", owner=office.keeper), risk="medium"
    )
    address = reverse("reviews:identity-request", args=[office.agent.pk])

    found = security.get(address, {"q": "invoices"})
    answer = security.post(
        address, {"entitlements": [ledger.pk], "lasts": "2", "reason": "Month end."}
    )

    assert "Ledger: invoices.post (medium risk)" in found.content.decode()
    request = AccessRequest.objects.get()
    assert answer.headers["Location"] == f"/requests/{request.pk}/"
    assert (request.lasts, request.status) == (2 * HOUR, "waiting")


def test_what_the_rules_do_not_allow_is_said_on_the_form(office: Office) -> None:
    answer = browser(office.security).post(
        reverse("reviews:identity-request", args=[office.agent.pk]),
        {"entitlements": [office.can("high").pk], "lasts": "400", "reason": "Long."},
    )

    assert answer.status_code == 422
    assert "at most 8.0 hours" in answer.content.decode()


def test_the_owner_finds_it_in_the_inbox_and_narrows_it(office: Office) -> None:
    read, write = office.can(name="read-it"), office.can(name="write-it")
    request = asked(office, read, write, lasts=4 * HOUR)
    owner = browser(office.login(office.owner))

    inbox = owner.get(reverse("reviews:inbox")).content.decode()
    form = owner.get(reverse("reviews:request-approve", args=[request.pk])).content.decode()
    owner.post(
        reverse("reviews:request-approve", args=[request.pk]),
        {"keep": [read.pk], "lasts": "1", "reason": "Enough."},
    )

    assert "read-it, write-it" in inbox
    assert "write-it (medium risk)" in form
    grant = Grant.objects.get(identity=office.agent)
    assert grant.entitlement == read
    assert grant.expires_at is not None
    assert grant.expires_at <= timezone.now() + HOUR
    assert "Nothing waits for you" in owner.get(reverse("reviews:inbox")).content.decode()


def test_who_is_not_asked_reads_which_rule_stands_against_it(office: Office) -> None:
    page = browser(office.security).get(reverse("reviews:request-detail", args=[asked(office).pk]))

    assert "You are not asked about this request" in page.content.decode()
    assert "request-approve" not in page.content.decode()


def test_many_are_answered_at_once_and_what_stands_against_some_is_said(office: Office) -> None:
    mine, other = asked(office), asked(office, by_other := office.can())
    not_mine = requests.ask(
        office.agent,
        entitlements=[by_other],
        wish=Wish("x"),
        by=office.login(office.owner),
        at=timezone.now(),
    )
    owner = browser(office.login(office.owner))
    keys = [mine.pk, other.pk, not_mine.pk]

    question = owner.post(reverse("reviews:requests-approve"), {"selected": keys})
    answer = owner.post(
        reverse("reviews:requests-approve"),
        {"selected": keys, "confirmed": "1", "reason": ""},
        follow=True,
    )

    assert "Approve requests: 3?" in question.content.decode()
    text = answer.content.decode()
    assert "2 of 3 requests answered." in text
    assert "1 left alone: You asked for it yourself" in text
    assert AccessRequest.objects.filter(status="approved").count() == 2


def test_the_list_says_what_waits_for_me(office: Office) -> None:
    request = asked(office)
    asked(office, by_now := office.can("critical"))
    owner = browser(office.login(office.owner))
    keeper = browser(office.login(office.keeper))

    listed = owner.get(reverse("reviews:request-list"), {"waiting": "me"}).content.decode()
    others = keeper.get(reverse("reviews:request-list"), {"waiting": "me"}).content.decode()

    assert f"/requests/{request.pk}/" in listed
    assert str(by_now) in others
    assert f"/requests/{request.pk}/" not in others


def test_a_task_is_opened_looked_at_and_ended_in_the_browser(office: Office) -> None:
    security = browser(office.security)
    security.post(
        reverse("inventory:identity-task", args=[office.agent.pk]),
        {"purpose": "Close the month", "hours": "3", "risk": "low", "heartbeat_minutes": "10"},
    )
    task = Task.objects.get()
    grant = a_grant(
        identity=office.agent, task=task, starts_at=task.opened_at, expires_at=task.deadline
    )

    page = security.get(reverse("inventory:task-detail", args=[task.pk])).content.decode()
    ended = security.post(
        reverse("inventory:task-end", args=[task.pk]),
        {"how": "done", "outcome": "Closed."},
        follow=True,
    )

    assert str(grant.entitlement) in page
    assert "Ended with it: 1 grants" in ended.content.decode()
    grant.refresh_from_db()
    assert grant.end_cause == "task"


def test_standing_access_becomes_just_in_time_by_what_was_used(office: Office) -> None:
    now = timezone.now()
    used = a_grant(identity=office.agent, last_used_at=now - timedelta(days=2), use_known=True)
    idle = a_grant(identity=office.agent, last_used_at=now - timedelta(days=200), use_known=True)
    owner = browser(office.login(office.owner))

    for grant in (used, idle):
        owner.post(
            reverse("reviews:grant-convert", args=[grant.pk]), {"reason": "Per task from now."}
        )

    used.refresh_from_db()
    idle.refresh_from_db()
    replacement = Grant.objects.get(replaces=used)
    assert (used.end_cause, idle.end_cause) == ("superseded", "unused")
    assert replacement.just_in_time
    assert Grant.objects.effective(timezone.now()).filter(pk=replacement.pk).exists()
    assert not Grant.objects.filter(replaces=idle).exists()


def test_just_in_time_access_is_extended_once(office: Office) -> None:
    request = asked(office, office.can("low"), lasts=2 * HOUR)
    grant = Grant.objects.get(pk__in=request.items.values("grant"))
    owner = browser(office.login(office.owner))
    address = reverse("inventory:grant-extend", args=[grant.pk])

    too_long = owner.post(address, {"hours": "9", "reason": "More."})
    first = owner.post(address, {"hours": "1", "reason": "Not done yet."})
    second = owner.post(address, {"hours": "1", "reason": "Still not."})

    assert (too_long.status_code, first.status_code, second.status_code) == (422, 302, 422)
    assert "extended once already" in second.content.decode()


def test_security_changes_the_rules_and_each_version_stays(office: Office) -> None:
    security = browser(office.security)
    page = security.get(reverse("reviews:access-rules-change"))
    data = {
        name: field.initial for name, field in page.context["form"].fields.items() if name != "note"
    }

    data |= {"temporary-high-approval": "owner_and_resource_owner", "note": "After the audit."}
    security.post(reverse("reviews:access-rules-change"), data)
    nonsense = security.post(
        reverse("reviews:access-rules-change"), data | {"permanent-low-approval": "at_once"}
    )

    assert list(AccessPolicy.objects.values_list("version", flat=True)) == [2, 1]
    assert asked(office, office.can("high")).approvals.count() == 2
    assert nonsense.status_code == 422
    assert "never given without asking" in nonsense.content.decode()
    first = security.get(reverse("reviews:access-rules"), {"version": "1"}).content.decode()
    assert "Version 2 is in force" in first


def test_who_is_away_names_a_deputy_who_is_asked_instead(office: Office) -> None:
    deputy = a_person(name="Dee")
    owner = browser(office.login(office.owner))
    today = timezone.now().date()

    owner.post(
        reverse("inventory:person-absence", args=[office.owner.pk]),
        {
            "start": today - timedelta(days=1),
            "end": today + timedelta(days=9),
            "deputy": deputy.email,
        },
    )

    assert asked(office).approvals.get().person == deputy
    page = owner.get(reverse("inventory:person-detail", args=[office.owner.pk])).content.decode()
    assert "Dee" in page


def test_an_absence_makes_sense_or_is_refused(office: Office) -> None:
    now = timezone.now()
    gone = a_person(status="left", left_at=now)
    for absence, said in (
        (Absence(now, None), "both the first day"),
        (Absence(now, now), "ends before it begins"),
        (Absence(now, now + HOUR, gone), "cannot stand in"),
    ):
        with pytest.raises(RuleBroken, match=said):
            people.set_absence(office.owner, absence=absence, by=office.security, reason="", at=now)
    assert not Person.objects.filter(away_from__isnull=False).exists()


def test_grants_expire_in_bulk_from_the_list(office: Office) -> None:
    rows = [a_grant(identity=office.agent) for _ in range(3)]
    owner = browser(office.login(office.owner))
    keys = [grant.pk for grant in rows]

    owner.post(
        reverse("inventory:grants-expire"),
        {"selected": keys, "confirmed": "3", "reason": "Not needed."},
    )

    assert {grant.state(timezone.now()) for grant in Grant.objects.filter(pk__in=keys)} == {
        "expired"
    }


def test_a_heartbeat_over_the_page_of_an_ended_task_offers_nothing(office: Office) -> None:
    work = Work(purpose="x", deadline=timezone.now() + HOUR)
    task = task_life.open_task(office.agent, work=work, by=office.security, at=timezone.now())
    task_life.end_task(task, how="failed", by=office.security, at=timezone.now())

    page = (
        browser(office.security)
        .get(reverse("inventory:task-detail", args=[task.pk]))
        .content.decode()
    )

    assert "End task" not in page
    assert "Request access" not in page


def test_just_in_time_access_is_extended_in_bulk_each_within_its_limits(office: Office) -> None:
    short = asked(office, office.can("low"), lasts=1 * HOUR)
    long = asked(office, office.can("low"), lasts=5 * HOUR)
    standing = a_grant(identity=office.agent)
    keys = [*Grant.objects.filter(via="just in time").values_list("pk", flat=True), standing.pk]

    browser(office.login(office.owner)).post(
        reverse("inventory:grants-extend"),
        {"selected": keys, "confirmed": "3", "hours": "2", "reason": "Not done yet."},
    )

    extended = Grant.objects.filter(extended_at__isnull=False)
    assert [grant.pk for grant in extended] == [long.items.get().grant_id]
    assert short.items.get().grant.extended_at is None  # type: ignore[union-attr]
