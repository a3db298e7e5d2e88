"""Stopping, drilling, flagging and proving over REST."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from inventory.models import Credential, Delegation, Grant, Identity, KillSwitchUse
from tests.factories import a_credential, a_delegation, a_grant, a_person, a_task, an_identity

pytestmark = pytest.mark.django_db


def busy() -> Identity:
    identity = an_identity(name="bot")
    a_grant(identity=identity)
    a_credential(identity=identity)
    a_task(identity=identity, deadline=timezone.now() + timedelta(days=1))
    a_delegation(delegator_identity=identity)
    return identity


def test_the_preview_counts_and_changes_nothing(api: Any) -> None:
    identity = busy()

    found = api().get(f"identities/{identity.pk}/stop/").json()

    assert found == {
        "grants": 1, "ending": 0, "resting": 1, "tasks": 1, "delegations": 1, "credentials": 1,
        "reached": 1,
    }  # fmt: skip
    assert Identity.objects.get(pk=identity.pk).lifecycle == "active"


def test_a_stop_is_measured_and_listed(api: Any) -> None:
    identity = busy()
    client = api()

    use = client.post(f"identities/{identity.pk}/stop/", reason="It sends odd mails.").json()

    assert (use["drill"], use["tasks"], use["delegations"], use["left_over"]) == (False, 1, 1, 1)
    assert 0 <= use["seconds"] < 60
    assert Identity.objects.get(pk=identity.pk).lifecycle == "suspended"
    listed = client.get("stops/", state="stopped", identity=identity.pk).json()["results"]
    assert [row["id"] for row in listed] == [use["id"]]
    assert client.get("stops/", state="drill").json()["results"] == []


def test_a_drill_stops_nothing(api: Any) -> None:
    identity = busy()

    use = api().post(f"identities/{identity.pk}/drill/", reason="Quarterly.").json()

    assert (use["drill"], use["seconds"] is None) == (True, False)
    assert Identity.objects.get(pk=identity.pk).lifecycle == "active"
    assert Delegation.objects.effective(timezone.now()).exists()


def test_suspending_is_the_same_stop(api: Any) -> None:
    identity = busy()

    answer = api().post(f"identities/{identity.pk}/suspend/", reason="Odd.")

    assert answer.json()["lifecycle"] == "suspended"
    assert KillSwitchUse.objects.get().stopped_at is not None
    assert not Delegation.objects.effective(timezone.now()).exists()


def test_a_retired_identity_is_unprocessable(api: Any) -> None:
    gone = an_identity(lifecycle="retired", retired_at=timezone.now())

    answer = api().post(f"identities/{gone.pk}/stop/", reason="Odd.")

    assert answer.status_code == 422
    assert "retired" in answer.json()["detail"]


def test_owners_list_only_the_stops_of_their_own(api: Any) -> None:
    person = a_person()
    mine, other = an_identity(owner=person), an_identity()
    security = api()
    for identity in (mine, other):
        security.post(f"identities/{identity.pk}/drill/", reason="Quarterly.")

    seen = api("owner", person=person).get("stops/").json()["results"]

    assert [row["identity"]["id"] for row in seen] == [mine.pk]


@pytest.mark.parametrize(
    ("noun", "make"),
    [("grants", a_grant), ("credentials", a_credential), ("delegations", a_delegation)],
)
def test_a_denied_probe_is_kept_as_proof(noun: str, make: Any, api: Any) -> None:
    now = timezone.now()
    row = make(revoked_at=now - timedelta(hours=2))
    client = api()
    probe = {
        "tried": "Sign-in",
        "tried_at": (now - timedelta(hours=1)).isoformat(),
        "answer": "403",
    }

    before = client.get(f"{noun}/", state="unconfirmed").json()["results"]
    answer = client.post(f"{noun}/{row.pk}/confirm-revocation/", **probe).json()

    assert [found["id"] for found in before] == [row.pk]
    assert answer["revocation_confirmed_at"] is not None
    assert "Sign-in" in answer["revocation_proof"]
    assert client.get(f"{noun}/", state="unconfirmed").json()["results"] == []


def test_a_probe_before_the_revocation_is_unprocessable(api: Any) -> None:
    now = timezone.now()
    grant = a_grant(revoked_at=now)
    early = (now - timedelta(hours=1)).isoformat()

    answer = api().post(
        f"grants/{grant.pk}/confirm-revocation/", tried="Sign-in", tried_at=early, answer="403"
    )

    assert answer.status_code == 422
    assert Grant.objects.get().revocation_confirmed_at is None


def test_a_delegation_is_revoked(api: Any) -> None:
    delegation = a_delegation()

    answer = api().post(f"delegations/{delegation.pk}/revoke/", reason="Not needed.").json()

    assert (answer["state"], answer["end_cause"]) == ("revoked", "revoked")


def test_flagged_credentials_and_identities_are_listed_until_the_flag_is_taken_back(
    api: Any,
) -> None:
    key, client = a_credential(), api()
    for path in (f"credentials/{key.pk}", f"identities/{key.identity_id}"):
        assert client.post(f"{path}/flag/", reason="Leaked.").json()["compromised_at"]

    keys = client.get("credentials/", state="compromised").json()["results"]
    identities = client.get("identities/", compromised="yes").json()["results"]
    for path in (f"credentials/{key.pk}", f"identities/{key.identity_id}"):
        assert client.post(f"{path}/clear-flag/", reason="No.").json()["compromised_at"] is None

    assert ([row["id"] for row in keys], [row["id"] for row in identities]) == (
        [key.pk], [key.identity_id],
    )  # fmt: skip
    assert client.get("identities/", compromised="yes").json()["results"] == []
    assert Credential.objects.get().revoked_at is not None
