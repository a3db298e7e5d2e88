"""A finished assessment as plain values and streamed rows: what pages show and reports print (see snapshot.py)."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from django.apps import apps
from django.db import connection

from frameworks import past_rows
from frameworks.as_of import Moment, moment_of, record, stream
from frameworks.assessments import scope_of
from frameworks.judging import has_number
from frameworks.models import AssessedCheck, AssessedControl, AssessedFramework, Assessment
from frameworks.past_rows import Within
from frameworks.snapshot import (
    AttestationState,
    Change,
    CheckState,
    ControlState,
    EvidenceRow,
    FrameworkState,
    GrantRow,
    IdentityRow,
    MappedState,
    Rows,
    Snapshot,
    SourceState,
)
from inventory.models import Severity
from reviews.models.finding import WAIVED

_FINDINGS_OF = """
SELECT about, count(*) FROM frameworks_assessedcheck c, unnest(c.failing_of) AS about
WHERE c.assessment_id = %s AND about IS NOT NULL GROUP BY about
"""


def read(assessment: Assessment) -> tuple[Snapshot, Rows]:
    """What was kept of the assessment, and the rows behind it."""
    return snapshot(assessment), AssessedRows(assessment)


def snapshot(assessment: Assessment) -> Snapshot:
    """The numbers and answers; six queries."""
    if assessment.facts_at is None or assessment.made_at is None:
        raise ValueError(f"Assessment {assessment.number} is not finished.")
    before = Assessment.objects.filter(uid=assessment.before).first() if assessment.before else None
    return Snapshot(
        uid=str(assessment.uid), number=assessment.number, title=assessment.title,
        organisation=assessment.organisation, author=assessment.author,
        made_at=assessment.made_at, facts_at=assessment.facts_at, scope=scope_of(assessment),
        product_version=assessment.product_version, method=tuple(assessment.method),
        limits=tuple(assessment.limits), totals=assessment.totals,
        sources=tuple(_source(one) for one in assessment.sources.all()),
        checks=tuple(check_state(one) for one in checks_of(assessment)),
        frameworks=frameworks(assessment),
        before=f"{before.title} ({before.made_at:%Y-%m-%d})" if before else "",
        changes=tuple(Change(**one) for one in assessment.changes),
    )  # fmt: skip


def frameworks(assessment: Assessment, key: str | None = None) -> tuple[FrameworkState, ...]:
    """Every framework of it, or one; two queries."""
    rows = assessment.frameworks.prefetch_related("controls")
    return tuple(_framework(one) for one in (rows.filter(key=key) if key else rows))


def check_state(one: AssessedCheck) -> CheckState:
    return CheckState(
        check_id=one.check_id, title=one.title, why=one.why, fix=one.fix,
        severity=Severity(one.severity).label.lower(), version=one.version,
        parameters=one.parameters, at=one.at, passed=one.passed, failed=one.failed,
        unknown=one.unknown, accepted=one.accepted, said=one.said, connect=one.connect,
    )  # fmt: skip


def control_state(one: AssessedControl) -> ControlState:
    return ControlState(
        control_id=one.control_id, title=one.title, state=one.state, is_heading=one.is_heading,
        mapped=tuple(MappedState(**each) for each in one.mapped),
        attestations=tuple(_attestation(each) for each in one.attestations),
        **one.about,
    )  # fmt: skip


class AssessedRows:
    """The rows behind one assessment, as they were then; each call reads anew by a server-side cursor."""

    def __init__(self, assessment: Assessment) -> None:
        if assessment.facts_at is None or assessment.made_at is None:
            raise ValueError(f"Assessment {assessment.number} is not finished.")
        self._assessment = assessment
        self.moment = Moment(assessment.facts_at, assessment.made_at, assessment.seen)
        self._within = Within(assessment.team_id, assessment.environment, assessment.tier)

    def evidence(self, check_id: str | None = None) -> Iterator[EvidenceRow]:
        """What failed, then what could not be told, check by check."""
        checks = checks_of(self._assessment)
        for check in checks.filter(check_id=check_id) if check_id else checks:
            for verdict, rows, of in (
                ("fail", "failing", "failing_of"),
                ("unknown", "unclear", "unclear_of"),
            ):
                if (check.failed if verdict == "fail" else check.unknown) and check.noun:
                    yield from self._judged(check, verdict, (rows, of))

    def identities(self) -> Iterator[IdentityRow]:
        with connection.cursor() as cursor:
            cursor.execute(_FINDINGS_OF, [self._assessment.pk])
            findings = dict(cursor.fetchall())
        yield from past_rows.identities(self.moment, self._within, findings=findings)

    def grants(self) -> Iterator[GrantRow]:
        yield from past_rows.grants(self.moment, self._within)

    def _judged(
        self, check: AssessedCheck, verdict: str, columns: tuple[str, str]
    ) -> Iterator[EvidenceRow]:
        noun = _noun(check.noun)
        severity = Severity(check.severity).label.lower()
        for _, text, about, found, called in stream(
            *_evidence_sql(self.moment, check, noun, columns)
        ):
            finding = record(found) if verdict == "fail" else {}
            yield EvidenceRow(
                check_id=check.check_id, subject=f"{noun}:{called}", name=_name(record(text), called, noun),
                identity=about or "", verdict=verdict, severity=severity,
                status=_status(finding, self.moment.at) if verdict == "fail" else "",
                since=moment_of(finding.get("opened_at")), until=moment_of(finding.get("until")),
                evidence=finding.get("evidence") or {},
            )  # fmt: skip


def _evidence_sql(
    moment: Moment, check: AssessedCheck, noun: str, columns: tuple[str, str]
) -> tuple[str, list[Any]]:
    rows, of = columns
    parts = [
        moment.one(check.noun, "j.key", "subject"),
        moment.one("inventory_identity", "j.about", "identity"),
        moment.one("inventory_entitlement", "(subject.row ->> 'entitlement_id')::bigint", "what"),
    ]
    joins, values = " ".join(sql for sql, _ in parts), [v for _, given in parts for v in given]
    found, found_values = moment.one("reviews_finding", "f.id", "finding")
    called, own = _called(check.noun)
    sql = (
        "SELECT j.key, COALESCE(what.row, subject.row, to_jsonb(source)),"  # noqa: S608
        " identity.row ->> 'name', finding.row,"
        f" {called}"
        f" FROM (SELECT unnest(c.{rows}) AS key, unnest(c.{of}) AS about"
        " FROM frameworks_assessedcheck c WHERE c.id = %s) AS j"
        f" {joins}"
        " LEFT JOIN inventory_source source ON %s = 'source' AND source.id = j.key"  # has no history
        f" {own} LEFT JOIN reviews_finding f ON f.check_id = %s AND f.subject = %s || ':' || {called}"
        f" {found} ORDER BY j.key"
    )
    return sql, [check.pk, *values, noun, check.check_id, noun, *found_values]


def checks_of(assessment: Assessment) -> Any:  # Any: the manager's own queryset
    """Its checks, without the long lists of rows, which only the database reads."""
    kept = ("failing", "failing_of", "unclear", "unclear_of")
    return assessment.checks.defer(*kept).order_by("check_id")


def _called(table: str) -> tuple[str, str]:
    """SQL of what a row is called in findings, and of the join that it needs: its number, or the text that made it."""
    model = next((one for one in apps.get_models() if one._meta.db_table == table), None)
    if model is None or has_number(model):
        return "j.key::text", ""
    column = f"own.{model._meta.pk.column}"
    join = f"LEFT JOIN {table} own ON hashtextextended({column}, 0) = j.key"
    return f"COALESCE({column}, j.key::text)", join


def _noun(table: str) -> str:
    """What a subject of the table is called in findings, such as credential."""
    models = (model for model in apps.get_models() if model._meta.db_table == table)
    return next((str(model._meta.model_name) for model in models), table)


def _name(row: Mapping[str, object], called: str, noun: str) -> str:
    for column in ("name", "key_id", "label", "purpose", "external_id"):
        if row.get(column):
            return str(row[column])
    return f"{noun} {called}"


def _status(finding: Mapping[str, Any], at: datetime) -> str:
    """Its state then; a failure that no sweep had yet written down is open all the same."""
    status, until = finding.get("status", "open"), moment_of(finding.get("until"))
    over = status in WAIVED and until is not None and until <= at
    return "open" if over or status == "resolved" else str(status)


def _source(one: Any) -> SourceState:  # Any: an AssessedSource
    return SourceState(one.name, one.kind, one.read_at, one.is_stale, one.problem, one.identities)


def _framework(one: AssessedFramework) -> FrameworkState:
    about = {**one.about, "notes": tuple(one.about.get("notes", ()))}
    return FrameworkState(
        key=one.key, name=one.name, version=one.version,
        controls=tuple(control_state(each) for each in one.controls.all()), **about,
    )  # fmt: skip


def _attestation(each: Mapping[str, Any]) -> AttestationState:
    return AttestationState(
        **{
            **each,
            "made_at": datetime.fromisoformat(each["made_at"]),
            "ends_on": date.fromisoformat(each["ends_on"]),
        }
    )
