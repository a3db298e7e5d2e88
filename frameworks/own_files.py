"""Reads a framework that a team wrote itself, from YAML or CSV, and names every error with its place and reason."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from frameworks.catalogues import HEADINGS, ITEM_OF, KINDS

LARGEST = 2 * 1024 * 1024
MOST_CONTROLS = 2_000
COLUMNS = ("control", "title", "summary", "kind", "parent", "check", "strength", "why")
STRENGTHS = ("primary", "supporting")
Row = Mapping[str, Any]  # Any: what a file holds until it is checked


@dataclass(frozen=True)
class Problem:
    """What is wrong with the file, where, and why it cannot be taken."""

    place: str
    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}, {self.field}: {self.reason}"


class FileWrong(Exception):
    """The file is not taken; `problems` are all of its errors."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(" ".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True)
class OwnMapping:
    check_id: str
    strength: str
    why: str


@dataclass(frozen=True)
class OwnControl:
    control_id: str
    title: str
    summary: str = ""
    kind: str = ""
    parent: str = ""
    mappings: tuple[OwnMapping, ...] = ()


@dataclass(frozen=True)
class OwnFramework:
    """A framework in one version, complete and consistent."""

    key: str
    name: str
    version: str
    kind: str
    publisher: str = ""
    source: str = ""
    licence: str = ""
    notes: tuple[str, ...] = ()
    controls: tuple[OwnControl, ...] = ()


@dataclass
class _Reading:
    """The errors found so far; reading goes on, so that all are told at once."""

    checks: frozenset[str]
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, place: str, name: str, reason: str) -> None:
        self.problems.append(Problem(place, name, reason))

    def text(
        self, row: Row, name: str, place: str, *, needed: bool = True, most: int = 4000
    ) -> str:
        value = row.get(name)
        text = "" if value is None else str(value).strip()
        if isinstance(value, dict | list):
            self.wrong(place, name, "It is not text. Write one value, in quotes if needed.")
            return ""
        if needed and not text:
            self.wrong(place, name, "It is missing. Give it as text.")
        if len(text) > most:
            self.wrong(place, name, f"It has {len(text):,} characters. Use at most {most:,}.")
        return text

    def one_of(self, text: str, allowed: Iterable[str], name: str, place: str) -> str:
        if text and text not in allowed:
            self.wrong(place, name, f"“{text}” is not known. Use one of: {', '.join(allowed)}.")
        return text


def read_yaml(content: bytes, *, checks: frozenset[str]) -> OwnFramework:
    """A whole framework. Raises FileWrong with every error."""
    reading = _Reading(checks)
    raw = _document(content)
    found = _about(raw, reading, "the file")
    items = raw.get("controls")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        reading.wrong("the file", "controls", "It is not a list. Give each control its own dash.")
        items = []
    controls = [
        _control(item, reading, f"control {number}") for number, item in enumerate(items, start=1)
    ]
    return _finished(found, controls, reading)


def read_csv(content: bytes, about: Row, *, checks: frozenset[str]) -> OwnFramework:
    """Controls and mappings from rows; what the framework is called comes from `about`."""
    reading = _Reading(checks)
    found = _about(about, reading, "the form")
    text = _decoded(content)
    rows = csv.DictReader(io.StringIO(text, newline=""))
    missing = {"control", "title"} - set(rows.fieldnames or ())
    unknown = set(rows.fieldnames or ()) - set(COLUMNS)
    if missing or unknown:
        for name in sorted(missing):
            reading.wrong("line 1", name, "The column is missing.")
        for name in sorted(map(str, unknown)):
            reading.wrong("line 1", name, f"There is no such column. Use: {', '.join(COLUMNS)}.")
        raise FileWrong(reading.problems)
    return _finished(found, list(_grouped(rows, reading)), reading)


def _grouped(rows: "csv.DictReader[str]", reading: _Reading) -> Iterator[OwnControl]:
    """One control per id; further lines of the same id add checks to it."""
    found: dict[str, OwnControl] = {}
    for row in rows:
        place = f"line {rows.line_num}"
        if None in row:
            reading.wrong(place, "row", "It has more cells than the header. Quote what has commas.")
            continue
        control_id = reading.text(row, "control", place, most=80)
        known = found.get(control_id)
        if known is None:
            item = {**row, "id": control_id}
            known = replace(_control(item, reading, place), control_id=control_id)
        if row.get("check"):
            known = replace(
                known,
                mappings=(*known.mappings, _mapping({**row, "id": row["check"]}, reading, place)),
            )
        found[control_id] = known
    yield from found.values()


