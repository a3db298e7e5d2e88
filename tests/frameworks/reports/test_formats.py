"""Every format: the same bytes twice, the numbers of the snapshot, and names that are only names."""

import csv
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Callable
from typing import Any

import jsonschema
import openpyxl
import pypdf
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from frameworks.models import Report
from frameworks.reports import csv_files, html_page, json_document, ocsf, pdf, xlsx
from frameworks.reports.formats import FORMATS
from frameworks.reports.text import ANSWERS
from frameworks.snapshot import Rows, Snapshot
from tests.frameworks.reports import snapshots as made
from tests.frameworks.reports.snapshots import FixedRows, a_snapshot, answers, hostile, snapshots

WRITERS = {key: one.write for key, one in FORMATS.items() if one.write is not None}
FEW = settings(
    max_examples=6, deadline=None, suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)  # fmt: skip
STATES = ("pass", "fail", "cannot-tell", "not-applicable", "not-covered")


def written(write: Callable[..., None], snapshot: Snapshot, rows: Rows = FixedRows()) -> bytes:  # noqa: B008
    out = io.BytesIO()
    write(snapshot, rows, out)
    return out.getvalue()


def sheet(book: Any, title: str) -> list[dict[str, Any]]:
    head, *rows = book[title].iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


def csv_rows(content: bytes, name: str) -> list[dict[str, str]]:
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        return list(csv.DictReader(io.StringIO(files.read(name).decode())))


def pdf_text(content: bytes) -> str:
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).replace("\u200b", "").split())


def counted(rows: list[dict[str, Any]], framework: str, state: str) -> Counter[tuple[str, str]]:
    states = {text: name for name, text in ANSWERS.items()}
    return Counter((str(row[framework]), states[str(row[state])]) for row in rows)


def test_the_formats_are_those_of_the_model() -> None:
    assert list(FORMATS) == Report.Format.values


@pytest.mark.parametrize("key", WRITERS)
def test_the_same_assessment_gives_the_same_bytes(key: str) -> None:
    snapshot, rows = hostile()

    assert written(WRITERS[key], snapshot, rows) == written(WRITERS[key], snapshot, rows)


@given(snapshots())
@FEW
def test_a_recount_of_the_workbook_and_the_csv_files_agrees(snapshot: Snapshot) -> None:
    book = openpyxl.load_workbook(io.BytesIO(written(xlsx.write, snapshot)))
    files = written(csv_files.write, snapshot)

    assert counted(sheet(book, "Controls"), "Framework", "Answer") == answers(snapshot)
    assert counted(csv_rows(files, "controls.csv"), "Framework", "Answer") == answers(snapshot)
    for row in sheet(book, "Frameworks"):
        for state in STATES:
            assert row[ANSWERS[state]] == answers(snapshot)[(row["Framework"], state)]
    for check, row, line in zip(
        snapshot.checks, sheet(book, "Checks"), csv_rows(files, "checks.csv"), strict=True
    ):
        numbers = (check.passed, check.failed, check.unknown, check.accepted)
        assert (row["Passed"], row["Failed"], row["Cannot tell"], row["Accepted"]) == numbers
        told = (line["Passed"], line["Failed"], line["Cannot tell"], line["Accepted"])
        assert tuple(map(int, told)) == numbers


@given(snapshots())
@FEW
def test_the_json_report_holds_its_schema_and_the_numbers(snapshot: Snapshot) -> None:
    document = json.loads(written(json_document.write, snapshot))

    jsonschema.validate(document, json.loads(json_document.SCHEMA.read_text()))
    told = Counter(
        (framework["key"], control["state"])
        for framework in document["assessment"]["frameworks"]
        for control in framework["controls"]
    )
    assert told == answers(snapshot)
    for framework, counts in zip(
        snapshot.frameworks, document["assessment"]["frameworks"], strict=True
    ):
        assert counts["counts"] == {
            state: answers(snapshot)[(framework.key, state)] for state in STATES
        }


@given(snapshots())
@FEW
def test_the_pdf_and_the_page_say_the_counts_of_each_framework(snapshot: Snapshot) -> None:
    text = pdf_text(written(pdf.write, snapshot))
    page = written(html_page.write, snapshot).decode()

    for framework in snapshot.frameworks:
        said = " · ".join(
            f"{number:,} {ANSWERS[state].lower()}"
            for state in STATES
            if (number := answers(snapshot)[(framework.key, state)])
        )
        assert said in text
        assert said in page
    for check in snapshot.checks:
        if check.state == "fail":
            assert f"{check.failed:,}" in text


def test_the_pdf_is_tagged_titled_and_numbered() -> None:
    reader = pypdf.PdfReader(io.BytesIO(written(pdf.write, a_snapshot())))

    assert reader.metadata is not None and reader.metadata.title == "Agents of Nordwind"
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert "1 Summary" in [f"{one}" for one in (o.title for o in flat(reader.outline))]
    assert f"Page 3 of {len(reader.pages)}" in reader.pages[2].extract_text()


def flat(outline: Any) -> list[Any]:
    return [one for part in outline for one in (flat(part) if isinstance(part, list) else [part])]


def test_nothing_reads_as_passed_when_there_is_nothing() -> None:
    empty = a_snapshot(checks=(), frameworks=(), sources=(), totals={}, limits=(), method=())

    for key, write in WRITERS.items():
        content = written(write, empty)
        if key in ("json", "html", "ocsf"):
            assert b"satisfied" not in content and b">Pass</b>" not in content
    assert "No source is connected" in pdf_text(written(pdf.write, empty))


