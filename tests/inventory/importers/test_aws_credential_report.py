"""The credential report: passwords, keys and certificates, and what "never used" means."""

import io
from datetime import UTC, datetime
from typing import TypeVar

import pytest

from inventory.importers.aws_credential_report import COLUMNS, AwsCredentialReport
from inventory.importers.base import SourceFile, WrongFile
from inventory.importers.records import CredentialRow, IdentityRow, Rejected, Said, Tally
from tests.samples import SAMPLES

T = TypeVar("T")

ACCOUNT = "111122223333"
FOLDER = SAMPLES / "aws"
needs_samples = pytest.mark.skipif(not FOLDER.is_dir(), reason="the AWS samples are not here")
DAY = "2024-05-06T07:08:09+00:00"
AT = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


def line(name: str = "ada", **cells: str) -> str:
    blank = dict.fromkeys(COLUMNS, "N/A") | {
        "user": name, "arn": f"arn:aws:iam::{ACCOUNT}:user/{name}", "user_creation_time": DAY,
        "password_enabled": "false", "mfa_active": "false", "access_key_1_active": "false",
        "access_key_2_active": "false", "cert_1_active": "false", "cert_2_active": "false",
    }  # fmt: skip
    return ",".join((blank | cells).values())


def read(*lines: str, header: str = ",".join(COLUMNS)) -> list[Said]:
    content = "\n".join((header, *lines)).encode()
    return list(AwsCredentialReport().rows([SourceFile("report.csv", io.BytesIO(content))]))


def of(said: list[Said], kind: type[T]) -> list[T]:
    return [each for each in said if isinstance(each, kind)]


def credential(said: list[Said], name: str) -> CredentialRow:
    found = [each for each in of(said, CredentialRow) if each.external_id.endswith(f"#{name}")]
    assert len(found) == 1
    return found[0]


@needs_samples
def test_the_sample_has_eight_active_keys_and_four_never_used() -> None:
    with (FOLDER / "credential-report.csv").open("rb") as content:
        said = list(AwsCredentialReport().rows([SourceFile("report.csv", content)]))

    assert {each.what: each.count for each in of(said, Tally)} == {
        "users": 8,
        "access keys": 8,
        "access keys never used": 4,
        "inactive access keys": 1,
        "passwords": 1,
        "certificates": 1,
    }
    assert not of(said, Rejected)
    root = next(each for each in of(said, IdentityRow) if each.attributes["root"])
    assert root.name == "<root_account> 619193117841"
    assert root.last_active_at == root.interactive_at
    assert root.interactive_at == datetime(2016, 11, 25, 14, 19, 48, tzinfo=UTC)


def test_a_key_says_when_it_was_made_and_used_and_that_it_never_expires() -> None:
    said = read(
        line(
            access_key_1_active="true",
            access_key_1_last_rotated="2024-01-01T00:00:00Z",
            access_key_1_last_used_date=DAY,
            access_key_1_last_used_region="eu-west-1",
            access_key_1_last_used_service="s3",
        )
    )

    key = credential(said, "access_key_1")
    assert key.issued_at == key.rotated_at == datetime(2024, 1, 1, tzinfo=UTC)
    assert (key.last_used_at, key.use_known) == (AT, True)
    assert (key.expires_at, key.expiry_known) == (None, True)
    assert key.key_id == ""
    assert key.attributes["last_used_service"] == "s3"
    (identity,) = of(said, IdentityRow)
    assert (identity.last_active_at, identity.activity_known) == (AT, True)


def test_a_key_that_was_never_used_is_known_to_be_so() -> None:
    key = credential(read(line(access_key_2_active="true", access_key_2_last_rotated=DAY)),
                     "access_key_2")  # fmt: skip

    assert (key.last_used_at, key.use_known) == (None, True)
    assert len(key.caveats) == 1


def test_a_key_older_than_the_records_of_use_says_so() -> None:
    old = "2014-01-01T00:00:00Z"
    key = credential(read(line(access_key_1_active="true", access_key_1_last_rotated=old)),
                     "access_key_1")  # fmt: skip

    assert any("2015" in each for each in key.caveats)


