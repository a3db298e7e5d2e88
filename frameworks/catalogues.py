"""Reads the catalogues of frameworks from their files, and refuses what does not hold together.

No database here: what comes out is plain, complete and consistent, or nothing comes out.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

DIRECTORY = Path(__file__).resolve().parent / "catalogues"
CROSSWALK = "crosswalk.yaml"
ADDITIONS = "crosswalk_additions.yaml"  # checks of our own that the crosswalk does not have
SOURCES_NEEDED = "sources_needed.yaml"  # what has to be connected before a check can answer
# Kind of a framework, and what an item of it is unless it says otherwise.
ITEM_OF = {
    "risk-list": "risk",
    "threat-model": "threat",
    "outcome-framework": "subcategory",
    "control-catalogue": "control",
    "law": "article",
}
KINDS = tuple(ITEM_OF)
HEADINGS = ("layer", "group", "function", "category", "domain", "objective")
CONTROL_KINDS = ("risk", "threat", "subcategory", "control", "enhancement", "article", *HEADINGS)
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

    @property
    def is_heading(self) -> bool:
        return self.kind in HEADINGS


@dataclass(frozen=True)
class Catalogue:
    """One framework in one version. A control comes after its parent."""

    key: str
    name: str
    version: str
    kind: str
    publisher: str
    published: str
    source: str
    licence: str
    notes: tuple[str, ...]
    verified_against: tuple[str, ...]
    conditional: str
    shows_text: bool
    controls: tuple[ControlEntry, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of all that it says; two versions that say the same have the same."""
        said = json.dumps(asdict(self), sort_keys=True, default=str)
        return hashlib.sha256(said.encode()).hexdigest()

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(control.control_id for control in self.controls)


def read_all(directory: Path = DIRECTORY) -> list[Catalogue]:
    """Every catalogue of the directory, in the order of file names."""
    no_catalogues = (CROSSWALK, ADDITIONS, SOURCES_NEEDED)
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
    kind = one_of(raw, "kind", KINDS, where)
    shows_text = raw.get("shows_text", True) is True
    return Catalogue(
        key=text(raw, "id", where),
        name=text(raw, "name", where),
        version=text(raw, "version", where),
        kind=kind,
        publisher=text(raw, "publisher", where),
        published=published(text(raw, "published", where), where),
        source=text(raw, "source", where),
        licence=text(raw, "license", where),
        notes=tuple(str(note) for note in raw.get("notes", [])),
        verified_against=tuple(str(one) for one in raw.get("verified_against", [])),
        conditional=str(raw.get("conditional", "")),
        shows_text=shows_text,
        controls=_controls([{"kind": ITEM_OF[kind], **item} for item in items], shows_text, where),
    )


def published(value: str, where: str) -> str:
    """As exact as it is known: a year at least, first of all."""
    if not re.match(r"(19|20)\d\d\b", value):
        raise CatalogueWrong(
            f"{where}: published is “{value}”. Give a day such as 2025-12-09, or a year."
        )
    return value


def _controls(items: list[Document], shows_text: bool, where: str) -> tuple[ControlEntry, ...]:
    found: dict[str, ControlEntry] = {}
    for number, item in enumerate(items, start=1):
        control = _control(item, shows_text, f"{where}, item {number}")
        if control.control_id in found:
            raise CatalogueWrong(f"{where} has {control.control_id} twice. Remove one of them.")
        if control.parent is not None and control.parent not in found:
            raise CatalogueWrong(
                f"{where}: {control.control_id} is below {control.parent}, which does not come"
                " before it. Put the parent first."
            )
        found[control.control_id] = control
    return tuple(found.values())


def _control(item: Document, shows_text: bool, where: str) -> ControlEntry:
    if not shows_text and "summary" in item:
        raise CatalogueWrong(f"{where}: the licence allows no text. Remove the summary.")
    return ControlEntry(
        control_id=text(item, "id", where),
        title=text(item, "title", where),
        summary=text(item, "summary", where) if shows_text else "",
        kind=one_of(item, "kind", CONTROL_KINDS, where),
        parent=text(item, "parent", where) if "parent" in item else None,
        title_official=item.get("title_official", True) is True,
        local_id=item.get("local_id", False) is True,
    )
