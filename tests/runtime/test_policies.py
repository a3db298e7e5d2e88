"""Policy sets: drafts, problems at their place, tests before activation, going back; slices that change nothing."""

import json
import random
from typing import Any

import cedarpy
import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, ProgrammingError, transaction
from django.test import Client

from inventory.models import Change
from inventory.rules import RuleBroken
from runtime import default_policies, policies, policy_bundles, policy_engine
from runtime.models import PolicySetVersion
from runtime.policies import NotValid, TestsFail, Written
from runtime.policy_engine import Asked
from runtime.policy_slices import Scope
from runtime.policy_text import parse
from runtime.policy_validation import validate
from tests.factories import NOW, a_user
from tests.runtime.factories import PERMIT_ALL, a_policy_set, a_version

pytestmark = pytest.mark.django_db
BY = "ada"


def a_draft(text: str = PERMIT_ALL) -> PolicySetVersion:
    return policies.draft(a_policy_set(), Written(text), by=BY, at=NOW)


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ('@id("a")\npermit(principal, action,\n  resource) when { 1 + };', 3, 24, "Unexpected token"),
        ('@id("a")\npermit(principl, action, resource);', 2, 8, "invalid variable"),
        ('// ;\n@id("a;")\npermit(principal, action, resource);', 2, 1, "An @id has letters"),
        ("\npermit(principal, action, resource);", 2, 1, "has no @id"),
        (PERMIT_ALL + PERMIT_ALL, 3, 1, "is there twice"),
        ('@id("a") permit(principal, action, resource)\nwhen { principal.nope > 3 };', 2, 18, "`nope`"),
        ('@id("a") permit(principal in Mandate::Tier::"9",\naction, resource);', 1, 46, "no Mandate::Tier"),
        ('@id("a") permit(principal, action, resource) when { ' + "(" * 5_000, 1, 72, "nested deeper"),
        ("", 1, 1, "There is no policy"),
    ],
)  # fmt: skip
def test_a_problem_has_its_line_and_column(text: str, line: int, column: int, said: str) -> None:
    first = validate(text, domain="inventory")[0]

    assert (first.line, first.column) == (line, column)
    assert said in first.message


def test_policies_of_the_inventory_may_name_any_action_of_a_platform() -> None:
    text = (
        '@id("a") permit(principal, action == Mandate::Action::"s3:GetObject", resource);\n'
        '@id("b") forbid(principal in Mandate::Tier::"3", action in Mandate::Action::"group:write",'
        ' resource is Mandate::Resource) when { resource.sensitivity == "restricted" };'
    )

    assert validate(text, domain="inventory") == []


def test_only_what_is_valid_and_passes_its_tests_goes_live() -> None:
    broken, version = a_draft("permit(principal, action, resource);"), a_draft()
    request = {
        "subject": {"type": "identity", "id": "1"},
        "action": {"name": "read"},
        "resource": {"type": "resource", "id": "1"},
    }
    policies.put_test(version, name="nobody reads", request=request, permitted=False, by=BY)

    with pytest.raises(NotValid, match="Line 1, column 1"):
        policies.activate(broken, by=BY, reason="r", at=NOW)
    with pytest.raises(TestsFail, match="1 of 1 tests fail"):
        policies.activate(version, by=BY, reason="r", at=NOW)
    policies.put_test(version, name="nobody reads", request=request, permitted=True, by=BY)
    assert policies.activate(version, by=BY, reason="r", at=NOW).is_live


def test_going_back_makes_the_former_version_live_and_is_in_the_history() -> None:
    first, second = a_draft(), a_draft('@id("none") forbid(principal, action, resource);')
    policies.activate(first, by=BY, reason="begin", at=NOW)
    policies.activate(second, by="eve", reason="stricter", at=NOW)

    back = policies.roll_back(first.policy_set, by=BY, reason="too strict", at=NOW)

    assert back == first
    assert list(first.policy_set.versions.live()) == [first]
    assert Change.objects.filter(verb="policy_version.activated", reason="too strict").exists()


def test_what_was_live_once_never_changes() -> None:
    version = policies.activate(a_draft(), by=BY, reason="r", at=NOW)

    with pytest.raises(RuleBroken, match="Only a draft"):
        policies.edit(version, Written("x"), by=BY, at=NOW)
    with pytest.raises(ProgrammingError), transaction.atomic():
        PolicySetVersion.objects.filter(pk=version.pk).update(text="x")
    with pytest.raises(IntegrityError), transaction.atomic():
        PolicySetVersion.objects.create(
            policy_set=version.policy_set, number=9, text="", state="live", author="a",
            created_at=NOW, changed_at=NOW, activated_at=NOW,
        )  # fmt: skip


@pytest.mark.parametrize("role", ["owner", "auditor"])
def test_policies_are_for_security(role: str) -> None:
    with pytest.raises(PermissionDenied):
        policies.draft(a_policy_set(), Written(PERMIT_ALL), by=a_user(role), at=NOW)


def test_a_new_installation_has_starter_policies_that_pass_their_tests() -> None:
    default_policies.install(NOW)
    default_policies.install(NOW)

    version = PolicySetVersion.objects.live().get()
    assert version.tests.count() > 5
    assert all(policy.annotations.get("title") for policy in parse(version.text).policies)


