"""Account authorization details: identities, what they are given, and by which way in."""

import io
import json
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest

from inventory.importers.aws_iam import AwsIam
from inventory.importers.base import SourceFile, WrongFile
from inventory.importers.records import (
    DelegationRow,
    EntitlementRow,
    GrantRow,
    IdentityRow,
    Incomplete,
    Rejected,
    Said,
    SystemRow,
    Tally,
)
from tests.samples import SAMPLES

T = TypeVar("T")

ACCOUNT = "111122223333"
OTHER = "444455556666"
FOLDER = SAMPLES / "aws"
needs_samples = pytest.mark.skipif(not FOLDER.is_dir(), reason="the AWS samples are not here")

READ_LOGS = {
    "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::logs/*"}
}
DENY_ALL = {"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}


def arn(name: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:iam::{account}:{name}"


def user(name: str = "ada", account: str = ACCOUNT, **more: Any) -> dict[str, Any]:
    return {
        "Path": "/", "UserName": name, "UserId": "AIDAEXAMPLE", "Arn": arn(f"user/{name}", account),
        "CreateDate": "2024-01-31T10:00:00+00:00",
    } | more  # fmt: skip


def role(name: str = "runner", **more: Any) -> dict[str, Any]:
    return {
        "Path": "/", "RoleName": name, "RoleId": "AROAEXAMPLE", "Arn": arn(f"role/{name}"),
        "CreateDate": "2024-01-31T10:00:00Z", "AssumeRolePolicyDocument": {"Statement": []},
    } | more  # fmt: skip


def group(name: str, **more: Any) -> dict[str, Any]:
    return {"GroupName": name, "Arn": arn(f"group/{name}")} | more


def policy(policy_arn: str, document: object = READ_LOGS) -> dict[str, Any]:
    old = {"VersionId": "v1", "IsDefaultVersion": False, "Document": DENY_ALL}
    new = {"VersionId": "v2", "IsDefaultVersion": True, "Document": document}
    return {"Arn": policy_arn, "DefaultVersionId": "v2", "PolicyVersionList": [old, new]}


def attached(policy_arn: str) -> list[dict[str, str]]:
    return [{"PolicyArn": policy_arn, "PolicyName": policy_arn.rpartition("/")[2]}]


def details(**lists: list[Any]) -> dict[str, Any]:
    return {
        "UserDetailList": lists.get("users", []), "GroupDetailList": lists.get("groups", []),
        "RoleDetailList": lists.get("roles", []), "Policies": lists.get("policies", []),
    }  # fmt: skip


def read(*documents: object) -> list[Said]:
    files = [
        SourceFile(
            f"{number}.json",
            io.BytesIO(each if isinstance(each, bytes) else json.dumps(each).encode()),
        )
        for number, each in enumerate(documents)
    ]
    return list(AwsIam().rows(files))


def read_sample(name: str) -> list[Said]:
    with (FOLDER / name).open("rb") as content:
        return list(AwsIam().rows([SourceFile(name, content)]))


def tallies(said: list[Said]) -> dict[str, int]:
    return {each.what: each.count for each in said if isinstance(each, Tally)}


def of(said: list[Said], kind: type[T]) -> list[T]:
    return [each for each in said if isinstance(each, kind)]


def identity(said: list[Said], external_id: str) -> IdentityRow:
    found = [each for each in of(said, IdentityRow) if each.external_id == external_id]
    assert len(found) == 1
    return found[0]


@needs_samples
def test_the_sample_is_read_whole() -> None:
    said = read_sample("authorization-details.json")

    counted = tallies(said)
    assert counted["users"] == 3
    assert counted["groups"] == 2
    assert counted["roles"] == 3
    assert counted["policies"] == 32
    assert counted["policies without text"] == 0
    assert not of(said, Rejected)
    assert not of(said, Incomplete)
    assert len([each for each in of(said, IdentityRow) if not each.stub]) == 6
    # 1 direct + 1 by group; 1 inline + 1 by group; 1 inline + 1 direct + 4 by group; 1; 1; 2
    assert len(of(said, GrantRow)) == 14
    overprivileged = "arn:aws:iam::012345678901:role/OverprivilegedEC2"
    assert {each.delegate for each in of(said, DelegationRow) if not each.method} == {
        "aws:service:ssm.amazonaws.com",
        "aws:service:ec2.amazonaws.com",
    }
    # Its inline policy SupYo allows iam:CreateAccessKey on everything, without condition; two of the three administer.
    assert [
        (each.delegate, each.delegator_identity, each.method, each.caveats)
        for each in of(said, DelegationRow)
        if each.method
    ] == [
        (overprivileged, f"arn:aws:iam::012345678901:user/{name}", "aws-access-key", ())
        for name in ("obama", "userwithlotsofpermissions", "biden")
    ]
    last_used = identity(said, "arn:aws:iam::012345678901:role/OverprivilegedEC2").last_active_at
    assert last_used == datetime(2019, 1, 20, 18, 48, tzinfo=UTC)


@needs_samples
@pytest.mark.parametrize(
    "name", ["", "-small", "-no-roles"], ids=["full", "small", "without roles"]
)
def test_every_reference_of_a_sample_has_its_row_and_no_id_stands_twice(name: str) -> None:
    assert_sound(read_sample(f"authorization-details{name}.json"))


@needs_samples
def test_the_sample_without_roles_is_read_in_part() -> None:
    said = read_sample("authorization-details-no-roles.json")

    assert "RoleDetailList" in of(said, Incomplete)[0].reason
    assert tallies(said)["groups"] == 1
    assert of(said, EntitlementRow)


def assert_sound(said: list[Said]) -> None:
    identities = [each.external_id for each in of(said, IdentityRow)]
    entitlements = [each.external_id for each in of(said, EntitlementRow)]
    systems = {each.external_id for each in of(said, SystemRow)}
    grants, delegations = of(said, GrantRow), of(said, DelegationRow)
    for ids in (
        identities,
        entitlements,
        [each.external_id for each in grants],
        [each.external_id for each in delegations],
    ):
        assert len(ids) == len(set(ids))
        assert all(len(each) <= 1000 for each in ids)
    assert {each.identity for each in grants} <= set(identities)
    assert {each.entitlement for each in grants} <= set(entitlements)
    assert {each.delegate for each in delegations} <= set(identities)
    assert {each.delegator_identity for each in delegations} <= set(identities)
    assert {each.system for each in of(said, EntitlementRow)} <= systems


def test_each_way_in_is_a_grant_of_its_own() -> None:
    managed = arn("policy/ReadLogs")
    said = read(
        details(
            users=[
                user(
                    GroupList=["ops"],
                    AttachedManagedPolicies=attached(managed),
                    UserPolicyList=[{"PolicyName": "own", "PolicyDocument": READ_LOGS}],
                )
            ],
            groups=[
                group(
                    "ops",
                    AttachedManagedPolicies=attached(managed),
                    GroupPolicyList=[{"PolicyName": "theirs", "PolicyDocument": READ_LOGS}],
                )
            ],
            policies=[policy(managed)],
        )
    )

    assert {each.via for each in of(said, GrantRow)} == {
        "policy ReadLogs",
        "inline policy own",
        "group ops > policy ReadLogs",
        "group ops > inline policy theirs",
    }
    assert_sound(said)


def test_only_the_default_version_of_a_policy_counts() -> None:
    said = read(details(users=[user()], policies=[policy(arn("policy/P"))]))

    assert [each.effect for each in of(said, EntitlementRow)] == ["allow"]


def test_a_denial_is_granted_and_said_on_all_other_grants() -> None:
    said = read(
        details(
            users=[
                user(
                    UserPolicyList=[
                        {"PolicyName": "may", "PolicyDocument": READ_LOGS},
                        {"PolicyName": "may not", "PolicyDocument": DENY_ALL},
                    ]
                )
            ]
        )
    )

    caveats = {each.via: each.caveats for each in of(said, GrantRow)}
    assert "Deny" in caveats["inline policy may"][0]
    assert caveats["inline policy may not"] == ()
    assert "Deny" in identity(said, arn("user/ada")).caveats[0]


def test_a_permissions_boundary_is_named_on_the_identity_and_its_grants() -> None:
    boundary = arn("policy/Edge")
    said = read(
        details(
            roles=[
                role(
                    PermissionsBoundary={"PermissionsBoundaryArn": boundary},
                    RolePolicyList=[{"PolicyName": "p", "PolicyDocument": READ_LOGS}],
                )
            ]
        )
    )

    assert boundary in identity(said, arn("role/runner")).caveats[0]
    assert boundary in of(said, GrantRow)[0].caveats[0]


def test_an_attached_policy_without_text_is_one_entitlement_with_a_caveat() -> None:
    theirs = "arn:aws:iam::aws:policy/AdministratorAccess"
    said = read(details(users=[user("a", AttachedManagedPolicies=attached(theirs)),
                               user("b", AttachedManagedPolicies=attached(theirs))]))  # fmt: skip

    (row,) = of(said, EntitlementRow)
    assert row.admin
    assert "not in the file" in row.caveats[0]
    assert len(of(said, GrantRow)) == 2
    assert tallies(said)["policies without text"] == 1
    assert_sound(said)


def test_a_policy_of_aws_has_its_own_entitlements_in_each_account() -> None:
    theirs = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    both = [
        details(
            users=[user("ada", account, AttachedManagedPolicies=attached(theirs))],
            policies=[policy(theirs)],
        )
        for account in (ACCOUNT, OTHER)
    ]

    said = read(both)

    assert {each.scope for each in of(said, EntitlementRow)} == {ACCOUNT, OTHER}
    assert {each.external_id for each in of(said, SystemRow)} == {
        f"aws:account:{ACCOUNT}",
        f"aws:account:{OTHER}",
    }
    assert tallies(said)["accounts"] == 2
    assert_sound(said)


def by_account() -> dict[str, Any]:
    return {ACCOUNT: details(users=[user()]), OTHER: details(users=[user("bo", OTHER)])}


@pytest.mark.parametrize(
    "documents",
    [list(by_account().values()), [list(by_account().values())], [by_account()]],
    ids=["two files", "a list", "an object by account"],
)
def test_several_accounts_may_come_in_any_form(documents: list[object]) -> None:
    said = read(*documents)

    assert {each.external_id for each in of(said, IdentityRow)} == {
        arn("user/ada"),
        arn("user/bo", OTHER),
    }
    assert not of(said, Incomplete)


def test_pages_of_one_account_are_read_together() -> None:
    theirs = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    pages = [
        details(users=[user(AttachedManagedPolicies=attached(theirs), GroupList=["ops"])]),
        details(policies=[policy(theirs)], groups=[]),
        details(groups=[group("ops", AttachedManagedPolicies=attached(theirs))]),
    ]

    said = read(pages)

    assert tallies(said)["policies without text"] == 0
    assert len(of(said, GrantRow)) == 2
    assert_sound(said)


def test_a_missing_list_and_a_cut_answer_are_partial_and_the_rest_is_read() -> None:
    said = read({"UserDetailList": [user()], "Policies": [], "IsTruncated": True})

    reasons = [each.reason for each in of(said, Incomplete)]
    assert len(reasons) == 3
    assert all(each.scope == "" for each in of(said, Incomplete))
    assert identity(said, arn("user/ada"))


def test_a_group_that_is_not_in_the_file_is_said_on_its_member() -> None:
    said = read(details(users=[user(GroupList=["ghosts"])]))

    assert "ghosts" in identity(said, arn("user/ada")).caveats[0]


@pytest.mark.parametrize(
    ("last_used", "expected"),
    [
        ({"RoleLastUsed": {"LastUsedDate": "2026-01-02T03:04:05Z"}}, (True, 2026)),
        ({"RoleLastUsed": {}}, (True, None)),
        ({}, (False, None)),
    ],
)
def test_the_last_use_of_a_role_is_known_empty_or_unknown(
    last_used: dict[str, Any], expected: tuple[bool, int | None]
) -> None:
    found = identity(read(details(roles=[role(**last_used)])), arn("role/runner"))

    year = found.last_active_at.year if found.last_active_at else None
    assert (found.activity_known, year) == expected


def test_known_tags_are_read_and_of_others_only_the_key() -> None:
    said = read(
        details(
            users=[
                user(
                    Tags=[
                        {"Key": "Owner", "Value": "Ada@Example.org"},
                        {"Key": "Env", "Value": "prod"},
                        {"Key": "Purpose", "Value": "Nightly export"},
                        {"Key": "db-password", "Value": "hunter2-and-more"},
                    ]
                )
            ]
        )
    )

    found = identity(said, arn("user/ada"))
    assert found.owner_email == "ada@example.org"
    assert found.environment == "production"
    assert found.purpose == "Nightly export"
    assert found.attributes["other_tags"] == ["db-password"]
    assert "hunter2" not in repr(said)


def test_a_service_linked_role_belongs_to_the_platform() -> None:
    linked = role(Arn=arn("role/aws-service-role/ecs.amazonaws.com/ForECS"), RoleName="ForECS")

    said = read(details(roles=[linked, role()]))

    assert identity(said, linked["Arn"]).platform_managed
    assert not identity(said, arn("role/runner")).platform_managed


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ("text", ""),
        ({"UserName": "x"}, "Arn"),
        ({"Arn": arn("role/x")}, "Arn"),
        ({"Arn": arn("user/x", "aws")}, "Arn"),
        (user("x", CreateDate="yesterday"), "CreateDate"),
        (user("x", UserPolicyList="p"), "UserPolicyList"),
        (user("x", AttachedManagedPolicies=[{"PolicyName": "p"}]), "PolicyArn"),
        (user("ada"), "Arn"),
    ],
    ids=["text", "no ARN", "a role", "no account", "bad date", "no list", "no policy ARN", "twice"],
)
def test_a_bad_user_is_refused_with_its_place_and_the_others_are_read(
    bad: object, field: str
) -> None:
    said = read(details(users=[user(), bad, user("bo")]))

    (rejected,) = of(said, Rejected)
    assert (rejected.place, rejected.field) == ("UserDetailList[1]", field)
    assert rejected.reason.endswith(".")
    assert len(of(said, IdentityRow)) == 2
    assert_sound(said)


