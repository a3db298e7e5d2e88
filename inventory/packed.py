"""Rows in PostgreSQL's binary format, for statements that write thousands a second.

A row is a value of a composite type of ours, and a parameter is an array of them (`unnest($1::the_type[])`): the server
takes it in half the time that it needs to read the same as JSON. The formats are those of its functions `record_recv`,
`array_recv` and those of each type.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from weakref import WeakKeyDictionary

import orjson
import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # PostgreSQL's
_HEAD, _NOTHING, _LONG, _INT = struct.Struct("!Ii"), -1, struct.Struct("!q"), struct.Struct("!i")
_ARRAY = struct.Struct("!iiIii")  # dimensions, whether there are NULLs, type, length, first index
_EMPTY = struct.Struct("!iiI")
_TEXT = 25
_DAY, _SECOND = 86_400_000_000, 1_000_000  # microseconds


def microseconds(at: datetime) -> int:
    """Since PostgreSQL's epoch, exactly."""
    since = at - EPOCH
    return since.days * _DAY + since.seconds * _SECOND + since.microseconds


def _text(value: str) -> bytes:
    return value.replace("\x00", "\ufffd").encode()  # PostgreSQL has no NUL in a text


def _json(value: object) -> bytes:
    # 1 is the version of the format; what follows is text.
    return b"\x01" + orjson.dumps(value, default=str).replace(b"\\u0000", b"\\ufffd")


def _texts(values: Sequence[str]) -> bytes:
    if not values:
        return _EMPTY.pack(0, 0, _TEXT)
    packed = [_text(value) for value in values]
    return _ARRAY.pack(1, 0, _TEXT, len(packed), 1) + b"".join(_with_length(one) for one in packed)


def _with_length(value: bytes) -> bytes:
    return _INT.pack(len(value)) + value


# By the name of the type: its oid, which is the same in every database, and how a value is written.
_TYPES: Mapping[str, tuple[int, Callable[[Any], bytes]]] = {
    "uuid": (2950, lambda value: value.bytes),
    "timestamptz": (1184, lambda value: _LONG.pack(microseconds(value))),
    "bigint": (20, _LONG.pack),
    "integer": (23, _INT.pack),
    "boolean": (16, lambda value: b"\x01" if value else b"\x00"),
    "text": (_TEXT, _text),
    "text[]": (1009, _texts),
    "jsonb": (3802, _json),
}


def number_of(kind: str) -> int:
    """The oid of a type."""
    return _TYPES[kind][0]


def text(value: str) -> bytes:
    """One field that is a text."""
    written = _text(value)
    return _HEAD.pack(_TEXT, len(written)) + written


def fields(types: Sequence[str], values: Sequence[Any]) -> bytes:
    """Some fields of a row, of these types, one after the other."""
    parts = []
    for name, value in zip(types, values, strict=True):
        oid, write = _TYPES[name]
        if value is None:
            parts.append(_HEAD.pack(oid, _NOTHING))
            continue
        written = write(value)
        parts += (_HEAD.pack(oid, len(written)), written)
    return b"".join(parts)


class Rows:
    """A parameter: an array of rows of a composite type."""

    def __init__(self, kind: str, rows: Sequence[bytes]) -> None:
        self._kind, self._rows = kind, rows

    def written(self, raw: psycopg.Connection[Any]) -> "Binary":
        """As it is sent over this connection, whose database has given the type a number of its own."""
        oid = _oid(raw, self._kind)
        if not self._rows:
            return Binary(_EMPTY.pack(0, 0, oid))
        head = _ARRAY.pack(1, 0, oid, len(self._rows), 1)
        return Binary(head + b"".join(map(_with_length, self._rows)))


class Binary(bytes):
    """A parameter as it is sent; its type is said in the statement."""


class _BinaryDumper(Dumper):
    format = Format.BINARY
    oid = 0

    def dump(self, obj: Any) -> bytes:
        return bytes(obj)


psycopg.adapters.register_dumper(Binary, _BinaryDumper)
_oids: WeakKeyDictionary[psycopg.Connection[Any], dict[str, int]] = WeakKeyDictionary()


def _oid(raw: psycopg.Connection[Any], kind: str) -> int:
    known = _oids.setdefault(raw, {})
    if kind not in known:
        found = raw.execute("SELECT %s::regtype::oid", [kind]).fetchone()
        known[kind] = int(found[0]) if found else 0
    return known[kind]
