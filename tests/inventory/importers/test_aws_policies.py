"""Policy statements become entitlements: patterns kept, reach judged."""

import json
from urllib.parse import quote

import pytest

from inventory.importers.aws_policies import Policy, entitlements, unknown_policy
from inventory.importers.records import EntitlementRow, Rejected

POLICY = Policy(
    key="arn:aws:iam::111122223333:policy/Deploy",
    name="Deploy",
    label="arn:aws:iam::111122223333:policy/Deploy",
    account="111122223333",
    place="Policies[0]",
)


def read(document: object) -> list[EntitlementRow | Rejected]:
    return list(entitlements(POLICY, document))


def one(**statement: object) -> EntitlementRow:
    found = read({"Statement": [{"Effect": "Allow", "Resource": "*"} | statement]})
    assert len(found) == 1
    assert isinstance(found[0], EntitlementRow)
    return found[0]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        # risk, writes, wildcard, admin
        ({"Action": "*"}, ("critical", True, True, True)),
        ({"Action": "*:*"}, ("critical", True, True, True)),
        ({"Action": "iam:*"}, ("critical", True, True, True)),
        ({"Action": "iam:*", "Resource": "arn:aws:iam::*:*"}, ("critical", True, True, True)),
        (
            {"NotAction": ["iam:*"], "Action": None, "Resource": "*"},
            ("critical", True, True, True),
        ),
        ({"Action": "iam:Pass*"}, ("critical", True, False, False)),
        ({"Action": "IAM:passrole"}, ("critical", True, False, False)),
        ({"Action": "iam:CreateAccessKey"}, ("critical", True, False, False)),
        (
            {"Action": "iam:CreateAccessKey", "Resource": "arn:aws:iam::*:user/${aws:username}"},
            ("medium", True, False, False),
        ),
        ({"Action": "sts:AssumeRole"}, ("critical", True, False, False)),
        (
            {"Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/*"},
            ("critical", True, False, False),
        ),
        (
            {"Action": "sts:AssumeRole", "Resource": "arn:aws:iam::111122223333:role/reader"},
            ("medium", True, False, False),
        ),
        ({"Action": "s3:*"}, ("high", True, True, False)),
        ({"Action": "s3:*", "Resource": "arn:aws:s3:::logs/*"}, ("high", True, True, False)),
        # On a bucket, everything is still only everything of S3.
        ({"Action": "*", "Resource": "arn:aws:s3:::logs/*"}, ("high", True, True, False)),
        ({"Action": ["s3:GetObject", "s3:PutObject"]}, ("high", True, False, False)),
        (
            {"Action": "s3:PutObject", "Resource": "arn:aws:s3:::logs/*"},
            ("medium", True, False, False),
        ),
        ({"Action": "s3:PutObject", "Resource": "arn:aws:s3:::*"}, ("high", True, False, False)),
        ({"Action": "secretsmanager:GetSecretValue"}, ("high", False, False, False)),
        ({"Action": "ec2:StartInstances"}, ("medium", True, False, False)),
        ({"Action": "s3:G*"}, ("medium", True, False, False)),
        ({"Action": "newservice:FrobnicateThing"}, ("medium", True, False, False)),
        (
            {"Action": ["s3:Get*", "ec2:Describe*", "dynamodb:Query", "dynamodb:BatchGetItem"]},
            ("low", False, False, False),
        ),
    ],
)
def test_the_reach_of_a_statement(
    statement: dict[str, object], expected: tuple[str, bool, bool, bool]
) -> None:
    row = one(**statement)

    assert (row.risk, row.writes, row.wildcard, row.admin) == expected


def test_a_denial_is_kept_and_gives_nothing() -> None:
    row = one(Effect="Deny", Action="*")

    assert row.effect == "deny"
    assert (row.risk, row.writes, row.wildcard, row.admin) == ("low", False, False, False)


def test_what_is_excluded_is_kept_and_said() -> None:
    found = read(
        {"Statement": {"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:aws:s3:::x"}}
    )

    row = found[0]
    assert isinstance(row, EntitlementRow)
    assert row.actions == ()
    assert row.not_actions == ("iam:*",)
    assert row.not_resources == ("arn:aws:s3:::x",)
    assert row.wildcard
    assert len(row.caveats) == 2


