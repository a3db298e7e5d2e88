"""Reminders of access that ends and of questions that wait: told in time, told once."""

from datetime import datetime, timedelta
from threading import Thread
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from inventory.models import Grant, Person
from reviews import outbox, reminders, request_life, requests, tasks
from reviews.models import Notification
from reviews.requests import Answer
from tests.factories import (
    NOW,
    a_grant,
    a_person,
    a_task,
    ago,
    an_entitlement,
    an_identity,
    days,
)
from tests.reviews.asking import Office
from tests.reviews.test_outbox_workers import in_a_thread

pytestmark = pytest.mark.django_db
BEGAN = ago(100)
HOUR = timedelta(hours=1)


def ending(until: datetime, *, begun: datetime = BEGAN, **fields: Any) -> Grant:
    return a_grant(starts_at=begun, expires_at=until, **fields)


def test_the_owner_is_told_a_week_before_access_ends_with_a_link_to_it() -> None:
    ona = a_person(name="Ona")
    bot = an_identity(name="invoice-bot", owner=ona)
    grant = ending(NOW + days(6), identity=bot, entitlement=an_entitlement(name="pay"))

    assert reminders.remind(NOW) == {"ending": 1, "waiting": 0}

    told = Notification.objects.get()
    assert (told.person, told.event, told.about) == (ona, "grant.ends", f"grant:{grant.pk}")
    assert told.title == "invoice-bot: pay ends on 7 Jun 2026"
    assert told.path == f"/grants/{grant.pk}/"
    assert (told.status, told.created_at) == ("waiting", NOW)


def test_it_is_told_once_and_again_only_for_another_end() -> None:
    grant = ending(NOW + days(3))

    made = [reminders.remind(NOW + HOUR * hour)["ending"] for hour in range(3)]
    Grant.objects.filter(pk=grant.pk).update(expires_at=NOW + days(5))
    extended = [reminders.remind(NOW + HOUR * hour)["ending"] for hour in range(2)]

    assert (made, extended) == ([1, 0, 0], [1, 0])


@pytest.mark.parametrize(
    ("life", "left", "is_told"),
    [
        (days(100), days(7) + HOUR, False),
        (days(100), days(7) - HOUR, True),
        (days(8), days(2) + HOUR, False),  # short access: when three quarters are over
        (days(8), days(2) - HOUR, True),
        (HOUR * 23, HOUR, False),  # ends within a day, as planned
        (HOUR * 24, HOUR, True),
    ],
)
def test_how_early_depends_on_how_long_the_access_lasts(
    life: timedelta, left: timedelta, is_told: bool
) -> None:
    ending(NOW + left, begun=NOW + left - life)

    assert reminders.remind(NOW)["ending"] == is_told


def test_just_in_time_access_of_an_open_task_is_told_too() -> None:
    bot = an_identity()
    task = a_task(identity=bot, opened_at=ago(5), deadline=NOW + days(3))
    ending(NOW + days(1), begun=ago(5), identity=bot, task=task)

    assert reminders.remind(NOW)["ending"] == 1


@pytest.mark.parametrize(
    "state",
    [
        {"revoked_at": ago(1)},
        {"gone_at": ago(1)},
        {"expires_at": None},
        {"expires_at": ago(1)},
    ],
)
def test_what_is_over_or_has_no_end_is_not_told(state: dict[str, Any]) -> None:
    a_grant(**{"starts_at": ago(100), "expires_at": NOW + days(1), **state})

    assert reminders.remind(NOW)["ending"] == 0


def test_nobody_is_told_about_what_is_not_theirs_any_more() -> None:
    left = a_person(status="left", left_at=ago(1))
    ending(NOW + days(1), identity=an_identity(owner=left))
    ending(NOW + days(1), identity=an_identity(owner=None))
    ending(NOW + days(1), identity=an_identity(lifecycle="suspended"))

    assert reminders.remind(NOW)["ending"] == 0


def test_the_days_are_a_setting(settings: Any) -> None:
    settings.REMIND_DAYS = 2
    ending(NOW + days(3))

    assert reminders.remind(NOW)["ending"] == 0


