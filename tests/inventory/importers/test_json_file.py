"""Mandate's own JSON: the rules of the CSV files, read object by object."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.importers.base import SourceFile, WrongFile
from inventory.importers.json_file import JsonFile
from inventory.importers.records import (
    GrantRow,
    IdentityRow,
    Incomplete,
    PersonRow,
    Rejected,
    Said,
    SystemRow,
    Tally,
)

TOKEN = "ghp_" + "a1B2" * 9


def read(content: Any) -> list[Said]:  # Any: JSON, or bytes as they are
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return list(JsonFile().rows([SourceFile("export.json", io.BytesIO(body))]))


def of(kind: type, said: list[Said]) -> list[Any]:
    return [each for each in said if isinstance(each, kind)]


def test_lists_of_nouns_become_rows_with_their_places() -> None:
    said = read(
        {
            "people": [{"email": "Nora@example.org", "name": "Nora Lind"}],
            "identities": [
                {"name": "web", "kind": "role", "tier": 2, "third_party": False},
                {"name": "api", "kind": "assistant", "successors": ["a@b.org", "c@d.org"]},
            ],
            "grants": [{"identity": "web", "system": "Ledger", "action": "read"}],
        }
    )

    assert not of(Rejected, said)
    assert of(PersonRow, said)[0].external_id == "nora@example.org"
    web, api = of(IdentityRow, said)
    assert (web.declared_tier, web.third_party) == (2, False)
    assert api.successor_emails == ("a@b.org", "c@d.org")
    assert api.place == "identities[1]"
    assert of(GrantRow, said)[0].entitlement == "Ledger||read"
    assert of(SystemRow, said)
    assert of(Tally, said) == [Tally("people", 1), Tally("identities", 2), Tally("grants", 1)]


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"name": "web", "kind": "robot"}, "kind"),
        ({"name": "web"}, "kind"),
        ({"name": {"a": [1, {}]}, "kind": "role"}, "name"),
        ({"name": "web", "kind": "role", "tier": 2.5}, "tier"),
        ({"name": "web", "kind": "role", "purpose": "=1+1"}, "purpose"),
        ({"name": "web", "kind": "role", "purpose": TOKEN}, "purpose"),
        ({"name": "we\u0000b", "kind": "role"}, "name"),
        ({"name": "web", "kind": "role", "enviroment": "production"}, "enviroment"),
        ("web", ""),
        (None, ""),
        ([[]], ""),
    ],
)
def test_a_bad_row_is_refused_and_the_next_one_read(item: Any, field: str) -> None:
    said = read({"identities": [item, {"name": "api", "kind": "role"}]})

    (refused,) = of(Rejected, said)
    assert (refused.place, refused.field) == ("identities[0]", field)
    assert TOKEN not in repr(said)
    assert [each.name for each in of(IdentityRow, said)] == ["api"]
    assert of(Tally, said) == [Tally("identities", 2)]


def test_a_field_of_secrets_is_said_once_and_never_read() -> None:
    people = [{"email": f"{n}@b.org", "name": "A", "Password": "hunter2"} for n in range(3)]

    said = read({"people": people})

    assert [each.field for each in of(Rejected, said)] == ["Password"]
    assert "hunter2" not in repr(said)
    assert len(of(PersonRow, said)) == 3


def test_a_file_that_says_it_is_a_part_is_incomplete() -> None:
    assert of(Incomplete, read({"complete": False, "people": []}))
    assert not of(Incomplete, read({"complete": True, "people": []}))
    assert not of(Incomplete, read({"people": []}))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"peple": []}', "Did you mean people"),
        (b'{"people": {}}', "is not a list"),
        (b'{"complete": "no"}', "neither true nor false"),
        (b"[]", "is a list"),
        (b'"people"', "not a JSON file"),
        (b'{"people": [{"email": "a@b.org"', "cut off"),
        (b'{"people": []} and more', "cut off"),
        (b'{"people": [{"name": "\xe9"}]}', "not UTF-8"),
        ('{"people": []}'.encode("utf-16"), "Save the file as UTF-8"),
        (b"email,name\n", "not a JSON file"),
    ],
)
def test_a_file_as_a_whole_is_refused_with_a_sentence(content: bytes, says: str) -> None:
    with pytest.raises(WrongFile, match=says):
        read(content)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63) + 1, 2**63 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    )
)
def test_any_json_under_a_noun_is_counted_and_never_crashes(value: Any) -> None:
    for content in ({"identities": [value]}, {"identities": [{"name": value, "kind": "role"}]}):
        assert of(Tally, read(content)) == [Tally("identities", 1)]


@pytest.mark.parametrize("digits", [30, 10_000])
def test_a_number_beyond_all_measure_refuses_the_file(digits: int) -> None:
    content = b'{"identities": [{"name": "a", "kind": "role", "tier": ' + b"9" * digits + b"}]}"

    with pytest.raises(WrongFile):
        read(content)
