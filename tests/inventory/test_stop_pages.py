"""Stopping, drilling, flagging and proving through the front door."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inventory import kill_switch
from inventory.models import Credential, Delegation, Grant, Identity, KillSwitchUse
from tests.factories import (
    a_credential,
    a_delegation,
    a_grant,
    a_person,
    a_task,
    a_user,
    an_identity,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def security() -> Client:
    return signed_in(a_user())


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text(answer: Any) -> str:
    """What can be read on the page, in one line."""
    plain = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return " ".join(html.unescape(plain).split())


def busy(**fields: Any) -> Identity:
    """Gave work to helper, which gave work to errand-boy; holds a grant and a key; works on a task."""
    identity = an_identity(name="desk", **fields)
    helper, errand = an_identity(name="helper"), an_identity(name="errand-boy")
    a_delegation(delegator_identity=identity, delegate=helper)
    a_delegation(delegator_identity=helper, delegate=errand)
    a_grant(identity=identity)
    a_credential(identity=identity)
    deadline = timezone.now() + timedelta(days=1)
    a_task(identity=identity, purpose="Answer the mail", deadline=deadline)
    return identity


@pytest.mark.parametrize("inside", [{}, {"HX-Request": "true"}], ids=["page", "drawer"])
def test_the_cascade_is_shown_with_counts_before_anybody_confirms(
    inside: dict[str, str], security: Client
) -> None:
    identity = busy()

    said = text(security.get(f"/identities/{identity.pk}/suspend/", headers=inside))

    assert "Grants that stop working: 1." in said
    assert "Open tasks cancelled: 1 (Answer the mail)." in said
    assert "ended: 1." in said
    assert "directly or through others: 2 (errand-boy, helper)." in said
    assert "still have to switch off: 1." in said
    assert Identity.objects.get(pk=identity.pk).lifecycle == "active"


def test_who_forgets_the_reason_sees_the_cascade_again(security: Client) -> None:
    answer = security.post(f"/identities/{busy().pk}/suspend/", {})

    assert answer.status_code == 422
    assert "Grants that stop working: 1." in text(answer)


def test_an_owner_reads_how_many_are_reached_but_no_name_out_of_sight() -> None:
    identity = busy()
    owner = signed_in(a_user("owner", person=identity.owner))

    said = text(owner.get(f"/identities/{identity.pk}/suspend/"))

    assert "directly or through others: 2." in said
    assert "errand-boy" not in said


def test_a_stop_says_how_long_it_took_and_is_kept(security: Client) -> None:
    identity = busy()

    answer = security.post(
        f"/identities/{identity.pk}/suspend/", {"reason": "Odd mails."}, follow=True
    )

    use = KillSwitchUse.objects.get()
    assert use.took is not None
    assert use.took < timedelta(seconds=30)
    assert "desk is stopped. Nothing of it was effective any more" in text(answer)
    assert "still have to switch off: 1." in text(answer)
    panel = text(security.get(f"/identities/{identity.pk}/stops/"))
    assert "Stopped" in panel and "Odd mails." in panel
    assert not Delegation.objects.effective(timezone.now()).filter(delegator_identity=identity)


def test_what_a_stop_did_not_end_is_said(security: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    identity = busy()
    left = kill_switch.Remains(grants=2, delegations=1, tasks=0)
    monkeypatch.setattr(kill_switch, "remains", lambda *_: left)

    answer = security.post(
        f"/identities/{identity.pk}/suspend/", {"reason": "Odd mails."}, follow=True
    )

    panel = text(security.get(f"/identities/{identity.pk}/stops/"))
    assert "still effective: grants: 2, delegations: 1, tasks: 0" in text(answer)
    assert "still effective: grants: 2" in panel and "Not seen yet" in panel


def test_a_drill_is_offered_kept_and_stops_nothing(security: Client) -> None:
    identity = busy()
    before = text(security.get(f"/identities/{identity.pk}/stops/"))

    answer = security.post(f"/identities/{identity.pk}/drill/", {"reason": "Yearly."}, follow=True)

    assert "Never stopped, never drilled" in before and "Run a drill" in before
    assert "Drill done" in text(answer)
    assert Identity.objects.get(pk=identity.pk).lifecycle == "active"
    assert KillSwitchUse.objects.get().drill is True


@pytest.mark.parametrize("stop", [True, False])
def test_flagging_an_identity_offers_the_kill_switch(stop: bool, security: Client) -> None:
    identity = busy()
    asked = text(security.get(f"/identities/{identity.pk}/flag/"))

    data = {"reason": "A strange host.", **({"stop": "on"} if stop else {})}
    answer = security.post(f"/identities/{identity.pk}/flag/", data, follow=True)

    identity.refresh_from_db()
    assert "Stop it now as well" in asked and "Grants that stop working: 1." in asked
    assert identity.compromised_at is not None
    assert identity.lifecycle == ("suspended" if stop else "active")
    assert "Compromised" in text(answer)
    assert "Flagged as compromised since" in text(answer)
    listed = text(security.get("/identities/?compromised=yes"))
    assert "desk" in listed and "helper" not in listed


def test_flagging_a_credential_revokes_it_and_its_page_says_so(security: Client) -> None:
    key = a_credential()

    answer = security.post(f"/credentials/{key.pk}/flag/", {"reason": "Leaked."}, follow=True)

    said = text(answer)
    assert "Credential flagged and revoked." in said
    assert "Revocation unconfirmed" in said and "Compromised" in said
    assert Credential.objects.get().revoked_at is not None
    assert str(key) in text(security.get("/credentials/?state=compromised"))


@pytest.mark.parametrize(
    ("noun", "make"),
    [("grants", a_grant), ("credentials", a_credential), ("delegations", a_delegation)],
)
def test_a_page_shows_since_when_it_is_unconfirmed_and_then_the_proof(
    noun: str, make: Any, security: Client
) -> None:
    now = timezone.now()
    row = make(revoked_at=now - timedelta(hours=30))
    before = text(security.get(f"/{noun}/{row.pk}/"))

    probe = {"tried": "Sign-in", "answer": "403", "tried_at": f"{now:%Y-%m-%dT%H:%M:%S}"}
    answer = security.post(f"/{noun}/{row.pk}/confirm/", probe, follow=True)

    assert "Unconfirmed for 30 hours" in before and "Confirm revocation" in before
    assert "Revocation confirmed." in text(answer)
    assert "Sign-in – 403" in text(answer)
    assert "Unconfirmed for" not in text(answer)


def test_a_probe_from_before_the_revocation_is_an_error_of_the_form(security: Client) -> None:
    grant = a_grant(revoked_at=timezone.now())

    answer = security.post(
        f"/grants/{grant.pk}/confirm/",
        {"tried": "Sign-in", "answer": "403", "tried_at": "2020-01-01T00:00:00"},
    )

    assert answer.status_code == 422
    assert "before the revocation" in text(answer)


@pytest.mark.parametrize("path", ["grants", "delegations"])
def test_each_way_to_end_is_found_by_its_own_state_and_by_no_other(
    path: str, security: Client
) -> None:
    now = timezone.now()
    hour = timedelta(hours=1)
    make: Any = a_grant if path == "grants" else a_delegation
    ended = {
        "revoked": make(revoked_at=now - hour, revocation_confirmed_at=now, end_cause="revoked"),
        "superseded": make(
            revoked_at=now - hour, revocation_confirmed_at=now, end_cause="superseded"
        ),
        "expired": make(expires_at=now - hour),
        "gone": make(gone_at=now - hour),
    }
    standing = make()

    found = {
        state: set(re.findall(rf"/{path}/(\d+)/", _rows(security, f"/{path}/?state={state}")))
        for state in (*ended, "in_force")
    }

    for state, row in ended.items():
        assert found[state] == {str(row.pk)}, state
        assert row.state(now) == state
    assert found["in_force"] == {str(standing.pk)}


def _rows(client: Client, url: str) -> str:
    return client.get(url).content.decode().partition("<tbody")[2]


def test_an_owner_revokes_a_delegation_on_its_page() -> None:
    person = a_person()
    delegation = a_delegation(delegate=an_identity(owner=person))
    owner = signed_in(a_user("owner", person=person))

    page = text(owner.get(f"/delegations/{delegation.pk}/"))
    owner.post(f"/delegations/{delegation.pk}/revoke/", {"reason": "Not needed."})

    assert "Revoke" in page
    delegation.refresh_from_db()
    assert delegation.state(timezone.now()) == "revoked"


@pytest.mark.parametrize("path", ["/stops/", "/stops/?state=drill", "/delegations/"])
def test_twelve_rows_take_as_many_queries_as_two(path: str, security: Client) -> None:
    needed = []
    for number in (2, 10):
        for _ in range(number):
            identity = an_identity()
            a_delegation(delegator_identity=identity)
            kill_switch.drill(identity, by="job", reason="Yearly.", at=timezone.now())
        security.get(path)
        with CaptureQueriesContext(connection) as queries:
            security.get(path)
        needed.append(len(queries))

    assert needed[0] == needed[1] <= 12


def test_activating_says_that_nothing_comes_back_by_itself(security: Client) -> None:
    identity = busy()
    security.post(f"/identities/{identity.pk}/suspend/", {"reason": "Odd mails."})

    asked = text(security.get(f"/identities/{identity.pk}/activate/"))
    security.post(f"/identities/{identity.pk}/activate/", {"reason": "Cleared."})

    assert "have to be given again" in asked
    assert KillSwitchUse.objects.get().lifted_at is not None
    assert Grant.objects.effective(timezone.now()).filter(identity=identity).exists()
    assert not Delegation.objects.effective(timezone.now()).filter(delegator_identity=identity)
