"""Reads the registration entries of a SPIRE server: which workloads exist, and by which
selectors they are recognised.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, BinaryIO

import ijson

from inventory import spiffe
from inventory.importers.base import Connector, SourceFile, WrongFile
from inventory.importers.files import json_content
from inventory.importers.records import (
    CredentialRow,
    IdentityRow,
    Incomplete,
    Rejected,
    Said,
    Tally,
)
from inventory.importers.secrets import redact

DEFAULT_X509_TTL = (
    3600  # seconds; a SPIRE server's default_x509_svid_ttl unless its configuration says otherwise
)

_DEFAULT_TTL_CAVEAT = (
    "The entry leaves the life of its certificates to the server; one hour, the default of SPIRE, "
    "is assumed."
)
_CUT_CAVEAT = "The entry has more selectors than fit here; they are cut."
_LONGEST_BINDING = 2048
_LONGEST_ID = 1000
_LONGEST_NAME = 300
_MOST_SECONDS = 2**31 - 1

# Any: entries are JSON of the file's making until each field has been checked.
Entry = Mapping[str, Any]


class BadEntry(Exception):
    """An entry that cannot be taken, with the field that is wrong."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name
        self.reason = reason


@dataclass(slots=True)
class _Workload:
    """What the entries of one SPIFFE ID say together."""

    spiffe_id: spiffe.SpiffeId
    place: str
    created_at: datetime | None = None
    admin: bool = False
    downstream: bool = False
    parents: set[str] = field(default_factory=set)
    federates_with: set[str] = field(default_factory=set)
    hints: set[str] = field(default_factory=set)


class Spire(Connector):
    """Workload identities and registration entries from `spire-server entry show -output json`.

    An entry is a registration, not a certificate: it lets the server issue short-lived SVIDs
    again and again.
    """

    key = "spire"
    label = "SPIRE entries"
    namespace = "spiffe"
    help = (
        "Run `spire-server entry show -output json > entries.json` on the SPIRE server, "
        "and upload the file."
    )
    suffixes = (".json",)

    def rows(self, files: Sequence[SourceFile]) -> Iterator[Said]:
        reading = _Reading()
        for file in files:
            yield from reading.entries(file, f"{file.name} " if len(files) > 1 else "")
        yield from reading.identities()


