"""The one matcher: what a pattern of actions or resources covers."""

import re
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.action_patterns import covers, covers_resource, statement_covers

ACTIONS = st.text(alphabet="abAB:-1", max_size=12)
PATTERNS = st.text(alphabet="abAB:-1*?", max_size=12)


def by_regular_expression(pattern: str, text: str) -> bool:
    """Another way to the same answer."""
    parts = {"*": ".*", "?": "."}
    expression = "".join(parts.get(sign, re.escape(sign)) for sign in pattern)
    return re.fullmatch(expression, text, re.DOTALL) is not None


@given(PATTERNS, ACTIONS)
def test_the_matcher_agrees_with_a_regular_expression(pattern: str, action: str) -> None:
    assert covers(pattern, action) == by_regular_expression(pattern.lower(), action.lower())
    assert covers_resource(pattern, action) == by_regular_expression(pattern, action)


@given(ACTIONS)
def test_an_action_covers_itself_in_any_letter_case(action: str) -> None:
    assert covers(action.upper(), action.lower())


@given(PATTERNS, ACTIONS, st.integers(0, 12))
def test_putting_a_star_anywhere_never_covers_less(pattern: str, action: str, at: int) -> None:
    widened = f"{pattern[:at]}*{pattern[at:]}"

    assert covers(widened, action) or not covers(pattern, action)


@given(ACTIONS, st.data())
def test_an_action_with_signs_replaced_by_question_marks_is_still_covered(
    action: str, data: st.DataObject
) -> None:
    hidden = data.draw(st.lists(st.booleans(), min_size=len(action), max_size=len(action)))
    pattern = "".join("?" if hide else sign for sign, hide in zip(action, hidden, strict=True))

    assert covers(pattern, action)


@given(st.lists(PATTERNS, max_size=3), st.lists(PATTERNS, min_size=1, max_size=3), ACTIONS)
def test_what_a_statement_excludes_is_what_its_patterns_would_cover(
    actions: list[str], excluded: list[str], action: str
) -> None:
    allowed = statement_covers(action, actions=actions, not_actions=excluded)

    assert allowed != statement_covers(action, actions=excluded)


@pytest.mark.parametrize(
    ("pattern", "action", "expected"),
    [
        ("s3:*", "s3:GetObject", True),
        ("S3:getobject", "s3:GetObject", True),
        ("iam:Pass*", "iam:PassRole", True),
        ("s3:Get*", "s3:PutObject", False),
        ("s3:GetObject?cl", "s3:GetObjectAcl", True),
        ("s3:Get", "s3:GetObject", False),
        ("*", "anything:AtAll", True),
        ("ec2:*", "s3:GetObject", False),
        ("s3:[G]etObject", "s3:GetObject", False),
    ],
)
def test_patterns_of_the_user_guide(pattern: str, action: str, expected: bool) -> None:
    assert covers(pattern, action) is expected


def test_letter_case_counts_in_names_of_resources() -> None:
    assert covers_resource("arn:aws:s3:::Logs/*", "arn:aws:s3:::Logs/2026/a")
    assert not covers_resource("arn:aws:s3:::Logs/*", "arn:aws:s3:::logs/2026/a")


def test_many_stars_take_no_exponential_time() -> None:
    started = process_time()

    assert not covers("*a" * 60 + "b", "a" * 2000)

    assert process_time() - started < 2
