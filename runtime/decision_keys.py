"""Which rows a request names: a request says identities, resources and tools in the words its platform knows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LARGEST_ID = 2**63 - 1
SPIFFE = "spiffe://"


@dataclass(frozen=True, slots=True)
class Key:
    """One way to name a row: its id here, its SPIFFE ID, a pair (namespace and external id; provider and name), or one
    word (an e-mail address, a reference). Nothing of it: it can name no row."""

    id: int | None = None
    spiffe: str | None = None
    pair: tuple[str, str] | None = None
    word: str | None = None


def key_of(value: object) -> Key:
    """What a value of a request names."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Key(id=value) if 0 < value <= LARGEST_ID else Key()
    if not isinstance(value, str) or "\x00" in value:  # which PostgreSQL has in no text
        return Key()
    if value.isascii() and value.isdigit() and len(value) < 19:
        return Key(id=int(value))
    if value.startswith(SPIFFE):
        return Key(spiffe=value)
    first, slash, rest = value.partition("/")
    return Key(pair=(first, rest), word=value) if slash else Key(word=value)


def tool_key(value: object) -> Key:
    """As `key_of`, for a tool: its provider may be an address with slashes, its name has none."""
    found = key_of(value)
    if found.word is None or "/" not in found.word:
        return found
    provider, _, name = found.word.rpartition("/")
    return Key(pair=(provider, name), word=found.word)


def is_named(key: Key, row: Mapping[str, Any], pair: tuple[str, str]) -> bool:
    """Whether the key names the row, whose columns `pair` are the two of a pair."""
    if key.id is not None:
        return bool(row["id"] == key.id)
    if key.spiffe is not None:
        return row.get("spiffe_id") == key.spiffe
    return key.pair is not None and (row[pair[0]], row[pair[1]]) == key.pair


@dataclass(slots=True)
class Keys:
    """All that a batch of requests names, for one statement."""

    identities: set[Key] = field(default_factory=set)
    resources: set[Key] = field(default_factory=set)
    systems: set[Key] = field(default_factory=set)
    tools: set[Key] = field(default_factory=set)
    tasks: set[Key] = field(default_factory=set)


def ids(keys: set[Key]) -> list[int]:
    return [key.id for key in keys if key.id is not None]


def pairs(keys: set[Key]) -> tuple[list[str], list[str]]:
    found = [key.pair for key in keys if key.pair is not None]
    return [one for one, _ in found], [two for _, two in found]


def words(keys: set[Key]) -> list[str]:
    return [key.word for key in keys if key.word is not None]


def spiffe_ids(keys: set[Key]) -> list[str]:
    return [key.spiffe for key in keys if key.spiffe is not None]
