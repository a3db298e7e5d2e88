"""What a tool says of itself, and what its words tell: laws of digests, differences, risks and secrets."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory import tool_descriptors, tool_risk
from inventory.importers import mcp_secrets
from inventory.importers.tool_rows import tool_row

TEXT = st.text(max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
DESCRIPTORS = st.fixed_dictionaries(
    {
        "name": TEXT,
        "description": TEXT,
        "inputSchema": st.dictionaries(TEXT, JSON, max_size=4),
        "annotations": st.dictionaries(TEXT, st.booleans(), max_size=3),
    }
)


def shuffled(value: Any) -> Any:
    """The same JSON with every object's keys the other way round."""
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(list(value))}
    return [shuffled(each) for each in value] if isinstance(value, list) else value


@given(DESCRIPTORS)
def test_the_digest_does_not_know_the_order_of_keys(descriptor: dict[str, Any]) -> None:
    same = tool_descriptors.digest(descriptor)

    assert tool_descriptors.digest(shuffled(descriptor)) == same
    assert tool_descriptors.digest({**descriptor, "icons": ["new"]}) == same


@given(DESCRIPTORS, DESCRIPTORS)
def test_the_digest_differs_on_any_change(one: dict[str, Any], other: dict[str, Any]) -> None:
    alike = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)

    assert (tool_descriptors.digest(one) == tool_descriptors.digest(other)) is alike


@given(DESCRIPTORS, st.sampled_from(tool_descriptors.PARTS))
def test_taking_a_part_away_is_a_change(descriptor: dict[str, Any], part: str) -> None:
    without = {key: value for key, value in descriptor.items() if key != part}

    assert tool_descriptors.digest(without) != tool_descriptors.digest(descriptor)
    if descriptor[part]:
        assert tool_descriptors.differences(descriptor, without)


def test_a_difference_names_its_place_and_shows_what_nobody_sees() -> None:
    before = {"name": "a", "inputSchema": {"properties": {"to": {"type": "string"}}}}
    now = {"name": "a", "description": "x\u200by", "inputSchema": {"properties": {}}}

    found = tool_descriptors.differences(before, now)

    assert [(one.place, one.before, one.now) for one in found] == [
        ("Input > properties > to > type", "string", None),
        ("Description", None, "x\\u{200b}y"),
        ("Input > properties", None, "{}"),
    ]


@pytest.mark.parametrize(
    ("name", "inputs", "risk", "writes"),
    [
        ("get_issue", [], "low", False),
        ("listUsers", [], "low", False),
        ("create_issue", ["title"], "medium", True),
        ("delete_file", ["path"], "high", True),
        ("bulk_delete_users", [], "high", True),
        ("issue_refund", ["amount"], "critical", True),
        ("do_it", ["command"], "critical", True),
        ("fetch", ["url"], "medium", False),
        ("search_code", ["path"], "low", False),
        ("frobnicate", ["x"], "", None),
    ],
)
def test_the_risk_that_name_and_input_tell(
    name: str, inputs: list[str], risk: str, writes: bool | None
) -> None:
    reading = tool_risk.judged(name, {"properties": {key: {} for key in inputs}})

    assert (reading.risk, reading.writes) == (risk, writes)
    assert bool(reading.why) is bool(risk)


@pytest.mark.parametrize(
    ("hints", "risk"),
    [
        ({"readOnlyHint": True, "openWorldHint": False}, "low"),
        ({"readOnlyHint": True, "openWorldHint": True}, "medium"),
        ({"readOnlyHint": False, "destructiveHint": False}, "medium"),
        ({"readOnlyHint": False}, "high"),
        ({"title": "Nice"}, ""),
        (None, ""),
    ],
)
def test_the_risk_that_a_tool_admits(hints: object, risk: str) -> None:
    assert tool_risk.hinted(hints).risk == risk


def test_a_hint_never_makes_a_tool_look_harmless() -> None:
    row = tool_row(
        {"name": "delete_all", "annotations": {"readOnlyHint": True}},
        external_id="x", place="x", provider="x",
    )  # fmt: skip

    assert (row.hinted_risk, row.judged_risk, row.writes) == ("low", "high", True)


@given(st.text(alphabet="abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", min_size=24))
def test_a_secret_leaves_its_fingerprint_and_nothing_else(value: str) -> None:
    found = [*mcp_secrets.in_settings({"API_TOKEN": value}, "env")]

    assert value not in repr(found)


@pytest.mark.parametrize(
    "value", ["${input:token}", "Bearer $TOKEN", "{env:TOKEN}", "%TOKEN%", "YOUR_TOKEN", "<token>", ""]
)  # fmt: skip
def test_what_only_points_at_a_secret_is_none(value: str) -> None:
    assert not [*mcp_secrets.in_settings({"API_TOKEN": value}, "env")]
