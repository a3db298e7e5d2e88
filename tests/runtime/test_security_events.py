"""Security events: whoever listens hears that a token is over, once, also when a receiver is down for a while."""

import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.utils import timezone
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet

from inventory import grants, identities, task_life
from inventory.models import Identity
from inventory.public_web import Way
from inventory.rules import RuleBroken
from runtime import event_delivery, event_streams, security_events, token_endings, trust
from runtime.models import EventStream, SecurityEvent, Token
from tests.factories import a_user
from tests.reviews.receiver import HERE, Receiver, listening
from tests.runtime.office import Office, build

pytestmark = pytest.mark.django_db
REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"


@pytest.fixture
def office() -> Office:
    return build()


@pytest.fixture(autouse=True)
def plain_http(settings: Any) -> None:
    settings.DEBUG = True  # the receiver of the test speaks http


def a_stream(url: str, name: str = "bus") -> EventStream:
    return EventStream.objects.create(
        name=name, url=url, audience="https://bus.example.com", created_at=timezone.now()
    )


def heard(office: Office, receiver: Receiver) -> list[dict[str, Any]]:
    keys = KeySet.import_key_set(office.wire.get("/.well-known/jwks.json").json())
    read = []
    for got in receiver.got:
        assert got.headers["content-type"] == "application/secevent+jwt"
        token = joserfc_jwt.decode(got.body.decode(), keys, algorithms=["ES256"])
        assert token.header["typ"] == "secevent+jwt"
        read.append(token.claims)
    return read


def test_a_task_that_ends_is_told_as_a_session_that_was_revoked(office: Office) -> None:
    token = office.token()
    with listening() as receiver:
        a_stream(receiver.url)
        task_life.end_task(office.task, how="done", by=office.security, at=timezone.now())
        token_endings.settle(timezone.now(), tasks=[office.task.pk])
        event_delivery.deliver(timezone.now(), way=HERE)
        event_delivery.deliver(timezone.now(), way=HERE)

    (event,) = heard(office, receiver)
    claims = jwt.decode(token, options={"verify_signature": False})

    assert event["aud"] == "https://bus.example.com"
    assert event["sub_id"]["session"] == {"format": "opaque", "id": claims["jti"]}
    assert event["sub_id"]["user"] == {
        "format": "iss_sub", "iss": claims["iss"], "sub": claims["sub"],
    }  # fmt: skip
    assert set(event["events"]) == {REVOKED}
    assert event["events"][REVOKED]["reason_admin"] == {"en": "Its task ended."}
    assert "sub" not in event
    assert "exp" not in event


