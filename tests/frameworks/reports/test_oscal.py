"""The OSCAL files, as a public library and a recount read them."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given

from frameworks.reports import oscal
from frameworks.reports.oscal_text import token, tokens
from frameworks.snapshot import Snapshot
from tests.frameworks.reports import snapshots as made
from tests.frameworks.reports.snapshots import FixedRows, a_snapshot, answers, hostile, snapshots
from tests.frameworks.reports.test_formats import FEW

results = pytest.importorskip("trestle.oscal.assessment_results")
plans = pytest.importorskip("trestle.oscal.assessment_plan")
catalogs = pytest.importorskip("trestle.oscal.catalog")
mappings = pytest.importorskip("trestle.oscal.mapping")
MODELS = {
    "assessment-results": results, "assessment-plan": plans, "catalog": catalogs,
    "mapping-collection": mappings,
}  # fmt: skip


def parsed(snapshot: Snapshot, rows: FixedRows = FixedRows()) -> dict[str, Any]:  # noqa: B008
    """Each file, as trestle understood it; it raises when one is wrong."""
    found = {}
    for name, document in oscal.documents(snapshot, rows):
        (kind,) = document
        text = json.dumps(document)
        found[name] = getattr(MODELS[kind].Model.model_validate_json(text), kind.replace("-", "_"))
    return found


def prop(holder: Any, name: str) -> str:
    return next(str(one.value) for one in holder.props if one.name == name)


@given(snapshots())
@FEW
def test_trestle_parses_every_file_and_a_recount_agrees(snapshot: Snapshot) -> None:
    found = parsed(snapshot)[oscal.RESULTS_FILE].results

    told: Counter[tuple[str, str]] = Counter()
    for result in found:
        for finding in result.findings or []:
            told[(prop(result, "framework"), prop(finding, "state"))] += 1
        for seen in result.observations or []:
            if prop(seen, "state") not in ("pass", "fail") and "control" in {
                p.name for p in seen.props
            }:
                told[(prop(result, "framework"), prop(seen, "state"))] += 1
    assert told == answers(snapshot)


@given(snapshots())
@FEW
def test_only_a_pass_is_satisfied(snapshot: Snapshot) -> None:
    found = parsed(snapshot)[oscal.RESULTS_FILE].results

    states = Counter(
        (prop(finding, "state"), finding.target.status.state.value)
        for result in found
        for finding in result.findings or []
    )
    assert set(states) <= {("pass", "satisfied"), ("fail", "not-satisfied")}
    assert states[("pass", "satisfied")] == sum(
        number for (_, state), number in answers(snapshot).items() if state == "pass"
    )


@given(snapshots())
@FEW
def test_counts_of_checks_are_in_their_observations(snapshot: Snapshot) -> None:
    checks = {one.check_id: one for one in snapshot.checks}

    for result in parsed(snapshot)[oscal.RESULTS_FILE].results:
        for seen in result.observations or []:
            if "check" in {one.name for one in seen.props}:
                check = checks[prop(seen, "check")]
                assert int(prop(seen, "failed")) == check.failed
                assert int(prop(seen, "population")) == check.population


def test_findings_point_to_controls_and_observations_that_are_there() -> None:
    rows = FixedRows(tuple(made.an_evidence(number) for number in range(40)))
    files = parsed(a_snapshot(), rows)
    (result,) = files[oscal.RESULTS_FILE].results
    (finding,) = result.findings
    catalog = files["catalog-owasp-asi.json"]

    parts = {part.id for control in catalog.controls for part in control.parts}
    assert finding.target.target_id in parts
    known = {seen.uuid for seen in result.observations}
    assert {one.observation_uuid for one in finding.related_observations} <= known
    items = {item.uuid for item in result.local_definitions.inventory_items}
    assert {one.subject_uuid for seen in result.observations for one in seen.subjects} == items
    assert len(items) == 25


def test_a_list_of_risks_is_told_apart_from_controls() -> None:
    catalog = parsed(a_snapshot())["catalog-owasp-asi.json"]

    (control,) = catalog.controls
    assert control.title.startswith("Mitigation of ")
    assert "list of risks, not of controls" in str(catalog.metadata.remarks)


def test_a_text_that_may_not_be_shown_is_not_in_the_catalogue() -> None:
    closed = made.a_framework("aicm", made.a_control(summary="The secret text."), shows_text=False)

    documents = dict(oscal.documents(a_snapshot(frameworks=(closed,)), FixedRows()))

    assert "The secret text." not in json.dumps(documents["catalog-aicm.json"])


def test_the_mapping_names_both_catalogues_and_the_gaps() -> None:
    gap = made.a_control("ASI02", mapped=(), state="not-covered")
    framework = made.a_framework("owasp-asi", made.a_control(), gap)

    (mapping,) = parsed(a_snapshot(frameworks=(framework,)))[oscal.MAPPING_FILE].mappings

    assert mapping.source_resource.href == "catalog-checks.json"
    assert mapping.target_resource.href == "catalog-owasp-asi.json"
    assert mapping.maps[0].relationship == "subset-of"
    assert mapping.target_gap_summary.unmapped_controls[0].with_ids == ["asi02"]


def test_hostile_names_are_no_markup() -> None:
    snapshot, rows = hostile()
    files = dict(oscal.documents(snapshot, rows))

    parsed(snapshot, rows)
    text = " ".join(markdown(files))
    assert "script" in text
    assert "<script>" not in text and "{{ 7" not in text and "[a](javascript" not in text


def markdown(node: Any) -> list[str]:
    """What OSCAL defines as Markdown; its other texts are plain."""
    if isinstance(node, list):
        return [text for one in node for text in markdown(one)]
    if not isinstance(node, dict):
        return []
    kinds = ("title", "description", "remarks", "prose")
    own = [str(value) for name, value in node.items() if name in kinds]
    return own + [text for value in node.values() for text in markdown(value)]


def test_ids_become_tokens_and_stay_apart() -> None:
    framework = made.a_framework("own", made.a_control("A:1"), made.a_control("A-1"))

    assert tokens(framework) == {"A:1": "a-1", "A-1": "a-1-2"}
    assert (token("NHI1:2025"), token("GOVERN 1.6"), token("AC-2(3)"), token("9.2")) == (
        "nhi1-2025", "govern-1.6", "ac-2-3", "c-9.2",
    )  # fmt: skip