def _document(content: bytes) -> dict[str, Any]:  # Any: what the file holds
    try:
        loaded = yaml.safe_load(_decoded(content))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}" if mark else "the file"
        said = str(getattr(error, "problem", "") or "It is no YAML.")
        raise FileWrong([Problem(place, "YAML", f"{said.capitalize()}.")]) from error
    if not isinstance(loaded, dict):
        raise FileWrong([Problem("line 1", "YAML", "Start with id, name, version and controls.")])
    return loaded


def _decoded(content: bytes) -> str:
    if len(content) > LARGEST:
        raise FileWrong([Problem("the file", "size", "It is larger than 2 MB.")])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reason = f"Byte {error.start:,} is not UTF-8. Save the file as UTF-8."
        raise FileWrong([Problem("the file", "encoding", reason)]) from error


def _about(raw: Row, reading: _Reading, place: str) -> OwnFramework:
    key = reading.text(raw, "id", place, most=40)
    if key and not all(one.isascii() and (one.isalnum() or one in "-_") for one in key):
        reading.wrong(place, "id", f"“{key}” cannot stand in an address. Use a-z, 0-9 and -.")
    notes = raw.get("notes") or []
    return OwnFramework(
        key=key,
        name=reading.text(raw, "name", place, most=200),
        version=reading.text(raw, "version", place, most=60),
        kind=reading.one_of(reading.text(raw, "kind", place), KINDS, "kind", place),
        publisher=reading.text(raw, "publisher", place, needed=False, most=200),
        source=_address(reading.text(raw, "source", place, needed=False, most=200), reading, place),
        licence=reading.text(raw, "license", place, needed=False, most=500),
        notes=tuple(str(note) for note in notes) if isinstance(notes, list) else (str(notes),),
    )


def _address(text: str, reading: _Reading, place: str) -> str:
    if text and not text.startswith(("https://", "http://")):
        reading.wrong(place, "source", f"“{text}” is no web address. Begin with https://.")
    return text


def _control(item: Row, reading: _Reading, place: str) -> OwnControl:
    control_id = reading.text(item, "id", place, most=80)
    at = f"{place} ({control_id})" if control_id else place
    if "/" in control_id:
        reading.wrong(at, "id", "It holds a slash. Use a dot or a dash.")
    lines = item.get("checks") or []
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        reading.wrong(at, "checks", "It is not a list. Give each check its own dash.")
        lines = []
    kinds = dict.fromkeys((*ITEM_OF.values(), "enhancement", *HEADINGS))
    kind = reading.text(item, "kind", at, needed=False)
    return OwnControl(
        control_id=control_id,
        title=reading.text(item, "title", at, most=300),
        summary=reading.text(item, "summary", at, needed=False),
        kind=reading.one_of(kind, kinds, "kind", at),
        parent=reading.text(item, "parent", at, needed=False, most=80),
        mappings=tuple(_mapping(line, reading, at) for line in lines),
    )


def _mapping(line: Row, reading: _Reading, place: str) -> OwnMapping:
    check_id = reading.text(line, "id", place, most=60)
    if check_id and check_id not in reading.checks:
        reading.wrong(place, "check", f"There is no check “{check_id}”. See the list of checks.")
    strength = reading.text(line, "strength", place)
    return OwnMapping(
        check_id,
        reading.one_of(strength, STRENGTHS, "strength", place),
        reading.text(line, "why", place),
    )


def _finished(about: OwnFramework, controls: list[OwnControl], reading: _Reading) -> OwnFramework:
    """With its controls, if they hold together."""
    if not controls:
        reading.wrong("the file", "controls", "There are none. A framework has at least one.")
    if len(controls) > MOST_CONTROLS:
        reading.wrong("the file", "controls", f"There are more than {MOST_CONTROLS:,}.")
    kinds: dict[str, str] = {}
    whole = []
    for number, one in enumerate(controls, start=1):
        control = replace(one, kind=one.kind or ITEM_OF.get(about.kind, "control"))
        _refuse(control, kinds, reading, f"control {number} ({one.control_id})")
        kinds[control.control_id] = control.kind
        whole.append(control)
    if reading.problems:
        raise FileWrong(reading.problems)
    return replace(about, controls=tuple(whole))


def _refuse(control: OwnControl, kinds: dict[str, str], reading: _Reading, place: str) -> None:
    """What the controls before it make wrong."""
    if control.control_id in kinds:
        reading.wrong(place, "id", "It is there twice. Remove one of them.")
    if control.parent and control.parent not in kinds:
        reading.wrong(
            place, "parent", f"“{control.parent}” does not come before it. Put the parent first."
        )
    if control.mappings and control.kind in HEADINGS:
        reading.wrong(place, "checks", "It is a heading. Map to one of those below it.")
    checks = [one.check_id for one in control.mappings]
    for twice in sorted({one for one in checks if checks.count(one) > 1 and one}):
        reading.wrong(place, "checks", f"“{twice}” is mapped twice. Keep one of them.")
