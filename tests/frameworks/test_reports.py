"""Reports through the front door: asked for, made by the task, taken, deleted; and that every number agrees."""

import io
import json
import zipfile
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from frameworks import assessments, loading, report_life, snapshots
from frameworks.models import AssessedCheck, AssessedControl, AssessedFramework, Assessment, Report
from frameworks.reports import csv_files, json_document, pdf
from frameworks.reports.text import ANSWERS
from frameworks.snapshot import Scope
from frameworks.tasks import look_after_reports, make_report
from inventory.models import Change, User
from inventory.rules import RuleBroken
from tests.factories import NOW, a_credential, a_grant, a_person, a_user, an_identity, days
from tests.frameworks.reports.test_formats import counted, csv_rows, pdf_text, sheet, written

pytestmark = pytest.mark.django_db
State = Report.State
ABOUT_FRAMEWORK = {
    "kind": "risk-list", "publisher": "p", "published": "2025", "source": "", "notes": [],
    "licence": "l", "meaning_of_pass": "m", "is_own": False, "shows_text": True,
}  # fmt: skip
ABOUT_CONTROL = {
    "title_official": True, "local_id": False, "summary": "s", "kind": "risk", "parent": "",
    "reason": "r", "weight_known": 1, "weight_passed": 0, "conditional": "", "not_covered_why": "",
}  # fmt: skip


@pytest.fixture
def security() -> User:
    return a_user(User.Role.SECURITY)


@pytest.fixture
def auditor() -> User:
    return a_user(User.Role.AUDITOR)


@pytest.fixture
def assessment() -> Assessment:
    """Kept already, and small: one check and one control that fails."""
    kept = Assessment.objects.create(
        number=1, title="The whole of it", status="running", author="ada", organisation="Nordwind",
        asked_at=NOW, facts_at=NOW, made_at=NOW,
    )  # fmt: skip
    AssessedCheck.objects.create(
        assessment=kept, check_id="owner-active", title="t", why="w", fix="f", severity=3,
        version=1, at=NOW, failed=1, failing=[an_identity(owner=None).pk], failing_of=[None],
        noun="inventory_identity",
    )  # fmt: skip
    framework = AssessedFramework.objects.create(
        assessment=kept, key="owasp-nhi", version="2025", name="OWASP NHI", order=1, counts={},
        about=ABOUT_FRAMEWORK,
    )  # fmt: skip
    AssessedControl.objects.create(
        framework=framework, control_id="NHI1:2025", title="t", state="fail", is_heading=False,
        order=1, about=ABOUT_CONTROL,
    )  # fmt: skip
    Assessment.objects.filter(pk=kept.pk).update(status="done")
    kept.refresh_from_db()
    return kept


@pytest.fixture
def measured(security: User) -> Assessment:
    """By all checks and frameworks: two identities that nobody answers for, and one that is well."""
    loading.load()
    for owner in (a_person(), None, None):
        identity = an_identity(owner=owner)
        a_credential(identity=identity)
        a_grant(identity=identity)
    return assessments.assess(Scope(), security, timezone.now(), title="The whole of it")


def made(assessment: Assessment, by: User, *formats: str) -> list[Report]:
    reports = report_life.ask(assessment, formats, by=by, at=NOW)
    return [report_life.make(report, at=NOW) for report in reports]