class _Reading:
    """One run: credentials are said as their entries pass by, identities once all of their
    entries are known.
    """

    def __init__(self) -> None:
        self._workloads: dict[str, _Workload] = {}
        self._places: dict[str, str] = {}
        self._count = 0

    def entries(self, file: SourceFile, before: str) -> Iterator[Said]:
        for number, entry in enumerate(_entries(file)):
            self._count += 1
            place = f"{before}entries[{number}]"
            try:
                yield self._credential(entry, place)
            except BadEntry as bad:
                yield Rejected(place, bad.name, bad.reason)
        if _has_next_page(file):
            yield Incomplete(f"{file.name} is one page of several. Export all entries.")

    def identities(self) -> Iterator[Said]:
        for workload in self._workloads.values():
            yield _identity(workload)
        yield Tally("entries", self._count)
        yield Tally("identities", len(self._workloads))

    def _credential(self, entry: object, place: str) -> CredentialRow:
        if not isinstance(entry, dict):
            raise BadEntry("", "The entry is not a JSON object. Export the entries again.")
        subject = _spiffe_id(entry.get("spiffe_id"), "spiffe_id")
        parent = _spiffe_id(entry["parent_id"], "parent_id") if entry.get("parent_id") else None
        selectors = _selectors(entry.get("selectors"))
        ttl = _whole_number(entry, "x509_svid_ttl") or _whole_number(entry, "ttl")
        created_at, expires_at = _moment(entry, "created_at"), _moment(entry, "expires_at")
        born_expired = bool(created_at and expires_at and expires_at <= created_at)
        entry_id = _entry_id(entry)
        key = f"entry/{entry_id or _digest(entry, selectors)}"
        self._claim(key, place)
        self._gather(entry, subject, parent, created_at, place)
        bound_to = ", ".join(selectors)
        return CredentialRow(
            external_id=key, place=place, scope=subject.trust_domain,
            identity=_external_id(subject),
            kind="x509", key_id=entry_id, bound_to=_cut(bound_to, _LONGEST_BINDING),
            binding_known=True,
            issued_at=None if born_expired else created_at, expires_at=expires_at,
            expiry_known=True,
            lifetime_seconds=ttl or DEFAULT_X509_TTL,
            attributes={"registration": True, "parent_id": str(parent) if parent else None},
            caveats=tuple(_caveats(ttl, bound_to, born_expired)),
        )  # fmt: skip

    def _claim(self, key: str, place: str) -> None:
        first = self._places.setdefault(key, place)
        if first != place:
            raise BadEntry(
                "id", f"The same entry stands at {first} already. Remove one of the two."
            )

    def _gather(
        self, entry: Entry, subject: spiffe.SpiffeId, parent: spiffe.SpiffeId | None,
        created_at: datetime | None, place: str,
    ) -> None:  # fmt: skip
        workload = self._workloads.setdefault(str(subject), _Workload(subject, place))
        workload.created_at = min(
            (each for each in (workload.created_at, created_at) if each), default=None
        )
        workload.admin = workload.admin or entry.get("admin") is True
        workload.downstream = workload.downstream or entry.get("downstream") is True
        if parent:
            workload.parents.add(str(parent))
        others = entry.get("federates_with")
        workload.federates_with.update(
            _plain(str(each)) for each in (others if isinstance(others, list) else ())
        )
        if isinstance(entry.get("hint"), str) and entry["hint"]:
            workload.hints.add(_plain(entry["hint"])[:_LONGEST_NAME])


def _identity(workload: _Workload) -> IdentityRow:
    subject = workload.spiffe_id
    return IdentityRow(
        external_id=_external_id(subject), place=workload.place, scope=subject.trust_domain,
        kind="service_account", name=_cut(_name(subject), _LONGEST_NAME), spiffe_id=str(subject),
        created_at=workload.created_at,
        attributes={
            "parent_ids": sorted(workload.parents),
            "federates_with": sorted(workload.federates_with),
            "admin": workload.admin, "downstream": workload.downstream,
            "hints": sorted(workload.hints),
        },
    )  # fmt: skip


def _name(subject: spiffe.SpiffeId) -> str:
    """The end of the path; a Kubernetes service account (/ns/NAMESPACE/sa/NAME) with its
    namespace.
    """
    segments = subject.path.split("/")[1:]
    if len(segments) >= 4 and (segments[-4], segments[-2]) == ("ns", "sa"):
        return f"{segments[-3]}/{segments[-1]}"
    return "/".join(segments[-2:]) or subject.trust_domain


def _external_id(subject: spiffe.SpiffeId) -> str:
    """The SPIFFE ID itself; its digest in the rare case that it is longer than an external
    id may be.
    """
    text = str(subject)
    return (
        text
        if len(text) <= _LONGEST_ID
        else f"spiffe-sha256/{hashlib.sha256(text.encode()).hexdigest()}"
    )


def _spiffe_id(value: object, name: str) -> spiffe.SpiffeId:
    """Both forms that SPIRE writes: {"trust_domain": ..., "path": ...} and "spiffe://..."."""
    if isinstance(value, dict):
        value = f"spiffe://{value.get('trust_domain', '')}{value.get('path', '')}"
    if not isinstance(value, str):
        raise BadEntry(name, "The SPIFFE ID is missing. Export the entries again.")
    try:
        return spiffe.parse(value)
    except spiffe.InvalidSpiffeId as invalid:
        raise BadEntry(name, str(invalid)) from None


