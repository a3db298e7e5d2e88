"""What must never be is refused by the database itself, whoever writes."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from inventory.models import Delegation, DelegationScope, Identity, Successor
from tests.factories import (
    NOW,
    a_credential,
    a_delegation,
    a_grant,
    a_person,
    a_task,
    an_entitlement,
    an_identity,
    days,
)

pytestmark = pytest.mark.django_db
BACKWARD = {"expires_at": NOW - days(1)}


def a_delegation_to_itself() -> None:
    identity = an_identity()
    a_delegation(delegate=identity, delegator_identity=identity)


def a_delegation_of_nobody() -> None:
    a_delegation()
    Delegation.objects.update(delegator_identity=None, delegator_person=None)


def a_delegation_of_two() -> None:
    a_delegation()
    Delegation.objects.update(delegator_identity=an_identity(), delegator_person=a_person())


def the_same_active_key_twice() -> None:
    identity = an_identity()
    for _ in range(2):
        a_credential(identity=identity, key_id="AKIAEXAMPLE1")


def the_same_spiffe_id_alive_twice() -> None:
    for _ in range(2):
        an_identity(spiffe_id="spiffe://example.org/one")


def one_successor_twice() -> None:
    identity, person = an_identity(), a_person()
    for rank in (1, 2):
        Successor.objects.create(identity=identity, person=person, rank=rank)


def one_limit_twice() -> None:
    delegation, entitlement = a_delegation(), an_entitlement()
    for _ in range(2):
        DelegationScope.objects.create(delegation=delegation, entitlement=entitlement)


def one_external_id_twice() -> None:
    first = an_identity()
    an_identity(source=first.source, external_id=first.external_id)


REFUSED: dict[str, Callable[[], Any]] = {
    "grant_ends_after_start": lambda: a_grant(starts_at=NOW, **BACKWARD),
    "credential_ends_after_start": lambda: a_credential(issued_at=NOW, **BACKWARD),
    "delegation_ends_after_start": lambda: a_delegation(starts_at=NOW, **BACKWARD),
    "delegation_is_not_to_itself": a_delegation_to_itself,
    "delegation_has_one_delegator (nobody)": a_delegation_of_nobody,
    "delegation_has_one_delegator (two)": a_delegation_of_two,
    "credential_key_id_is_active_once_per_source": the_same_active_key_twice,
    "credential_fingerprint_is_sha256": lambda: a_credential(fingerprint="not-a-digest"),
    "credential_confirmed_revocation_was_asked": lambda: a_credential(revocation_confirmed_at=NOW),
    "grant_for_a_task_has_an_end": lambda: a_grant(task=a_task(), expires_at=None),
    "identity_is_once_in_a_namespace": one_external_id_twice,
    "identity_spiffe_id_is_unique": the_same_spiffe_id_alive_twice,
    "identity_lifecycle_is_known": lambda: an_identity(lifecycle="asleep"),
    "identity_declared_tier_exists": lambda: an_identity(declared_tier=5),
    "identity_with_a_retirement_is_retired": lambda: an_identity(retired_at=NOW),
    "successor_is_named_once": one_successor_twice,
    "delegation_scope_names_an_entitlement_once": one_limit_twice,
}


@pytest.mark.parametrize("constraint", REFUSED)
def test_it_is_refused(constraint: str) -> None:
    with pytest.raises(IntegrityError, match=constraint.split(" ")[0]), transaction.atomic():
        REFUSED[constraint]()


def test_a_key_id_may_come_back_once_the_old_key_is_off() -> None:
    old = a_credential(key_id="AKIAEXAMPLE1", enabled=False)

    assert a_credential(identity=old.identity, key_id="AKIAEXAMPLE1").pk


def test_a_spiffe_id_may_be_given_again_once_its_holder_is_retired() -> None:
    an_identity(spiffe_id="spiffe://example.org/one", lifecycle=Identity.Lifecycle.RETIRED)

    assert an_identity(spiffe_id="spiffe://example.org/one").pk
