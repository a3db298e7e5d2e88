"""Assessments: the numbers can be recounted, nothing can be changed, and without data nothing passes."""

from datetime import timedelta

import pytest
from django.db import ProgrammingError, connection, transaction
from django.db.models import Model
from django.utils import timezone

from frameworks import assess_now, assessments, attestations, loading, schedule, snapshots
from frameworks.attestations import Said
from frameworks.models import (
    AssessedCheck,
    AssessedControl,
    AssessedFramework,
    AssessedSource,
    Assessment,
    Control,
    Framework,
)
from frameworks.snapshot import Scope
from frameworks.sources_needed import NO_SOURCE
from inventory.models import Identity
from inventory.rules import RuleBroken
from reviews import findings, sweep
from reviews.models import Finding
from runtime.models import SealMark
from tests.factories import a_credential, a_delegation, a_grant, a_source, a_user, an_identity, days

pytestmark = pytest.mark.django_db


@pytest.fixture
def catalogues() -> None:
    loading.load()


def an_estate() -> None:
    """Something that passes, fails and cannot be told."""
    read = a_source(last_complete_at=timezone.now(), last_run_at=timezone.now())
    orphan = an_identity(owner=None, environment="production", source=read)
    a_grant(identity=orphan)
    a_grant(revoked_at=timezone.now() - days(1))
    a_credential(identity=orphan, issued_at=timezone.now() - days(400))
    a_credential(
        identity=an_identity(environment="sandbox", source=read), issued_at=timezone.now() - days(3)
    )
    a_delegation()


def test_the_numbers_agree_with_a_recount_by_sql(catalogues: None) -> None:
    an_estate()

    made = assessments.assess(Scope(), "job", timezone.now())

    told, rows = snapshots.read(made)
    checks = {check.check_id: check for check in told.checks}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE owner_id IS NULL), count(*) FROM inventory_identity"
            " WHERE lifecycle <> 'retired' AND gone_at IS NULL"
        )
        orphans, identities = cursor.fetchone()
        cursor.execute(
            "SELECT count(*) FROM inventory_credential WHERE issued_at < now() - interval '90 days'"
        )
        (old,) = cursor.fetchone()
    assert (checks["owner-active"].failed, checks["owner-active"].population) == (
        orphans,
        identities,
    )
    assert (checks["credential-age"].failed, checks["credential-age"].passed) == (old, 1)
    assert told.totals["identities"] == identities == len(list(rows.identities()))
    assert told.totals["grants"] == len(list(rows.grants())) == 1
    for check in told.checks:
        answers = [row.verdict for row in rows.evidence(check.check_id)]
        assert answers.count("fail") == check.failed, check.check_id
        assert answers.count("unknown") == check.unknown, check.check_id


def test_a_finding_tells_its_evidence_and_its_exception(catalogues: None) -> None:
    orphan, at = an_identity(owner=None), timezone.now()
    sweep.run(at, by="job", checks=["owner-active"])
    found = Finding.objects.filter(check_id="owner-active")
    until = at + days(9)
    findings.accept(found, by=a_user("security"), reason="Known.", until=until, at=at)

    made = assessments.assess(Scope(), "job", timezone.now())

    told, rows = snapshots.read(made)
    (row,) = rows.evidence("owner-active")
    (check,) = [one for one in told.checks if one.check_id == "owner-active"]
    assert (check.failed, check.accepted) == (1, 1)
    assert (row.name, row.status, row.until) == (orphan.name, "accepted", until)
    assert row.evidence


def test_a_scope_narrows_checks_totals_and_rows(catalogues: None) -> None:
    an_estate()

    made = assessments.assess(Scope(environment="sandbox"), "job", timezone.now())

    told, rows = snapshots.read(made)
    checks = {check.check_id: check for check in told.checks}
    assert told.totals["identities"] == len(list(rows.identities())) == 1
    assert checks["owner-active"].population == checks["credential-age"].population == 1
    assert checks["evidence-fresh"].state == "cannot-tell"


def test_without_data_nothing_passes_and_each_check_says_what_to_connect(catalogues: None) -> None:
    made = assessments.assess(Scope(), "job", timezone.now())

    told, _ = snapshots.read(made)
    states = {control.state for one in told.frameworks for control in one.controls}
    silent = [check for check in told.checks if check.said]
    assert not states & {"pass", "fail"}
    assert all(check.connect for check in silent if check.said == NO_SOURCE)
    assert "owner-active" in {check.check_id for check in silent}