def _selectors(value: object) -> list[str]:
    """The selectors as "type:value", sorted; a value that carries a secret (docker:env:...)
    is redacted.
    """
    if not isinstance(value, list) or not value:
        raise BadEntry(
            "selectors",
            "The entry has no selectors, so it recognises no workload. Add one, or delete it.",
        )
    found = set()
    for each in value:
        if not (
            isinstance(each, dict)
            and isinstance(each.get("type"), str)
            and isinstance(each.get("value"), str)
        ):
            raise BadEntry(
                "selectors", "A selector needs a type and a value. Export the entries again."
            )
        found.add(_plain(f"{each['type']}:{each['value']}"))
    return sorted(found)


def _plain(text: str) -> str:
    """Without secrets, and without the null characters that JSON can hold but a database cannot."""
    return redact(text.replace("\0", ""))


def _whole_number(entry: Entry, name: str) -> int:
    """A number, which protobuf's JSON writes as a string when it has 64 bits; 0 where missing."""
    value = entry.get(name, 0)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BadEntry(name, "The value is not a whole number from 0 on. Export the entries again.")
    if name.endswith("ttl") and value > _MOST_SECONDS:
        raise BadEntry(
            name, f"The value is over {_MOST_SECONDS:,} seconds. Give the entry a shorter life."
        )
    return value


def _moment(entry: Entry, name: str) -> datetime | None:
    """Seconds since 1970; 0 means never."""
    seconds = _whole_number(entry, name)
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds else None
    except (ValueError, OverflowError, OSError):
        raise BadEntry(name, "The value is no point in time. Export the entries again.") from None


def _entry_id(entry: Entry) -> str:
    """The server's id of the entry; files that people write for `entry create -data` often
    have none.
    """
    value = entry.get("id") or entry.get("entry_id") or ""
    if (
        not isinstance(value, str)
        or len(value) > 255
        or not (value.isascii() and value.isprintable())
    ):
        raise BadEntry(
            "id", "The entry's id is not a text of at most 255 plain characters. Correct it."
        )
    return value


def _digest(entry: Entry, selectors: list[str]) -> str:
    """The same for the same content, whatever the order of fields and selectors."""
    try:
        content = json.dumps({**entry, "selectors": selectors}, sort_keys=True)
    except RecursionError:
        raise BadEntry("id", "The entry is nested too deeply. Export the entries again.") from None
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def _caveats(ttl: int, bound_to: str, born_expired: bool) -> Iterator[str]:
    if not ttl:
        yield _DEFAULT_TTL_CAVEAT
    if len(bound_to) > _LONGEST_BINDING:
        yield _CUT_CAVEAT
    if born_expired:
        yield "The entry expires before it was created; its creation time is left out."


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def _entries(file: SourceFile) -> Iterator[object]:
    """The entries one after the other, never all at once; raises WrongFile for a file
    without a list of them.
    """
    content = json_content(file)
    start = content.tell()
    is_list = content.read(1024).lstrip().startswith(b"[")
    content.seek(start)
    none_yet = True
    try:
        for entry in _items(content, "item" if is_list else "entries.item"):
            none_yet = False
            yield entry
        if none_yet and not is_list and not _holds_entries(file):
            raise WrongFile(
                f"{file.name} holds no list of entries. Upload the output of `spire-server entry "
                "show`."
            )
    except ijson.JSONError:
        raise WrongFile(
            f"{file.name} is cut off or not well-formed JSON. Export it again."
        ) from None


def _holds_entries(file: SourceFile) -> bool:
    return any(
        prefix == "entries" and event == "start_array"
        for prefix, event, _ in ijson.parse(json_content(file), use_float=True)
    )


def _items(content: BinaryIO, prefix: str) -> Iterator[object]:
    # Without use_float, an integer of thousands of digits crashes the process (ijson 3.6 on
    # yajl2_c); with it, an integer of more than 64 bits is an error.
    found: Iterator[object] = ijson.items(content, prefix, use_float=True)
    return found


def _has_next_page(file: SourceFile) -> bool:
    """A second pass: the token stands after the entries."""
    content = json_content(file)
    return any(_items(content, "next_page_token"))
