"""Writes catalogues and crosswalk into the database; the second time nothing is doubled."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db.models import Q

from frameworks import catalogues, mapping
from frameworks.catalogues import Catalogue
from frameworks.mapping import Crosswalk
from frameworks.models import Control, Framework, Mapping
from inventory import audit


@dataclass(frozen=True)
class Loaded:
    """What the files hold; `skipped` mappings are to frameworks that are not among them."""

    frameworks: int
    controls: int
    mappings: int
    skipped: int

    def __str__(self) -> str:
        return (
            f"{self.frameworks} frameworks with {self.controls} controls and {self.mappings}"
            f" mappings are loaded. {self.skipped} mappings are to frameworks that are not."
        )


def load(directory: Path = catalogues.DIRECTORY) -> Loaded:
    """Brings the tables to what the files say. All is read and checked before anything is written.

    Safe to repeat and to be killed. A version that has left the files stays, no longer current.
    """
    found = catalogues.read_all(directory)
    crosswalk = mapping.read(found, directory / catalogues.CROSSWALK)
    with audit.acting("job load frameworks", "framework.loaded"):
        keys = _write_frameworks(found, crosswalk)
        controls = _write_controls(found, keys)
        _write_reasons_and_parents(found, crosswalk, keys, controls)
        _write_mappings(crosswalk, keys, controls)
    return Loaded(len(found), len(controls), len(crosswalk.mappings), crosswalk.skipped)


_Place = tuple[str, str]  # key and version of a framework
_FRAMEWORK_FIELDS = [
    "name", "kind", "publisher", "published", "source", "licence", "notes", "verified_against",
    "conditional", "shows_text", "digest", "is_current",
]  # fmt: skip
_CONTROL_FIELDS = ["title", "title_official", "local_id", "summary", "kind", "order"]


def _write_frameworks(found: Sequence[Catalogue], crosswalk: Crosswalk) -> dict[_Place, int]:
    # At most one version is current at any moment, so the others stop being it first.
    chosen = Q(pk__in=[])
    for key, version in crosswalk.current.items():
        chosen |= Q(key=key, version=version)
    Framework.objects.filter(is_own=False, is_current=True).exclude(chosen).update(is_current=False)
    Framework.objects.bulk_create(
        [
            Framework(
                key=one.key, name=one.name, version=one.version, kind=one.kind,
                publisher=one.publisher, published=one.published, source=one.source,
                licence=one.licence, notes=list(one.notes), shows_text=one.shows_text,
                verified_against=list(one.verified_against), conditional=one.conditional,
                digest=one.digest,
                is_current=crosswalk.current[one.key] == one.version,
            )
            for one in found
        ],
        update_conflicts=True,
        unique_fields=["key", "version"],
        update_fields=_FRAMEWORK_FIELDS,
    )  # fmt: skip
    rows = Framework.objects.values_list("key", "version", "pk")
    keys = {(key, version): pk for key, version, pk in rows}
    return {(one.key, one.version): keys[one.key, one.version] for one in found}


def _write_controls(
    found: Sequence[Catalogue], keys: dict[_Place, int]
) -> dict[tuple[int, str], Control]:
    """Every control of the files, by framework and id; those that left them are deleted."""
    Control.objects.bulk_create(
        [
            Control(
                framework_id=keys[one.key, one.version], control_id=entry.control_id,
                title=entry.title, title_official=entry.title_official, local_id=entry.local_id,
                summary=entry.summary, kind=entry.kind, order=order,
            )
            for one in found
            for order, entry in enumerate(one.controls, start=1)
        ],
        update_conflicts=True,
        unique_fields=["framework", "control_id"],
        update_fields=_CONTROL_FIELDS,
    )  # fmt: skip
    wanted = {
        (keys[one.key, one.version], entry.control_id) for one in found for entry in one.controls
    }
    rows = Control.objects.filter(framework__in=keys.values())
    stored = {(row.framework_id, row.control_id): row for row in rows}
    Control.objects.filter(pk__in=[stored[key].pk for key in stored.keys() - wanted]).delete()
    return {key: stored[key] for key in stored.keys() & wanted}


def _write_reasons_and_parents(
    found: Sequence[Catalogue],
    crosswalk: Crosswalk,
    keys: dict[_Place, int],
    controls: dict[tuple[int, str], Control],
) -> None:
    changed = []
    for one in found:
        framework = keys[one.key, one.version]
        for entry in one.controls:
            row = controls[framework, entry.control_id]
            parent = controls[framework, entry.parent].pk if entry.parent else None
            why = crosswalk.not_covered.get((one.key, entry.control_id), "")
            if (row.parent_id, row.not_covered_why) != (parent, why):
                row.parent_id, row.not_covered_why = parent, why
                changed.append(row)
    Control.objects.bulk_update(changed, ["parent", "not_covered_why"])


def _write_mappings(
    crosswalk: Crosswalk, keys: dict[_Place, int], controls: dict[tuple[int, str], Control]
) -> None:
    wanted = []
    for entry in crosswalk.mappings:
        framework = keys[entry.framework, crosswalk.current[entry.framework]]
        wanted.append(
            Mapping(
                check_id=entry.check_id,
                check_title=entry.check_title,
                limits=entry.limits,
                control_id=controls[framework, entry.control_id].pk,
                strength=entry.strength,
                why=entry.why,
            )
        )
    Mapping.objects.bulk_create(
        wanted,
        update_conflicts=True,
        unique_fields=["check_id", "control"],
        update_fields=["check_title", "limits", "strength", "why"],
    )
    kept = {(row.check_id, row.control_id) for row in wanted}
    current = Mapping.objects.filter(control__framework__in=keys.values())
    gone = [
        pk
        for pk, check_id, control in current.values_list("pk", "check_id", "control_id")
        if (check_id, control) not in kept
    ]
    Mapping.objects.filter(pk__in=gone).delete()
