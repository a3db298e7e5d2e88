"""Checks of delegations, trust and combinations: where a simpler rule would give the wrong answer."""

import json
from typing import Any

import pytest
from django.db import connection

from inventory import estate_graph
from inventory.importers.aws_principals import Role, read_trust
from inventory.models import Delegation, Identity
from reviews.check import CHECKS
from tests.factories import (
    NOW,
    a_delegation,
    a_grant,
    a_person,
    a_system,
    a_task,
    ago,
    an_entitlement,
    an_identity,
    days,
)
from tests.reviews.delegation_examples import (
    PROVIDER,
    an_agent,
    asks,
    chain,
    federated,
    holds_tool,
    in_chain,
    limited,
    open_world,
    principal,
    trusted,
    unowned,
    with_tools,
)

pytestmark = pytest.mark.django_db
NEW = (
    "ci-federation", "delegation-attributable", "delegation-cycle", "delegation-depth", "delegation-narrows",
    "delegation-outlives-task", "inter-agent-auth", "privilege-relay", "redelegation-against-flag",
    "toxic-combination", "trust-without-conditions",
)  # fmt: skip


def verdict(check_id: str, row: Delegation | Identity, **decided: Any) -> str:
    subject = f"{row._meta.model_name}:{row.pk}"
    judged = {about: answer for about, *_, answer in CHECKS[check_id](decided).judged(NOW)}
    return judged.get(subject, "not applicable")


# --- delegation-narrows


def test_a_grant_that_denies_is_not_held() -> None:
    grant = a_grant(entitlement=an_entitlement(effect="deny"))

    row = limited(grant.entitlement, delegator_identity=grant.identity)

    assert verdict("delegation-narrows", row) == "fail"


def test_a_grant_that_ended_is_not_held() -> None:
    grant = a_grant(revoked_at=ago(1))

    row = limited(grant.entitlement, delegator_identity=grant.identity)

    assert verdict("delegation-narrows", row) == "fail"


def test_one_entitlement_too_many_is_enough_whatever_else_cannot_be_told() -> None:
    system = a_system()
    wildcard = a_grant(entitlement=an_entitlement(system=system, wildcard=True))

    row = limited(
        an_entitlement(system=system), an_entitlement(), delegator_identity=wildcard.identity
    )

    assert verdict("delegation-narrows", row) == "fail"


def test_below_a_limited_delegation_another_without_limits_adds_nothing() -> None:
    grant = a_grant()
    above = limited(grant.entitlement, delegator_identity=grant.identity)

    assert verdict("delegation-narrows", a_delegation(delegator_identity=above.delegate)) == "pass"


def test_whoever_has_something_of_its_own_may_delegate_for_longer_than_it_was_given() -> None:
    above = a_delegation(expires_at=NOW + days(1))
    a_grant(identity=above.delegate)

    assert verdict("delegation-narrows", a_delegation(delegator_identity=above.delegate)) == "pass"


def test_a_delegation_for_a_task_ends_with_it() -> None:
    task = a_task(deadline=NOW + days(1))
    above = a_delegation(delegator_identity=a_grant().identity, expires_at=NOW + days(2))

    row = a_delegation(delegator_identity=above.delegate, task=task, expires_at=NOW + days(9))

    assert verdict("delegation-narrows", row) == "pass"


def test_one_of_several_delegations_that_lasts_as_long_is_enough() -> None:
    grant = a_grant()
    above = a_delegation(delegator_identity=grant.identity, expires_at=NOW + days(1))
    a_delegation(delegator_identity=grant.identity, delegate=above.delegate)

    row = limited(grant.entitlement, delegator_identity=above.delegate)

    assert verdict("delegation-narrows", row) == "pass"


def test_what_a_person_may_do_is_not_in_the_inventory() -> None:
    above = a_delegation(delegator_person=a_person())

    row = limited(an_entitlement(), delegator_identity=above.delegate)

    assert verdict("delegation-narrows", row) == "unknown"