def test_a_refused_identity_takes_no_shared_policy_with_it() -> None:
    theirs = attached("arn:aws:iam::aws:policy/PowerUserAccess")
    bad = user("bad", CreateDate="?", AttachedManagedPolicies=theirs)

    said = read(details(users=[bad, user("good", AttachedManagedPolicies=theirs)]))

    assert_sound(said)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"[1]",
        b'{"agentSummaries": []}',
        b'{"UserDetailList": {}}',
        b'{"UserDetailList": [',
        b'{"UserDetailList": []} and more',
        b'{"UserDetailList": ["\xff"]}',
        "{}".encode("utf-16"),
        b'{"111122223333": []}',
        b'[{"UserDetailList": []}, {}]',
        b'{"UserDetailList": [' + b"[" * 5000 + b"]" * 5000 + b"]}",
    ],
    ids=[
        "empty",
        "no lists",
        "empty list",
        "list of numbers",
        "another answer",
        "no list",
        "cut off",
        "more behind",
        "not UTF-8",
        "UTF-16",
        "no document",
        "one of two",
        "too deep",
    ],
)
def test_a_file_of_another_kind_is_refused_with_a_sentence(content: bytes) -> None:
    with pytest.raises(WrongFile) as refused:
        read(content)

    assert str(refused.value).endswith(".")


