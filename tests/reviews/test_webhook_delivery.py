"""One POST to a platform: signed, to the address that was checked, within its time."""

import base64
import hashlib
import hmac
import json
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from inventory.models import Change
from inventory.public_web import Way
from inventory.rules import RuleBroken
from reviews import outbox, webhook_delivery, webhook_keys, webhooks
from reviews.events import WORDS
from reviews.models import Notification, Webhook
from reviews.webhook_delivery import NotDelivered
from tests.factories import NOW, a_user, days
from tests.reviews.receiver import HERE, Receiver, a_delivery, a_webhook, listening

pytestmark = pytest.mark.django_db


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.DEBUG = True  # http:// is for development only
    with listening() as found:
        yield found


def signed_by(secret: str, message: str, timestamp: str, body: bytes) -> str:
    """As the specification of Standard Webhooks says it, and not as we wrote it."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def test_the_receiver_can_verify_it_with_the_key_it_was_shown(
    receiver: Receiver, settings: Any
) -> None:
    settings.PUBLIC_URL = "https://mandate.example.com"
    made, secret = webhooks.create(
        name="bus", url="https://hooks.example.com/a", by=a_user(), at=NOW
    )
    Webhook.objects.filter(pk=made.pk).update(url=receiver.url)
    row = a_delivery(Webhook.objects.get(), title="Zugriff für Rechnungs-Agent")

    sent = outbox.deliver_webhooks(NOW, way=HERE)

    (got,) = receiver.got
    message, timestamp = got.headers["webhook-id"], got.headers["webhook-timestamp"]
    assert got.headers["webhook-signature"] == signed_by(secret, message, timestamp, got.body)
    assert timestamp == str(int(NOW.timestamp()))
    assert got.headers["content-type"] == "application/json"
    assert json.loads(got.body) == {
        "type": "request.approved",
        "timestamp": NOW.isoformat(),
        "data": {
            "request": 7,
            "about": row.about,
            "title": "Zugriff für Rechnungs-Agent",
            "text": "",
            "url": "https://mandate.example.com/requests/7/",
        },
    }
    row.refresh_from_db()
    assert (sent.sent, row.status, row.sent_at, row.attempts) == (1, "sent", NOW, 1)


def test_a_new_key_ends_the_old_one(receiver: Receiver) -> None:
    user = a_user()
    hook, old = webhooks.create(name="bus", url="https://hooks.example.com/a", by=user, at=NOW)
    _, new = webhooks.rotate_key(hook, by=user, reason="Leaked.", at=NOW)
    Webhook.objects.update(url=receiver.url)
    a_delivery(Webhook.objects.get())

    outbox.deliver_webhooks(NOW, way=HERE)

    (got,) = receiver.got
    given = (got.headers["webhook-id"], got.headers["webhook-timestamp"], got.body)
    assert got.headers["webhook-signature"] == signed_by(new, *given)
    assert got.headers["webhook-signature"] != signed_by(old, *given)


def test_keys_differ_by_webhook_version_time_and_installation(settings: Any) -> None:
    first, second = a_webhook(), a_webhook()
    keys = {
        webhook_keys.shown_once(each)
        for each in (
            first,
            second,
            Webhook(pk=first.pk, created_at=NOW, key_version=2),
            Webhook(pk=first.pk, created_at=NOW + days(1), key_version=1),
        )
    }
    settings.SECRET_KEY = "another installation"
    keys.add(webhook_keys.shown_once(first))

    assert len(keys) == 5
    assert all(len(base64.b64decode(key.removeprefix("whsec_"))) == 32 for key in keys)


def test_the_key_is_in_no_table_and_in_no_log(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    user = a_user()
    hook, secret = webhooks.create(name="bus", url="https://hooks.example.com/a", by=user, at=NOW)
    _, rotated = webhooks.rotate_key(hook, by=user, reason="", at=NOW)
    Webhook.objects.update(url=receiver.url)
    a_delivery(Webhook.objects.get())
    receiver.status = 500
    with caplog.at_level("DEBUG"):
        outbox.deliver_webhooks(NOW, way=HERE)

    stored = caplog.text + str(list(Change.objects.values())) + every_row()

    assert "notification.failed" in caplog.text
    for key in (secret, rotated):
        bare = key.removeprefix("whsec_")
        assert bare not in stored
        assert base64.b64decode(bare).hex() not in stored


def every_row() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(w)::text FROM reviews_webhook w")
        rows = cursor.fetchall()
        cursor.execute("SELECT to_jsonb(n)::text FROM reviews_notification n")
        return str(rows + cursor.fetchall())


@pytest.mark.parametrize("status", [301, 302, 307, 400, 410, 429, 500, 503, 600])
def test_everything_but_success_is_a_failure_with_its_status(
    receiver: Receiver, status: int
) -> None:
    receiver.status = status
    row = a_delivery(a_webhook(url=receiver.url))

    outbox.deliver_webhooks(NOW, way=HERE)

    row.refresh_from_db()
    assert (row.status, row.attempts) == ("waiting", 1)
    assert f"It answered {status}" in row.error


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    with listening() as inside:
        receiver.status, receiver.location = 302, inside.url
        a_delivery(a_webhook(url=receiver.url))

        outbox.deliver_webhooks(NOW, way=HERE)

        assert len(receiver.got) == 1
        assert inside.got == []


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://[::1]/", "https://localhost:8443/", "https://0x7f.1/",
        "https://2130706433/", "https://169.254.169.254/latest/", "https://[::ffff:10.0.0.1]/",
        "https://0.0.0.0/",
    ],
)  # fmt: skip
def test_inner_addresses_are_refused_before_anything_is_sent(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*arguments: Any, **rest: Any) -> None:
        raise AssertionError("It was connected to.")

    monkeypatch.setattr(socket, "create_connection", never)
    row = a_delivery(a_webhook(url=url))

    outbox.deliver_webhooks(NOW)

    row.refresh_from_db()
    assert (row.status, row.attempts) == ("waiting", 1)
    assert "is not a public address" in row.error


def resolving(*answers: str) -> Any:
    """A resolver whose answer changes from one question to the next."""
    left = list(answers)

    def getaddrinfo(host: str, port: int, *rest: Any, **more: Any) -> list[Any]:
        address = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    return getaddrinfo


def test_a_name_that_changes_its_answer_in_between_wins_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[Any] = []

    def connect(address: Any, **rest: Any) -> Any:
        tried.append(address[0])
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "getaddrinfo", resolving("93.184.216.34", "127.0.0.1"))
    monkeypatch.setattr(socket, "create_connection", connect)
    row = a_delivery(a_webhook())

    outbox.deliver_webhooks(NOW)

    row.refresh_from_db()
    assert tried == ["93.184.216.34"]
    assert "Connection refused" in row.error


def test_one_inner_address_among_public_ones_condemns_them_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))
        for address in ("93.184.216.34", "10.0.0.5")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: both)
    row = a_delivery(a_webhook())

    with pytest.raises(NotDelivered, match=r"leads to 10\.0\.0\.5"):
        webhook_delivery.deliver(row, at=NOW, way=Way())


def test_without_tls_nothing_is_sent_outside_development() -> None:
    with listening() as receiver:
        row = a_delivery(a_webhook(url=receiver.url))

        with pytest.raises(NotDelivered, match="https"):
            webhook_delivery.deliver(row, at=NOW, way=HERE)

        assert receiver.got == []


def test_a_receiver_that_answers_a_byte_at_a_time_is_cut_off(receiver: Receiver) -> None:
    receiver.drip = True
    row = a_delivery(a_webhook(url=receiver.url))
    began = time.monotonic()

    with pytest.raises(NotDelivered, match=r"did not answer within 0\.3 seconds"):
        webhook_delivery.deliver(row, at=NOW, way=replace(HERE, seconds=0.3))

    assert time.monotonic() - began < 3


def test_a_receiver_that_is_not_there_is_said() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    row = a_delivery(a_webhook(url=f"https://127.0.0.1:{port}/"))

    with pytest.raises(NotDelivered, match="Connection refused"):
        webhook_delivery.deliver(row, at=NOW, way=HERE)


@pytest.mark.skipif(not shutil.which("openssl"), reason="Needs openssl to make a certificate.")
def test_the_certificate_has_to_hold_for_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=hooks.example.com", "-addext", "subjectAltName=DNS:hooks.example.com",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=str(certificate))
    asked_for = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, port, *a, **k: asked_for("127.0.0.1", port, *a, **k)
    )
    with listening(server) as receiver:
        port = receiver.url.split(":")[2].split("/")[0]
        right = a_delivery(a_webhook(url=f"https://hooks.example.com:{port}/in?team=a"))
        wrong = a_delivery(a_webhook(url=f"https://other.example.com:{port}/"))

        webhook_delivery.deliver(right, at=NOW, way=replace(HERE, context=trusting))
        with pytest.raises(NotDelivered, match="certificate does not hold"):
            webhook_delivery.deliver(wrong, at=NOW, way=replace(HERE, context=trusting))
        with pytest.raises(NotDelivered, match="certificate does not hold"):
            webhook_delivery.deliver(right, at=NOW, way=HERE)

    (got,) = receiver.got
    assert (got.path, got.headers["host"]) == ("/in?team=a", f"hooks.example.com:{port}")


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/", "ftp://hooks.example.com/", "https://", "https://10.0.0.1/",
        "https://[::1]/", "https://user:pass@hooks.example.com/", "https://hooks.example.com:99999/",
        "https://hooks example.com/", "https://hooks.example.com/\u00fc", "https://[::1/",
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_right_is_refused_when_it_is_given(url: str) -> None:
    with pytest.raises(RuleBroken):
        webhooks.create(name="bus", url=url, by=a_user(), at=NOW)

    assert not Webhook.objects.exists()


def test_switching_off_drops_what_waits_and_nothing_more_is_told() -> None:
    hook, user = a_webhook(), a_user()
    row = a_delivery(hook)

    webhooks.switch_off(hook, by=user, reason="Moved.", at=NOW)
    sent = outbox.deliver_webhooks(NOW, way=HERE)

    row.refresh_from_db()
    assert (row.status, sent.sent + sent.failed) == ("dropped", 0)
    with pytest.raises(RuleBroken, match="switched off"):
        webhooks.test(Webhook.objects.get(), by=user, at=NOW)


def test_every_event_that_the_code_tells_has_words() -> None:
    root = Path(webhooks.__file__).parent.parent
    told = set()
    for path in [*root.glob("reviews/**/*.py"), *root.glob("inventory/**/*.py")]:
        for line in path.read_text(encoding="utf-8").splitlines():
            if 'event="' in line:
                told.add(line.split('event="')[1].split('"')[0])

    assert told, "The search finds nothing any more."
    assert told <= set(WORDS), "Add it to reviews/events.py."


def test_a_test_goes_to_the_webhook_whatever_it_listens_to() -> None:
    hook = a_webhook(events=["request.lapsed"])

    webhooks.test(hook, by=a_user(), at=NOW)

    assert Notification.objects.get().event == "webhook.test"
