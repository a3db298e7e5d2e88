"""The pages of tokens, trust and event streams: who sees and does what, in a browser without JavaScript."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from inventory.models import Change, User
from runtime import token_endings
from runtime.models import EventStream, OAuthClient, OidcIssuer, SecurityEvent, Token, TrustBundle
from tests.factories import a_person, a_task, a_user, an_identity
from tests.runtime.factories import a_token, a_trust_bundle, an_event_stream
from tests.runtime.workload import Domain, a_key, public_jwk

pytestmark = pytest.mark.django_db


def signed_in(role: str = "security", **fields: Any) -> Client:
    client = Client()
    client.force_login(a_user(role, **fields))
    return client


def now_live(**fields: Any) -> Token:
    at = timezone.now()
    return a_token(issued_at=at, expires_at=at + timedelta(minutes=5), **fields)


def test_an_owner_sees_and_revokes_theirs_only() -> None:
    person = a_person()
    mine = now_live(task=a_task(identity=an_identity(name="my-agent", owner=person)))
    other = now_live(task=a_task(identity=an_identity(name="another")))
    client = signed_in(User.Role.OWNER, person=person)

    page = client.get("/task-tokens/").content.decode()
    done = client.post(f"/task-tokens/{mine.pk}/revoke/", {"reason": "Not needed"})
    hidden = client.post(f"/task-tokens/{other.pk}/revoke/", {"reason": "r"})

    assert "my-agent" in page
    assert "another" not in page
    assert (done.status_code, hidden.status_code) == (302, 404)
    mine.refresh_from_db()
    assert (mine.state(timezone.now()), mine.end_cause) == ("revoked", "revoked")
    change = Change.objects.filter(noun="runtime_token", row_id=mine.pk).latest("pk")
    assert (change.verb, change.reason) == ("token.revoked", "Not needed")


def test_the_list_is_filtered_by_what_it_shows() -> None:
    live, over = now_live(), a_token()
    client = signed_in("auditor")

    shown = {
        state: client.get(f"/task-tokens/?state={state}&export=csv").getvalue().decode()  # type: ignore[attr-defined]  # it streams
        for state in ("live", "expired", "revoked")
    }

    assert live.identity.name in shown["live"]
    assert over.identity.name in shown["expired"]
    assert len(shown["revoked"].splitlines()) == 1


def test_the_panel_shows_what_holds_now_and_nothing_of_a_finished_task() -> None:
    token = now_live()
    task = token.task
    task.opened_at, task.deadline = timezone.now(), timezone.now() + timedelta(hours=1)
    task.save()
    client = signed_in("auditor")

    before = client.get(f"/tasks/{task.pk}/tokens/").content.decode()
    task.status, task.ended_at = "done", timezone.now()
    task.save()
    after = client.get(f"/identities/{token.identity_id}/tokens/").content.decode()

    assert token.audience in before
    assert "No live tokens" in after


def test_a_bundle_is_given_renewed_and_retired() -> None:
    client, document = signed_in(), json.dumps(Domain().bundle())

    wrong = client.post("/trust/bundles/new/", {"trust_domain": "Example.org", "document": "{}"})
    client.post("/trust/bundles/new/", {"trust_domain": "example.org", "document": document})
    bundle = TrustBundle.objects.get()
    page = client.get("/trust/").content.decode()
    client.post(f"/trust/bundle/{bundle.pk}/retire/", {"reason": "Moved"})
    after = client.get("/trust/").content.decode()

    assert wrong.status_code == 422
    assert "example.org" in page
    assert "No trust bundles yet" in after
    assert TrustBundle.objects.get().retired_at is not None


def test_an_issuer_and_a_client_are_added_in_forms() -> None:
    client, identity = signed_in(), an_identity(name="billing")
    keys = json.dumps({"keys": [public_jwk(a_key(), kid="a")]})

    client.post(
        "/trust/issuers/new/",
        {
            "issuer": "https://login.example.com", "names": "person_email", "claim": "email",
            "jwks": keys, "required_claims": '{"tid": "ours"}',
        },
    )  # fmt: skip
    client.post(
        "/trust/clients/new/",
        {"client_id": "billing", "identity": "billing", "jwk": json.dumps(public_jwk(a_key()))},
    )
    secret = client.post(
        "/trust/clients/new/",
        {
            "client_id": "b2", "identity": str(identity.pk),
            "jwk": json.dumps({**public_jwk(a_key()), "d": "AAAA"}),
        },
    )  # fmt: skip
    page = client.get("/trust/").content.decode()

    assert OidcIssuer.objects.get().required_claims == {"tid": "ours"}
    assert OAuthClient.objects.get().identity == identity
    assert secret.status_code == 422
    assert "secret part" in secret.content.decode()
    assert "https://login.example.com" in page


def test_retiring_what_tokens_rest_on_ends_them() -> None:
    bundle = a_trust_bundle()
    token = now_live(bundle=bundle)
    an_event_stream()

    signed_in().post(f"/trust/bundle/{bundle.pk}/retire/", {"reason": "Leaked"})

    token.refresh_from_db()
    assert token.revoked_at is not None
    assert SecurityEvent.objects.get().token == token


def test_a_stream_is_made_tried_out_and_switched_off() -> None:
    client = signed_in()

    client.post("/event-streams/new/", {"name": "bus", "url": "https://bus.example.com/"})
    stream = EventStream.objects.get()
    client.post(f"/event-streams/{stream.pk}/verify/")
    page = client.get(f"/event-streams/{stream.pk}/").content.decode()
    client.post(f"/event-streams/{stream.pk}/switch/", {"reason": ""})

    assert "Waiting" in page
    assert SecurityEvent.objects.get().status == "dropped"
    assert not EventStream.objects.get().enabled


def test_an_owner_does_not_see_whom_mandate_believes() -> None:
    client = signed_in(User.Role.OWNER, person=a_person())

    assert client.get("/trust/").status_code == 403
    assert "/trust/" not in client.get("/").content.decode()


def test_the_year_old_are_forgotten_and_their_history_stays() -> None:
    token = a_token()
    key = token.pk

    token_endings.tidy(token.expires_at + timedelta(days=366))

    assert not Token.objects.exists()
    assert Change.objects.filter(noun="runtime_token", row_id=key, operation="delete").exists()
