"""OSCAL 1.2.1: a ZIP of assessment-results, the plan it imports, the catalogues and the mapping-collection."""

from collections.abc import Iterator
from typing import IO

import orjson

from frameworks.reports import archive, oscal_catalogs, oscal_mappings, oscal_plan, oscal_results
from frameworks.reports.oscal_text import Json
from frameworks.snapshot import Rows, Snapshot

RESULTS_FILE = "assessment-results.json"
MAPPING_FILE = "mapping-collection.json"


def write(snapshot: Snapshot, rows: Rows, out: IO[bytes]) -> None:
    with archive.writing(out) as files:
        for name, document in documents(snapshot, rows):
            archive.add(files, name, orjson.dumps(document, option=orjson.OPT_INDENT_2))


def documents(snapshot: Snapshot, rows: Rows) -> Iterator[tuple[str, Json]]:
    """Each file with its name; they refer to each other by these names."""
    subjects = oscal_results.first_subjects(rows.evidence())
    yield RESULTS_FILE, oscal_results.results(snapshot, subjects)
    yield oscal_plan.FILE, oscal_plan.plan(snapshot)
    yield oscal_catalogs.CHECKS_FILE, oscal_catalogs.of_checks(snapshot)
    for framework in snapshot.frameworks:
        yield oscal_catalogs.file_name(framework), oscal_catalogs.of_framework(snapshot, framework)
    mapping = oscal_mappings.collection(snapshot)
    if mapping is not None:
        yield MAPPING_FILE, mapping