def test_a_deactivated_key_is_a_disabled_credential_and_no_key_is_none() -> None:
    said = read(line(access_key_1_last_rotated=DAY))

    assert not credential(said, "access_key_1").enabled
    assert len(of(said, CredentialRow)) == 1


@pytest.mark.parametrize(
    ("changed", "known"), [("2014-10-19T00:00:00Z", False), ("2014-10-21T00:00:00Z", True)]
)
def test_no_information_means_never_only_for_what_is_younger_than_the_records(
    changed: str, known: bool
) -> None:
    said = read(
        line(
            user_creation_time=changed,
            password_enabled="true",
            password_last_used="no_information",
            password_last_changed=changed,
        )
    )

    assert credential(said, "password").use_known is known
    (identity,) = of(said, IdentityRow)
    assert (identity.interactive_at, identity.interactive_known) == (None, known)
    assert identity.activity_known is known


@pytest.mark.parametrize(
    ("rotation", "end"),
    [("N/A", None), ("2024-08-04T07:08:09+00:00", 2024), ("not_supported", None)],
)
def test_a_password_ends_only_where_a_rotation_is_due(rotation: str, end: int | None) -> None:
    said = read(
        line(
            password_enabled="TRUE",
            password_last_used=DAY,
            password_last_changed=DAY,
            password_next_rotation=rotation,
        )
    )

    password = credential(said, "password")
    assert (password.expires_at.year if password.expires_at else None) == end
    assert password.expiry_known
    assert of(said, IdentityRow)[0].interactive_at == AT


def test_certificates_are_credentials_whose_end_is_unknown() -> None:
    certificate = credential(read(line(cert_1_active="true", cert_1_last_rotated=DAY)), "cert_1")

    assert certificate.kind == "x509"
    assert not certificate.expiry_known
    assert not certificate.use_known


def test_extra_columns_are_left_alone() -> None:
    said = read(f"{line()},x", header=f"{','.join(COLUMNS)},additional_credentials_info")

    assert len(of(said, IdentityRow)) == 1


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (line("x", user_creation_time="yesterday"), "user_creation_time"),
        (line("x", access_key_1_last_used_date="2024-13-01"), "access_key_1_last_used_date"),
        (line("x", access_key_1_active="perhaps"), "access_key_1_active"),
        (line("x", arn="arn:aws:iam::1:user/x"), "arn"),
        (line("x", arn=f"arn:aws:iam::{ACCOUNT}:role/x"), "arn"),
        (line("x", user="y"), "user"),
        (line("=1+1"), "user"),
        (line("x", access_key_1_last_used_region="@SUM(A1)"), "access_key_1_last_used_region"),
        (line("ada"), "arn"),
        ("a,b", ""),
    ],
)
def test_a_bad_line_is_refused_with_its_number_and_the_others_are_read(
    bad: str, field: str
) -> None:
    said = read(line("ada"), bad, line("bo"))

    (rejected,) = of(said, Rejected)
    assert (rejected.place, rejected.field) == ("line 3", field)
    assert rejected.reason.endswith(".")
    assert [each.name for each in of(said, IdentityRow)] == ["ada", "bo"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"user,arn\n",
        b"\xff\xfeu\x00s\x00",
        ",".join(COLUMNS).encode() + b"\n\xff",
        b"x" * 100_000,
        (",".join(COLUMNS) + "\n").encode() + b"x" * 200_000,
    ],
    ids=["empty", "columns missing", "UTF-16", "not UTF-8", "one line", "a long line"],
)
def test_a_file_of_another_kind_is_refused_with_a_sentence(content: bytes) -> None:
    with pytest.raises(WrongFile) as refused:
        list(AwsCredentialReport().rows([SourceFile("report.csv", io.BytesIO(content))]))

    assert str(refused.value).endswith(".")


def test_the_file_stays_open_for_another_pass() -> None:
    file = SourceFile("r.csv", io.BytesIO(f"{','.join(COLUMNS)}\n{line()}".encode()))

    first, second = (list(AwsCredentialReport().rows([file])) for _ in range(2))

    assert first == second
