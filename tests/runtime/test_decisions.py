"""The law of a decision: each thing that can stand against a request, in its order and in words."""

from datetime import timedelta
from typing import Any

import pytest

from inventory.models import Delegation, Grant, Identity, Tool, ToolBinding
from runtime import decision_chains, decisions
from runtime.models import Decision
from runtime.questions import Answer, Question
from tests.factories import (
    NOW,
    a_delegation,
    a_grant,
    a_person,
    a_resource,
    a_system,
    a_task,
    ago,
    an_entitlement,
    an_identity,
    days,
)
from tests.runtime.factories import a_policy_set, a_version

pytestmark = pytest.mark.django_db
LOOKUP = "https://crm.example.org/mcp/lookup"


@pytest.fixture(autouse=True)
def permissive() -> None:
    a_version()


def asked(identity: Identity, action: str = "read", **fields: Any) -> Answer:
    given = {"resource_type": "resource", "resource_id": "1", **fields}
    question = Question("identity", str(identity.pk), action, **given)
    return decisions.decide(question, at=NOW)


def held(identity: Identity | None = None, **fields: Any) -> tuple[Identity, dict[str, str]]:
    """An identity that may read a resource, and how the resource is named."""
    identity = identity or an_identity()
    resource = a_resource()
    entitlement = an_entitlement(
        system=resource.system, resource=resource, name="read", **fields.pop("entitlement", {})
    )
    a_grant(identity=identity, entitlement=entitlement, **fields)
    return identity, {"resource_type": "resource", "resource_id": str(resource.pk)}


def test_what_was_granted_is_permitted_and_recorded() -> None:
    identity, where = held()

    answer = asked(identity, **where)

    row = Decision.objects.get(pk=answer.decision_id)
    assert (answer.permitted, row.permitted, row.identity_id) == (True, True, identity.pk)
    assert (row.policies, row.policy_version_id, row.reason_code) == (
        ["all"], answer.policy_version, "permitted",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"lifecycle": "suspended"}, "identity_inactive"),
        ({"lifecycle": "proposed"}, "identity_inactive"),
        ({"gone_at": ago(1)}, "identity_gone"),
        ({"owner": None}, "identity_unowned"),
    ],
)
def test_an_identity_that_may_not_act_is_denied(fields: dict[str, Any], code: str) -> None:
    identity, where = held(an_identity(**fields))

    answer = asked(identity, **where)

    assert (answer.permitted, answer.reason_code) == (False, code)
    assert answer.reason.endswith(".")
    assert answer.remedy.endswith(".")


def test_an_owner_whose_last_day_has_passed_answers_for_nothing() -> None:
    identity, where = held(an_identity(owner=a_person(leaves_at=ago(0.01))))

    assert asked(identity, **where).reason_code == "owner_gone"


def test_somebody_unknown_is_denied_and_recorded_without_an_identity() -> None:
    question = Question("identity", "spiffe://example.org/nobody", "read", "resource", "1")

    answer = decisions.decide(question, at=NOW)

    assert answer.reason_code == "identity_unknown"
    assert Decision.objects.get().identity_id is None


@pytest.mark.parametrize("way", ["pk", "spiffe", "pair"])
def test_an_identity_is_known_by_each_of_its_names(way: str) -> None:
    identity, where = held(an_identity(spiffe_id="spiffe://example.org/a"))
    names = {
        "pk": str(identity.pk),
        "spiffe": "spiffe://example.org/a",
        "pair": f"{identity.namespace}/{identity.external_id}",
    }

    answer = decisions.decide(Question("identity", names[way], "read", **where), at=NOW)

    assert answer.permitted


@pytest.mark.parametrize(
    "fields",
    [{"revoked_at": ago(0.001)}, {"expires_at": NOW}, {"starts_at": NOW + days(1)}, {"gone_at": ago(1)}],
)  # fmt: skip
def test_a_grant_that_does_not_work_now_covers_nothing(fields: dict[str, Any]) -> None:
    identity, where = held(**fields)

    assert asked(identity, **where).reason_code == "no_grant"


def test_another_action_or_another_resource_is_not_covered() -> None:
    identity, where = held()

    assert asked(identity, "write", **where).reason_code == "no_grant"
    assert (
        asked(identity, resource_type="resource", resource_id=str(a_resource().pk)).reason_code
        == "no_grant"
    )


def test_patterns_cover_what_the_platform_would_let_through() -> None:
    identity, system = an_identity(), a_system()
    bucket = a_resource(system=system, namespace=system.namespace, external_id="arn:aws:s3:::a")
    entitlement = an_entitlement(
        system=system, name="s", actions=["s3:Get*"], resources=["arn:aws:s3:::a*"]
    )
    a_grant(identity=identity, entitlement=entitlement)
    where = {"resource_type": "resource", "resource_id": str(bucket.pk)}
    unseen = {
        "resource_id": "arn:aws:s3:::a/new",
        "context": {"system": f"{system.namespace}/{system.external_id}"},
    }

    assert asked(identity, "s3:GetObject", **where).permitted
    assert asked(identity, "s3:PutObject", **where).reason_code == "no_grant"
    assert asked(identity, "s3:GetObject", **unseen).permitted
    assert asked(identity, "s3:GetObject", resource_id="arn:aws:s3:::a/new").reason_code == (
        "resource_unknown"
    )