@pytest.mark.parametrize(
    "model", [Assessment, AssessedSource, AssessedCheck, AssessedFramework, AssessedControl]
)
def test_a_finished_assessment_cannot_be_changed_or_removed(
    model: type[Model], catalogues: None
) -> None:
    an_identity()
    assessments.assess(Scope(), "job", timezone.now())
    rows = model._default_manager.all()
    column = next(field.name for field in model._meta.fields if field.name in ("title", "name"))

    assert rows.exists()
    for change in (lambda: rows.update(**{column: "better"}), lambda: rows._raw_delete("default")):
        with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
            change()


def test_nothing_is_added_to_a_finished_assessment(catalogues: None) -> None:
    made = assessments.assess(Scope(), "job", timezone.now())

    with pytest.raises(ProgrammingError, match="finished"), transaction.atomic():
        AssessedSource.objects.create(
            assessment=made, name="Late", kind="csv", is_stale=False, identities=1
        )


def test_what_changed_since_the_last_is_told(catalogues: None) -> None:
    orphan = an_identity(owner=None)
    first = assessments.assess(Scope(), "job", timezone.now())
    Identity.objects.filter(pk=orphan.pk).update(owner=an_identity().owner)

    second = assessments.assess(Scope(), "job", timezone.now())

    assert second.before == first.uid
    changed = {(one["framework"], one["control_id"]): one for one in second.changes}
    assert changed["nist-800-53", "AC-2"]["before"] == "fail"
    assert changed["nist-800-53", "AC-2"]["after"] != "fail"


def test_a_new_version_of_a_catalogue_leaves_old_assessments_as_they_were(catalogues: None) -> None:
    made = assessments.assess(Scope(), "job", timezone.now())
    before = snapshots.read(made)[0]

    framework = Framework.objects.get(key="owasp-nhi")
    Control.objects.filter(framework=framework).update(title="Renamed")
    Framework.objects.filter(pk=framework.pk).update(name="Renamed", version="2027")

    assert snapshots.read(Assessment.objects.get(pk=made.pk))[0] == before


def test_an_attestation_stands_beside_the_answer_and_changes_none(catalogues: None) -> None:
    at = timezone.now()
    control = Control.objects.get(framework__key="nist-ai-rmf", control_id="GOVERN 2.2")
    said = Said("Everybody took the course.", (at + days(30)).date())
    attestations.attest(control, said, by=a_user("security"), at=at)

    (told,) = [
        one
        for framework in snapshots.read(assessments.assess(Scope(), "job", timezone.now()))[
            0
        ].frameworks
        for one in framework.controls
        if one.control_id == "GOVERN 2.2"
    ]

    assert told.state == "not-covered"
    assert [one.statement for one in told.attestations] == ["Everybody took the course."]


def test_an_attestation_that_ended_counts_no_more(catalogues: None) -> None:
    at = timezone.now()
    control = Control.objects.get(framework__key="nist-ai-rmf", control_id="GOVERN 2.2")
    row = attestations.attest(control, Said("So.", at.date()), by=a_user("security"), at=at)

    assert row.state(at) == "standing"
    assert row.state(at + timedelta(days=1)) == "ended"
    assert not type(row).objects.standing(at + timedelta(days=1)).exists()
    with pytest.raises(RuleBroken, match="is past"):
        attestations.attest(
            control, Said("So.", (at - days(1)).date()), by=a_user("security"), at=at
        )


def test_a_schedule_assesses_once_when_it_is_due(catalogues: None) -> None:
    at = timezone.now()
    assert schedule.look_after(at, by="job") is None  # of nothing, nothing can be said
    an_identity()

    made = schedule.look_after(at, by="job")

    assert made is not None
    assert made.trigger == "schedule"
    assert schedule.look_after(at + days(29), by="job") is None
    assert schedule.due(at + days(31))


def test_a_worker_takes_it_up_once(catalogues: None) -> None:
    asked = assess_now.start(
        title="", team=None, environment="", tier=None, by=a_user("security"), at=timezone.now()
    )

    made = assessments.make(asked, at=timezone.now())
    again = assessments.make(asked, at=timezone.now())

    assert (made.status, again.made_at) == ("done", made.made_at)
    assert AssessedFramework.objects.filter(assessment=made).count() == 10


def test_rows_that_are_called_by_a_text_are_kept_too(catalogues: None) -> None:
    at = timezone.now()
    SealMark.objects.all().delete()
    SealMark.objects.create(log="changes", place=1, transaction=1, taken_at=at - days(400))

    told, rows = snapshots.read(assessments.assess(Scope(), "job", at))

    (check,) = [one for one in told.checks if one.check_id == "log-integrity-retention"]
    found = list(rows.evidence("log-integrity-retention"))
    assert check.said == ""
    assert check.population == 1
    assert [row.subject for row in found] == ["sealmark:changes"] * (check.failed + check.unknown)