def test_what_cannot_be_told_is_never_a_pass_in_ocsf() -> None:
    silent = a_snapshot(checks=(made.a_check(passed=5, failed=0, unknown=1),))
    events = [json.loads(line) for line in written(ocsf.write, silent).splitlines()]

    assert [event["compliance"]["status"] for event in events] == ["Warning"]


def test_ocsf_events_say_their_class_and_what_is_required() -> None:
    rows = FixedRows((made.an_evidence(1), made.an_evidence(2, verdict="unknown", status="")))
    events = [json.loads(line) for line in written(ocsf.write, a_snapshot(), rows).splitlines()]

    assert [event["class_uid"] for event in events] == [2003, 2003, 2004, 2003]
    for event in events:
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
        assert event["category_uid"] == 2 and event["severity_id"] == 4
        assert event["metadata"]["version"] == "1.8.0" and event["metadata"]["product"]["name"]
        assert event["finding_info"]["uid"] and event["finding_info"]["title"]
        assert event["time"] == int(made.a_snapshot().facts_at.timestamp() * 1000)
    assert events[1]["compliance"]["standards"] == ["OWASP Agentic 2026"]
    assert events[1]["compliance"]["status"] == "Fail" and events[3]["compliance"]["status_id"] == 2
    assert len({event["metadata"]["uid"] for event in events}) == len(events)


def test_an_exception_keeps_a_failure_a_failure() -> None:
    accepted = made.an_evidence(status="accepted", until=made.AT)
    events = [
        json.loads(line)
        for line in written(ocsf.write, a_snapshot(), FixedRows((accepted,))).splitlines()
    ]

    assert events[1]["compliance"]["status"] == "Fail"
    assert (events[2]["status"], events[2]["is_alert"]) == ("Suppressed", False)


def test_no_cell_of_the_workbook_is_a_formula_or_a_link() -> None:
    snapshot, rows = hostile()
    content = written(xlsx.write, snapshot, rows)
    book = openpyxl.load_workbook(io.BytesIO(content))

    kinds = {cell.data_type for one in book for row in one.iter_rows() for cell in row}
    assert "f" not in kinds
    names = [row["Name"] for row in sheet(book, "Identities")]
    assert names[0] == made.HOSTILE[0] and names[7] == made.HOSTILE[7]
    assert "\\u0007" in names[4] and "\\u202e" in names[6]
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        assert not [name for name in parts.namelist() if "externalLink" in name]
        assert not any(b"<f>" in parts.read(name) for name in parts.namelist())


def test_the_workbook_has_real_types_filters_and_a_frozen_heading() -> None:
    rows = FixedRows((made.an_evidence(),), (made.an_identity_row(),), (made.a_grant_row(),))
    book = openpyxl.load_workbook(io.BytesIO(written(xlsx.write, a_snapshot(), rows)))

    assert book["Grants"]["F2"].value == made.AT.replace(tzinfo=None)
    assert book["Checks"]["G2"].value == 1
    assert book["Controls"]["I2"].value == 0.25 and book["Controls"]["I2"].number_format == "0%"
    for one in book:
        assert one.freeze_panes == "B2" and one.auto_filter.ref


def test_a_full_sheet_goes_on_in_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "MOST_ROWS", 3)
    rows = FixedRows(held=tuple(made.a_grant_row(number) for number in range(7)))

    book = openpyxl.load_workbook(io.BytesIO(written(xlsx.write, a_snapshot(), rows)))

    names = [
        row["Identity"]
        for title in ("Grants", "Grants 2", "Grants 3")
        for row in sheet(book, title)
    ]
    assert names == [f"agent-{number}" for number in range(7)]


def test_no_cell_of_a_csv_file_starts_like_a_formula() -> None:
    snapshot, rows = hostile()
    content = written(csv_files.write, snapshot, rows)

    with zipfile.ZipFile(io.BytesIO(content)) as files:
        for name in files.namelist():
            if not name.endswith(".csv"):
                continue
            for row in csv.reader(io.StringIO(files.read(name).decode(), newline="")):
                assert not [cell for cell in row if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]
    names = [row["Name"] for row in csv_rows(content, "identities.csv")]
    assert names[0] == "'" + made.HOSTILE[0]


def test_the_page_holds_no_markup_of_others_and_asks_nobody() -> None:
    snapshot, rows = hostile()
    page = written(html_page.write, snapshot, rows).decode()

    assert "<script" not in page and "<img" not in page and "onerror=alert(1)>" not in page
    assert not re.search(r"(?:src|href)=\"(?!#)", page)
    assert " style=" not in page and "javascript:" not in re.sub(r">[^<]*<", "><", page)
    assert "default-src &#x27;none&#x27;; style-src &#x27;sha256-" in page
    assert "\u202e" not in page and "\\u202e" in page


def test_the_pdf_shows_hostile_names_as_they_are() -> None:
    snapshot, rows = hostile()
    text = pdf_text(written(pdf.write, snapshot, rows))

    assert "<script>alert(1)</script>" in text.replace(" ", "").replace("\u200b", "")
    assert '#read("/etc/passwd")' in text.replace(" ", "").replace("”", '"').replace("“", '"') or (
        "#read(" in text
    )
    assert "root:" not in text
    assert "\\u202e" in text.replace(" ", "") and "\\u1f916" in text.replace(" ", "")


def test_json_and_ocsf_keep_hostile_names_exactly() -> None:
    snapshot, rows = hostile()
    document = json.loads(written(json_document.write, snapshot, rows))
    events = [json.loads(line) for line in written(ocsf.write, snapshot, rows).split(b"\n") if line]

    assert [one["name"] for one in document["identities"]] == list(made.HOSTILE)
    assert {event["resources"][0]["name"] for event in events if "resources" in event} == set(
        made.HOSTILE
    )