def test_a_denial_counts_whatever_allows_it() -> None:
    identity, where = held()
    system = identity.grants.get().entitlement.system
    no = an_entitlement(system=system, name="no", effect="deny", actions=["*"], resources=["*"])
    a_grant(identity=identity, entitlement=no)

    assert asked(identity, **where).reason_code == "denied_by_grant"


@pytest.mark.parametrize(
    "fields",
    [{"caveats": ["Boundary not in the files."]}, {"entitlement": {"conditions": {"ip": "1"}}}],
)
def test_what_cannot_be_judged_for_certain_is_denied(fields: dict[str, Any]) -> None:
    identity, where = held(**fields)

    assert asked(identity, **where).reason_code == "grant_uncertain"


def test_a_grant_for_a_task_works_for_that_task_and_dies_with_it() -> None:
    identity = an_identity()
    task = a_task(identity=identity, reference="close")
    _, where = held(identity, task=task, expires_at=NOW + days(1))
    within = {**where, "context": {"task": "close"}}

    assert asked(identity, **where).reason_code == "grant_for_task"
    assert asked(identity, **within).permitted

    task.status, task.ended_at = "done", NOW
    task.save()
    assert asked(identity, **{**where, "context": {"task": task.pk}}).reason_code == "task_over"
    assert asked(identity, **within).reason_code == "task_unknown"


def test_a_silent_task_is_over_though_no_job_wrote_it_down() -> None:
    identity = an_identity()
    task = a_task(
        identity=identity,
        heartbeat_every=timedelta(minutes=1),
        silent_at=NOW - timedelta(seconds=1),
    )
    _, where = held(identity, task=task, expires_at=NOW + days(1))

    assert asked(identity, **where, context={"task": task.pk}).reason_code == "task_over"


def test_the_person_behind_it_must_have_delegated_and_be_here() -> None:
    identity, where = held()
    person = a_person()
    context = {"on_behalf_of": person.email}

    assert asked(identity, **where, context=context).reason_code == "chain_broken"

    delegation = a_delegation(delegate=identity, delegator_person=person)
    answer = asked(identity, **where, context=context)
    assert (answer.permitted, answer.on_behalf_of) == (True, person.pk)

    Delegation.objects.filter(pk=delegation.pk).update(revoked_at=ago(0.01))
    assert asked(identity, **where, context=context).reason_code == "chain_broken"

    person.status = "left"
    person.save()
    assert asked(identity, **where, context=context).reason_code == "person_gone"


def test_each_link_of_a_chain_must_stand_and_its_scope_narrows() -> None:
    caller, worker = an_identity(), an_identity()
    _, where = held(worker)
    context = {"chain": [str(caller.pk)]}

    assert asked(worker, **where, context=context).reason_code == "chain_broken"

    link = a_delegation(delegate=worker, delegator_identity=caller, scope_all=False)
    link.entitlements.add(an_entitlement())
    assert asked(worker, **where, context=context).reason_code == "beyond_delegation"

    link.entitlements.add(worker.grants.get().entitlement)
    assert asked(worker, **where, context=context).permitted