def entered(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@time_machine.travel(NOW, tick=False)
def test_an_auditor_asks_on_the_page_and_takes_the_file(
    assessment: Assessment, auditor: User
) -> None:
    client = entered(auditor)

    asked = client.post(
        reverse("frameworks:report-new"), {"assessment": assessment.pk, "formats": ["json"]}
    )
    report = Report.objects.get()
    waiting = client.get(asked.headers["Location"])
    make_report(report.pk)
    page = client.get(asked.headers["Location"])
    file = client.get(reverse("frameworks:report-download", args=[report.pk]))

    assert b"Waiting for a worker" in waiting.content
    report.refresh_from_db()
    assert report.sha256 in page.content.decode()
    content = b"".join(file)  # type: ignore[call-overload]  # a streamed answer
    assert len(content) == report.size
    assert json.loads(content)["assessment"]["uid"] == str(assessment.uid)
    assert file.headers["Content-Disposition"].endswith('mandate-assessment-1-2026-06-01.json"')
    assert file.headers["Repr-Digest"].startswith("sha-256=:")
    taken = Change.objects.get(verb="report.downloaded")
    assert (taken.actor, taken.noun) == (auditor.get_username(), "frameworks_report")


def test_the_page_waits_and_reloads_when_one_is_done(assessment: Assessment, auditor: User) -> None:
    (report,) = report_life.ask(assessment, ["csv"], by=auditor, at=NOW)
    client, status = entered(auditor), reverse("frameworks:report-status")

    before = client.get(status, {"before": "1"}, headers={"HX-Request": "true"})
    report_life.make(report, at=NOW)
    after = client.get(status, {"before": "1"}, headers={"HX-Request": "true"})

    assert b"CSV files" in before.content
    assert after.headers["HX-Refresh"] == "true"


def test_one_that_is_there_is_not_made_twice(assessment: Assessment, auditor: User) -> None:
    (first,) = made(assessment, auditor, "json")

    (second,) = report_life.ask(assessment, ["json"], by=auditor, at=NOW)

    assert first.pk == second.pk


def test_owners_are_refused(assessment: Assessment, auditor: User) -> None:
    owner = a_user(User.Role.OWNER)
    (report,) = made(assessment, auditor, "json")

    with pytest.raises(PermissionDenied):
        report_life.ask(assessment, ["json"], by=owner, at=NOW)
    with pytest.raises(PermissionDenied):
        report_life.download(report, by=owner, at=NOW)


def test_an_unfinished_assessment_and_an_unknown_format_are_refused(
    assessment: Assessment, security: User
) -> None:
    asked = assessments.ask(title="", team=None, environment="", tier=None, by=security, at=NOW)

    with pytest.raises(RuleBroken, match="made of finished ones"):
        report_life.ask(asked, ["json"], by=security, at=NOW)
    with pytest.raises(RuleBroken, match="Choose at least one format"):
        report_life.ask(assessment, ["docx"], by=security, at=NOW)


def test_a_killed_worker_leaves_nothing_half_made_and_the_next_one_makes_it(
    assessment: Assessment, auditor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    (report,) = report_life.ask(assessment, ["json"], by=auditor, at=NOW)

    def killed(*_: Any, **__: Any) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(report_life.report_writing, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            report_life.make(report, at=NOW)
    report.refresh_from_db()
    assert report.state == State.RUNNING
    assert not list(report_life.path_of(report).parent.iterdir())
    assert report_life.make(report, at=NOW).state == State.DONE


def test_what_a_dead_worker_left_is_started_again_and_given_up_after_a_day(
    assessment: Assessment, auditor: User
) -> None:
    left, lost = report_life.ask(assessment, ["json", "csv"], by=auditor, at=NOW)
    Report.objects.filter(pk=left.pk).update(state=State.RUNNING, started_at=NOW)
    Report.objects.filter(pk=lost.pk).update(asked_at=NOW - days(1))

    with time_machine.travel(NOW + timedelta(minutes=61), tick=False):
        look_after_reports()

    left.refresh_from_db()
    lost.refresh_from_db()
    assert (left.state, lost.state) == (State.DONE, State.FAILED)
    assert "Make it again" in lost.error


def test_making_twice_changes_nothing(assessment: Assessment, auditor: User) -> None:
    (report,) = made(assessment, auditor, "json")

    again = report_life.make(report, at=NOW + days(1))

    assert again.made_at == NOW


def test_a_file_that_was_changed_in_storage_is_not_handed_out(
    assessment: Assessment, auditor: User
) -> None:
    (report,) = made(assessment, auditor, "json")
    report_life.path_of(report).write_bytes(b"{}")

    answer = entered(auditor).get(
        reverse("frameworks:report-download", args=[report.pk]), follow=True
    )

    assert "its hash differs" in answer.content.decode()


def test_deleting_takes_the_file_and_keeps_who_and_why(
    assessment: Assessment, security: User, auditor: User, django_capture_on_commit_callbacks: Any
) -> None:
    (report,) = made(assessment, auditor, "json")
    address = reverse("frameworks:report-delete", args=[report.pk])

    refused = entered(auditor).post(address, {"reason": "No longer needed"})
    with django_capture_on_commit_callbacks(execute=True):
        entered(security).post(address, {"reason": "No longer needed"})

    report.refresh_from_db()
    assert refused.status_code == 403
    assert (report.state, report.ended_why) == (State.DELETED, "No longer needed")
    assert not report_life.path_of(report).exists()
    assert Change.objects.get(verb="report.deleted").reason == "No longer needed"
    assert report_life.ask(assessment, ["json"], by=auditor, at=NOW)[0].pk != report.pk


def test_a_report_whose_time_is_over_is_deleted(
    assessment: Assessment, auditor: User, django_capture_on_commit_callbacks: Any
) -> None:
    (report,) = made(assessment, auditor, "json")

    with django_capture_on_commit_callbacks(execute=True):
        report_life.look_after(NOW + days(730))

    report.refresh_from_db()
    assert report.state == State.EXPIRED
    assert not report_life.path_of(report).exists()


def test_every_format_is_made_and_the_numbers_agree_with_a_recount(
    measured: Assessment, auditor: User
) -> None:
    one_by_one = [key for key in Report.Format.values if key != "bundle"]
    reports = made(measured, auditor, *one_by_one)
    assert {(report.state, report.error) for report in reports} == {(State.DONE, "")}
    told = recounted(measured)
    files = {report.format: report_life.path_of(report).read_bytes() for report in reports}

    book = openpyxl.load_workbook(io.BytesIO(files["xlsx"]))
    assert counted(sheet(book, "Controls"), "Framework", "Answer") == told
    assert counted(csv_rows(files["csv"], "controls.csv"), "Framework", "Answer") == told
    assert of_json(files["json"]) == told
    assert of_oscal(files["oscal"]) == told
    text = pdf_text(files["pdf"])
    for framework in measured.frameworks.all():
        said = " · ".join(
            f"{number:,} {ANSWERS[state].lower()}"
            for state in ("pass", "fail", "cannot-tell", "not-applicable", "not-covered")
            if (number := told[(framework.key, state)])
        )
        assert said in text
    found = Counter((row["Check"], row["Verdict"]) for row in sheet(book, "Evidence"))
    for check in AssessedCheck.objects.exclude(noun=""):
        assert found[(check.check_id, "fail")] == check.failed
        assert found[(check.check_id, "unknown")] == check.unknown
    assert found[("owner-active", "fail")] == 2
    assert len(sheet(book, "Identities")) == 3

    later = snapshots.read(measured)
    for write, kept in (
        (csv_files.write, "csv"),
        (json_document.write, "json"),
        (pdf.write, "pdf"),
    ):
        assert written(write, *later) == files[kept]


def test_the_bundle_of_the_page_verifies_by_command(
    assessment: Assessment, auditor: User, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (report,) = made(assessment, auditor, "bundle")
    page = entered(auditor).get(reverse("frameworks:report-detail", args=[report.pk]))
    file = tmp_path / "bundle.zip"
    file.write_bytes(report_life.path_of(report).read_bytes())

    call_command("verify-bundle", file)

    fingerprint = capsys.readouterr().out.split()[-1]
    assert fingerprint in page.content.decode()
    with zipfile.ZipFile(file) as old:
        files = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(file, "w") as new:
        for name, text in files.items():
            new.writestr(
                name, text.replace(b"Fail", b"Pass") if name == "rows/checks.csv" else text
            )
    with pytest.raises(CommandError, match=r"rows/checks\.csv was changed\."):
        call_command("verify-bundle", file)


def test_a_bundle_of_another_installation_is_told_apart(tmp_path: Path) -> None:
    from tests.frameworks.reports.test_bundle import SIGNER, bundled  # noqa: PLC0415

    file, key = tmp_path / "theirs.zip", tmp_path / "key.pem"
    file.write_bytes(bundled())
    key.write_bytes(SIGNER.public_pem)

    with pytest.raises(CommandError, match="not of this installation"):
        call_command("verify-bundle", file)
    call_command("verify-bundle", file, key=key)


@time_machine.travel(NOW, tick=False)
def test_the_api_makes_lists_and_hands_out(assessment: Assessment, auditor: User) -> None:
    client = entered(auditor)

    asked = client.post(
        "/api/v1/reports/", {"assessment": assessment.pk, "formats": ["ocsf"]}, "application/json"
    )
    (row,) = asked.json()
    early = client.get(f"/api/v1/reports/{row['id']}/file/")
    make_report(row["id"])
    listed = client.get("/api/v1/reports/?state=done").json()["results"]
    file = client.get(f"/api/v1/reports/{row['id']}/file/")

    assert (asked.status_code, row["state"]) == (202, "queued")
    assert (early.status_code, early.headers["Content-Type"]) == (422, "application/problem+json")
    assert [one["file_name"] for one in listed] == ["mandate-assessment-1-2026-06-01-ocsf.jsonl"]
    events = [json.loads(line) for line in b"".join(file).splitlines()]  # type: ignore[call-overload]  # streamed
    assert {event["class_uid"] for event in events} == {2003, 2004}


def recounted(assessment: Assessment) -> Counter[tuple[str, str]]:
    """By SQL, from what was kept."""
    table = AssessedControl._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT f.key, c.state, count(*) FROM {table} c"
            " JOIN frameworks_assessedframework f ON f.id = c.framework_id"
            " WHERE f.assessment_id = %s AND NOT c.is_heading GROUP BY 1, 2",
            [assessment.pk],
        )
        return Counter({(key, state): number for key, state, number in cursor.fetchall()})


def of_json(content: bytes) -> Counter[tuple[str, str]]:
    return Counter(
        (framework["key"], control["state"])
        for framework in json.loads(content)["assessment"]["frameworks"]
        for control in framework["controls"]
        if not control["is_heading"]
    )


def of_oscal(content: bytes) -> Counter[tuple[str, str]]:
    results = pytest.importorskip("trestle.oscal.assessment_results")
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        text = files.read("assessment-results.json")
    told: Counter[tuple[str, str]] = Counter()
    for result in results.Model.model_validate_json(text).assessment_results.results:
        key = values(result)["framework"]
        told.update((key, values(one)["state"]) for one in result.findings or [])
        untold = [one for one in result.observations or [] if "control" in values(one)]
        told.update((key, values(one)["state"]) for one in untold if "state" in values(one))
    return told


def values(holder: Any) -> dict[str, str]:
    return {prop.name: str(prop.value) for prop in holder.props}
