"""One check judged over a scope for an assessment: one statement reads it, another keeps the counts and their rows."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import AutoField, BigIntegerField, F, Func, IntegerField, Model

from frameworks.models import AssessedCheck, Assessment
from frameworks.snapshot import CheckState
from inventory.models import Severity
from inventory.models.identity import IdentityQuerySet
from reviews.check import Check, identity_path
from reviews.models.finding import WAIVED

_NOBODY = "SELECT NULL::bigint, NULL::bigint, NULL::text WHERE false"
# Counts and rows come from one reading, so that they cannot differ. Rows that pass are counted only. OFFSET 0 keeps
# the planner from copying the verdict into each filter, where it would be worked out five times for every row. The
# lists of rows pass through us as text, which is a fifth of what they weigh as numbers of Python.
_READ = """
SELECT count(*) FILTER (WHERE verdict = 'pass'),
    COALESCE(array_agg(row) FILTER (WHERE verdict = 'fail'), '{{}}')::text,
    COALESCE(array_agg(about) FILTER (WHERE verdict = 'fail'), '{{}}')::text,
    COALESCE(array_agg(row) FILTER (WHERE verdict = 'unknown'), '{{}}')::text,
    COALESCE(array_agg(about) FILTER (WHERE verdict = 'unknown'), '{{}}')::text
FROM ({judged} OFFSET 0) AS j(row, about, verdict)
"""
_KEEP = """
WITH said AS (
    SELECT %s::bigint AS passed, %s::bigint[] AS failing, %s::bigint[] AS failing_of,
        %s::bigint[] AS unclear, %s::bigint[] AS unclear_of
)
INSERT INTO frameworks_assessedcheck (assessment_id, check_id, title, why, fix, severity, version,
    parameters, at, noun, said, connect, passed, failed, unknown, accepted,
    failing, failing_of, unclear, unclear_of)
SELECT %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s,
    CASE WHEN passed + cardinality(failing) + cardinality(unclear) = 0 THEN %s ELSE '' END,
    CASE WHEN passed + cardinality(failing) + cardinality(unclear) = 0 THEN %s ELSE '' END,
    passed, cardinality(failing), cardinality(unclear), (
        SELECT count(*) FROM unnest(failing) AS row JOIN (
            SELECT {waived} AS row FROM reviews_finding
            WHERE check_id = %s AND status = ANY(%s) AND (until IS NULL OR until > %s)
        ) AS waived USING (row)),
    failing, failing_of, unclear, unclear_of
FROM said
RETURNING passed, failed, unknown, accepted
"""
# Rows are kept by their number. Of the few nouns that are called by a text, it is a number made from that.
_WAIVED = {
    True: "split_part(subject, ':', 2)::bigint",
    False: "hashtextextended(substr(subject, strpos(subject, ':') + 1), 0)",
}
NOT_NARROWED = "It is about the whole installation and says nothing about a part of it"
OFF = "Switched off"


@dataclass(frozen=True)
class Who:
    """The identities in scope; None is everything."""

    identities: IdentityQuerySet | None


@dataclass(frozen=True)
class Question:
    """What the database is asked about one check. It answers with one row: how many pass, and four lists as text."""

    check: Check
    at: datetime
    model: type[Model]
    sql: str
    params: tuple[Any, ...]  # Any: values of many columns


def question(check: Check, who: Who, *, at: datetime) -> Question:
    sql, params, model = _judged(check, who, at)
    return Question(check, at, model, _READ.format(judged=sql), params)


def keep_answer(
    assessment: Assessment, asked: Question, answer: Sequence[Any], if_nobody: tuple[str, str]
) -> CheckState:
    """Keeps what the check said of the scope, with its rows. Over nobody it says why there is nobody, and what to
    connect; what was found is never hidden by that.
    """
    check, at, model = asked.check, asked.at, asked.model
    about = _about(check)
    given: list[Any] = [assessment.pk, check.id, *about, at, model._meta.db_table, *if_nobody]
    waived: list[Any] = [check.id, list(WAIVED), at]
    with connection.cursor() as cursor:
        cursor.execute(_KEEP.format(waived=_WAIVED[has_number(model)]), [*answer, *given, *waived])
        passed, failed, unknown, accepted = cursor.fetchone()  # one row, always
    said, connect = if_nobody if not passed + failed + unknown else ("", "")
    return _state(check, at, said, connect, (passed, failed, unknown, accepted))


def keep_silent(
    assessment: Assessment, check: Check, said: str, connect: str, *, at: datetime
) -> CheckState:
    """Notes that the check gave no answer, and why."""
    state = _state(check, at, said, connect, (0, 0, 0, 0))
    keep(assessment, state)
    return state


def keep(assessment: Assessment, state: CheckState) -> None:
    AssessedCheck.objects.create(
        assessment=assessment, check_id=state.check_id, title=state.title, why=state.why,
        fix=state.fix, severity=_severity(state.severity), version=state.version,
        parameters=dict(state.parameters), at=state.at, said=state.said, connect=state.connect,
    )  # fmt: skip


class NumberOf(Func):
    """A number made from a text."""

    function = "hashtextextended"
    template = "%(function)s(%(expressions)s, 0)"
    output_field = BigIntegerField()


def has_number(model: type[Model]) -> bool:
    """Whether rows of the noun are called by a number."""
    return isinstance(model._meta.pk, AutoField | IntegerField)


def silence(check: Check, who: Who, at: datetime) -> str:
    """Why it is not asked at all; empty where it is."""
    if not check.enabled:
        return OFF
    if who.identities is not None and not (
        check.identity or identity_path(check.population(at).model)
    ):
        return NOT_NARROWED
    return ""


def parameters(check: Check) -> dict[str, str]:
    """What was decided about it, as people read it."""
    return {
        one.label: str(one.shown(check.decided.get(one.name, one.default)))
        for one in check.parameters()
    }


def _judged(check: Check, who: Who, at: datetime) -> tuple[str, tuple[Any, ...], type[Model]]:
    rows = check.judged(at, who.identities)
    model = rows.model
    rows = rows.annotate(row=F("pk") if has_number(model) else NumberOf("pk"))
    rows = rows.values_list("row", "about", "verdict")
    try:
        sql, params = rows.query.sql_with_params()
    except EmptyResultSet:
        return _NOBODY, (), model
    return sql, params, model


def _about(check: Check) -> list[Any]:  # Any: columns of many types
    return [
        check.title, check.why(), check.fix, int(check.severity), check.version,
        json.dumps(parameters(check)),
    ]  # fmt: skip


def _severity(label: str) -> int:
    return int(Severity[label.upper()])


def _state(
    check: Check, at: datetime, said: str, connect: str, counts: tuple[int, int, int, int]
) -> CheckState:
    passed, failed, unknown, accepted = counts
    return CheckState(
        check_id=check.id, title=check.title, why=check.why(), fix=check.fix,
        severity=check.severity.label.lower(), version=check.version,
        parameters=parameters(check), at=at, passed=passed, failed=failed, unknown=unknown,
        accepted=accepted, said=said, connect=connect,
    )  # fmt: skip
