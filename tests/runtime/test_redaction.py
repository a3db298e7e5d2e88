"""Law 3 at the door of ingest: whatever is told, no secret is kept; the digest is over all of it."""

import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import redaction
from runtime.ancestors import NOBODY
from runtime.call_rows import row_of
from runtime.redaction import SECRET_WORDS
from runtime.told import Told

ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
random_text = st.text(ALPHABET, min_size=36, max_size=36)
KNOWN_FORMATS = st.one_of(
    random_text.map(lambda text: f"ghp_{text}"),
    random_text.map(lambda text: f"sk-proj-{text}7"),
    random_text.map(lambda text: f"xoxb-{text[:12]}-{text[12:]}"),
    random_text.map(lambda text: f"eyJhbGciOiJIUzI1NiJ9.{text}.{text}"),
    random_text.map(lambda text: f"glpat-{text}"),
    random_text.map(lambda text: f"-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----"),
)
words = st.text("abc :,.{}[]\"'\\\n=/é\0", max_size=20)
names = st.sampled_from(("note", "query", "body", "to", "path"))


def kept(raw: str) -> Any:
    """The summary that is written for arguments sent as this text."""
    told = Told("tool", "", "1", "", 1, None, "ok", tool_name="t", arguments=raw)
    return row_of(UUID(int=1).hex, told, NOBODY).summary["arguments"]


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The value somewhere inside lists, objects and JSON in texts."""
    return st.recursive(
        inner,
        lambda deeper: st.one_of(
            st.tuples(words, deeper).map(list),
            st.tuples(names, deeper).map(lambda pair: {pair[0]: pair[1], "other": 1}),
            deeper.map(json.dumps),
        ),
        max_leaves=3,
    )


@given(secret=KNOWN_FORMATS, data=st.data())
def test_no_known_format_survives_in_any_text_of_a_call(secret: str, data: st.DataObject) -> None:
    field = data.draw(
        st.sampled_from(
            ("span_id", "conversation", "agent_name", "agent_id", "service_name", "tool_name", "provider", "system",
             "resource", "error", "credential", "result")
        )
    )  # fmt: skip
    around = data.draw(words)
    told = Told("tool", "", "1", "", 1, None, "ok", tool_name="t")
    told.attributes = {"what": f"{around} {secret}", f"{secret} {around}": "x", "more": 1}
    setattr(told, field, f"{around} {secret}")

    row = row_of(UUID(int=1).hex, told, NOBODY)

    written = repr(row._replace(id=""))  # digits of our own
    assert secret.split("\n")[0][10:] not in written
    assert secret[-20:] not in written


@pytest.mark.parametrize("name", ["password", "X-Api-Key", "pin", "P I N", "auth", "refresh_token"])
def test_a_name_that_speaks_of_a_secret_is_seen_however_often_it_is_told(name: str) -> None:
    for _ in range(2):
        assert redaction.attributes({"plain": "x", name: "7"}) == {"plain": "x", name: "[redacted]"}
        assert redaction.kept({"plain": "x", name: "7"}) == {"plain": "x", name: "[redacted]"}


@given(secret=KNOWN_FORMATS, data=st.data())
def test_no_known_format_survives_wherever_it_stands(secret: str, data: st.DataObject) -> None:
    before, after = data.draw(words), data.draw(words)
    value = data.draw(nested(st.just(f"{before} {secret} {after}")))
    raw = value if isinstance(value, str) else json.dumps(value)

    written = json.dumps(kept(raw), ensure_ascii=False)

    assert secret.split("\n")[0][10:] not in written
    assert secret[-20:] not in written


@given(
    word=st.sampled_from(SECRET_WORDS),
    secret=st.text("abcdefghjkmnpqrstuvwxyz0123456789!?", min_size=8, max_size=30),
    data=st.data(),
)
def test_the_value_under_a_name_that_speaks_of_a_secret_is_never_kept(
    word: str, secret: str, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from((word, word.upper(), f"db_{word}", f"x-{word}-2")))
    value = data.draw(nested(st.just({name: secret, "order": "7"})))
    raw = value if isinstance(value, str) else json.dumps(value)

    assert secret not in json.dumps(kept(raw))


@pytest.mark.parametrize(
    "told",
    [
        "{'password': 'hunter2!', 'order': '7'}",
        "curl -H 'Authorization: Basic aHVudGVyMiE='",
        'log in with password="hunter2!"',
        "client_secret=hunter2!&grant_type=x",
    ],
)
def test_secrets_in_plain_text_are_replaced(told: str) -> None:
    written = str(kept(told))

    assert "hunter2!" not in written and "aHVudGVyMiE" not in written
    assert "[redacted]" in written


@pytest.mark.parametrize(
    "arguments",
    [
        {"order": "A-1042", "amount": 12.5, "note": "the second item"},
        {"max_tokens": 200, "prompt_tokens": 3},
        {"city": "Zürich", "tags": ["a", "b"]},
        {"commit": "commit 0f0e0d0c0b0a09080706050403020100ffeeddcc"},
    ],
)
def test_what_is_no_secret_is_kept_as_it_is(arguments: dict[str, Any]) -> None:
    raw = json.dumps(arguments, ensure_ascii=False)

    assert kept(raw) == arguments


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_a_summary_is_bounded_and_fits_the_database(value: Any) -> None:
    written = json.dumps(redaction.kept(value))

    assert "\\u0000" not in written
    assert len(written) < 2_000_000


def test_long_texts_lists_and_depths_are_cut() -> None:
    value = {"text": "word " * 500, "list": list(range(50)), "deep": {"a": {"b": {"c": {"d": 1}}}}}

    few = redaction.kept(value)

    assert len(few["text"]) == 200
    assert few["list"][-1] == "(30 more)" and len(few["list"]) == 21
    assert few["deep"] == {"a": {"b": {"c": "(1 fields)"}}}


def test_the_digest_knows_no_order_and_no_spaces() -> None:
    told = redaction.digest(redaction.read('{ "b": 1, "a": [1, 2] }'))

    assert told == redaction.digest({"a": [1, 2], "b": 1})
    assert told != redaction.digest({"a": [2, 1], "b": 1})


@given(
    st.dictionaries(st.text("ab"), st.floats(allow_nan=False, allow_infinity=False) | st.integers())
)
def test_the_digest_is_that_of_an_approval(arguments: dict[str, Any]) -> None:
    """See reviews/action_approvals.py: what was approved is found again among the calls."""
    canonical = json.dumps(
        arguments, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()

    assert redaction.canonical(arguments) == canonical
