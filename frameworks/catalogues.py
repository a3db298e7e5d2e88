"""Reads the catalogues of frameworks from their files, and refuses what does not hold together.

No database here: what comes out is plain, complete and consistent, or nothing comes out.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

DIRECTORY = Path(__file__).resolve().parent / "catalogues"
CROSSWALK = "crosswalk.yaml"
ADDITIONS = "crosswalk_additions.yaml"  # checks of our own that the crosswalk does not have
KINDS = ("risk-list", "threat-model", "outcome-framework")
CONTROL_KINDS = ("risk", "threat", "subcategory", "layer", "group", "function", "category")
# PyYAML's C parser where it is built; it reads the same, ten times as fast.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # Any: two classes without a parent
Document = dict[str, Any]  # Any: what a YAML file holds until it is checked


class CatalogueWrong(Exception):
    """A catalogue cannot be loaded; the message names file and value, and says what to do."""


@dataclass(frozen=True)
class ControlEntry:
    control_id: str
    title: str
    summary: str
    kind: str
    parent: str | None
    title_official: bool
    local_id: bool


@dataclass(frozen=True)
class Catalogue:
    """One framework in one version. A control comes after its parent."""

    key: str
    name: str
    version: str
    kind: str
    publisher: str
    published: date
    source: str
    licence: str
    notes: tuple[str, ...]
    controls: tuple[ControlEntry, ...]

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(control.control_id for control in self.controls)


def read_all(directory: Path = DIRECTORY) -> list[Catalogue]:
    """Every catalogue of the directory, in the order of file names."""
    no_catalogues = (CROSSWALK, ADDITIONS)
    paths = sorted(path for path in directory.glob("*.yaml") if path.name not in no_catalogues)
    found = [_catalogue(path) for path in paths]
    seen: set[tuple[str, str]] = set()
    for catalogue in found:
        if (catalogue.key, catalogue.version) in seen:
            raise CatalogueWrong(
                f"{catalogue.key} {catalogue.version} is in two files. Remove one of them."
            )
        seen.add((catalogue.key, catalogue.version))
    return found


def document(path: Path) -> Document:
    """A YAML file as a mapping with text keys."""
    try:
        loaded = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 (safe)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CatalogueWrong(f"{path.name} cannot be read: {error}. Repair the file.") from error
    if not isinstance(loaded, dict):
        raise CatalogueWrong(f"{path.name} is not a mapping. Start it with its id, name, version.")
    return loaded


def text(row: Document, name: str, where: str) -> str:
    """A value that must be there as text."""
    value = row.get(name)
    if not isinstance(value, str) or not value.strip():
        raise CatalogueWrong(f"{where}: {name} is {value!r}. Give it as text, in quotes if needed.")
    return value.strip()


def rows(holder: Document, name: str, where: str) -> list[Document]:
    """A value that must be a list of mappings."""
    value = holder.get(name)
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise CatalogueWrong(f"{where}: {name} is not a list of entries. Give each its own dash.")
    return value


def one_of(row: Document, name: str, allowed: tuple[str, ...], where: str) -> str:
    value = text(row, name, where)
    if value not in allowed:
        raise CatalogueWrong(
            f"{where}: {name} cannot be “{value}”. Use one of: {', '.join(allowed)}."
        )
    return value


def _catalogue(path: Path) -> Catalogue:
    where, raw = path.name, document(path)
    items = rows(raw, "items", where)
    if raw.get("items_expected") != len(items):
        raise CatalogueWrong(
            f"{where} has {len(items)} items, but expects {raw.get('items_expected')}."
            " Complete the list, or correct items_expected."
        )
    return Catalogue(
        key=text(raw, "id", where),
        name=text(raw, "name", where),
        version=text(raw, "version", where),
        kind=one_of(raw, "kind", KINDS, where),
        publisher=text(raw, "publisher", where),
        published=_day(text(raw, "published", where), where),
        source=text(raw, "source", where),
        licence=text(raw, "license", where),
        notes=tuple(str(note) for note in raw.get("notes", [])),
        controls=_controls(items, where),
    )


def _day(value: str, where: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise CatalogueWrong(
            f"{where}: published is “{value}”. Give a day such as 2025-12-09."
        ) from error


def _controls(items: list[Document], where: str) -> tuple[ControlEntry, ...]:
    found: dict[str, ControlEntry] = {}
    for number, item in enumerate(items, start=1):
        control = _control(item, f"{where}, item {number}")
        if control.control_id in found:
            raise CatalogueWrong(f"{where} has {control.control_id} twice. Remove one of them.")
        if control.parent is not None and control.parent not in found:
            raise CatalogueWrong(
                f"{where}: {control.control_id} is below {control.parent}, which does not come"
                " before it. Put the parent first."
            )
        found[control.control_id] = control
    return tuple(found.values())


def _control(item: Document, where: str) -> ControlEntry:
    return ControlEntry(
        control_id=text(item, "id", where),
        title=text(item, "title", where),
        summary=text(item, "summary", where),
        kind=one_of({"kind": "risk", **item}, "kind", CONTROL_KINDS, where),
        parent=text(item, "parent", where) if "parent" in item else None,
        title_official=item.get("title_official", True) is True,
        local_id=item.get("local_id", False) is True,
    )