CAUSES: dict[str, Any] = {
    "task": lambda o, at: task_life.end_task(o.task, how="failed", by=o.security, at=at),
    "identity": lambda o, at: identities.suspend(o.agent, by=o.security, reason="r", at=at),
    "access": lambda o, at: grants.revoke(o.grant, by=o.security, reason="r", at=at),
    "trust": lambda o, at: trust.retire(o.bundle, by=o.security, reason="r", at=at),
    "person": lambda o, at: type(o.person).objects.filter(pk=o.person.pk).update(status="left"),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_whatever_a_token_rests_on_ends_it_at_once_and_once(cause: str, office: Office) -> None:
    token, at = office.token(), timezone.now()
    a_stream("https://bus.example.com")
    if cause == "identity":  # stopping it would end its task first
        Identity.objects.filter(pk=office.agent.pk).update(lifecycle="suspended")
    else:
        CAUSES[cause](office, at)

    told = office.introspect(token)
    token_endings.settle(timezone.now())
    token_endings.settle(timezone.now())

    assert told == {"active": False}
    assert Token.objects.get().end_cause == cause
    assert SecurityEvent.objects.count() == 1


def test_a_token_that_ended_does_not_come_back(office: Office) -> None:
    token = office.token()
    Identity.objects.filter(pk=office.agent.pk).update(lifecycle="suspended")
    token_endings.settle(timezone.now())

    Identity.objects.filter(pk=office.agent.pk).update(lifecycle="active")

    assert office.introspect(token) == {"active": False}


def test_a_token_that_holds_is_left_alone(office: Office) -> None:
    office.token()
    a_stream("https://bus.example.com")

    assert token_endings.settle(timezone.now()) == 0
    assert not SecurityEvent.objects.exists()


def test_a_receiver_that_is_down_hears_it_later_with_the_same_id(office: Office) -> None:
    office.token()
    with listening() as receiver:
        stream = a_stream(receiver.url)
        token_endings.revoke(Token.objects.get(), by=office.security, reason="r", at=timezone.now())
        receiver.status = 503
        at = timezone.now()
        event_delivery.deliver(at, way=HERE)
        waiting = SecurityEvent.objects.get()
        event_delivery.deliver(at + timedelta(seconds=1), way=HERE)
        receiver.status = 202
        event_delivery.deliver(at + timedelta(minutes=1), way=HERE)

    first, second = heard(office, receiver)
    assert waiting.error == "It answered 503."
    assert first == second
    assert SecurityEvent.objects.get().status == "sent"
    assert stream.deliveries.get().attempts == 2


def test_a_receiver_that_stays_away_is_given_up_and_can_be_tried_again(office: Office) -> None:
    stream, at = a_stream("https://bus.example.com"), timezone.now()
    event = security_events.verify(stream, state="s", at=at)
    refusing = Way(allowed=lambda address: False)
    for _ in range(event_delivery.MOST_ATTEMPTS):
        SecurityEvent.objects.update(next_try_at=at)
        event_delivery.deliver(at, way=refusing)

    given_up = SecurityEvent.objects.get()
    event_delivery.try_again(given_up, by=office.security, at=at)

    assert given_up.status == "failed"
    assert SecurityEvent.objects.get(pk=event.pk).status == "waiting"


def test_a_stream_inside_is_never_called(office: Office) -> None:
    with listening() as receiver:
        stream = a_stream(receiver.url)
        event_streams.verify(stream, by=office.security, at=timezone.now())
        sent = event_delivery.deliver(timezone.now())

    assert (sent.sent, sent.failed, receiver.got) == (0, 1, [])
    assert "not a public address" in SecurityEvent.objects.get().error


@pytest.mark.parametrize(
    "url", ["https://10.0.0.1/", "ftp://bus.example.com", "https://u:p@bus.example.com", "https://"]
)
def test_a_stream_to_an_address_inside_is_refused(url: str) -> None:
    with pytest.raises(RuleBroken):
        event_streams.create(name="bus", url=url, by=a_user("security"), at=timezone.now())


def test_a_stream_that_is_switched_off_hears_nothing(office: Office) -> None:
    office.token()
    stream = a_stream("https://bus.example.com")
    event_streams.verify(stream, by=office.security, at=timezone.now())

    event_streams.switch_off(stream, by=office.security, reason="r", at=timezone.now())
    token_endings.revoke(Token.objects.get(), by=office.security, reason="r", at=timezone.now())

    assert SecurityEvent.objects.get().status == "dropped"


def test_the_events_of_the_samples_have_our_shape(office: Office) -> None:
    """Field for field what OpenID CAEP shows for session-revoked, as far as we say it."""
    office.token()
    stream = a_stream("https://bus.example.com")
    token_endings.revoke(Token.objects.get(), by=office.security, reason="r", at=timezone.now())

    claims = security_events.claims_of(SecurityEvent.objects.get(stream=stream))

    json.dumps(claims)
    assert set(claims) == {"iss", "aud", "iat", "jti", "sub_id", "events"}
    assert set(claims["events"][REVOKED]) <= {
        "event_timestamp", "initiating_entity", "reason_admin", "reason_user",
    }  # fmt: skip
    assert set(claims["sub_id"]) <= {"format", "user", "device", "session", "application", "tenant"}
