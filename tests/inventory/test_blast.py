"""What is at stake with one identity."""

from datetime import timedelta

import pytest

from inventory.blast import blast_radius, breaks_if_suspended
from tests.factories import (
    NOW,
    a_delegation,
    a_grant,
    a_person,
    a_resource,
    a_task,
    ago,
    an_entitlement,
    an_identity,
)

pytestmark = pytest.mark.django_db


def test_the_blast_radius_counts_systems_datasets_identities_and_people() -> None:
    agent, role, person = an_identity(), an_identity(), a_person()
    ledger = a_resource(name="ledger", sensitivity="restricted")
    own = a_grant(identity=agent, entitlement=an_entitlement(risk="low"))
    writes = an_entitlement(risk="critical", system=ledger.system, resource=ledger)
    reads = an_entitlement(risk="medium", system=ledger.system, resource=ledger)
    for entitlement in (writes, reads):
        a_grant(identity=role, entitlement=entitlement)
    a_delegation(delegate=agent, delegator_identity=role)
    a_delegation(delegate=agent, delegator_person=person)

    found = blast_radius(agent.pk, NOW)

    assert [each.right.held.entitlement for each in found.reached] == [
        writes.pk, reads.pk, own.entitlement_id,
    ]  # fmt: skip
    assert found.through_others == 2
    assert found.count("critical") == 1
    assert [(there.name, there.total, there.worst) for there in found.systems] == [
        (ledger.system.name, 2, "critical"),
        (own.entitlement.system.name, 1, "low"),
    ]
    assert {
        word: [each.resource_name for each in rows] for word, rows in found.datasets.items()
    } == {"restricted": ["ledger"]}
    assert [place.identity for place in found.identities] == [role.pk]
    assert [place.person for place in found.people] == [person.pk]


def test_an_identity_without_access_has_an_empty_blast_radius() -> None:
    found = blast_radius(an_identity().pk, NOW)

    assert (found.reached, found.systems, found.datasets, found.identities) == ([], [], {}, [])


def test_what_breaks_is_who_acts_through_it_and_what_it_is_doing() -> None:
    role, agent, further, other = (an_identity() for _ in range(4))
    a_delegation(delegate=agent, delegator_identity=role)
    a_delegation(delegate=further, delegator_identity=agent)
    a_delegation(delegate=other, delegator_identity=role, revoked_at=ago(1))
    task = a_task(identity=role)
    a_grant(identity=role, last_used_at=ago(2))
    a_grant(identity=role, last_used_at=ago(200))

    found = breaks_if_suspended(role.pk, NOW, used_since=NOW - timedelta(days=90))

    assert [place.identity for place in found.actors] == [agent.pk, further.pk]
    assert found.tasks == [task]
    assert (found.grants, found.used_grants) == (2, 1)
