"""The pages of effective access: what is reached and how, who acts as it, and questions across identities."""

from itertools import pairwise

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from inventory.access_graph import LONGEST
from inventory.models import Identity
from tests.factories import (
    a_delegation,
    a_grant,
    a_person,
    a_resource,
    a_system,
    a_user,
    an_entitlement,
    an_identity,
)

pytestmark = pytest.mark.django_db


class Chain:
    """An agent, a broker and a role that writes a restricted ledger."""

    def __init__(self) -> None:
        self.owner = a_person(name="Ona")
        self.agent = an_identity(name="front-desk", owner=self.owner)
        self.broker, self.role = an_identity(name="broker"), an_identity(name="=ledger-role")
        self.ledger = a_resource(name="ledger", sensitivity="restricted")
        self.writes = an_entitlement(
            name="=write", risk="critical", system=self.ledger.system, resource=self.ledger
        )
        a_grant(identity=self.role, entitlement=self.writes)
        a_delegation(delegate=self.agent, delegator_identity=self.broker)
        self.last = a_delegation(
            delegate=self.broker, delegator_identity=self.role, how="assume_role", method="aws-trust",
            conditions={"StringEquals": {"sts:ExternalId": "x"}},
        )  # fmt: skip


@pytest.fixture
def chain() -> Chain:
    return Chain()


def page(client: Client, name: str, *keys: int, **query: object) -> str:
    address = reverse(f"inventory:{name}", args=keys)
    answer = client.get(address, query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_says_what_is_reached_and_through_whom(chain: Chain, client: Client) -> None:
    client.force_login(a_user("security"))

    text = page(client, "identity-access", chain.agent.pk)

    assert "=write" in text
    assert "=ledger-role" in text
    assert "May" in text
    assert "Restricted" in text
    assert reverse("inventory:identity-access-path", args=[chain.agent.pk, chain.writes.pk]) in text


def test_the_path_gives_the_reason_at_every_hop(chain: Chain, client: Client) -> None:
    client.force_login(a_user("auditor"))

    text = page(client, "identity-access-path", chain.agent.pk, chain.writes.pk)

    assert "Assumes a role that trusts its account" in text
    assert "sts:ExternalId" in text
    assert reverse("inventory:delegation-detail", args=[chain.last.pk]) in text


def test_what_is_not_reached_has_no_way(chain: Chain, client: Client) -> None:
    client.force_login(a_user("security"))

    assert "There is no way now" in page(
        client, "identity-access-path", an_identity().pk, chain.writes.pk
    )


def test_an_identity_without_anything_says_so(client: Client) -> None:
    client.force_login(a_user("security"))

    text = page(client, "identity-access", an_identity().pk)

    for sentence in ("It can do nothing", "It can act as nobody else", "Nobody else can act as it"):
        assert sentence in text


def test_an_owner_sees_the_names_of_others_without_links(chain: Chain, client: Client) -> None:
    client.force_login(a_user("owner", person=chain.owner))

    text = page(client, "identity-access", chain.agent.pk)

    assert "broker" in text
    assert reverse("inventory:identity-access", args=[chain.broker.pk]) not in text
    answer = client.get(reverse("inventory:identity-access", args=[chain.broker.pk]))
    assert answer.status_code == 404


def test_the_files_hold_all_and_no_formula(chain: Chain, client: Client) -> None:
    client.force_login(a_user("auditor"))
    address = reverse("inventory:identity-access", args=[chain.agent.pk])

    reached = client.get(address, {"export": "entitlements"}).content.decode().splitlines()
    actors = client.get(
        reverse("inventory:identity-access", args=[chain.role.pk]), {"export": "actors"}
    ).content.decode()

    assert reached[1].split(",")[0] == "'=write"
    assert reached[1].endswith("'=ledger-role,2,may")
    assert [line.split(",")[0] for line in actors.splitlines()[1:]] == ["broker", "front-desk"]
    assert client.get(address, {"export": "nonsense"}).status_code == 400


def test_a_chain_that_goes_on_is_said_to(client: Client) -> None:
    chain = [an_identity() for _ in range(LONGEST + 2)]
    for actor, subject in pairwise(chain):
        a_delegation(delegate=actor, delegator_identity=subject)
    client.force_login(a_user("security"))

    assert "Chains go on" in page(client, "identity-access", chain[0].pk)


def test_who_reaches_a_resource_also_by_patterns(chain: Chain, client: Client) -> None:
    system = a_system()
    bucket = a_resource(name="crm-bucket", system=system, external_id="arn:aws:s3:::crm/a")
    a_grant(
        identity=an_identity(name="reader"),
        entitlement=an_entitlement(system=system, resources=["arn:aws:s3:::crm/*"]),
    )
    a_grant(
        identity=an_identity(name="elsewhere"),
        entitlement=an_entitlement(system=system, resources=["arn:aws:s3:::hr/*"]),
    )
    client.force_login(a_user("security"))

    found = page(client, "access-questions", what="crm-bucket")
    text = page(client, "access-questions", resource=bucket.pk)

    assert f"resource={bucket.pk}" in found
    assert "reader" in text
    assert "elsewhere" not in text
    chosen = page(client, "access-questions", entitlement=chain.writes.pk)
    assert all(name in chosen for name in ("front-desk", "broker", "=ledger-role"))


def test_how_one_acts_as_another(chain: Chain, client: Client) -> None:
    client.force_login(a_user("security"))

    way = page(client, "access-questions", **{"from": "front-desk", "to": "=ledger-role"})
    none = page(client, "access-questions", **{"from": "=ledger-role", "to": "front-desk"})
    wrong = page(client, "access-questions", **{"from": "front-desk", "to": "nobody"})

    assert "Assumes a role" in way
    assert "cannot act as" in none
    assert "No identity is called “nobody”" in wrong
    assert "Nothing is called" in page(client, "access-questions", what="zzzz")


def test_the_page_asks_as_much_for_many_as_for_one(chain: Chain, client: Client) -> None:
    client.force_login(a_user("security"))

    def queries(identity: Identity) -> int:
        with CaptureQueriesContext(connection) as asked:
            page(client, "identity-access", identity.pk)
        return len(asked)

    queries(chain.agent)
    before = queries(chain.agent)
    for _ in range(15):
        a_delegation(delegate=chain.agent, delegator_identity=a_grant().identity)
        a_delegation(delegator_identity=chain.agent)

    assert queries(chain.agent) <= before + 2  # the first who can act as it is one more hop
    assert before <= 24
