"""Notifications and webhooks over the API."""

from typing import Any

import pytest

from reviews import notifications
from reviews.models import Notification, Webhook
from reviews.notifications import Message
from tests.factories import NOW, a_person
from tests.reviews.receiver import a_delivery, a_webhook

pytestmark = pytest.mark.django_db
GIVEN = {"name": "bus", "url": "https://hooks.example.com/in", "events": ["request.asked"]}


def test_an_owner_sees_their_own_and_security_and_auditors_see_all(api: Any, settings: Any) -> None:
    settings.PUBLIC_URL = "https://mandate.example.com"
    ona = a_person(name="Ona")
    for person, title in ((ona, "For Ona"), (a_person(), "For Kim")):
        message = Message("request.asked", f"x:{person.pk}", title, "/requests/7/")
        notifications.tell(person, message, at=NOW)
    a_delivery(a_webhook(), title="For a platform")

    def titles(role: str, **fields: Any) -> list[str]:
        found = api(role, **fields).get("notifications/").json()["results"]
        return [each["title"] for each in found]

    assert titles("owner", person=ona) == ["For Ona"]
    assert titles("owner", person=a_person()) == []
    for role in ("security", "auditor"):
        assert titles(role) == ["For a platform", "For Kim", "For Ona"]
    (mine,) = api("owner", person=ona).get("notifications/").json()["results"]
    assert mine["url"] == "https://mandate.example.com/requests/7/"
    other = Notification.objects.get(title="For Kim").pk
    assert api("owner", person=ona).get(f"notifications/{other}/").status_code == 404


def test_the_key_is_in_the_answer_that_made_it_and_nowhere_else(api: Any) -> None:
    client = api()

    made = client.post("webhooks/", **GIVEN)
    key = made.json()["id"]
    rotated = client.post(f"webhooks/{key}/rotate-key/", reason="Leaked.")

    first, second = made.json()["signing_key"], rotated.json()["signing_key"]
    assert (made.status_code, rotated.status_code) == (201, 200)
    assert first != second
    assert first.startswith("whsec_")
    assert rotated.json()["key_version"] == 2
    later = [
        client.get("webhooks/"),
        client.get(f"webhooks/{key}/"),
        client.post(f"webhooks/{key}/change/", **GIVEN),
        client.post(f"webhooks/{key}/switch-off/"),
        client.post(f"webhooks/{key}/switch-on/"),
        client.post(f"webhooks/{key}/test/"),
        client.get("notifications/"),
    ]
    for answer in later:
        assert answer.status_code == 200
        assert "signing_key" not in answer.content.decode()
        assert "whsec_" not in answer.content.decode()


def test_what_is_wrong_is_said(api: Any) -> None:
    client = api()
    client.post("webhooks/", **GIVEN)

    assert client.post("webhooks/", **GIVEN).status_code == 422
    inner = client.post("webhooks/", **{**GIVEN, "name": "b", "url": "https://127.0.0.1/"})
    assert (inner.status_code, "not a public address" in inner.json()["detail"]) == (422, True)
    assert client.post("webhooks/", **{**GIVEN, "events": ["no.such"]}).status_code == 400
    assert Webhook.objects.count() == 1


def test_only_security_changes_webhooks_and_owners_do_not_see_them(api: Any) -> None:
    hook = a_webhook()
    row = a_delivery(hook, status="failed", error="It answered 503.")
    acts = ("change/", "rotate-key/", "switch-off/", "switch-on/", "test/")

    owner, auditor = api("owner", person=a_person()), api("auditor")

    assert owner.get("webhooks/").status_code == 403
    assert auditor.get("webhooks/").status_code == 200
    for act in acts:
        assert owner.post(f"webhooks/{hook.pk}/{act}", **GIVEN).status_code == 403
        assert auditor.post(f"webhooks/{hook.pk}/{act}", **GIVEN).status_code == 403
    assert auditor.post(f"notifications/{row.pk}/try-again/").status_code == 403
    assert owner.post(f"notifications/{row.pk}/try-again/").status_code == 404
    hook.refresh_from_db()
    assert (hook.key_version, hook.enabled) == (1, True)


def test_what_was_given_up_is_tried_again_once(api: Any) -> None:
    row = a_delivery(a_webhook(), status="failed", attempts=12, error="It answered 503.")
    client = api()

    again = client.post(f"notifications/{row.pk}/try-again/")

    assert (again.status_code, again.json()["status"], again.json()["attempts"]) == (
        200, "waiting", 0,
    )  # fmt: skip
    assert client.post(f"notifications/{row.pk}/try-again/").status_code == 422