def test_a_thousand_grants_are_two_statements_and_one_mail(settings: Any) -> None:
    settings.EMAIL_IS_SET_UP = True
    bot, entitlement = an_identity(), an_entitlement()
    for _ in range(40):
        ending(NOW + days(1), identity=bot, entitlement=entitlement)

    with CaptureQueriesContext(connection) as queries:
        assert reminders.remind(NOW)["ending"] == 40
    outbox.deliver_mail(NOW + HOUR)

    assert len(queries) == 2
    assert len(mail.outbox) == 1


def waiting_request() -> tuple[Office, Any, Person]:
    office = Office()
    request = office.ask(office.can("high"))
    return office, request, office.owner


def when_late(request: Any) -> datetime:
    whole = request.answer_by - request.created_at
    return request.answer_by - whole / 5  # type: ignore[no-any-return]


def test_who_has_not_answered_is_told_once_when_most_of_the_time_is_over() -> None:
    _, request, owner = waiting_request()
    early = request.created_at + (request.answer_by - request.created_at) / 2

    told = [
        reminders.remind(at)["waiting"] for at in (early, when_late(request), when_late(request))
    ]

    assert told[0] == told[2] == 0
    assert told[1] >= 1
    row = Notification.objects.get(event="request.waits", person=owner)
    assert (row.about, row.path) == (f"request:{request.pk}", f"/requests/{request.pk}/")
    assert row.title == "invoice-bot still waits for your answer"


def test_who_has_answered_or_is_no_longer_needed_is_not_told() -> None:
    office, request, owner = waiting_request()
    at = when_late(request)
    requests.answer(
        request, given=Answer(approved=True, reason="Fine."), by=office.login(owner), at=NOW
    )

    reminders.remind(at)

    assert not Notification.objects.filter(event="request.waits", person=owner).exists()


def test_where_somebody_else_has_approved_the_others_need_not_be_reminded() -> None:
    office = Office()
    request, owner = office.ask(office.can("critical")), office.owner
    request_life.escalate_now(request, by=office.security, at=NOW)
    requests.answer(
        request, given=Answer(approved=True, reason="Fine."), by=office.login(owner), at=NOW
    )
    asked = set(request.approvals.filter(answer="").values_list("person__name", flat=True))

    reminders.remind(when_late(request))

    told = Notification.objects.filter(event="request.waits")
    assert "Mara" in asked
    assert {row.person.name for row in told if row.person} == {"Kim"}


def test_a_decision_takes_the_reminder_back() -> None:
    office, request, owner = waiting_request()
    reminders.remind(when_late(request))

    requests.answer(
        request, given=Answer(approved=False, reason="No."), by=office.login(owner),
        at=when_late(request),
    )  # fmt: skip

    assert Notification.objects.get(event="request.waits", person=owner).status == "dropped"


def test_the_task_reminds() -> None:
    ending(NOW + days(1))

    with time_machine.travel(NOW, tick=False):
        tasks.remind.run()
        tasks.remind.run()

    assert Notification.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_at_once_tell_each_once() -> None:
    for _ in range(20):
        ending(NOW + days(1))
    problems: list[BaseException] = []

    with transaction.atomic():
        reminders.remind(NOW)
        # The second does not see what the first has not committed yet.
        second = Thread(target=in_a_thread, args=(lambda: reminders.remind(NOW), problems))
        second.start()
        second.join(0.5)
        assert second.is_alive()
    second.join()

    assert problems == []
    assert Notification.objects.count() == 20


class TestTheLaw(TestCase):
    """Whatever the days and hours, each end is told at most once, and never after it."""

    @given(
        lives=st.lists(st.integers(1, 60), min_size=1, max_size=5),
        looks=st.lists(st.integers(0, 60 * 24), min_size=1, max_size=8),
    )
    def test_each_end_is_told_at_most_once_and_before_it_comes(
        self, lives: list[int], looks: list[int]
    ) -> None:
        owner = a_person()
        for life in lives:
            ending(NOW + days(life), begun=NOW, identity=an_identity(owner=owner))

        for hours in sorted(looks):
            reminders.remind(NOW + HOUR * hours)

        told = Notification.objects.filter(person=owner)
        assert told.count() == told.values("about").distinct().count() <= len(lives)
        for row in told:
            grant = Grant.objects.get(pk=row.about.removeprefix("grant:"))
            assert row.created_at < grant.expires_at
            assert row.created_at >= grant.expires_at - days(7)
        told.delete()