def test_a_slice_answers_as_the_whole_set_does() -> None:
    """Random heads and random requests: what is left out could never have applied."""
    chance = random.Random(6)
    tiers = [f'Mandate::Tier::"{n}"' for n in range(5)]
    whos = ["principal", *(f"principal in {tier}" for tier in tiers), 'principal == Mandate::Identity::"1"',
            "principal is Mandate::Identity", 'principal is Mandate::Identity in Mandate::Kind::"role"']  # fmt: skip
    whats = ["action", 'action == Mandate::Action::"read"', 'action in Mandate::Action::"group:write"',
             'action in [Mandate::Action::"call", Mandate::Action::"group:read"]']  # fmt: skip
    wheres = ["resource", "resource is Mandate::Tool", 'resource in Mandate::System::"1"',
              'resource == Mandate::Resource::"1"']  # fmt: skip
    text = "\n".join(
        f'@id("p{n}") {chance.choice(["permit", "permit", "forbid"])}({chance.choice(whos)},'
        f" {chance.choice(whats)}, {chance.choice(wheres)}) when {{ context.n != {n % 7} }};"
        for n in range(120)
    )
    slices, whole = policy_bundles.of_text(text), cedarpy.PolicySet.from_str(text)
    names = {f"policy{n}": policy.name for n, policy in enumerate(parse(text).policies)}

    for number in range(150):
        asked = _asked(chance, number % 7)
        verdict = policy_engine.judge(slices, asked)
        result = cedarpy.is_authorized(asked.as_cedar(), whole, json.dumps(list(asked.entities)))
        assert verdict.permitted == result.allowed
        assert set(verdict.policies) == {names[one] for one in result.diagnostics.reasons}
    assert len(slices) == 120


def _asked(chance: random.Random, number: int) -> Asked:
    def scope(kind: str, key: str, *groups: tuple[str, str]) -> tuple[Scope, dict[str, Any]]:
        uid = (f"Mandate::{kind}", key)
        entity = {
            "uid": {"type": uid[0], "id": key}, "attrs": {},
            "parents": [{"type": f"Mandate::{group}", "id": name} for group, name in groups],
        }  # fmt: skip
        return Scope(
            uid[0], (uid, *((f"Mandate::{group}", name) for group, name in groups))
        ), entity

    who, one = scope(
        "Identity", chance.choice("12"), ("Tier", chance.choice("01234")),
        ("Kind", chance.choice(["role", "assistant"])),
    )  # fmt: skip
    what, two = scope(
        "Action", chance.choice(["read", "call"]),
        ("Action", chance.choice(["group:read", "group:write"])),
    )  # fmt: skip
    where, three = scope(chance.choice(["Tool", "Resource"]), chance.choice("12"), ("System", "1"))
    return Asked(who, what, where, {"n": number}, (one, two, three))


def test_the_api_takes_a_policy_set_from_draft_to_decision(secret: str) -> None:
    client = Client()
    client.force_login(a_user())

    def post(path: str, body: Any) -> Any:
        return client.post(f"/api/v1/{path}", body, content_type="application/json")

    made = post("policy-sets/", {"name": "shop"}).json()
    schema = (
        "namespace App { entity user; entity item;"
        ' action "buy" appliesTo { principal: [user], resource: [item] }; }'
    )
    text = (
        '@id("buy") permit(principal == App::user::"ann", action == App::Action::"buy", resource);'
    )
    draft = post(
        "policy-versions/", {"policy_set": made["id"], "text": text, "schema": schema}
    ).json()
    request = {
        "subject": {"type": "user", "id": "ann"},
        "action": {"name": "buy"},
        "resource": {"type": "item", "id": "1"},
    }
    test = {"version": draft["id"], "name": "ann buys", "request": request, "permitted": True}
    assert post("policy-tests/", test).status_code == 201
    loaded = post("policy-entities/", {"entities": [{"type": "user", "id": "ann"}]})
    assert loaded.json() == {"loaded": 1}
    assert client.get(f"/api/v1/policy-versions/{draft['id']}/validity/").json()["ready"] is True

    live = post(f"policy-versions/{draft['id']}/activate/", {"reason": "The shop opens."})

    assert live.json()["state"] == "live"
    headers = {"authorization": f"Bearer {secret}"}
    answer = Client(headers=headers).post(
        "/access/v1/evaluation", request, content_type="application/json"
    )
    assert answer.json()["decision"] is True
    assert answer.json()["context"]["policies"] == ["shop/buy"]


@pytest.mark.parametrize(
    "entity",
    [
        {"type": "identity", "id": "1"}, {"type": "Mandate::Identity", "id": "1"}, {"type": "", "id": "1"},
        {"type": "user", "id": "1", "parents": [{"type": "resource", "id": "1"}]},
        {"type": "user", "id": "1", "attributes": {"a": {"__entity": {"type": "App::x", "id": "1"}}}},
        {"type": "user", "id": "1", "attributes": {"a": 0.5}},
    ],
)  # fmt: skip
def test_nothing_of_the_inventory_can_be_loaded(entity: dict[str, Any]) -> None:
    client = Client()
    client.force_login(a_user())

    answer = client.post(
        "/api/v1/policy-entities/", {"entities": [entity]}, content_type="application/json"
    )

    assert answer.status_code in (400, 422), answer.content
    assert a_version().state == "live"
