"""Parsers of single values in Mandate's own format: text in, typed value or one sentence about
what is wrong out.
"""

import difflib
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from inventory import spiffe
from inventory.importers.secrets import looks_secret, looks_secret_id

Parser = Callable[[str], object]


class BadValue(Exception):
    """A value that cannot be taken. The message is a sentence; it never holds a secret."""


class Never:
    """What a date column says when it knows that nothing ever happened, unlike an empty
    cell, which says nothing.
    """


NEVER: Final = Never()

_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?%?")
FORMULA_STARTS = frozenset(
    "=+-@\t\r\uff1d\uff0b\uff0d\uff20"
)  # the last four are the full-width forms of the first four
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_EMAIL = re.compile(r"[^\s@\"'<>(),:;\\\[\]]{1,64}@[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}.*)?")
_YES_NO = {
    "yes": True,
    "true": True,
    "y": True,
    "1": True,
    "no": False,
    "false": False,
    "n": False,
    "0": False,
}
_SHA256 = re.compile(r"[0-9a-f]{64}")
_EARLIEST_YEAR = 1900


def refuse_formula(cell: str) -> None:
    """Raises for text that a spreadsheet would run when somebody opens an export of it.
    Numbers are fine.
    """
    start = cell[:1]
    if start in FORMULA_STARTS and cell != "-" and not _NUMBER.fullmatch(cell):
        shown = {"\t": "a tab", "\r": "a line break"}.get(start, f'"{start}"')
        raise BadValue(
            f"The value starts with {shown}, which a spreadsheet takes for a formula. Start it "
            "with a letter or a digit."
        )


def text(limit: int) -> Parser:
    """Free text; a live secret in it is refused."""
    return _text(limit, looks_secret)


def identifier(limit: int) -> Parser:
    """A public identifier: long hexadecimal names are fine, known secret formats are not."""
    return _text(limit, looks_secret_id)


def email(cell: str) -> str:
    if len(cell) > 254 or not _EMAIL.fullmatch(cell):
        raise BadValue(f"{_shown(cell)} is not an e-mail address. Write it as name@example.org.")
    return cell.lower()


def moment(cell: str) -> datetime:
    """A date (its start, UTC) or a date and time (UTC where it names no offset)."""
    if not _DATE.fullmatch(cell):
        raise BadValue(
            f"{_shown(cell)} is not a date. Write it as 2026-01-31 or 2026-01-31T14:30:00Z."
        )
    try:
        read = datetime.fromisoformat(cell)
        read = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadValue(f"{_shown(cell)} is not a day or time that exists. Correct it.") from None
    if read.year < _EARLIEST_YEAR:
        raise BadValue(f"{_shown(cell)} is before {_EARLIEST_YEAR}. Correct the year.")
    return read


def moment_or_never(cell: str) -> datetime | Never:
    return NEVER if cell.lower() == "never" else moment(cell)


def yes_no(cell: str) -> bool:
    answer = _YES_NO.get(cell.lower())
    if answer is None:
        raise BadValue(f"{_shown(cell)} is neither yes nor no. Write yes or no, or leave it empty.")
    return answer


def choice(allowed: Sequence[str]) -> Parser:
    known = {word: word for word in allowed}

    def parse(cell: str) -> str:
        word = known.get(cell.lower().replace(" ", "_").replace("-", "_"))
        if word is None:
            raise BadValue(f"{_shown(cell)} is not known here. {nearest(cell, allowed)}")
        return word

    return parse


def whole_number(low: int, high: int) -> Parser:
    def parse(cell: str) -> int:
        digits = cell if len(cell) <= 20 and cell.isascii() and cell.isdigit() else ""
        if not digits or not low <= int(digits) <= high:
            raise BadValue(
                f"{_shown(cell)} is not a whole number from {low:,} to {high:,}. Correct it."
            )
        return int(digits)

    return parse


def several(one: Parser) -> Parser:
    """Values separated by semicolons, in order; naming one twice is refused."""

    def parse(cell: str) -> tuple[object, ...]:
        parts = [part.strip() for part in cell.split(";")]
        for part in parts:
            refuse_formula(part)
        values = tuple(one(part) for part in parts if part)
        if len(set(values)) < len(values):
            raise BadValue("The list names the same value twice. Name it once.")
        return values

    return parse


def spiffe_id(cell: str) -> str:
    try:
        return str(spiffe.parse(cell))
    except spiffe.InvalidSpiffeId as invalid:
        raise BadValue(str(invalid)) from None


def sha256_hex(cell: str) -> str:
    digest = cell.lower().removeprefix("sha256:").replace(":", "")
    if not _SHA256.fullmatch(digest):
        raise BadValue("The value is not a SHA-256 fingerprint. Write its 64 hexadecimal digits.")
    return digest


def nearest(word: str, allowed: Sequence[str]) -> str:
    """The sentence that helps after an unknown word: the likeliest one, or all that there are."""
    close = difflib.get_close_matches(word.lower(), allowed, n=1)
    return f"Did you mean {close[0]}?" if close else f"Use one of: {', '.join(allowed)}."


def _text(limit: int, looks_like_a_secret: Callable[[str], bool]) -> Parser:
    def parse(cell: str) -> str:
        if len(cell) > limit:
            raise BadValue(
                f"The value has {len(cell):,} characters; at most {limit:,} fit. Shorten it."
            )
        if not cell.isprintable() and _CONTROL.search(cell):
            raise BadValue("The value holds control characters. Remove them.")
        if looks_like_a_secret(cell):
            raise BadValue(
                "The value looks like a secret, so it was not read. Remove it, and rotate it if "
                "it is one."
            )
        return cell

    return parse


def _shown(cell: str) -> str:
    """A value fit for an error message: short, on one line, and never a secret."""
    if looks_secret_id(cell) or looks_secret(cell):
        return "The value"
    one_line = "".join(sign if sign.isprintable() else " " for sign in cell)
    return f'"{one_line[:57]}..."' if len(one_line) > 60 else f'"{one_line}"'
