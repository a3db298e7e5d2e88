"""SPIRE registration entries become identities and credentials."""

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from inventory.importers.base import SourceFile, WrongFile
from inventory.importers.records import (
    CredentialRow,
    IdentityRow,
    Incomplete,
    Rejected,
    Said,
    Tally,
)
from inventory.importers.spire import Spire
from tests.samples import sample


def read(content: Any, *more: Any) -> list[Said]:  # Any: JSON, or bytes as they are
    files = [
        SourceFile(
            f"entries{number}.json",
            io.BytesIO(each if isinstance(each, bytes) else json.dumps(each).encode()),
        )
        for number, each in enumerate((content, *more))
    ]
    return list(Spire().rows(files))


def entry(**fields: Any) -> dict[str, Any]:
    return {
        "id": "e1",
        "spiffe_id": {"trust_domain": "example.org", "path": "/ns/prod/sa/web"},
        "parent_id": {"trust_domain": "example.org", "path": "/node"},
        "selectors": [{"type": "k8s", "value": "sa:web"}, {"type": "k8s", "value": "ns:prod"}],
        "x509_svid_ttl": 600,
        "created_at": "1700000000",
        "expires_at": "0",
        **fields,
    }


def of(kind: type, said: list[Said]) -> list[Any]:
    return [each for each in said if isinstance(each, kind)]


def told(name: str) -> list[Said]:
    with sample(f"spire/{name}").open("rb") as content:
        return list(Spire().rows([SourceFile(name, content)]))


def test_the_sample_has_four_entries_of_two_identities() -> None:
    said = told("entry-show.json")

    assert {each.external_id for each in of(IdentityRow, said)} == {
        "spiffe://example.org/son",
        "spiffe://example.org/daughter",
    }
    assert len(of(CredentialRow, said)) == 4
    assert of(Tally, said) == [Tally("entries", 4), Tally("identities", 2)]
    assert not of(Rejected, said)
    assert not of(Incomplete, said)


def test_in_the_sample_one_entry_expires_and_the_others_never_do() -> None:
    ends = [each.expires_at for each in of(CredentialRow, told("entry-show.json"))]

    assert ends == [None, None, None, datetime(2019, 3, 12, 17, 4, 26, tzinfo=UTC)]


def test_the_older_samples_with_ids_as_text_are_read() -> None:
    said = told("entries_federates_with.json")

    assert len(of(CredentialRow, said)) == 5
    assert {each.lifetime_seconds for each in of(CredentialRow, said)} == {200}
    first = of(IdentityRow, said)[0]
    assert first.attributes["federates_with"] == [f"spiffe://td{n}.org" for n in (1, 2, 3)]


def test_every_bad_entry_of_the_invalid_sample_is_reported_with_its_place() -> None:
    said = told("invalid_registration_entries.json")

    assert [each.place for each in of(Rejected, said)] == [f"entries[{n}]" for n in range(8)]
    assert not of(IdentityRow, said)


def test_a_trust_bundle_is_the_wrong_file() -> None:
    with pytest.raises(WrongFile, match="no list of entries"):
        told("spiffebundle_valid_1.json")


def test_an_entry_becomes_a_registration_bound_to_its_selectors() -> None:
    (credential,) = of(CredentialRow, read({"entries": [entry()], "next_page_token": ""}))

    assert credential.external_id == "entry/e1"
    assert credential.identity == "spiffe://example.org/ns/prod/sa/web"
    assert credential.bound_to == "k8s:ns:prod, k8s:sa:web"
    assert credential.binding_known
    assert credential.attributes["registration"] is True
    assert credential.lifetime_seconds == 600
    assert credential.expires_at is None
    assert credential.expiry_known
    assert credential.issued_at == datetime.fromtimestamp(1_700_000_000, UTC)
    assert not credential.caveats


def test_a_life_left_to_the_server_is_assumed_and_said_so() -> None:
    (credential,) = of(CredentialRow, read([entry(x509_svid_ttl=0)]))

    assert credential.lifetime_seconds == 3600
    assert "one hour" in credential.caveats[0]


def test_the_entries_of_one_id_become_one_identity_that_says_all() -> None:
    said = read(
        [
            entry(hint="internal"),
            entry(
                id="e2", parent_id="spiffe://example.org/other", admin=True, hint="external",
                created_at="1600000000", federates_with=["spiffe://partner.org"],
            ),
        ]
    )  # fmt: skip

    (identity,) = of(IdentityRow, said)
    assert identity.name == "prod/web"
    assert identity.scope == "example.org"
    assert identity.spiffe_id == identity.external_id
    assert identity.created_at == datetime.fromtimestamp(1_600_000_000, UTC)
    assert identity.attributes == {
        "parent_ids": ["spiffe://example.org/node", "spiffe://example.org/other"],
        "federates_with": ["spiffe://partner.org"],
        "admin": True,
        "downstream": False,
        "hints": ["external", "internal"],
    }


