"""Cutting an identity off over the API: look, propose; a person approves in a browser."""

from collections.abc import Callable

import pytest
from django.utils import timezone

from inventory.effective import access_of
from reviews.models import PathCut
from tests.api.conftest import ApiClient
from tests.reviews.test_path_cuts import Relay

pytestmark = pytest.mark.django_db
Api = Callable[..., ApiClient]


@pytest.fixture
def relay() -> Relay:
    return Relay()


def test_what_is_offered_can_be_proposed_and_ends_nothing_yet(api: Api, relay: Relay) -> None:
    client = api()
    aim = {"identity": relay.agent.pk, "entitlement": relay.entitlement.pk}

    looked = client.post("cuts/look/", **aim).json()
    ends = [{"noun": one["noun"], "id": one["id"]} for one in looked["cuts"][0]["ends"]]
    asked = client.post("cuts/", **aim, ends=ends, reason="A front desk needs no ledger.")
    again = client.post("cuts/", **aim, ends=ends, reason="A front desk needs no ledger.")

    assert looked["reached"] and looked["smallest"] and not looked["truncated"]
    assert len(looked["way"]) == 3
    assert asked.status_code == 201
    assert asked.json()["state"] == "waiting"
    assert again.json()["id"] == asked.json()["id"]
    assert client.get(f"cuts/{asked.json()['id']}/").json()["effects"]
    assert [one["id"] for one in client.get("cuts/").json()["results"]] == [asked.json()["id"]]
    assert relay.entitlement.pk in access_of(relay.agent.pk, timezone.now()).rights


def test_another_identity_can_be_what_is_not_to_be_reached(api: Api, relay: Relay) -> None:
    looked = api().post("cuts/look/", identity=relay.agent.pk, reaches=relay.role.pk).json()

    assert [len(one["ends"]) for one in looked["cuts"]] == [1, 1]


def test_what_is_not_reached_needs_no_cut(api: Api, relay: Relay) -> None:
    looked = api().post("cuts/look/", identity=relay.role.pk, reaches=relay.agent.pk).json()

    assert looked == {
        "reached": False, "way": [], "smallest": True, "truncated": False, "cuts": [],
    }  # fmt: skip


@pytest.mark.parametrize("fields", [{}, {"entitlement": 1, "reaches": 1}, {"reaches": "x"}])
def test_what_is_aimed_at_is_one_thing(api: Api, relay: Relay, fields: dict[str, object]) -> None:
    answer = api().post("cuts/look/", identity=relay.agent.pk, **fields)

    assert answer.status_code == 400


def test_half_a_cut_is_refused(api: Api, relay: Relay) -> None:
    ends = [{"noun": "grant", "id": 4_000_000_000}]

    answer = api().post(
        "cuts/", identity=relay.agent.pk, entitlement=relay.entitlement.pk, ends=ends, reason="Cut."
    )

    assert answer.status_code == 422
    assert not PathCut.objects.exists()


def test_only_who_may_revoke_may_look_and_propose(api: Api, relay: Relay) -> None:
    aim = {"identity": relay.agent.pk, "entitlement": relay.entitlement.pk}
    auditor = api("auditor").post("cuts/look/", **aim)
    outsider = api("owner").post("cuts/look/", **aim)
    owner = api("owner", person=relay.owner).post("cuts/look/", **aim)

    assert (auditor.status_code, outsider.status_code, owner.status_code) == (403, 400, 200)
