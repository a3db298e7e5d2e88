"""What a tool says of itself: its digest, whatever the order of keys, and the difference between two such texts."""

import hashlib
import json
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Any: descriptors are JSON of the provider's making.
Descriptor = Mapping[str, Any]

NAME, DESCRIPTION, INPUT, HINTS = "name", "description", "inputSchema", "annotations"
PARTS = (NAME, DESCRIPTION, INPUT, HINTS)
_LABELS = {NAME: "Name", DESCRIPTION: "Description", INPUT: "Input", HINTS: "Hints"}
_LONGEST_SHOWN = 4_000


@dataclass(frozen=True, slots=True)
class Difference:
    """One place at which two descriptors differ; None where one of them has nothing."""

    place: str
    before: str | None
    now: str | None


def pinned(descriptor: Descriptor) -> dict[str, Any]:
    """The parts that an approval pins; the rest (icons, output, when it was read) may change."""
    return {part: descriptor.get(part) for part in PARTS}


def digest(descriptor: Descriptor) -> str:
    """SHA-256 of the pinned parts as JSON with sorted keys and without spaces, in UTF-8."""
    text = json.dumps(pinned(descriptor), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def differences(before: Descriptor, now: Descriptor) -> list[Difference]:
    """Every place that was added, taken away or changed, in the order of the descriptor."""
    old, new = dict(_leaves(before)), dict(_leaves(now))
    return [
        Difference(place, old.get(place), new.get(place))
        for place in dict.fromkeys((*old, *new))
        if old.get(place) != new.get(place)
    ]


def visible(text: str) -> str:
    """The text with what nobody sees (direction marks, zero-width letters, tags) written out."""
    return "".join(sign if _shows(sign) else f"\\u{{{ord(sign):x}}}" for sign in text)


def _shows(sign: str) -> bool:
    return sign in "\n\t" or unicodedata.category(sign) not in ("Cf", "Cc", "Co", "Cn", "Cs")


def _leaves(descriptor: Descriptor) -> Iterator[tuple[str, str]]:
    for part in PARTS:
        if descriptor.get(part) not in (None, "", {}):
            yield from _under(_LABELS[part], descriptor[part])


def _under(place: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key in sorted(value):
            yield from _under(f"{place} > {visible(key)}", value[key])
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield place, visible(text)[:_LONGEST_SHOWN]