@pytest.mark.parametrize(
    ("spiffe_id", "name"),
    [
        ("spiffe://example.org", "example.org"),
        ("spiffe://example.org/web", "web"),
        ("spiffe://example.org/region/eu/web", "eu/web"),
        ("spiffe://example.org/cluster/a/ns/shop/sa/web", "shop/web"),
    ],
)
def test_the_name_is_the_end_of_the_path(spiffe_id: str, name: str) -> None:
    (identity,) = of(IdentityRow, read([entry(spiffe_id=spiffe_id)]))

    assert identity.name == name


def test_an_entry_without_an_id_has_the_same_key_whatever_its_order() -> None:
    plain = entry(id="")
    turned = dict(reversed(list(plain.items()))) | {"selectors": plain["selectors"][::-1]}

    (one,) = of(CredentialRow, read([plain]))
    (other,) = of(CredentialRow, read([turned]))
    (different,) = of(CredentialRow, read([plain | {"x509_svid_ttl": 60}]))

    assert one.external_id == other.external_id
    assert one.key_id == ""
    assert one.external_id != different.external_id


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"spiffe_id": {"trust_domain": "Example.org", "path": "/web"}}, "spiffe_id"),
        ({"spiffe_id": None}, "spiffe_id"),
        ({"parent_id": "spiffe://example.org/a%20b"}, "parent_id"),
        ({"selectors": []}, "selectors"),
        ({"selectors": ["k8s"]}, "selectors"),
        ({"x509_svid_ttl": -5}, "x509_svid_ttl"),
        ({"x509_svid_ttl": 10**12}, "x509_svid_ttl"),
        ({"created_at": "yesterday"}, "created_at"),
        ({"expires_at": "99999999999999999"}, "expires_at"),
        ({"id": 7}, "id"),
    ],
)
def test_a_bad_field_refuses_its_entry_only(fields: dict[str, Any], field: str) -> None:
    said = read([entry(**fields), entry(id="good")])

    (rejected,) = of(Rejected, said)
    assert (rejected.place, rejected.field) == ("entries[0]", field)
    assert rejected.reason.endswith(".")
    assert [each.key_id for each in of(CredentialRow, said)] == ["good"]


def test_the_same_entry_twice_is_taken_once_and_named_by_file() -> None:
    said = read([entry()], [entry()])

    assert len(of(CredentialRow, said)) == 1
    (rejected,) = of(Rejected, said)
    assert rejected.place == "entries1.json entries[0]"
    assert "entries0.json entries[0]" in rejected.reason


def test_one_page_of_several_is_incomplete() -> None:
    assert of(Incomplete, read({"entries": [entry()], "next_page_token": "abc"}))
    assert not of(Incomplete, read({"entries": [], "next_page_token": ""}))


def test_a_secret_in_a_selector_does_not_pass() -> None:
    said = read([entry(selectors=[{"type": "docker", "value": "env:DB_PASSWORD=hunter2222"}])])

    assert "hunter2222" not in repr(said)


def test_an_id_longer_than_a_key_may_be_keeps_its_spiffe_id() -> None:
    long = "spiffe://example.org/" + "a" * 1500

    said = read([entry(spiffe_id=long)])

    (identity,) = of(IdentityRow, said)
    (credential,) = of(CredentialRow, said)
    assert identity.spiffe_id == long
    assert len(identity.external_id) < 1000
    assert credential.identity == identity.external_id
    assert len(identity.name) <= 300


@pytest.mark.parametrize(
    "content",
    [
        b'{"entries": [{"id": "a"',
        b'{"entries": {}}',
        b"user,arn\n",
        b"\xff\xfe{\x00}\x00",
        b'{"entries": [{"hint": "\xe9"}]}',
    ],
)
def test_a_file_that_holds_no_whole_list_is_the_wrong_file(content: bytes) -> None:
    with pytest.raises(WrongFile, match=r"\.$"):
        read(content)


def test_hostile_numbers_and_nesting_are_refused() -> None:
    with pytest.raises(WrongFile):
        read(json.dumps([entry()]).replace("600", "9" * 10_000).encode())

    deep = json.dumps([entry(id="", deep=1)]).replace(
        '"deep": 1', f'"deep": {"[" * 9999}{"]" * 9999}'
    )
    assert len(of(Rejected, read(deep.encode()))) == 1


def test_a_byte_order_mark_does_no_harm() -> None:
    assert of(CredentialRow, read(b"\xef\xbb\xbf" + json.dumps([entry()]).encode()))
