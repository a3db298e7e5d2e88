"""Writes the resolved rows of one noun in two statements, and marks what the files no longer hold as gone.

An unchanged row is not written; a live row of another source is never overwritten and never marked as gone.
"""

from typing import Any

from django.db import connection

from inventory.importers import read_back, resolving, sharing, touched
from inventory.importers.follow_up import follow_up
from inventory.importers.load import Load, names
from inventory.importers.plans import IDENTITIES, Plan
from inventory.importers.refusing import refuse

SAMPLES = 10
_MANY_NEW = 5_000  # rows from which the planner should know of them


def upsert(plan: Plan, load: Load) -> dict[str, Any]:
    """Writes one noun and returns its counts (new, changed, unchanged) and samples for the preview."""
    resolving.resolve(plan, load)
    while _changed_meanwhile(plan):
        resolving.resolve(plan, load)
    refuse(plan, load)
    _tell_foreign(plan, load)
    counts = _count(plan)
    _write(plan, load, many=counts["new"] >= _MANY_NEW)
    followed = follow_up(plan, load)
    counts["changed"] += followed
    counts["unchanged"] -= followed
    touched.note(plan)
    return counts


def mark_gone(plan: Plan, load: Load, *, stubs: bool) -> dict[str, Any]:
    """Marks the rows of this source, in the scopes the run has seen, that the files no longer hold. Stubs come last,
    because they stay while any live row refers to them."""
    scopes = load.parameters | {"scopes": sorted(load.reading.scopes)}
    missing = _missing(plan, stubs=stubs)
    touched.forget_written()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {plan.label}::text {missing} ORDER BY 1 LIMIT {SAMPLES}", scopes)
        samples = [row[0] for row in cursor.fetchall()]
        cursor.execute(
            f"WITH done AS (UPDATE {plan.table} SET gone_at = %(at)s, seen_run_id = %(run)s"
            f" WHERE id IN (SELECT t.id {missing}) RETURNING id) INSERT INTO written SELECT id FROM done",
            scopes,
        )
        gone = cursor.rowcount
        if plan.table == IDENTITIES and not stubs:
            cursor.execute(
                f"WITH done AS ({sharing.WITHDRAW}) INSERT INTO written SELECT id FROM done", scopes
            )
    touched.note(plan)
    return {"gone": gone, "gone_samples": samples}


def _missing(plan: Plan, *, stubs: bool) -> str:
    sql = (
        f"FROM {plan.table} t WHERE t.source_id = %(source)s AND t.gone_at IS NULL AND t.scope = ANY(%(scopes)s)"
        f" AND NOT EXISTS (SELECT FROM staged_{plan.noun} s WHERE s.external_id = t.external_id"
    )
    if plan.table == IDENTITIES:
        sql += ")" if stubs else " AND NOT s.stub)"
        sql += " AND t.stub" if stubs else " AND NOT t.stub"
        return sql + (_UNREFERRED if stubs else "")
    if plan.noun == "person":  # known by a new id, but the same person
        sql += ") AND NOT EXISTS (SELECT FROM staged_person s WHERE lower(s.email) = lower(t.email)"
    return sql + ")"


_UNREFERRED = (
    " AND NOT EXISTS (SELECT FROM inventory_delegation d WHERE d.gone_at IS NULL AND d.delegate_id = t.id)"
    " AND NOT EXISTS (SELECT FROM inventory_delegation d WHERE d.gone_at IS NULL AND d.delegator_identity_id = t.id)"
    " AND NOT EXISTS (SELECT FROM inventory_grant g WHERE g.gone_at IS NULL AND g.identity_id = t.id)"
    " AND NOT EXISTS (SELECT FROM inventory_credential c WHERE c.gone_at IS NULL AND c.identity_id = t.id)"
)


