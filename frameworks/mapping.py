"""Reads the crosswalk from checks to controls, and holds it against the catalogues it speaks of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from frameworks import catalogues
from frameworks.catalogues import Catalogue, CatalogueWrong, Document, one_of, rows, text

STRENGTHS = ("primary", "supporting")
Place = tuple[str, str]  # key of the framework, id of the control


@dataclass(frozen=True)
class MappingEntry:
    """One check as evidence for one control."""

    check_id: str
    check_title: str
    limits: str
    framework: str
    control_id: str
    strength: str
    why: str


@dataclass(frozen=True)
class Crosswalk:
    """What fits the catalogues at hand. `skipped` counts mappings to frameworks that are not."""

    current: dict[str, str]
    mappings: tuple[MappingEntry, ...]
    not_covered: dict[Place, str]
    skipped: int


def read(
    loaded: Sequence[Catalogue], path: Path = catalogues.DIRECTORY / catalogues.CROSSWALK
) -> Crosswalk:
    """The crosswalk to these catalogues, and the additions beside it. What its framework does not have is an error."""
    raw, where = catalogues.document(path), path.name
    chosen = _current(raw, loaded, where)
    beside = path.with_name(catalogues.ADDITIONS)
    files = {
        where: list(_entries(raw, where)),
        beside.name: list(_additions(beside, raw, where)),
    }
    for name, entries in files.items():
        _refuse_unknown([entry for entry in entries if entry.framework in chosen], chosen, name)
    every = [entry for entries in files.values() for entry in entries]
    known = [entry for entry in every if entry.framework in chosen]
    mapped = {(entry.framework, entry.control_id) for entry in known}
    return Crosswalk(
        current={key: catalogue.version for key, catalogue in chosen.items()},
        mappings=tuple(known),
        not_covered=_not_covered(raw, chosen, mapped, where),
        skipped=len(every) - len(known),
    )


def _current(raw: Document, loaded: Sequence[Catalogue], where: str) -> dict[str, Catalogue]:
    """The version of each framework that the crosswalk was made for."""
    versions = raw.get("framework_versions")
    if not isinstance(versions, dict):
        raise CatalogueWrong(f"{where} has no framework_versions. List key and version of each.")
    by_place = {(catalogue.key, catalogue.version): catalogue for catalogue in loaded}
    chosen = {}
    for key in sorted({catalogue.key for catalogue in loaded}):
        catalogue = by_place.get((key, str(versions.get(key))))
        if catalogue is None:
            there = ", ".join(version for name, version in by_place if name == key)
            raise CatalogueWrong(
                f"{where} is made for {key} version “{versions.get(key)}”, but there is {there}."
                " Check the mappings against that version, then correct framework_versions."
            )
        chosen[key] = catalogue
    return chosen


def _additions(path: Path, raw: Document, where: str) -> Iterator[MappingEntry]:
    """Mappings of the checks that only this project has."""
    more = catalogues.document(path)
    twice = _ids(raw, where) & _ids(more, path.name)
    if twice:
        raise CatalogueWrong(f"{path.name}: {min(twice)} is in {where} too. Keep one of them.")
    yield from _entries(more, path.name)


def _ids(raw: Document, where: str) -> set[str]:
    return {text(item, "id", where) for item in rows(raw, "items", where)}


def _entries(raw: Document, where: str) -> Iterator[MappingEntry]:
    for item in rows(raw, "items", where):
        check_id = text(item, "id", where)
        at = f"{where}, {check_id}"
        title, limits = text(item, "title", at), text(item, "limits", at)
        mappings = item.get("mappings")
        if not isinstance(mappings, dict):
            raise CatalogueWrong(f"{at}: mappings is not a mapping. List controls by framework.")
        for key in mappings:
            for line in rows(mappings, key, at):
                yield MappingEntry(
                    check_id=check_id,
                    check_title=title,
                    limits=limits,
                    framework=str(key),
                    control_id=text(line, "id", f"{at}, {key}"),
                    strength=one_of(line, "strength", STRENGTHS, f"{at}, {key}"),
                    why=text(line, "why", f"{at}, {key}"),
                )


def _refuse_unknown(
    entries: Sequence[MappingEntry], chosen: dict[str, Catalogue], where: str
) -> None:
    """Ids that do not exist, headings (they have no result of their own), and doubles."""
    headings = {
        key: {control.control_id for control in catalogue.controls if control.is_heading}
        for key, catalogue in chosen.items()
    }
    seen: set[tuple[str, str, str]] = set()
    for entry in entries:
        about = f"{where}, {entry.check_id}: {entry.framework} {entry.control_id}"
        if entry.control_id not in chosen[entry.framework].ids:
            version = chosen[entry.framework].version
            raise CatalogueWrong(
                f"{about} is not in version “{version}” of that framework. Correct the id."
            )
        if entry.control_id in headings[entry.framework]:
            raise CatalogueWrong(f"{about} is only a heading. Map to one of those below it.")
        place = (entry.check_id, entry.framework, entry.control_id)
        if place in seen:
            raise CatalogueWrong(f"{about} is mapped twice. Keep one of them.")
        seen.add(place)


def _not_covered(
    raw: Document, chosen: dict[str, Catalogue], mapped: set[Place], where: str
) -> dict[Place, str]:
    """The reason for each control without a mapping, where the crosswalk gives one."""
    reasons = raw.get("not_covered", {})
    found: dict[Place, str] = {}
    for key, catalogue in chosen.items():
        for line in rows(reasons, key, f"{where}, not_covered") if key in reasons else []:
            why = text(line, "why", f"{where}, not_covered, {key}")
            for control_id in _meant(line.get("ids"), catalogue, where):
                if (key, control_id) not in mapped:
                    found.setdefault((key, control_id), why)
                elif control_id in (line.get("ids") or ()):
                    raise CatalogueWrong(
                        f"{where} says that nothing covers {key} {control_id}, and maps a check to"
                        " it. Remove one of the two."
                    )
    return found


def _meant(ids: object, catalogue: Catalogue, where: str) -> list[str]:
    """An id means itself and all below it; no ids mean every control."""
    if ids is None:
        return [control.control_id for control in catalogue.controls]
    meant = {str(control_id) for control_id in ids} if isinstance(ids, list) else {str(ids)}
    unknown = meant - catalogue.ids
    if unknown:
        raise CatalogueWrong(
            f"{where}, not_covered: {catalogue.key} has no {min(unknown)}. Correct the id."
        )
    found = []
    for control in catalogue.controls:  # a parent comes before those below it
        if control.control_id in meant or control.parent in meant:
            meant.add(control.control_id)
            found.append(control.control_id)
    return found