@pytest.mark.parametrize("few", [20, 0])
def test_what_is_reached_by_acting_as_another_counts_as_far_as_the_way_carries(
    few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many others there are: few and many are read by statements of their own."""
    monkeypatch.setattr(decision_chains, "FEW", few)
    role, agent = an_identity(kind="role"), an_identity()
    _, where = held(role)
    assert asked(agent, **where).reason_code == "no_grant"

    way = a_delegation(delegate=agent, delegator_identity=role, how="assume_role")
    assert asked(agent, **where).permitted

    Identity.objects.filter(pk=role.pk).update(lifecycle="suspended")
    assert asked(agent, **where).reason_code == "no_grant"

    Identity.objects.filter(pk=role.pk).update(lifecycle="active")
    grants = Grant.objects.filter(identity=role)
    grants.update(revoked_at=NOW)
    assert asked(agent, **where).reason_code == "no_grant"

    grants.update(revoked_at=None)
    denial = a_denial(role)
    assert not asked(agent, **where).permitted

    Grant.objects.filter(pk=denial.pk).update(gone_at=NOW)
    assert asked(agent, **where).permitted

    Delegation.objects.filter(pk=way.pk).update(conditions={"mfa": True})
    assert asked(agent, **where).reason_code == "grant_uncertain"


def a_denial(identity: Identity) -> Grant:
    """Of what its one grant allows."""
    allowed = identity.grants.get().entitlement
    denies = an_entitlement(
        system=allowed.system, resource=allowed.resource, name=allowed.name, effect="deny"
    )
    return a_grant(identity=identity, entitlement=denies)


def test_becoming_another_needs_that_delegation() -> None:
    role, agent = an_identity(kind="role"), an_identity()
    where = {"resource_type": "identity", "resource_id": str(role.pk)}
    assert asked(agent, "assume_role", **where).reason_code == "no_delegation"

    a_delegation(delegate=agent, delegator_identity=role, how="assume_role")

    assert asked(agent, "assume_role", **where).permitted
    assert asked(agent, "impersonate", **where).reason_code == "no_delegation"


def a_tool(identity: Identity, **fields: Any) -> Tool:
    given = {"descriptor_digest": "a" * 64, "approved_digest": "a" * 64, "state": "approved"}
    known = {field.name for field in Tool._meta.get_fields()}
    tool = Tool.objects.create(
        source=identity.source, namespace=identity.namespace, external_id="t", provider="https://crm.example.org/mcp",
        name="lookup", first_seen_at=NOW,
        **{key: value for key, value in {**given, **fields}.items() if key in known},
    )  # fmt: skip
    ToolBinding.objects.create(
        source=identity.source, namespace=identity.namespace, external_id="b", identity=identity,
        tool=tool, origin=fields.get("origin", "declared"), first_seen_at=NOW,
    )  # fmt: skip
    return tool


def test_an_approved_tool_that_is_held_may_be_called() -> None:
    identity = an_identity()
    a_tool(identity)

    assert asked(identity, "call", resource_type="tool", resource_id=LOOKUP).permitted
    assert asked(an_identity(), "call", resource_type="tool", resource_id=LOOKUP).reason_code == (
        "tool_not_held"
    )  # fmt: skip
    assert asked(
        identity, "call", resource_type="tool", resource_id="https://crm.example.org/mcp/other"
    ).reason_code == ("tool_unknown")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"descriptor_digest": "b" * 64}, "tool_unapproved"),
        ({"approved_digest": "", "state": "unset"}, "tool_unapproved"),
        ({"state": "disabled"}, "tool_unapproved"),
        ({"origin": "observed"}, "tool_not_held"),
    ],
)
def test_a_tool_that_changed_or_was_only_seen_may_not(fields: dict[str, Any], code: str) -> None:
    identity = an_identity()
    a_tool(identity, **fields)

    answer = asked(identity, "call", resource_type="tool", resource_id=LOOKUP)

    assert answer.reason_code == code


def test_a_tool_call_on_a_dataset_needs_a_grant_there_as_well() -> None:
    identity, where = held()
    a_tool(identity)
    tool = {"resource_type": "tool", "resource_id": LOOKUP}

    there = asked(identity, "call", **tool, context={"dataset": where["resource_id"]})
    elsewhere = asked(identity, "call", **tool, context={"dataset": str(a_resource().pk)})

    assert there.permitted
    assert elsewhere.reason_code == "no_grant"


def test_facts_bound_and_policies_narrow() -> None:
    identity, where = held(an_identity(declared_tier=3))
    a_version(
        '@id("all") permit(principal, action, resource);\n'
        '@id("no-actors") @title("Actors rest") @remedy("Ask on Monday.")\n'
        'forbid(principal in Mandate::Tier::"3", action, resource);'
    )

    answer = asked(identity, **where)

    assert (answer.reason_code, answer.policies) == ("policy_forbids", ("no-actors",))
    assert answer.reason == "The policy “Actors rest” forbids it."
    assert answer.remedy == "Ask on Monday."
    other, there = held()
    assert asked(other, **there).permitted


def test_a_forbid_that_fails_is_a_deny_and_not_skipped() -> None:
    identity, where = held()
    a_version(
        '@id("all") permit(principal, action, resource);\n'
        '@id("broken") forbid(principal, action, resource) when { principal.nope > 3 };'
    )

    assert asked(identity, **where).reason_code == "policy_error"


def test_without_live_policies_nothing_is_permitted() -> None:
    identity, where = held()
    a_policy_set().versions.update(state="retired", retired_at=NOW)

    assert asked(identity, **where).reason_code == "no_policies"


def test_a_new_version_decides_the_next_request() -> None:
    identity, where = held()
    assert asked(identity, **where).permitted

    a_version('@id("nobody") forbid(principal, action, resource);')

    assert asked(identity, **where).policies == ("nobody",)


def test_where_policies_only_watch_the_facts_decide() -> None:
    a_version('@id("nobody") forbid(principal, action, resource);')
    policy_set = a_policy_set()
    policy_set.monitored = ["staging"]
    policy_set.save()
    watched, where = held(an_identity(environment="staging"))
    enforced, there = held(an_identity(environment="production"))

    answer = asked(watched, **where)

    assert (answer.permitted, answer.mode, answer.monitored) == (True, "monitor", False)
    assert "They would have said" in Decision.objects.get(pk=answer.decision_id).reason
    assert not asked(enforced, **there).permitted
    assert not asked(watched, **there).permitted


def test_a_person_or_a_stranger_never_reaches_the_inventory() -> None:
    _, where = held()

    for subject in ("person", "user", "Mandate::Identity", "App::user"):
        answer = decisions.decide(Question(subject, "1", "read", **where), at=NOW)
        assert not answer.permitted
    identity, _ = held()
    assert asked(identity, resource_type="todo", resource_id="1").reason_code == "mixed"
