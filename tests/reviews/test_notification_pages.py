"""What the pages of notifications and webhooks show, to whom, and what their buttons do."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from inventory.models import Change, Person, User
from reviews import notifications
from reviews.events import EVENTS
from reviews.models import Notification, Webhook
from reviews.notifications import Message
from tests.factories import NOW, a_person, a_user
from tests.reviews.receiver import a_delivery, a_webhook

pytestmark = pytest.mark.django_db
SETTINGS = "reviews:notification-settings"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text_of(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def tell(person: Person, title: str, path: str = "/inbox/") -> Notification:
    number = Notification.objects.count()
    notifications.tell(person, Message("request.asked", f"x:{number}", title, path), at=NOW)
    return Notification.objects.get(title=title)


# --- one's own ----------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["owner", "security", "auditor"])
def test_everybody_sees_what_they_were_told_and_nothing_else(role: str) -> None:
    ona, kim = a_person(), a_person()
    tell(ona, "For Ona")
    tell(kim, "For Kim")
    a_delivery(a_webhook(), title="For a platform")

    page = text_of(signed_in(a_user(role, person=ona)).get(reverse("reviews:notification-list")))

    assert "For Ona" in page
    assert "For Kim" not in page
    assert "For a platform" not in page


def test_a_link_lands_on_the_page_of_the_decision_and_is_noted_as_read() -> None:
    ona = a_person()
    row = tell(ona, "bot asks for pay", "/requests/7/?from=mail")
    client = signed_in(a_user("owner", person=ona))
    listed = reverse("reviews:notification-list")
    assert "bot asks for pay" in text_of(client.get(listed, {"unread": "yes"}))

    answer = client.get(reverse("reviews:notification-open", args=[row.pk]))

    assert (answer.status_code, answer.headers["Location"]) == (302, "/requests/7/?from=mail")
    assert "bot asks for pay" not in text_of(client.get(listed, {"unread": "yes"}))
    assert "bot asks for pay" in text_of(client.get(listed, {"unread": "no"}))


def test_no_link_leads_out_of_the_product() -> None:
    ona = a_person()
    row = tell(ona, "t", "https://evil.example/requests/7/")

    answer = signed_in(a_user("owner", person=ona)).get(
        reverse("reviews:notification-open", args=[row.pk])
    )

    assert answer.headers["Location"] == "/requests/7/"


def test_somebody_elses_is_not_there_and_an_auditor_reads_it_without_a_trace() -> None:
    row = tell(a_person(), "For Ona")
    address = reverse("reviews:notification-open", args=[row.pk])

    assert signed_in(a_user("owner", person=a_person())).get(address).status_code == 404
    assert signed_in(a_user("auditor", person=a_person())).get(address).status_code == 302

    row.refresh_from_db()
    assert row.read_at is None


def test_all_of_ones_own_are_marked_as_read_at_once() -> None:
    ona, kim = a_person(), a_person()
    tell(ona, "First")
    tell(ona, "Second")
    tell(kim, "For Kim")

    client = signed_in(a_user("security", person=ona))
    answer = client.post(reverse("reviews:notifications-read"), follow=True)

    assert "2 marked as read." in text_of(answer)
    assert list(Notification.objects.filter(read_at=None).values_list("title", flat=True)) == [
        "For Kim"
    ]


def test_the_page_says_when_email_is_not_set_up_and_when_nobody_is_behind_the_user(
    settings: Any,
) -> None:
    address = reverse("reviews:notification-list")
    ona = a_user("owner", person=a_person())

    settings.EMAIL_IS_SET_UP = False
    assert "E-mail is not set up here" in text_of(signed_in(ona).get(address))
    assert "linked to no person" in text_of(signed_in(a_user("security")).get(address))
    settings.EMAIL_IS_SET_UP = True
    assert "not set up" not in text_of(signed_in(ona).get(address))


def test_the_export_is_what_is_shown() -> None:
    ona = a_person()
    tell(ona, "For Ona")
    tell(a_person(), "For Kim")

    answer = signed_in(a_user("owner", person=ona)).get(
        reverse("reviews:notification-list"), {"export": "csv"}
    )

    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]  # a stream
    assert len(lines) == 2
    assert lines[1].startswith("For Ona,A request for access waits for an answer,New,")


# --- webhooks -----------------------------------------------------------------------------------


def made(client: Client, **fields: Any) -> Any:
    given = {"name": "bus", "url": "https://hooks.example.com/in", **fields}
    return client.post(reverse("reviews:webhook-new"), given)


def test_the_key_is_shown_when_it_is_made_and_never_again() -> None:
    client = signed_in(a_user())
    answer = made(client, events=["action.asked", "request.asked"])
    secret = answer.context["secret"]
    hook = Webhook.objects.get()
    a_delivery(hook)

    assert secret.startswith("whsec_")
    assert secret in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    assert hook.events == ["request.asked", "action.asked"]
    pages = [
        reverse("reviews:webhook-detail", args=[hook.pk]),
        reverse("reviews:webhook-edit", args=[hook.pk]),
        reverse("reviews:webhook-key", args=[hook.pk]),
        reverse(SETTINGS),
        reverse("reviews:delivery-list"),
        reverse("inventory:change-list"),
        f"/api/v1/webhooks/{hook.pk}/",
        *(
            reverse("inventory:change-detail", args=[pk])
            for pk in Change.objects.values_list("pk", flat=True)
        ),
    ]
    for page in pages:
        shown = client.get(page)
        assert shown.status_code == 200, page
        assert secret.removeprefix("whsec_") not in shown.content.decode(), page


def test_a_new_key_is_another_one_and_its_reason_is_kept() -> None:
    client = signed_in(a_user())
    first = made(client).context["secret"]
    hook = Webhook.objects.get()

    answer = client.post(reverse("reviews:webhook-key", args=[hook.pk]), {"reason": "Leaked."})

    assert answer.context["secret"] != first
    page = text_of(client.get(reverse("reviews:webhook-detail", args=[hook.pk])))
    assert "Version 2" in page
    assert "Leaked." in page


def test_a_rule_that_refuses_is_said_at_the_form() -> None:
    client = signed_in(a_user())
    made(client)

    again = made(client)
    inner = made(client, name="inside", url="https://10.0.0.1/")

    assert (again.status_code, inner.status_code) == (422, 422)
    assert "There is a webhook “bus” already." in text_of(again)
    assert "10.0.0.1 is not a public address." in text_of(inner)
    assert Webhook.objects.count() == 1


def test_it_is_changed_switched_off_and_on_and_tried_out() -> None:
    client, hook = signed_in(a_user()), a_webhook()

    def post(which: str, **fields: Any) -> str:
        address = reverse(f"reviews:{which}", args=[hook.pk])
        return text_of(client.post(address, fields, follow=True))

    assert "Saved." in post(
        "webhook-edit", name="other", url="https://hooks.example.com/b", events=[EVENTS[0][0]]
    )
    assert "A test is on its way." in post("webhook-test")
    assert Notification.objects.get().event == "webhook.test"
    assert "is switched off." in post("webhook-switch", reason="Moved.")
    assert Notification.objects.get().status == "dropped"
    assert "is switched off. Switch it on first." in post("webhook-test")
    assert "is switched on." in post("webhook-switch", reason="")
    hook.refresh_from_db()
    assert (hook.name, hook.events, hook.enabled) == ("other", [EVENTS[0][0]], True)


def test_what_was_given_up_stands_there_with_its_reason_and_is_tried_again() -> None:
    client, hook = signed_in(a_user()), a_webhook()
    row = a_delivery(hook, status="failed", attempts=12, error="It answered 503.")
    page = reverse("reviews:webhook-detail", args=[hook.pk])
    again = reverse("reviews:delivery-again", args=[row.pk])

    shown = client.get(page)
    assert "Given up" in text_of(shown)
    assert "It answered 503." in text_of(shown)
    assert again in shown.content.decode()
    answer = client.post(again, follow=True)

    assert "It is tried again within a minute." in text_of(answer)
    row.refresh_from_db()
    assert (row.status, row.attempts) == ("waiting", 0)
    assert "not given up" in text_of(client.post(again))


def test_an_auditor_sees_everything_and_is_offered_nothing() -> None:
    hook = a_webhook()
    a_delivery(hook, status="failed", error="It answered 503.")
    client = signed_in(a_user("auditor"))

    for address in (reverse("reviews:webhook-detail", args=[hook.pk]), reverse(SETTINGS)):
        page = client.get(address).content.decode()
        assert hook.name in page
        for offer in ("Try again", "New key", "Switch off", "Send a test", "New webhook"):
            assert offer not in page


def test_the_list_of_deliveries_is_filtered_by_where_and_how_they_went() -> None:
    client = signed_in(a_user("auditor"))
    hook, ona = a_webhook(), a_person(name="Ona")
    a_delivery(hook, title="To the bus")
    a_delivery(a_webhook(), title="To another", status="failed")
    tell(ona, "To Ona")

    def shown(**asked: Any) -> set[str]:
        page = text_of(client.get(reverse("reviews:delivery-list"), asked))
        return {title for title in ("To the bus", "To another", "To Ona") if title in page}

    assert shown() == {"To the bus", "To another", "To Ona"}
    assert shown(lane="mail") == {"To Ona"}
    assert shown(lane="webhook") == {"To the bus", "To another"}
    assert shown(webhook=hook.pk) == {"To the bus"}
    assert shown(status="failed") == {"To another"}
    assert shown(person=ona.pk) == {"To Ona"}


@pytest.mark.parametrize("name", ["reviews:delivery-list", SETTINGS])
def test_more_rows_do_not_mean_more_queries(name: str) -> None:
    client = signed_in(a_user())

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse(name))
        return len(queries)

    a_delivery(a_webhook())
    tell(a_person(), "t0")
    few = count()
    for number in range(1, 8):
        a_delivery(a_webhook())
        tell(a_person(), f"t{number}")

    assert count() == few <= 12


# --- e-mail -------------------------------------------------------------------------------------


def test_the_page_of_settings_says_how_email_fares_and_never_how_to_sign_in(settings: Any) -> None:
    client = signed_in(a_user("auditor"))
    settings.EMAIL_IS_SET_UP = False
    assert "Not set up" in text_of(client.get(reverse(SETTINGS)))

    settings.EMAIL_IS_SET_UP = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "mail.example.com", 587
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "postmaster", "hunter2"
    page = client.get(reverse(SETTINGS)).content.decode()

    assert "mail.example.com:587" in page
    assert "hunter2" not in page
    assert "postmaster" not in page


def test_a_test_goes_to_oneself_or_says_why_not(settings: Any) -> None:
    address = reverse("reviews:mail-test")
    settings.EMAIL_IS_SET_UP = True
    ona = a_person()

    assert "linked to no person" in text_of(signed_in(a_user()).post(address, follow=True))
    said = text_of(signed_in(a_user(person=ona)).post(address, follow=True))

    assert "An e-mail to you is on its way." in said
    assert Notification.objects.get().person == ona
    settings.EMAIL_IS_SET_UP = False
    assert "not set up" in text_of(signed_in(a_user(person=ona)).post(address, follow=True))
