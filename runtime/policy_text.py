"""Cedar text: its policies one by one, and errors at their line and column, which the engine does not tell.

A parse error is found by giving the engine longer and longer beginnings of the text: as long as it says that the text
ended too early, what is there so far is right; the first word after which it says something else is the wrong one.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cedarpy

LARGEST = 1_000_000  # characters of one text
MOST_POLICIES = 5_000
# The engine reads nested text by recursion, and too much of it ends the process: it is refused before.
DEEPEST = 20
MOST_OPERATORS = 250  # of one policy; a longer one is better as two
_OPERATORS = frozenset(
    (
        "&&",
        "||",
        "+",
        "-",
        "*",
        "!",
        ".",
        "==",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "if",
        "has",
        "like",
        "in",
        "is",
    )
)
_WORD = re.compile(
    r"""//[^\n]*|"(?:\\.|[^"\\])*"|[A-Za-z_][A-Za-z0-9_]*|\d+|::|&&|\|\||[=!<>]=|\S""", re.DOTALL
)
_ENDED = ("unexpected end of input", "invalid token")
_QUOTED = re.compile(r"`([^`]+)`")
_TOO_DEEP = (
    f"From here on the policy is nested deeper than {DEEPEST} brackets or has more than"
    f" {MOST_OPERATORS} operators. Write two policies."
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class Word:
    """One word of the text and where it starts."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and where: lines and columns count from 1. `policy`: the @id, when there is one."""

    line: int
    column: int
    message: str
    policy: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy: its @id, its annotations, where it stands, and its form in Cedar's JSON."""

    name: str
    annotations: dict[str, str]
    start: int
    end: int
    parsed: dict[str, Any]  # Any: JSON


@dataclass(frozen=True, slots=True)
class Parsed:
    """The policies of a text, in order; or the problems, and then no policy."""

    policies: tuple[Policy, ...] = ()
    problems: tuple[Problem, ...] = ()


def parse(text: str) -> Parsed:
    """Splits and parses; every policy needs an @id of its own."""
    unsafe = unsafe_text(text)
    if unsafe:
        return Parsed(problems=(unsafe,))
    pieces = _pieces(_words(text))
    try:
        found = json.loads(cedarpy.policies_to_json_str(text))
    except ValueError as error:
        return Parsed(problems=(_parse_problem(text, pieces, str(error)),))
    if found["templates"]:
        return _refused(
            "Templates (?principal, ?resource) are not used here. Write the policy out."
        )
    return _named(text, pieces, list(_in_order(found["staticPolicies"])))


def unsafe_text(text: str) -> Problem | None:
    """Why the text (policies or a schema) is not given to the engine at all."""
    if len(text) > LARGEST:
        return Problem(1, 1, f"The text has more than {LARGEST:,} characters. Split it.")
    if "\x00" in text:
        return Problem(1, 1, "The text holds a NUL character. Remove it.")
    pieces = _pieces(_words(text))
    if len(pieces) > MOST_POLICIES:
        return Problem(1, 1, f"There are more than {MOST_POLICIES:,} policies. Use fewer.")
    deep = next((word for word in map(_too_deep, pieces) if word is not None), None)
    return Problem(*place(text, deep.start), _TOO_DEEP) if deep else None


def place(text: str, position: int) -> tuple[int, int]:
    """The line and the column of a position."""
    line_start = text.rfind("\n", 0, position) + 1
    return text.count("\n", 0, position) + 1, position - line_start + 1


def locate(text: str, policy: Policy, message: str) -> Problem:
    """A problem of the policy, at the word that the message quotes, or else where the policy starts."""
    position = policy.start
    for quoted in _QUOTED.findall(message):
        last = re.escape(quoted.split("::")[-1].strip('"'))
        hit = re.compile(rf"\b{last}\b").search(text, policy.start, policy.end)
        if hit and quoted != policy.name:
            position = hit.start()
            break
    return Problem(*place(text, position), message, policy.name)


def _refused(message: str) -> Parsed:
    return Parsed(problems=(Problem(1, 1, message),))


def _words(text: str) -> list[Word]:
    found = (Word(match.group(), match.start()) for match in _WORD.finditer(text))
    return [word for word in found if not word.text.startswith("//")]


def _pieces(words: Sequence[Word]) -> list[list[Word]]:
    """The words of each policy; one ends with a semicolon."""
    pieces: list[list[Word]] = []
    current: list[Word] = []
    for word in words:
        current.append(word)
        if word.text == ";":
            pieces.append(current)
            current = []
    return [*pieces, current] if current else pieces


def _too_deep(words: Sequence[Word]) -> Word | None:
    depth = operators = 0
    for word in words:
        depth += (word.text in "([{") - (word.text in ")]}")
        operators += word.text in _OPERATORS
        if depth > DEEPEST or operators > MOST_OPERATORS:
            return word
    return None


def _in_order(policies: dict[str, Any]) -> list[Any]:
    return [policies[key] for key in sorted(policies, key=lambda key: int(key[len("policy") :]))]


def _named(text: str, pieces: list[list[Word]], parsed: list[Any]) -> Parsed:
    if len(pieces) != len(parsed):  # we read the text otherwise than the engine: believe neither
        return _refused("The text cannot be split into its policies. Write them more plainly.")
    policies, problems = [], []
    seen: set[str] = set()
    for words, body in zip(pieces, parsed, strict=True):
        start, last = words[0].start, words[-1]
        annotations = {key: value or "" for key, value in body.get("annotations", {}).items()}
        name = annotations.get("id", "")
        said = _wrong_name(name, seen)
        if said:
            problems.append(Problem(*place(text, start), said, name[:100]))
        seen.add(name)
        policies.append(Policy(name, annotations, start, last.start + 1, body))
    return Parsed(problems=tuple(problems)) if problems else Parsed(tuple(policies))


def _wrong_name(name: str, seen: set[str]) -> str:
    if not name:
        return 'This policy has no @id("…"). Give it one, so that decisions can name it.'
    if not _NAME.fullmatch(name):
        return "An @id has letters, digits, dots, dashes and underscores, at most 100 of them."
    return f"The @id “{name}” is there twice. Give each policy its own." if name in seen else ""


def _parse_problem(text: str, pieces: list[list[Word]], message: str) -> Problem:
    """The first policy that does not parse by itself, and in it the first word that is wrong."""
    for words in pieces:
        error = _error_of(text[words[0].start : words[-1].start + len(words[-1].text)])
        if error:
            start = _wrong_word(text, words, error).start
            return Problem(*place(text, start), _sentence(error))
    return Problem(1, 1, _sentence(message))


def _wrong_word(text: str, words: list[Word], error: str) -> Word:
    low, high = 0, len(words) - 1
    while low < high:
        middle = (low + high) // 2
        word = words[middle]
        so_far = _error_of(text[words[0].start : word.start + len(word.text)])
        if so_far.startswith(_ENDED):
            low = middle + 1
        else:
            high = middle
    quoted = _QUOTED.search(error)
    named = quoted[1] if quoted else error.rsplit(":", 1)[-1].strip()
    # The engine sometimes notices a word only at the one after it; other errors name theirs anywhere.
    near = words[max(low - 1, 0) : low + 1] if quoted else words
    return next((word for word in near if word.text == named), words[low])


def _error_of(text: str) -> str:
    try:
        cedarpy.policies_to_json_str(text)
    except ValueError as error:
        return str(error) or "cannot be read"
    return ""


def _sentence(message: str) -> str:
    first = message.strip().splitlines()[0]
    return f"{first[:1].upper()}{first[1:]}."