def test_what_follows_from_grants_was_delegated_by_nobody() -> None:
    row = a_delegation(derived=True)

    for check_id in ("delegation-narrows", "delegation-attributable", "trust-without-conditions"):
        assert verdict(check_id, row) == "not applicable"


# --- delegation-attributable


def test_far_up_the_way_to_a_person_is_found_once_the_estate_was_computed() -> None:
    row = chain(of=5, delegator_person=a_person())
    nobody = chain(of=5, delegator_identity=unowned())

    estate_graph.refresh(NOW)

    assert verdict("delegation-attributable", row) == "pass"
    assert verdict("delegation-attributable", nobody) == "fail"


def test_facts_of_last_week_prove_no_pass() -> None:
    row = chain(of=5, delegator_person=a_person())

    estate_graph.refresh(ago(7))

    assert verdict("delegation-attributable", row) == "unknown"


def test_an_owner_does_not_make_anybody_somebody() -> None:
    row = trusted(principal("anyone_except"))

    assert row.delegator_identity is not None and row.delegator_identity.owner is not None
    assert verdict("delegation-attributable", row) == "fail"


# --- delegation-outlives-task, redelegation-against-flag


def test_a_task_that_fell_silent_is_over_after_the_grace() -> None:
    for minutes, expected in ((10, "pass"), (20, "fail")):
        silent = NOW - days(minutes / 1440)
        task = a_task(heartbeat_every=days(0.01), silent_at=silent)
        row = a_delegation(delegator_person=a_person(), task=task, expires_at=NOW + days(1))

        assert verdict("delegation-outlives-task", row) == expected


def test_who_holds_it_as_well_passes_on_their_own() -> None:
    grant = a_grant()
    lent = a_delegation(delegator_identity=grant.identity, may_redelegate=False)
    a_grant(identity=lent.delegate, entitlement=grant.entitlement)

    row = limited(grant.entitlement, delegator_identity=lent.delegate)

    assert verdict("redelegation-against-flag", row) == "pass"


def test_who_was_also_allowed_to_passes_it_on() -> None:
    grant = a_grant()
    lent = a_delegation(delegator_identity=grant.identity, may_redelegate=False)
    a_delegation(delegator_identity=grant.identity, delegate=lent.delegate, may_redelegate=True)

    row = limited(grant.entitlement, delegator_identity=lent.delegate)

    assert verdict("redelegation-against-flag", row) == "pass"


# --- trust-without-conditions, ci-federation


def test_scopes_of_two_namespaces_are_not_compared() -> None:
    role = an_identity(scope="111122223333")
    row = a_delegation(delegator_identity=role, delegate=an_identity(scope="cluster-a"))

    assert verdict("trust-without-conditions", row) == "not applicable"


def test_an_account_known_as_our_own_is_another_account_all_the_same() -> None:
    row = trusted(principal("account", third_party=False, attributes={"account": "444455556666"}))

    assert verdict("trust-without-conditions", row) == "fail"


@pytest.mark.parametrize(
    ("subject", "operator", "expected"),
    [
        ("*", "StringLike", "fail"),
        ("repo:*/*:ref:refs/heads/main", "StringLike", "fail"),
        ("system:serviceaccount:*:*", "StringLike", "fail"),
        ("", "StringLike", "fail"),
        (["repo:acme/app:*", "repo:*"], "StringLike", "fail"),
        ("repo:acme/app:*", "StringNotLike", "fail"),
        ("repo:acme/*", "StringLike", "pass"),
        ("system:serviceaccount:default:*", "StringLike", "pass"),
        ("organization:acme:project:*", "StringLike", "pass"),
        (["repo:acme/app:*", "repo:acme/site:*"], "ForAnyValue:StringLike", "pass"),
        ("repo:acme/app:ref:refs/heads/main", "StringEqualsIgnoreCase", "pass"),
    ],
)
def test_a_subject_names_somebody(subject: Any, operator: str, expected: str) -> None:
    row = federated(asks(subject, operator=operator))

    assert verdict("ci-federation", row) == expected


def test_conditions_of_one_operator_hold_together() -> None:
    both = {f"{PROVIDER}:SUB": "repo:acme/app:*", f"{PROVIDER}:aud": ["sts.example.org"]}

    assert verdict("ci-federation", federated({"StringLike": both})) == "pass"


