"""Sweeping: how findings open, stay, close and open again, and who may run at once."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F

from inventory import signals
from inventory.models import Change, Credential, Heartbeat, Identity, Source
from inventory.rules import RuleBroken
from reviews import findings, parameters, sweep, tasks
from reviews.checks import CHECKS
from reviews.models import CheckRun, CheckSetting, Finding, SweepRun
from runtime import tasks as token_tasks
from tests.factories import (
    NOW,
    a_credential,
    a_person,
    a_user,
    ago,
    an_identity,
    days,
)

pytestmark = pytest.mark.django_db
OWNER = ["owner-active"]


def swept(at: Any = NOW, **options: Any) -> SweepRun:
    run = sweep.run(at, by="test", **options)
    assert run.status == SweepRun.Status.DONE, run.error
    return run


def test_a_finding_closes_when_its_cause_is_gone_and_opens_again_as_the_same_row() -> None:
    identity = an_identity(owner=None)
    swept(checks=OWNER)
    first = Finding.objects.get()

    Identity.objects.update(owner=a_person())
    swept(NOW + days(1), checks=OWNER)
    closed = Finding.objects.get()
    Identity.objects.update(owner=None)
    swept(NOW + days(2), checks=OWNER)
    again = Finding.objects.get()

    assert (first.subject, first.identity_id) == (f"identity:{identity.pk}", identity.pk)
    assert (closed.status, closed.resolved_at) == ("resolved", NOW + days(1))
    assert (again.pk, again.status, again.resolved_at) == (first.pk, "open", None)
    assert (again.first_seen_at, again.opened_at) == (NOW, NOW + days(2))


def test_what_cannot_be_told_neither_closes_nor_opens() -> None:
    known = a_credential(issued_at=ago(100))
    a_credential()
    swept(checks=["credential-age"])

    type(known).objects.update(issued_at=None)
    swept(NOW + days(1), checks=["credential-age"])

    assert Finding.objects.get().status == "open"


def test_what_left_the_population_is_closed() -> None:
    a_credential(issued_at=ago(100))
    swept(checks=["credential-age"])

    known = Finding.objects.get()
    Credential.objects.update(enabled=False)
    swept(NOW + days(1), checks=["credential-age"])

    known.refresh_from_db()
    assert known.status == "resolved"


def test_a_changed_fact_changes_the_evidence_and_says_who_swept() -> None:
    credential = a_credential(issued_at=ago(100))
    swept(checks=["credential-age"])

    type(credential).objects.update(issued_at=ago(200))
    run = swept(NOW + days(1), checks=["credential-age"])

    finding = Finding.objects.get()
    assert (run.counts["changed"], run.counts["opened"]) == (1, 0)
    assert finding.evidence["issued_at"].startswith(ago(200).date().isoformat())
    change = Change.objects.of(finding).first()
    assert change is not None
    assert (change.actor, change.verb, change.identity_id) == (
        "test",
        "check.swept",
        credential.identity_id,
    )


def test_a_targeted_sweep_judges_only_the_changed_and_keeps_no_trend() -> None:
    changed, other = an_identity(owner=None), an_identity(owner=None)

    run = swept(identities=[changed.pk])

    assert run.trigger == "targeted"
    assert set(
        Finding.objects.filter(check_id="owner-active").values_list("identity", flat=True)
    ) == {changed.pk}
    assert not CheckRun.objects.exists()
    other.refresh_from_db()
    changed.refresh_from_db()
    assert (changed.open_findings, changed.worst_severity, other.open_findings) == (1, 3, 0)


def test_the_summary_of_an_identity_follows_its_findings() -> None:
    identity = an_identity(owner=None)
    swept(checks=OWNER)
    identity.refresh_from_db()
    before = (identity.open_findings, identity.worst_severity)

    Identity.objects.update(owner=a_person())
    swept(NOW + days(1), checks=OWNER)

    identity.refresh_from_db()
    assert before == (1, 3)
    assert (identity.open_findings, identity.worst_severity) == (0, None)


def test_a_check_that_is_switched_off_closes_its_findings_and_is_not_run() -> None:
    an_identity(owner=None)
    swept()
    parameters.change("owner-active", [], {"enabled": False}, by=a_user(), reason="Not for us")

    run = swept(NOW + days(1))

    assert set(
        Finding.objects.filter(check_id="owner-active").values_list("status", flat=True)
    ) == {"resolved"}
    assert not CheckRun.objects.filter(sweep=run, check_id="owner-active").exists()


def test_a_changed_parameter_is_judged_by_and_leaves_a_trace() -> None:
    a_credential(issued_at=ago(50))
    check = CHECKS["credential-age"]
    security = a_user()

    changed = parameters.change(
        check.id,
        check.parameters(),
        {"max_age": "30", "exempt_kinds": []},
        by=security,
        reason="Policy 7",
    )
    swept(checks=[check.id])

    assert changed == ["max_age"]
    assert Finding.objects.count() == 1
    change = Change.objects.of(CheckSetting.objects.get()).get()
    assert (change.actor, change.reason) == (security.username, "Policy 7")


@pytest.mark.parametrize("value", ["-1", "3651", "ten", "", "1.5", "٣"])
def test_a_number_of_days_that_makes_no_sense_is_refused(value: str) -> None:
    check = CHECKS["credential-age"]

    with pytest.raises(RuleBroken, match="whole number of days"):
        parameters.change(check.id, check.parameters(), {"max_age": value}, by=a_user(), reason="x")

    assert not CheckSetting.objects.exists()


def test_a_broken_check_is_named_and_the_others_run(monkeypatch: pytest.MonkeyPatch) -> None:
    an_identity(owner=None)
    wrong = Credential.objects.extra(where=["no_such_column"]).annotate(born_at=F("issued_at"))
    monkeypatch.setattr(CHECKS["credential-age"], "population", lambda self, at: wrong)

    run = sweep.run(NOW, by="test")

    assert (run.status, Finding.objects.filter(check_id="owner-active").count()) == ("failed", 1)
    assert run.error == "credential-age could not run (ProgrammingError)."


@pytest.fixture
def other_sweep() -> Iterator[None]:
    with psycopg.connect(
        **connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}
    ) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [sweep._LOCK])
        yield
        # A closed connection gives its locks back only some time after.
        other.execute("SELECT pg_advisory_unlock(%s)", [sweep._LOCK])


@pytest.mark.usefixtures("other_sweep")
def test_a_second_full_sweep_says_that_one_is_running_and_leaves_it_alone() -> None:
    an_identity(owner=None)
    running = SweepRun.objects.create(trigger="schedule", author="job", at=NOW, started_at=NOW)

    with pytest.raises(sweep.SweepRunning, match="running already"):
        swept()
    tasks.sweep_all()
    swept(identities=list(Identity.objects.values_list("pk", flat=True)))

    running.refresh_from_db()
    assert running.status == "running"
    assert Finding.objects.filter(check_id="owner-active").exists()


def test_a_sweep_whose_worker_died_is_marked_as_failed_by_the_next() -> None:
    dead = SweepRun.objects.create(trigger="schedule", author="job", at=ago(1), started_at=ago(1))

    swept()

    dead.refresh_from_db()
    assert (dead.status, dead.error) == (
        "failed",
        "The worker stopped before the sweep had finished.",
    )


def test_only_security_may_start_a_sweep() -> None:
    with pytest.raises(PermissionDenied, match="Only security"):
        sweep.run(NOW, by=a_user("auditor"))


def test_the_command_prints_every_check(capsys: pytest.CaptureFixture[str]) -> None:
    an_identity(owner=None)

    call_command("sweep")

    out = capsys.readouterr().out
    assert all(check_id in out for check_id in CHECKS)
    assert " ".join(next(line for line in out.splitlines() if "owner-active" in line).split()) == (
        "owner-active 1 0 1 0"
    )


@pytest.mark.usefixtures("other_sweep")
def test_the_command_fails_when_it_could_not_sweep() -> None:
    with pytest.raises(CommandError, match="running already"):
        call_command("sweep", "--json")


def test_a_change_of_identities_is_judged_when_it_is_committed(
    settings: Any, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    settings.SEND_TASKS = True
    sent: list[object] = []
    monkeypatch.setattr(tasks.sweep_identities, "delay", lambda ids: sent.append(ids))
    monkeypatch.setattr(tasks.sweep_all, "delay", lambda: sent.append("everything"))
    monkeypatch.setattr(token_tasks.end_tokens_of_identities, "delay", lambda ids: None)

    with django_capture_on_commit_callbacks(execute=True):
        signals.announce_changed([3, 2])
        signals.announce_changed(None)
        assert sent == []

    assert sent == [[2, 3], "everything"]


def test_the_heartbeat_is_one_row() -> None:
    tasks.beat_heartbeat()
    tasks.beat_heartbeat()

    assert Heartbeat.objects.get().name == "worker"


def test_law_1_an_exception_that_has_ended_counts_as_open_without_any_job() -> None:
    an_identity(owner=None)
    swept(checks=OWNER)
    findings.accept(Finding.objects.all(), by=a_user(), reason="Pilot", until=NOW + days(5), at=NOW)

    assert Finding.objects.open(NOW + days(4)).count() == 0
    assert Finding.objects.open(NOW + days(5)).count() == 1
    assert Finding.objects.get().state(NOW + days(5)) == "open"

    swept(NOW + days(9), checks=OWNER)
    written = Finding.objects.get()
    assert (written.status, written.until, written.opened_at) == ("open", None, NOW + days(5))


def test_an_exception_survives_a_pass_and_a_new_failure_until_its_end() -> None:
    an_identity(owner=None)
    swept(checks=OWNER)
    findings.accept(Finding.objects.all(), by=a_user(), reason="Pilot", until=NOW + days(5), at=NOW)
    Identity.objects.update(owner=a_person())
    swept(NOW + days(1), checks=OWNER)
    closed = Finding.objects.get().status

    Identity.objects.update(owner=None)
    swept(NOW + days(2), checks=OWNER)

    again = Finding.objects.get()
    assert (closed, again.status, again.until) == ("resolved", "accepted", NOW + days(5))


def test_a_source_is_judged_without_an_identity() -> None:
    an_identity()
    Source.objects.update(last_complete_at=ago(30))

    swept(checks=["evidence-fresh"])

    assert set(Finding.objects.values_list("identity", flat=True)) == {None}