def test_all_but_iam_on_one_bucket_is_no_administration() -> None:
    found = read(
        {"Statement": {"Effect": "Allow", "NotAction": "s3:Delete*", "Resource": "arn:aws:s3:::x"}}
    )

    assert isinstance(found[0], EntitlementRow)
    assert not found[0].admin
    assert found[0].wildcard


def test_conditions_are_kept_without_their_secrets() -> None:
    secret = "ghp_" + "a1B2" * 9
    row = one(
        Action="s3:GetObject",
        Condition={"StringEquals": {"aws:Referer": secret, "aws:PrincipalOrgID": "o-abcd1234"}},
    )

    assert secret not in json.dumps(dict(row.conditions))
    assert row.conditions["StringEquals"]["aws:PrincipalOrgID"] == "o-abcd1234"


def test_the_arn_of_a_secret_is_no_secret() -> None:
    arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-AbCdEf"

    assert one(Action="secretsmanager:GetSecretValue", Resource=arn).resources == (arn,)


@pytest.mark.parametrize("encode", [lambda text: text, quote], ids=["plain", "url-encoded"])
def test_a_document_may_be_text(encode: object) -> None:
    text = json.dumps({"Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}})

    found = read(encode(text))  # type: ignore[operator]  # one of the two above

    assert isinstance(found[0], EntitlementRow)
    assert found[0].actions == ("s3:Get*",)


def test_statements_keep_different_ids_even_when_their_sids_repeat() -> None:
    each = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}

    rows = read(
        {"Statement": [each | {"Sid": "A"}, each | {"Sid": "A"}, each, each | {"Sid": "2"}]}
    )

    ids = [row.external_id for row in rows if isinstance(row, EntitlementRow)]
    assert len(ids) == len(set(ids)) == 4
    assert ids[3].endswith("#2")


@pytest.mark.parametrize(
    "bad",
    [
        "text",
        {"Effect": "allow", "Action": "s3:GetObject"},
        {"Effect": ["Allow"], "Action": "s3:GetObject"},
        {"Effect": "Allow"},
        {"Effect": "Allow", "Action": 7},
        {"Effect": "Allow", "Action": ["s3:GetObject", None]},
        {"Effect": "Allow", "Action": "s3:GetObject", "Condition": "often"},
    ],
)
def test_a_statement_that_cannot_be_read_is_said_and_the_next_is_taken(bad: object) -> None:
    found = read({"Statement": [bad, {"Effect": "Allow", "Action": "a:GetB", "Resource": "*"}]})

    assert isinstance(found[0], Rejected)
    assert found[0].place == "Policies[0].Statement[0]"
    assert found[0].reason.endswith(".")
    assert isinstance(found[1], EntitlementRow)


@pytest.mark.parametrize("document", [None, "", "%zz{", "{", [], {"Statement": "x"}, "[" * 99_999])
def test_a_document_that_is_none_is_said(document: object) -> None:
    found = read(document)

    assert [type(each) for each in found] == [Rejected]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("AdministratorAccess", ("critical", True, True)),
        ("ReadOnlyAccess", ("low", False, False)),
        ("AWSLambda_ReadOnlyAccess", ("low", False, False)),
        ("AmazonS3FullAccess", ("high", True, False)),
        ("AmazonSomethingElse", ("medium", None, False)),
    ],
)
def test_a_policy_of_aws_without_text_is_judged_by_its_name(
    name: str, expected: tuple[str, bool | None, bool]
) -> None:
    label = f"arn:aws:iam::aws:policy/{name}"

    row = unknown_policy(Policy(f"{label}@111122223333", name, label, "111122223333", "x"))

    assert (row.risk, row.writes, row.admin) == expected
    assert row.caveats[0] == ("The policy's text is not in the file; its statements are unknown.")


def test_a_policy_of_ones_own_is_not_judged_by_its_name() -> None:
    label = "arn:aws:iam::111122223333:policy/ReadOnlyAccess"

    row = unknown_policy(Policy(label, "ReadOnlyAccess", label, "111122223333", "x"))

    assert (row.risk, row.writes) == ("medium", None)