def test_trust_is_judged_as_the_importer_of_aws_stores_it() -> None:
    trust = _imported({"StringLike": {f"{PROVIDER}:sub": "repo:acme/app:*"}})
    delegation, stub = trust.delegations[0], trust.stubs[0]
    provider = an_identity(
        attributes=dict(stub.attributes), kind=stub.kind, stub=True, scope=stub.scope, owner=None
    )

    row = trusted(provider, conditions=dict(delegation.conditions))

    assert verdict("ci-federation", row) == "fail"
    assert verdict("trust-without-conditions", row) == "not applicable"


def _imported(condition: dict[str, Any]) -> Any:
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{PROVIDER}"},
        "Condition": condition,
    }
    role = Role(arn="arn:aws:iam::111122223333:role/deploy", account="111122223333", place="roles")
    return read_trust(role, json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


# --- toxic-combination


def test_a_tool_that_is_gone_combines_with_nothing() -> None:
    agent = with_tools("read_mailbox", "send_mail")
    agent.tool_bindings.update(gone_at=ago(1))

    assert verdict("toxic-combination", agent) == "pass"


def test_one_part_that_is_surely_missing_is_enough_whatever_else_is_not_known() -> None:
    agent = an_agent(sensitivity="internal")
    holds_tool(agent, "look_up", writes=None)

    assert verdict("toxic-combination", agent) == "pass"


def test_an_agent_that_a_third_party_runs_is_outside_already() -> None:
    assert verdict("toxic-combination", with_tools("read_mailbox", third_party=True)) == "fail"


def test_posting_to_the_ledger_is_not_sending_outside() -> None:
    agent = with_tools("read_mailbox")
    holds_tool(agent, "post_invoice", writes=True, attributes=open_world(said=False))

    assert verdict("toxic-combination", agent) == "pass"


def test_which_systems_are_outside_is_decided_by_administrators() -> None:
    agent = with_tools("read_mailbox")
    a_grant(identity=agent, entitlement=an_entitlement(system=a_system(kind="saas"), writes=True))

    assert verdict("toxic-combination", agent) == "pass"
    assert verdict("toxic-combination", agent, outside=["saas"]) == "fail"


# --- chains


def test_depth_and_fan_out_are_decided_by_administrators() -> None:
    row = in_chain(facts={"hops": 4, "takers": 26})

    assert verdict("delegation-depth", row, hops=4) == "fail"
    assert verdict("delegation-depth", row, hops=4, fan_out=26) == "pass"


def test_a_circle_is_found_in_real_delegations() -> None:
    there = a_delegation()
    a_delegation(delegator_identity=there.delegate, delegate=there.delegator_identity)

    estate_graph.refresh(NOW)

    assert verdict("delegation-cycle", there.delegate) == "fail"
    assert verdict("delegation-depth", there.delegate) == "pass"


def test_a_weak_identity_that_acts_as_a_strong_one_relays() -> None:
    strong = a_grant(entitlement=an_entitlement(risk="critical")).identity
    weak = a_delegation(delegator_identity=strong).delegate

    estate_graph.refresh(NOW)

    assert verdict("privilege-relay", weak) == "fail"
    assert verdict("privilege-relay", weak, tier_below=0) == "not applicable"


def test_a_delegation_that_came_after_the_facts_cannot_be_told() -> None:
    in_chain()
    newer = a_delegation().delegate

    assert verdict("privilege-relay", newer) == "unknown"


@pytest.mark.parametrize("check_id", NEW)
def test_narrowed_to_an_identity_its_rows_are_found_by_an_index(check_id: str) -> None:
    found = CHECKS[check_id]().judged(NOW, [an_identity().pk])
    sql, params = found.query.sql_with_params()

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {sql}", params)
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert not _scanned(plan, "inventory_delegation ") and not _scanned(plan, "inventory_grant ")


def _scanned(plan: str, table: str) -> bool:
    return f"Seq Scan on {table}" in plan
