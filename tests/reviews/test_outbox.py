"""What waits for a person becomes one e-mail; what fails is tried again, and given up with its reason."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.exceptions import PermissionDenied
from hypothesis import given
from hypothesis import strategies as st

from inventory.models import Person, Tool
from inventory.rules import RuleBroken
from mandate.celery import app
from reviews import notifications, outbox, requests, tasks
from reviews.models import ActionApproval, Notification
from reviews.notifications import Message
from reviews.requests import Answer
from tests.factories import NOW, a_person, a_user, ago, days
from tests.reviews.asking import Office
from tests.reviews.receiver import HERE, a_delivery, a_webhook, listening

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
LATER = NOW + 3 * MINUTE
STAND_INS = "tests.reviews.mail_stand_ins"


@pytest.fixture(autouse=True)
def mail_is_set_up(settings: Any) -> None:
    settings.EMAIL_IS_SET_UP = True
    settings.PUBLIC_URL = "https://mandate.example.com"
    settings.DEFAULT_FROM_EMAIL = "mandate@example.com"


def tell(person: Person, title: str = "Read this", at: datetime = NOW, **fields: Any) -> None:
    number = Notification.objects.count()
    given = {"event": "request.approved", "about": f"n:{number}", "path": f"/requests/{number}/"}
    notifications.tell(person, Message(title=title, **{**given, **fields}), at=at)


def the_mail() -> Any:
    (found,) = mail.outbox
    return found


def test_all_that_waits_for_a_person_is_one_mail_grouped_and_the_newest_first() -> None:
    ona = a_person(name="Ona", email="ona@example.org")
    tell(ona, "Old answer")
    tell(ona, "A question", event="review.asked", body="Because.\nReally.")
    tell(ona, "New answer", at=NOW + MINUTE)
    tell(ona, "Key of bot ends", event="grant.ends", about="other:1")
    Notification.objects.filter(event="grant.ends").update(event="key.ends")

    outbox.deliver_mail(LATER)

    sent = the_mail()
    assert (sent.to, sent.from_email) == (["ona@example.org"], "mandate@example.com")
    assert sent.subject == "1 decision waits for you, and 3 other notices"
    html, kind = sent.alternatives[0]
    assert kind == "text/html"
    for text in (sent.body, html):
        places = [
            text.index(words)
            for words in (
                "Waits for your decision", "A question", "Ends soon", "Key of bot ends",
                "For your information", "New answer", "Old answer",
            )
        ]  # fmt: skip
        assert places == sorted(places)
        assert "https://mandate.example.com/requests/0/" in text
    assert "  Because.\n  Really.\n" in sent.body
    assert set(Notification.objects.values_list("status", "sent_at")) == {("sent", LATER)}


def test_a_single_message_is_its_own_subject_and_cannot_write_headers() -> None:
    tell(a_person(), "bot asks\r\nBcc: everybody@example.org")

    outbox.deliver_mail(LATER)

    assert the_mail().subject == "bot asks Bcc: everybody@example.org"


def test_what_comes_from_outside_is_text_in_the_mail() -> None:
    tell(a_person(name="O'Hara & <Co>"), "<b>bot</b>", body="<img src=x>")

    outbox.deliver_mail(LATER)

    html = the_mail().alternatives[0][0]
    assert "<img" not in html
    assert "&lt;b&gt;bot&lt;/b&gt;" in html
    assert "O'Hara & <Co>," in the_mail().body


def test_a_flood_is_counted_and_not_listed() -> None:
    ona = a_person()
    for number in range(60):
        tell(ona, f"Answer {number:02d}")

    outbox.deliver_mail(LATER)

    body = the_mail().body
    assert body.count("* Answer") == 25
    assert "... and 35 more: https://mandate.example.com/notifications/" in body


def test_a_message_waits_for_others_and_an_urgent_one_takes_them_along() -> None:
    ona = a_person()
    tell(ona, "No hurry")

    outbox.deliver_mail(NOW + MINUTE)
    assert mail.outbox == []
    tell(ona, "bot wants to call delete", event="action.asked", about="other:1", at=NOW + MINUTE)
    Notification.objects.filter(event="action.asked").update(about=waiting_action())
    outbox.deliver_mail(NOW + MINUTE)

    assert "No hurry" in the_mail().body
    assert "bot wants to call delete" in the_mail().body


def waiting_action() -> str:
    office = Office()
    made = ActionApproval.objects.create(
        identity=office.agent, tool=a_tool(office), arguments_digest="0" * 64,
        asked_by=office.platform, asked_at=NOW, expires_at=NOW + timedelta(hours=1),
    )  # fmt: skip
    return f"action:{made.pk}"


def a_tool(office: Office) -> Any:
    agent = office.agent
    return Tool.objects.create(
        source=agent.source, namespace=agent.namespace, external_id="t", provider="p",
        name="delete", first_seen_at=NOW,
    )  # fmt: skip


def test_somebody_who_got_a_mail_a_moment_ago_gets_the_next_one_later() -> None:
    ona = a_person()
    tell(ona, "First")
    outbox.deliver_mail(LATER)
    tell(ona, "Second", at=LATER)
    tell(ona, "Third", at=LATER + MINUTE)

    outbox.deliver_mail(LATER + 9 * MINUTE)
    assert len(mail.outbox) == 1
    outbox.deliver_mail(LATER + 10 * MINUTE)

    assert len(mail.outbox) == 2
    assert all(words in mail.outbox[1].body for words in ("Second", "Third"))


def test_nobody_reads_what_is_for_another() -> None:
    ona, kim = a_person(email="ona@example.org"), a_person(email="kim@example.org")
    tell(ona, "For Ona")
    tell(kim, "For Kim")

    outbox.deliver_mail(LATER)

    told = {sent.to[0]: sent.subject for sent in mail.outbox}
    assert told == {"ona@example.org": "For Ona", "kim@example.org": "For Kim"}


def test_a_second_run_sends_nothing_twice() -> None:
    tell(a_person())

    for minute in range(5):
        with time_machine.travel(LATER + minute * MINUTE, tick=False):
            tasks.deliver_mail.run()

    assert len(mail.outbox) == 1


def test_without_a_mail_server_it_stands_in_the_product_and_waits(settings: Any) -> None:
    settings.EMAIL_IS_SET_UP = False
    tell(a_person())

    outbox.deliver_mail(LATER)

    assert mail.outbox == []
    assert Notification.objects.get().status == "waiting"


def test_when_mail_is_set_up_late_old_news_stay_in_the_product() -> None:
    ona = a_person()
    tell(ona, "From last week", at=ago(7))
    tell(ona, "From today")

    outbox.deliver_mail(LATER)

    assert "From today" in the_mail().subject
    old = Notification.objects.get(title="From last week")
    assert (old.status, old.error) == ("failed", "It could not be sent within 3 days.")


def test_who_has_left_is_told_nothing() -> None:
    gone = a_person(name="Gone", status="left", left_at=ago(1))
    tell(gone)

    outbox.deliver_mail(LATER)

    row = Notification.objects.get()
    assert (row.status, row.error, mail.outbox) == ("dropped", "Gone has left.", [])


def test_the_waits_between_attempts_double_up_to_a_limit() -> None:
    waits = [outbox.next_try("key", attempt, NOW) - NOW for attempt in range(1, 13)]

    for attempt, wait in enumerate(waits, 1):
        base = min(MINUTE * 2 ** (attempt - 1), timedelta(hours=6))
        assert 0.75 * base <= wait <= 1.25 * base
    assert sum(waits, timedelta(0)) > timedelta(hours=12)


@given(st.sets(st.text(max_size=20), min_size=30, max_size=40))
def test_those_that_failed_together_do_not_come_back_together(keys: set[str]) -> None:
    moments = sorted(outbox.next_try(key, 5, NOW) for key in keys)

    assert len(set(moments)) > len(keys) / 2
    assert moments[-1] - moments[0] > MINUTE
    assert all(first <= second for first, second in pairwise(moments))


def test_a_server_that_is_down_is_tried_again_and_in_the_end_given_up(settings: Any) -> None:
    settings.EMAIL_BACKEND = f"{STAND_INS}.Down"
    tell(a_person())
    at, tried = LATER, []

    for _ in range(outbox.MOST_ATTEMPTS + 3):
        outbox.deliver_mail(at)
        row = Notification.objects.get()
        tried.append((row.status, row.attempts))
        at = max(row.next_try_at, at)

    most = outbox.MOST_ATTEMPTS
    assert tried[:most] == [("waiting", n) for n in range(1, most)] + [("failed", most)]
    assert set(tried[most:]) == {("failed", most)}
    assert row.error == "ConnectionRefusedError: [Errno 111] Connection refused"


def test_before_its_time_has_come_it_is_not_tried_again(settings: Any) -> None:
    settings.EMAIL_BACKEND = f"{STAND_INS}.Down"
    tell(a_person())
    outbox.deliver_mail(LATER)

    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    outbox.deliver_mail(LATER + timedelta(seconds=40))
    assert mail.outbox == []
    outbox.deliver_mail(LATER + timedelta(seconds=80))

    assert the_mail().subject == "Read this"
    assert Notification.objects.get().attempts == 2


def test_the_retry_is_the_same_mail_and_what_came_meanwhile_follows_later(settings: Any) -> None:
    settings.EMAIL_BACKEND = f"{STAND_INS}.Down"
    ona = a_person()
    tell(ona, "First")
    outbox.deliver_mail(LATER)
    batch = Notification.objects.get().batch
    tell(ona, "Second", at=LATER)

    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    outbox.deliver_mail(LATER + 2 * MINUTE)
    first = the_mail()
    outbox.deliver_mail(LATER + 12 * MINUTE)

    assert first.extra_headers["Message-ID"] == f"<{batch}@mandate.example.com>"
    assert "Second" not in first.body
    assert mail.outbox[1].extra_headers["Message-ID"] != first.extra_headers["Message-ID"]


def test_one_address_that_is_refused_does_not_hold_up_the_others(settings: Any) -> None:
    settings.EMAIL_BACKEND = f"{STAND_INS}.Refusing"
    tell(a_person(email="unknown@example.org"), "Lost")
    tell(a_person(email="kim@example.org"), "Found")

    result = outbox.deliver_mail(LATER)

    assert (result.sent, result.failed) == (1, 1)
    assert the_mail().to == ["kim@example.org"]
    assert "550" in Notification.objects.get(title="Lost").error


def test_a_server_that_is_down_costs_only_one_attempt_a_run(settings: Any) -> None:
    settings.EMAIL_BACKEND = f"{STAND_INS}.Down"
    for _ in range(5):
        tell(a_person())

    outbox.deliver_mail(LATER)

    assert Notification.objects.filter(attempts=1).count() == 1


def test_a_platform_that_fails_is_tried_again_and_given_up_and_holds_up_nobody(
    settings: Any,
) -> None:
    settings.DEBUG = True
    with listening() as dead, listening() as alive:
        dead.status = 503
        broken = a_webhook(url=dead.url)
        rows = [a_delivery(broken), a_delivery(broken), a_delivery(a_webhook(url=alive.url))]
        outbox.deliver_webhooks(NOW, way=HERE)
        assert (len(dead.got), len(alive.got)) == (1, 1)

        at = NOW
        for _ in range(outbox.MOST_ATTEMPTS * 2 + 4):
            outbox.deliver_webhooks(at, way=HERE)
            at += timedelta(hours=8)

    for row in rows[:2]:
        row.refresh_from_db()
        assert (row.status, row.attempts) == ("failed", outbox.MOST_ATTEMPTS)
        assert row.error == "It answered 503."
        of_it = [each for each in dead.got if each.headers["webhook-id"].startswith("msg_")]
    assert len(of_it) == 2 * outbox.MOST_ATTEMPTS
    assert len({each.headers["webhook-id"] for each in of_it}) == 2
    assert len(alive.got) == 1


def test_trying_again_gives_it_all_its_attempts(settings: Any) -> None:
    settings.DEBUG = True
    with listening() as receiver:
        row = a_delivery(
            a_webhook(url=receiver.url), status="failed", attempts=12, error="It answered 503."
        )
        with pytest.raises(PermissionDenied):
            outbox.try_again(row, by=a_user("auditor"), at=LATER)

        outbox.try_again(row, by=a_user(), at=LATER)
        outbox.deliver_webhooks(LATER, way=HERE)

        assert len(receiver.got) == 1
    row.refresh_from_db()
    assert (row.status, row.attempts, row.error) == ("sent", 1, "")
    with pytest.raises(RuleBroken, match="not given up"):
        outbox.try_again(row, by=a_user(), at=LATER)


def test_a_mail_that_was_given_up_can_be_tried_again() -> None:
    tell(a_person(), at=ago(9))
    outbox.deliver_mail(NOW)
    row = Notification.objects.get()
    assert row.status == "failed"

    outbox.try_again(row, by=a_user(), at=NOW)
    outbox.deliver_mail(NOW)

    assert the_mail().subject == "Read this"


def test_what_was_decided_before_it_was_told_is_not_told() -> None:
    office = Office()
    request = office.ask(office.can("high"))
    asked = Notification.objects.get(event="request.asked")
    requests.answer(
        request, given=Answer(approved=False, reason="No."), by=office.login(office.owner), at=NOW
    )

    outbox.deliver_mail(LATER)

    asked.refresh_from_db()
    assert asked.status == "dropped"
    assert mail.outbox == []


@pytest.mark.parametrize("lane", [outbox.deliver_mail, outbox.deliver_webhooks])
def test_a_question_whose_time_is_over_is_not_asked_any_more(lane: Any) -> None:
    office = Office()
    request = office.ask(office.can("high"))

    lane(request.answer_by + MINUTE)

    asked = Notification.objects.get(event="request.asked")
    assert (asked.status, mail.outbox) == ("dropped", [])
    assert asked.error == "It was decided or over before it was told."


def test_the_link_of_a_question_lands_on_the_page_where_it_is_decided(client: Any) -> None:
    office = Office()
    office.ask(office.can("high"))

    outbox.deliver_mail(LATER)

    link = next(line.strip() for line in the_mail().body.splitlines() if "/requests/" in line)
    client.force_login(office.login(office.owner))
    with time_machine.travel(LATER):
        page = client.get(link.removeprefix("https://mandate.example.com"))
    assert page.status_code == 200
    assert "/approve/" in page.content.decode()


def test_what_is_over_is_forgotten_after_a_year() -> None:
    hook = a_webhook()
    a_delivery(hook, status="sent", sent_at=ago(400), created_at=ago(400))
    a_delivery(hook, created_at=ago(400))
    a_delivery(hook, status="failed", created_at=NOW - days(300))

    assert outbox.tidy(NOW) == 1
    assert Notification.objects.count() == 2


def test_what_only_security_may_decide_is_told_to_security_but_not_to_who_asked() -> None:
    office = Office()
    sam, kim = a_person(name="Sam"), a_person(name="Kim")
    a_user("security", person=sam)
    asking = a_user("security", person=kim)
    a_user("auditor", person=a_person())
    for person in (office.owner, office.manager):  # nobody of the line is there
        person.away_from, person.away_until = ago(1), NOW + days(5)
        person.save()

    office.ask(office.can("medium"), by=asking)

    told = Notification.objects.filter(event="request.asked", person__isnull=False)
    assert [row.person for row in told] == [sam]


def test_platforms_hear_of_a_request_once_and_of_its_answer() -> None:
    office, hook = Office(), a_webhook()
    request = office.ask(office.can("high"))

    requests.answer(
        request, given=Answer(approved=False, reason="No."), by=office.login(office.owner), at=NOW
    )

    rows = hook.deliveries.order_by("pk").values_list("event", "status", "payload__request")
    assert list(rows) == [
        ("request.asked", "dropped", request.pk),
        ("request.refused", "waiting", request.pk),
    ]


def test_every_job_of_the_schedule_is_a_task_that_a_worker_knows() -> None:
    app.loader.import_default_modules()

    assert {task for task, _ in tasks.SCHEDULE.values()} <= set(app.tasks)


def test_the_tasks_of_webhooks_and_tidying_do_what_they_say() -> None:
    a_delivery(a_webhook(), status="sent", sent_at=ago(400), created_at=ago(400))
    row = a_delivery(a_webhook(url="https://127.0.0.1/"))

    with time_machine.travel(LATER, tick=False):
        tasks.deliver_webhooks.run()
        tasks.tidy_notifications.run()

    (left,) = Notification.objects.all()
    assert (left.pk, left.attempts) == (row.pk, 1)
    assert "not a public address" in left.error
