"""SPIFFE IDs: what the standard permits, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.spiffe import InvalidSpiffeId, SpiffeId, parse

DOMAINS = st.from_regex(r"[a-z0-9._-]{1,255}", fullmatch=True)
SEGMENTS = st.from_regex(r"[A-Za-z0-9._-]{1,40}", fullmatch=True).filter(
    lambda each: each not in {".", ".."}
)
PATHS = st.lists(SEGMENTS, max_size=6).map(lambda each: "".join(f"/{part}" for part in each))


@given(DOMAINS, PATHS)
def test_every_id_of_the_grammar_is_read_back_as_written(domain: str, path: str) -> None:
    assert parse(f"spiffe://{domain}{path}") == SpiffeId(domain, path)
    assert str(parse(f"spiffe://{domain}{path}")) == f"spiffe://{domain}{path}"


@given(DOMAINS, PATHS, st.characters(), st.integers(0))
def test_a_foreign_character_anywhere_is_refused(
    domain: str, path: str, sign: str, where: int
) -> None:
    text = f"spiffe://{domain}{path}"
    cut = where % (len(text) + 1)
    if sign.isascii() and (sign.isalnum() or sign in "._-/"):
        sign = "%"

    with pytest.raises(InvalidSpiffeId):
        parse(text[:cut] + sign + text[cut:])


@given(st.text())
def test_any_text_is_either_read_as_written_or_refused_with_a_sentence(text: str) -> None:
    try:
        assert str(parse(text)) == text
    except InvalidSpiffeId as refused:
        assert str(refused)[0].isupper()
        assert str(refused).endswith(".")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "starts with spiffe://"),
        ("SPIFFE://example.org/web", "starts with spiffe:// in lower case"),
        ("https://example.org/web", "starts with spiffe://"),
        ("spiffe:/example.org", "starts with spiffe://"),
        ("spiffe://", "trust domain is missing"),
        ("spiffe:///web", "trust domain is missing"),
        ("spiffe://Example.org/web", "lower-case letters"),
        ("spiffe://user@example.org/web", "neither a user nor a port"),
        ("spiffe://example.org:8443/web", "neither a user nor a port"),
        ("spiffe://example.org?x=1", "lower-case letters"),
        ("spiffe://" + "a" * 256, "longer than 255 bytes"),
        ("spiffe://example.org/", "ends with a slash"),
        ("spiffe://example.org/web/", "ends with a slash"),
        ("spiffe://example.org//web", "empty segment"),
        ("spiffe://example.org/./web", 'the segment "."'),
        ("spiffe://example.org/web/..", 'the segment ".."'),
        ("spiffe://example.org/a%20b", "percent-encoding"),
        ("spiffe://example.org/web?x=1", "no query"),
        ("spiffe://example.org/web#x", "no fragment"),
        ("spiffe://example.org/wéb", "may hold only letters"),
        ("spiffe://example.org/web\n", "may hold only letters"),
        ("spiffe://example.org/" + "a" * 2048, "at most 2,048 bytes"),
    ],
)
def test_a_refusal_says_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(InvalidSpiffeId, match=says.replace(".", r"\.")):
        parse(text)


def test_the_longest_id_and_the_longest_trust_domain_are_read() -> None:
    domain = "a" * 255
    path = "/" + "b" * (2048 - len("spiffe://") - 255 - 1)

    assert parse(f"spiffe://{domain}{path}") == SpiffeId(domain, path)
    with pytest.raises(InvalidSpiffeId):
        parse(f"spiffe://{domain}{path}b")


def test_segments_of_three_dots_and_hidden_names_are_names() -> None:
    assert parse("spiffe://example.org/.../.hidden/..x").path == "/.../.hidden/..x"
