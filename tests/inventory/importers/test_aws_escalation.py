"""What an AWS identity can become: every method, and every near miss that must not be claimed for certain."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.importers.aws_iam import AwsIam
from inventory.importers.base import SourceFile
from inventory.importers.records import DelegationRow, GrantRow
from inventory.methods_aws import AWS, PASS_ROLE, RUNNING

ACCOUNT, OTHER = "111122223333", "444455556666"
ADMIN = f"aws:account:{ACCOUNT}:administrator"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/edge"
Json = dict[str, Any]


def arn(name: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:iam::{account}:{name}"


def allow(*actions: str, on: Any = "*", when: Json | None = None, effect: str = "Allow") -> Json:
    statement = {"Effect": effect, "Action": list(actions), "Resource": on}
    return statement | ({"Condition": when} if when else {})


def deny(*actions: str, on: Any = "*", when: Json | None = None) -> Json:
    return allow(*actions, on=on, when=when, effect="Deny")


def user(name: str, *statements: Json, account: str = ACCOUNT, **more: Any) -> Json:
    inline = [{"PolicyName": "own", "PolicyDocument": {"Statement": list(statements)}}]
    return {
        "UserName": name, "UserId": "AIDAEXAMPLE", "Arn": arn(f"user/{name}", account),
        "UserPolicyList": inline if statements else [],
    } | more  # fmt: skip


def role(name: str, *trusts: Json, statements: tuple[Json, ...] = (), **more: Any) -> Json:
    inline = [{"PolicyName": "own", "PolicyDocument": {"Statement": list(statements)}}]
    return {
        "RoleName": name, "RoleId": "AROAEXAMPLE", "Arn": arn(f"role/{name}"),
        "AssumeRolePolicyDocument": {"Statement": list(trusts)},
        "InstanceProfileList": [{"InstanceProfileName": name}],
        "RolePolicyList": inline if statements else [],
    } | more  # fmt: skip


def trusts(principal: Any, when: Json | None = None) -> Json:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return statement | ({"Condition": when} if when else {})


def policy(policy_arn: str, *statements: Json) -> Json:
    version = {
        "VersionId": "v1",
        "IsDefaultVersion": True,
        "Document": {"Statement": list(statements)},
    }
    return {"Arn": policy_arn, "DefaultVersionId": "v1", "PolicyVersionList": [version]}


def attached(policy_arn: str) -> list[Json]:
    return [{"PolicyArn": policy_arn, "PolicyName": "p"}]


def become(*identities: Json, groups: Any = (), policies: Any = ()) -> list[DelegationRow]:
    """The derived delegations of an account with these."""
    document = {
        "UserDetailList": [each for each in identities if "UserName" in each],
        "RoleDetailList": [each for each in identities if "RoleName" in each],
        "GroupDetailList": list(groups), "Policies": list(policies),
    }  # fmt: skip
    said = list(AwsIam().rows([SourceFile("f", io.BytesIO(json.dumps(document).encode()))]))
    grants = {each.external_id for each in said if isinstance(each, GrantRow)}
    rows = [each for each in said if isinstance(each, DelegationRow) and each.method]
    for each in rows:  # whatever is claimed rests on grants that are there
        assert each.rests_on
        assert all(part and set(part) <= grants for part in each.rests_on)
    return rows


def certain(rows: list[DelegationRow]) -> set[tuple[str, str]]:
    return {
        (each.method, each.delegator_identity or "")
        for each in rows
        if not each.conditions and not each.caveats
    }


def methods(rows: list[DelegationRow]) -> set[str]:
    return {each.method for each in rows}


MINE = arn("policy/mine")
DEVS = arn("group/devs")
SELF = [
    ("aws-policy-version", allow("iam:CreatePolicyVersion", on=MINE)),
    ("aws-attach-own-policy", allow("iam:AttachUserPolicy", on=arn("user/ada"))),
    ("aws-put-own-policy", allow("iam:PutUserPolicy", on=arn("user/${aws:username}"))),
    ("aws-attach-group-policy", allow("iam:AttachGroupPolicy", on=DEVS)),
    ("aws-put-group-policy", allow("iam:PutGroupPolicy", on=DEVS)),
    ("aws-join-group", allow("iam:AddUserToGroup", on=arn("group/admins"))),
]


@pytest.mark.parametrize(("method", "statement"), SELF)
def test_a_change_of_its_own_rights_makes_it_administrator(method: str, statement: Json) -> None:
    ada = user("ada", statement, GroupList=["devs"], AttachedManagedPolicies=attached(MINE))
    groups = [
        {"GroupName": "devs", "Arn": DEVS},
        {"GroupName": "admins", "Arn": arn("group/admins"), "GroupPolicyList": [
            {"PolicyName": "all", "PolicyDocument": {"Statement": [allow("*")]}}
        ]},
    ]  # fmt: skip

    rows = become(ada, groups=groups, policies=[policy(MINE, allow("s3:GetObject"))])

    assert certain(rows) == {(method, ADMIN)}


def test_a_policy_that_is_attached_to_others_only_makes_nobody_administrator() -> None:
    ada = user("ada", allow("iam:CreatePolicyVersion", on=MINE))
    bob = user("bob", AttachedManagedPolicies=attached(MINE))

    assert not become(ada, bob, policies=[policy(MINE, allow("s3:GetObject"))])


def test_a_policy_of_aws_itself_has_no_versions_of_ours() -> None:
    aws = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    ada = user("ada", allow("iam:CreatePolicyVersion"), AttachedManagedPolicies=attached(aws))

    assert not become(ada, policies=[policy(aws, allow("s3:Get*"))])


@pytest.mark.parametrize(
    ("action", "method"),
    [
        ("iam:CreateAccessKey", "aws-access-key"),
        ("iam:CreateLoginProfile", "aws-create-password"),
        ("iam:UpdateLoginProfile", "aws-change-password"),
    ],
)
def test_credentials_of_another_user_are_that_user(action: str, method: str) -> None:
    rows = become(user("ada", allow(action, on=arn("user/b*"))), user("bob"), user("cal"))

    assert certain(rows) == {(method, arn("user/bob"))}


def test_keys_of_ones_own_are_nothing_new() -> None:
    assert not become(
        user("ada", allow("iam:CreateAccessKey", on=arn("user/${aws:username}"))), user("bob")
    )


def test_rewriting_a_trust_policy_takes_the_role() -> None:
    rows = become(user("ada", allow("iam:UpdateAssumeRolePolicy")), role("runner"))

    assert certain(rows) == {("aws-change-trust", arn("role/runner"))}


PASSES = [(service, method) for service, found in PASS_ROLE.items() for method in found]


@pytest.mark.parametrize(("service", "method"), PASSES)
def test_a_role_passed_to_what_runs_ones_own_code(service: str, method: Any) -> None:
    runner = role("runner", trusts({"Service": service}))
    elsewhere = role("elsewhere", trusts({"Service": "config.amazonaws.com"}))

    rows = become(user("ada", allow(*method.needs)), runner, elsewhere)
    without = [
        become(user("ada", allow(*(n for n in method.needs if n != need))), runner)
        for need in method.needs
    ]

    assert (method.id, arn("role/runner")) in certain(rows)
    assert not any(each.delegator_identity == arn("role/elsewhere") for each in rows)
    assert not any(method.id in methods(fewer) for fewer in without)


@pytest.mark.parametrize(
    ("service", "method"),
    [(service, method) for service, found in RUNNING.items() for method in found],
)
def test_what_runs_already_may_run_as_any_role_of_its_kind(service: str, method: Any) -> None:
    rows = become(user("ada", allow(*method.needs)), role("runner", trusts({"Service": service})))

    assert methods(rows) == {method.id}
    assert not certain(rows)


LAMBDA = ("lambda:CreateFunction", "lambda:InvokeFunction")
RUNNER = role("runner", trusts({"Service": "lambda.amazonaws.com"}))


@pytest.mark.parametrize(
    ("when", "claimed"),
    [
        ({"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}, True),
        ({"StringLike": {"iam:PassedToService": ["ec2.*", "lambda.*"]}}, True),
        ({"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}, False),
    ],
)
def test_the_service_that_a_role_may_be_passed_to_counts(when: Json, claimed: bool) -> None:
    ada = user("ada", allow("iam:PassRole", when=when), allow(*LAMBDA))

    assert bool(certain(become(ada, RUNNER))) is claimed
    assert bool(become(ada, RUNNER)) is claimed


def test_another_condition_makes_it_a_may() -> None:
    when = {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}

    rows = become(user("ada", allow("iam:PassRole", *LAMBDA, when=when)), RUNNER)

    assert methods(rows) == {"aws-pass-role-lambda-invoke"}
    assert not certain(rows)
    assert "aws:RequestedRegion" in rows[0].caveats[0]


def test_a_role_that_no_machine_holds_is_not_claimed() -> None:
    statement = allow("iam:PassRole", "ec2:RunInstances")
    ec2 = trusts({"Service": "ec2.amazonaws.com"})

    assert certain(become(user("ada", statement), role("r", ec2)))
    assert not become(user("ada", statement), role("r", ec2, InstanceProfileList=[]))
    unsaid = become(user("ada", statement), role("r", ec2, InstanceProfileList=None))
    assert unsaid
    assert not certain(unsaid)


@pytest.mark.parametrize("on", ["*", arn("user/*"), arn("user/bob")])
def test_a_denial_takes_the_claim_away(on: str) -> None:
    ada = user("ada", allow("iam:CreateAccessKey"), deny("iam:*Key", on=on))

    assert not become(ada, user("bob"))


def test_a_denial_of_something_else_does_not() -> None:
    ada = user("ada", allow("iam:CreateAccessKey"), deny("iam:CreateAccessKey", on=arn("user/cal")))

    assert certain(become(ada, user("bob"), user("cal"))) == {("aws-access-key", arn("user/bob"))}


def test_a_denial_under_a_condition_makes_it_a_may() -> None:
    mfa = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}

    rows = become(user("ada", allow("iam:CreateAccessKey"), deny("*", when=mfa)), user("bob"))

    assert methods(rows) == {"aws-access-key"}
    assert not certain(rows)


@pytest.mark.parametrize(
    ("edge", "outcome"),
    [
        ([allow("s3:*")], "nothing"),
        ([allow("iam:*")], "certain"),
        ([allow("*"), deny("iam:*")], "nothing"),
        ([allow("iam:*", when={"Bool": {"aws:SecureTransport": "true"}})], "may"),
        (None, "may"),
    ],
)
def test_a_boundary_must_allow_as_well(edge: list[Json] | None, outcome: str) -> None:
    ada = user(
        "ada",
        allow("iam:CreateAccessKey"),
        PermissionsBoundary={"PermissionsBoundaryArn": BOUNDARY},
    )
    policies = [] if edge is None else [policy(BOUNDARY, *edge)]

    rows = become(ada, user("bob"), policies=policies)

    assert bool(rows) is (outcome != "nothing")
    assert bool(certain(rows)) is (outcome == "certain")


def test_who_may_remove_the_boundary_that_holds_its_administration_is_administrator() -> None:
    own = arn("user/ada")
    edge = [allow("iam:DeleteUserPermissionsBoundary", on=own), allow("s3:*")]
    ada = user("ada", allow("*"), PermissionsBoundary={"PermissionsBoundaryArn": BOUNDARY})

    assert certain(become(ada, policies=[policy(BOUNDARY, *edge)])) == {
        ("aws-remove-boundary", ADMIN)
    }
    assert not become(ada, policies=[policy(BOUNDARY, edge[1])])


def test_who_administers_already_becomes_nobody() -> None:
    assert not become(user("ada", allow("*")), user("bob"), RUNNER)


ROOT = {"AWS": arn("root")}


def test_a_role_that_trusts_the_account_needs_the_identity_s_own_policy() -> None:
    shared = role("shared", trusts(ROOT))

    assert certain(become(user("ada", allow("sts:AssumeRole", on=arn("role/sh*"))), shared)) == {
        ("aws-trust", arn("role/shared"))
    }
    assert not become(user("ada", allow("sts:AssumeRole", on=arn("role/other"))), shared)
    assert not become(user("ada", allow("sts:AssumeRole"), deny("sts:AssumeRole")), shared)


def test_an_external_id_makes_it_a_may() -> None:
    when = {"StringEquals": {"sts:ExternalId": "not-ours"}}

    rows = become(user("ada", allow("sts:AssumeRole")), role("shared", trusts(ROOT, when)))

    assert methods(rows) == {"aws-trust"}
    assert not certain(rows)
    assert rows[0].conditions == when


def test_a_role_of_an_account_that_trusts_another_is_not_assumed_from_here() -> None:
    assert not become(user("ada", allow("sts:AssumeRole")), role("far", trusts({"AWS": OTHER})))


def test_a_role_that_nobody_can_assume_is_not_claimed() -> None:
    assert not become(user("ada", allow("sts:*", "iam:PassRole", *LAMBDA)), role("closed"))


@pytest.mark.parametrize(
    ("statements", "sure"),
    [
        ((), True),
        ((deny("sts:AssumeRole"),), False),
        ((deny("sts:*", when={"Bool": {"a:b": "true"}}),), False),
    ],
)
def test_a_denial_of_the_delegate_puts_a_trust_in_doubt(
    statements: tuple[Json, ...], sure: bool
) -> None:
    ada = user("ada", *statements)
    document = {
        "UserDetailList": [ada], "RoleDetailList": [role("r", trusts({"AWS": arn("user/ada")}))],
        "GroupDetailList": [], "Policies": [],
    }  # fmt: skip
    said = AwsIam().rows([SourceFile("f", io.BytesIO(json.dumps(document).encode()))])

    (row,) = [each for each in said if isinstance(each, DelegationRow)]

    assert (not row.caveats) is sure


def test_from_another_account_both_sides_must_allow() -> None:
    def caveats(*statements: Json) -> tuple[str, ...]:
        documents = [
            {"UserDetailList": [user("eve", *statements, account=OTHER)], "RoleDetailList": [],
             "GroupDetailList": [], "Policies": []},
            {"UserDetailList": [], "RoleDetailList": [role("r", trusts({"AWS": arn("user/eve", OTHER)}))],
             "GroupDetailList": [], "Policies": []},
        ]  # fmt: skip
        files = [
            SourceFile(str(n), io.BytesIO(json.dumps(d).encode())) for n, d in enumerate(documents)
        ]
        (row,) = [each for each in AwsIam().rows(files) if isinstance(each, DelegationRow)]
        return row.caveats

    assert not caveats(allow("sts:AssumeRole"))
    assert "do not allow" in caveats()[0]


STATEMENTS = st.lists(
    st.builds(
        allow,
        st.sampled_from(["iam:*", "iam:PassRole", "lambda:*", "sts:AssumeRole", "iam:CreateAccessKey", "iam:Put*"]),
        on=st.sampled_from(["*", arn("user/*"), arn("role/r*"), arn("role/closed")]),
        when=st.sampled_from([None, None, {"Bool": {"aws:SecureTransport": "true"}}]),
        effect=st.sampled_from(["Allow", "Allow", "Deny"]),
    ),
    max_size=5,
)  # fmt: skip


@given(statements=STATEMENTS, pattern=st.sampled_from(["iam:*", "sts:*", "lambda:*", "*"]))
def test_a_denial_more_never_adds_a_claim(statements: list[Json], pattern: str) -> None:
    others = (user("bob"), RUNNER, role("shared", trusts(ROOT)))
    before = become(user("ada", *statements), *others)
    after = become(user("ada", *statements, deny(pattern)), *others)

    def claims(rows: list[DelegationRow]) -> set[tuple[str, str | None]]:
        return {
            (each.method, each.delegator_identity)
            for each in rows
            if each.delegate == arn("user/ada")
        }

    if not any(method in methods(before) for method, _ in SELF):
        assert claims(after) <= claims(before)
        assert certain(after) <= certain(before)


def test_every_method_is_explained_once() -> None:
    assert len({method.id for method in AWS}) == len(AWS)
    assert all(method.meaning.endswith(".") and method.reference for method in AWS)
