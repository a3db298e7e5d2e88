"""Names as they come from anywhere, made fit to be shown: nothing is dropped, nothing acts."""

import re
from datetime import UTC, date, datetime

# Control characters, which files refuse or terminals obey, and marks that reorder what is read after them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_SPACES = re.compile(r"\s+")
ANSWERS = {
    "pass": "Pass",
    "fail": "Fail",
    "cannot-tell": "Cannot tell",
    "not-applicable": "Not applicable",
    "not-covered": "Not covered",
    "": "",
}


def printable(text: str) -> str:
    r"""The text with what cannot be seen written out, such as \u202e."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def one_line(text: str) -> str:
    """The text in one line without spaces at its ends; a dash when nothing is left."""
    return _SPACES.sub(" ", printable(text)).strip() or "-"


def moment(value: datetime | date | None) -> str:
    """A time in UTC or a day, for people; empty when there is none."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return value.isoformat()


def instant(value: datetime) -> str:
    """A time for machines (RFC 3339, UTC)."""
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def answer(state: str) -> str:
    """An answer in words."""
    return ANSWERS.get(state, state)
