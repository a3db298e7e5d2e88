"""SPIFFE IDs, validated by the letter of the SPIFFE-ID standard, because a lenient parser lets
two names mean one workload.
"""

import re
from dataclasses import dataclass

LONGEST_ID = 2048  # bytes; SPIFFE-ID section 2.3
LONGEST_TRUST_DOMAIN = 255  # bytes; SPIFFE-ID section 2.1, from the host length of RFC 3986

_SCHEME = "spiffe://"
_TRUST_DOMAIN = re.compile(r"[a-z0-9._-]+")
_SEGMENT = re.compile(r"[A-Za-z0-9._-]+")
# The whole grammar but for dot segments and lengths; the branches of `parse` only explain why it
# failed.
_VALID = re.compile(r"spiffe://([a-z0-9._-]{1,255})((?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._-]+)*)")


class InvalidSpiffeId(ValueError):
    """The text is not a SPIFFE ID. The message is a sentence that says what is wrong."""


@dataclass(frozen=True, slots=True)
class SpiffeId:
    """A valid SPIFFE ID; `path` is empty or starts with a slash."""

    trust_domain: str
    path: str = ""

    def __str__(self) -> str:
        return f"{_SCHEME}{self.trust_domain}{self.path}"


def parse(text: str) -> SpiffeId:
    """The SPIFFE ID that the text spells out; raises InvalidSpiffeId. Nothing is trimmed,
    decoded or lower-cased.
    """
    # Everything that the grammar permits is ASCII, so that characters are bytes.
    valid = _VALID.fullmatch(text)
    if valid is None or len(text) > LONGEST_ID:
        raise InvalidSpiffeId(_why_not(text))
    return SpiffeId(valid[1], valid[2])


def _why_not(text: str) -> str:
    if not text.startswith(_SCHEME):
        return f"A SPIFFE ID starts with {_SCHEME} in lower case, followed by a trust domain."
    if len(text.encode("utf-8", "surrogatepass")) > LONGEST_ID:
        return f"A SPIFFE ID has at most {LONGEST_ID:,} bytes. Shorten the path."
    trust_domain, slash, path = text.removeprefix(_SCHEME).partition("/")
    return _why_not_trust_domain(trust_domain) or _why_not_path(path if slash else None)


def _why_not_trust_domain(name: str) -> str:
    if not name:
        return (
            f"The trust domain is missing. Write it after {_SCHEME}, as in "
            f"{_SCHEME}example.org/web."
        )
    if len(name) > LONGEST_TRUST_DOMAIN:
        return (
            f"The trust domain is longer than {LONGEST_TRUST_DOMAIN} bytes. Choose a shorter one."
        )
    if _TRUST_DOMAIN.fullmatch(name):
        return ""
    if "@" in name or ":" in name:
        return (
            "A SPIFFE ID has neither a user nor a port. Leave only the trust domain before "
            "the path."
        )
    return (
        "The trust domain may hold only lower-case letters, digits, dots, hyphens and underscores."
    )


def _why_not_path(path: str | None) -> str:
    segments = [] if path is None else path.split("/")
    if segments and not segments[-1]:
        return "The path ends with a slash. Remove the slash."
    for segment in segments:
        if wrong := _why_not_segment(segment):
            return wrong
    return f"This is not a SPIFFE ID. Write it as {_SCHEME}example.org/web."


def _why_not_segment(segment: str) -> str:
    if not segment:
        return "The path holds an empty segment (two slashes in a row). Remove one slash."
    if segment in {".", ".."}:
        return f'The path holds the segment "{segment}". Write the path without relative steps.'
    if _SEGMENT.fullmatch(segment):
        return ""
    if "?" in segment or "#" in segment:
        return "A SPIFFE ID has no query and no fragment. Remove everything from the ? or # on."
    return (
        "The path may hold only letters, digits, dots, hyphens and underscores between its "
        "slashes, and no percent-encoding. Rename the segment."
    )
