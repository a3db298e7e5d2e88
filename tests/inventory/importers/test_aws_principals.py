"""Trust policies become delegations: who may assume a role, in every form of a principal."""

import pytest

from inventory.importers.aws_principals import Role, Trust, read_trust
from inventory.importers.records import IdentityRow

ACCOUNT = "111122223333"
OTHER = "444455556666"
SISTER = "777788889999"
ROLE = Role(
    f"arn:aws:iam::{ACCOUNT}:role/runner",
    ACCOUNT,
    "RoleDetailList[0]",
    frozenset({ACCOUNT, SISTER}),
)


def trust(principal: object = None, **statement: object) -> Trust:
    whole = {"Effect": "Allow", "Action": "sts:AssumeRole"} | statement
    if principal is not None:
        whole["Principal"] = principal
    return read_trust(ROLE, {"Statement": [whole]})


def only(found: Trust) -> IdentityRow:
    (delegation,) = found.delegations
    (stub,) = found.stubs
    assert delegation.delegate == stub.external_id
    assert delegation.delegator_identity == ROLE.arn
    assert delegation.how == "assume_role"
    assert stub.stub
    return stub


@pytest.mark.parametrize(
    ("principal", "external_id", "kind", "third_party"),
    [
        (
            {"AWS": f"arn:aws:iam::{ACCOUNT}:user/ada"},
            f"arn:aws:iam::{ACCOUNT}:user/ada", "service_account", None,
        ),
        (
            {"AWS": f"arn:aws:iam::{ACCOUNT}:role/x/y"},
            f"arn:aws:iam::{ACCOUNT}:role/x/y", "role", None,
        ),
        (
            {"AWS": f"arn:aws:iam::{OTHER}:role/y"},
            f"arn:aws:iam::{OTHER}:role/y", "external_account", True,
        ),
        (
            {"AWS": f"arn:aws:iam::{SISTER}:role/y"},
            f"arn:aws:iam::{SISTER}:role/y", "external_account", False,
        ),
        (
            {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/y/session"},
            f"arn:aws:sts::{ACCOUNT}:assumed-role/y/session", "role", None,
        ),
        (
            {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            f"aws:account:{ACCOUNT}:principals", "external_account", False,
        ),
        ({"AWS": OTHER}, f"aws:account:{OTHER}:principals", "external_account", True),
        ({"AWS": "*"}, "aws:anyone", "external_account", True),
        ("*", "aws:anyone", "external_account", True),
        (
            {"AWS": "AROAEXAMPLEEXAMPLE"},
            "aws:unique-id:AROAEXAMPLEEXAMPLE", "external_account", None,
        ),
        (
            {"Service": "EC2.amazonaws.com"},
            "aws:service:ec2.amazonaws.com", "external_account", None,
        ),
        (
            {"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/Corp"},
            f"arn:aws:iam::{ACCOUNT}:saml-provider/Corp", "external_account", None,
        ),
        (
            {"Federated": "accounts.google.com"},
            "aws:federated:accounts.google.com", "external_account", True,
        ),
        (
            {"CanonicalUser": "79a59df900b949e55d96a1e698fbaced"},
            "aws:canonical-user:79a59df900b949e55d96a1e698fbaced", "external_account", None,
        ),
    ],
)  # fmt: skip
def test_every_form_of_a_principal_has_its_stub(
    principal: object, external_id: str, kind: str, third_party: bool | None
) -> None:
    stub = only(trust(principal, Action="sts:*"))

    assert (stub.external_id, stub.kind, stub.third_party) == (external_id, kind, third_party)


def test_a_service_belongs_to_the_platform() -> None:
    stub = only(trust({"Service": "lambda.amazonaws.com"}))

    assert stub.platform_managed
    assert stub.attributes["principal_type"] == "aws_service"


def test_the_account_as_principal_is_not_its_root_user() -> None:
    stub = only(trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))

    assert stub.external_id != f"arn:aws:iam::{ACCOUNT}:root"


def test_anyone_is_said_on_the_delegation() -> None:
    assert "Any principal" in trust("*").delegations[0].caveats[0]


def test_each_principal_is_a_delegation_and_none_stands_twice() -> None:
    found = trust({"AWS": [ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", OTHER], "Service": ["a.aws"]})

    assert len(found.delegations) == 3
    assert len({each.external_id for each in found.delegations}) == 3


def test_one_principal_in_two_statements_is_two_delegations() -> None:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": OTHER}}

    found = read_trust(
        ROLE, {"Statement": [statement, statement | {"Condition": {"Bool": {"a": "b"}}}]}
    )

    assert len({each.external_id for each in found.delegations}) == 2
    assert [dict(each.conditions) for each in found.delegations] == [{}, {"Bool": {"a": "b"}}]


@pytest.mark.parametrize(
    ("action", "count"),
    [
        ("sts:AssumeRole", 1),
        ("STS:Assume*", 1),
        ("sts:AssumeRoleWithWebIdentity", 1),
        ("*", 1),
        ("sts:TagSession", 0),
        ("sts:SetSourceIdentity", 0),
    ],
)
def test_only_assuming_is_a_delegation(action: str, count: int) -> None:
    assert len(trust({"AWS": OTHER}, Action=action).delegations) == count


def test_all_but_some_is_judged_as_anybody_and_said() -> None:
    found = trust(NotPrincipal={"AWS": [OTHER]})

    stub = only(found)
    assert stub.name == f"Anyone except {OTHER}"
    assert stub.third_party
    assert "Everybody but" in found.delegations[0].caveats[0]


def test_a_denial_in_the_trust_policy_is_said_on_its_delegations() -> None:
    deny = {"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": {"AWS": OTHER}}
    allow = deny | {"Effect": "Allow"}

    found = read_trust(ROLE, {"Statement": [allow, deny]})

    assert len(found.delegations) == 1
    assert any("Deny" in each for each in found.delegations[0].caveats)


def test_an_identity_provider_without_conditions_is_said() -> None:
    provider = {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/ci.example.org"}
    condition = {"StringEquals": {"ci.example.org:sub": "repo:a/b"}}

    bare = trust(provider, Action="sts:AssumeRoleWithWebIdentity")
    bound = trust(provider, Action="sts:AssumeRoleWithWebIdentity", Condition=condition)

    assert "No condition" in bare.delegations[0].caveats[0]
    assert bound.delegations[0].caveats == ()
    assert bound.delegations[0].conditions == condition


def test_a_role_that_trusts_itself_delegates_to_nobody_and_says_so() -> None:
    found = trust({"AWS": ROLE.arn})

    assert found.delegations == []
    assert "assume itself" in found.caveats[0]


@pytest.mark.parametrize(
    "principal",
    [
        None,
        {},
        [],
        {"AWS": 7},
        {"AWS": [None]},
        {"AWS": "ada"},
        {"Alien": "x"},
        {"Federated": "a b"},
    ],
)
def test_a_principal_that_cannot_be_read_is_said(principal: object) -> None:
    found = trust(principal)

    assert found.delegations == []
    assert found.rejected[0].place == "RoleDetailList[0].AssumeRolePolicyDocument"
    assert found.rejected[0].reason.endswith(".")


def test_a_missing_trust_policy_is_said() -> None:
    assert read_trust(ROLE, None).rejected