def test_numbers_stay_numbers() -> None:
    document = {
        "Statement": {
            "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*",
            "Condition": {"NumericLessThan": {"s3:max-keys": [10, 1.5]}},
        }
    }  # fmt: skip

    said = read(details(users=[user()], policies=[policy(arn("policy/P"), document)]))

    conditions = of(said, EntitlementRow)[0].conditions
    assert json.loads(json.dumps(dict(conditions)))["NumericLessThan"]["s3:max-keys"] == [10, 1.5]


def test_names_that_tools_make_up_are_no_secrets() -> None:
    made_up = "Stack-RoleDefaultPolicy2D55C1C1-q3UDg2ltQ8TeZx9Kb4Vn7Lw2"
    said = read(
        details(
            users=[user(GroupList=[f"g{made_up}"])],
            groups=[
                group(
                    f"g{made_up}",
                    GroupPolicyList=[{"PolicyName": made_up, "PolicyDocument": READ_LOGS}],
                )
            ],
            roles=[role(f"r{made_up}")],
        )
    )

    assert of(said, GrantRow)[0].via == f"group g{made_up} > inline policy {made_up}"
    assert identity(said, arn(f"role/r{made_up}")).name == f"r{made_up}"


def test_the_names_of_conditions_stay_whole() -> None:
    issuer = "oidc.eks.eu-west-1.amazonaws.com/id/0F1E2D3C4B5A69788796A5B4C3D2E1F0"
    trust = {
        "Statement": {
            "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": arn(f"oidc-provider/{issuer}")},
            "Condition": {"StringEquals": {f"{issuer}:sub": "system:serviceaccount:shop:cart"}},
        }
    }  # fmt: skip

    said = read(details(roles=[role(AssumeRolePolicyDocument=trust)]))

    (delegation,) = of(said, DelegationRow)
    assert delegation.conditions == trust["Statement"]["Condition"]
    assert delegation.delegate == arn(f"oidc-provider/{issuer}")
