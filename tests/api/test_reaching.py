"""Effective access over REST."""

from typing import Any

import pytest
from django.test import Client

from tests.factories import (
    a_delegation,
    a_grant,
    a_person,
    a_resource,
    a_user,
    an_entitlement,
    an_identity,
)

pytestmark = pytest.mark.django_db


class Chain:
    def __init__(self) -> None:
        self.owner = a_person()
        self.agent, self.role = (
            an_identity(name="agent", owner=self.owner),
            an_identity(name="role"),
        )
        self.ledger = a_resource(name="ledger", sensitivity="restricted")
        self.right = an_entitlement(risk="high", system=self.ledger.system, resource=self.ledger)
        self.grant = a_grant(identity=self.role, entitlement=self.right)
        self.hop = a_delegation(delegate=self.agent, delegator_identity=self.role)


@pytest.fixture
def chain() -> Chain:
    return Chain()


@pytest.fixture
def reader(client: Client) -> Client:
    client.force_login(a_user("auditor"))
    return client


def get(client: Client, path: str, status: int = 200) -> Any:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == status
    return answer.json()


def test_what_an_identity_reaches(chain: Chain, reader: Client) -> None:
    found = get(reader, f"identities/{chain.agent.pk}/effective-access/")

    assert (found["total"], found["truncated"]) == (1, False)
    assert found["reached"][0] == {
        "entitlement": chain.right.pk, "name": chain.right.name, "system": chain.ledger.system.name,
        "resource": "ledger", "sensitivity": "restricted", "risk": "high", "holder": chain.role.pk,
        "hops": 1, "certain": True,
    }  # fmt: skip


def test_the_way_hop_by_hop(chain: Chain, reader: Client) -> None:
    way = get(reader, f"identities/{chain.agent.pk}/way-to/{chain.right.pk}/")

    assert (way["grant"], way["certain"]) == (chain.grant.pk, True)
    assert [(hop["delegation"], hop["actor"], hop["subject"]) for hop in way["hops"]] == [
        (chain.hop.pk, "agent", "role")
    ]
    assert get(reader, f"identities/{chain.agent.pk}/path-to/{chain.role.pk}/")["grant"] is None
    assert (
        "no way"
        in get(reader, f"identities/{chain.role.pk}/path-to/{chain.agent.pk}/", 404)["detail"]
    )
    assert get(reader, f"identities/{chain.agent.pk}/way-to/999999/", 404)["status"] == 404


def test_who_acts_as_it_and_what_a_leak_opens(chain: Chain, reader: Client) -> None:
    actors = get(reader, f"identities/{chain.role.pk}/actors/")
    radius = get(reader, f"identities/{chain.agent.pk}/blast-radius/")

    assert [(each["identity"], each["hops"], each["certain"]) for each in actors["identities"]] == [
        (chain.agent.pk, 1, True)
    ]
    assert (radius["entitlements"], radius["through_others"], radius["identities"]) == (1, 1, 1)
    assert radius["datasets"] == {"restricted": 1}
    assert radius["risks"]["high"] == 1


@pytest.mark.parametrize("noun", ["entitlements", "resources"])
def test_who_reaches_it(chain: Chain, reader: Client, noun: str) -> None:
    key = chain.right.pk if noun == "entitlements" else chain.ledger.pk

    found = get(reader, f"{noun}/{key}/reached-by/")

    assert [each["name"] for each in found["identities"]] == ["role", "agent"]


def test_an_owner_asks_about_their_own_only(chain: Chain, client: Client) -> None:
    client.force_login(a_user("owner", person=chain.owner))

    assert get(client, f"identities/{chain.agent.pk}/effective-access/")["total"] == 1
    get(client, f"identities/{chain.role.pk}/effective-access/", 404)
    get(client, f"identities/{chain.agent.pk}/path-to/{chain.role.pk}/", 404)
    get(client, f"resources/{chain.ledger.pk}/reached-by/", 403)