def _changed_meanwhile(plan: Plan) -> bool:
    """Locks the rows about to change; whether somebody changed one since it was read. At most a few times in a row."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT t.id, t.xmin::text AS version"
            f" FROM {plan.table} t WHERE t.id IN (SELECT existing FROM resolved_{plan.noun} WHERE fate = 'changed')"
            " ORDER BY t.id FOR UPDATE) locked"
            f" JOIN resolved_{plan.noun} r ON r.existing = locked.id AND r.version <> locked.version"
        )
        return bool(cursor.fetchone()[0])


def _tell_foreign(plan: Plan, load: Load) -> None:
    """A spreadsheet that names rows of another source is told so, once for each noun."""
    if not load.governs:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), min(r.place), min(s.label) FROM"
            f" (SELECT place, existing FROM resolved_{plan.noun} WHERE is_added) r"
            f" JOIN {plan.table} t ON t.id = r.existing JOIN inventory_source s ON s.id = t.source_id"
        )
        number, place, label = cursor.fetchone()
    if number:
        noun = plan.noun.replace("_", " ")
        load.reading.reject(
            place,
            "id",
            f"{number:,} {noun} rows belong to another source, {label}; only their last use was taken over."
            " Change them there, or give yours another id.",
        )


def _count(plan: Plan) -> dict[str, Any]:
    label = plan.label if plan.label == "external_id" else f"r.{plan.label}"
    counts: dict[str, Any] = {"new": 0, "changed": 0, "unchanged": 0}
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT fate, count(*) FROM resolved_{plan.noun} GROUP BY fate")
        counts.update(dict(cursor.fetchall()))
        for key in ("new", "changed"):
            cursor.execute(
                f"SELECT {label} FROM resolved_{plan.noun} r WHERE fate = %s ORDER BY ord LIMIT {SAMPLES}",
                [key],
            )
            counts[f"{key}_samples"] = [row[0] for row in cursor.fetchall()]
    return {**counts, "gone": 0}


def _write(plan: Plan, load: Load, *, many: bool) -> None:
    """Changed rows first: what they give up (an e-mail address), a new row may take."""
    ordered_by = plan.label if many else "ord"  # many rows reach the indexes in their order
    touched.forget_written()
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO written SELECT existing FROM resolved_{plan.noun} WHERE fate = 'changed'"
        )
        touched.note(plan)
        cursor.execute(_update_sql(plan), load.parameters)
        if not load.knows_all(plan):
            # A partial run moves no date of the source, so each row it saw says so itself.
            cursor.execute(
                f"UPDATE {plan.table} t SET seen_run_id = %(run)s FROM resolved_{plan.noun} r"
                " WHERE t.id = r.existing AND r.is_mine AND r.fate = 'unchanged'",
                load.parameters,
            )
        cursor.execute(
            f"WITH done AS ({_insert_sql(plan, ordered_by)} RETURNING id) INSERT INTO written SELECT id FROM done",
            load.parameters,
        )
        if many:
            cursor.execute(f"ANALYZE {plan.table}")


def _insert_sql(plan: Plan, ordered_by: str) -> str:
    written = ", ".join(names(plan))
    fixed = _DEFAULTS.get(plan.noun, {})
    extra = "".join(f", {name}" for name in fixed)
    return (
        f"INSERT INTO {plan.table}"
        f" (source_id, namespace, external_id, scope, seen_run_id, first_seen_at, {written}{extra})"
        f" SELECT %(source)s, %(namespace)s, external_id, scope, %(run)s, %(at)s, {written}"
        + "".join(f", {value}" for value in fixed.values())
        + f" FROM resolved_{plan.noun} WHERE fate = 'new' ORDER BY {ordered_by}"
    )


def _update_sql(plan: Plan) -> str:
    """Rows of ours get everything; rows of another source get what was merged for them."""
    sets = ", ".join(f"{name} = r.{name}" for name in names(plan))
    scope = "r.is_mine"
    if plan.table == IDENTITIES:
        sets += ", owner_lost_at = CASE WHEN r.owner_id IS NULL THEN t.owner_lost_at END"
        scope = "r.is_mine AND NOT r.stub"  # a stub may be named in several; the first stays
    return (
        f"UPDATE {plan.table} t SET {sets},"
        " source_id = CASE WHEN r.is_mine THEN %(source)s ELSE t.source_id END,"
        " namespace = CASE WHEN r.is_mine THEN %(namespace)s ELSE t.namespace END,"
        " external_id = CASE WHEN r.is_mine THEN r.external_id ELSE t.external_id END,"
        f" scope = CASE WHEN {scope} THEN r.scope ELSE t.scope END,"
        " gone_at = CASE WHEN r.is_mine THEN NULL ELSE t.gone_at END,"
        " seen_run_id = CASE WHEN r.is_mine THEN %(run)s ELSE t.seen_run_id END"
        f"{read_back.contradicted(plan)}"
        f" FROM resolved_{plan.noun} r WHERE t.id = r.existing AND r.fate = 'changed'"
    )


# Columns without a database default that no record carries.
_DEFAULTS: dict[str, dict[str, str]] = {
    "identity": {"open_findings": "0"},
    "tool": {
        "state": "'unset'",
        "state_reason": "''",
        "approved_digest": "''",
        "approved_descriptor": "'{}'::jsonb",
        "approved_by": "''",
    },
}
