"""Tells what each staged row would do: resolves names to keys, merges values, and judges new, changed or unchanged.

All SQL is made from `plans.py`; values travel as parameters only. Who may write what:
- a row of this source, one that its own source has lost, or one that was only mentioned so far is `is_mine`;
- a live row of another source is `is_added` to: evidence of use, and on platforms what nobody said yet;
- a stub is created where missing, comes back where it was gone, and changes nothing else.
"""

from django.db import connection

from inventory.importers import sharing
from inventory.importers.load import Load, names
from inventory.importers.plans import IDENTITIES, Col, Plan, Ref


def drop_doubles(plan: Plan, load: Load) -> None:
    """One row per external id: a full record beats a stub, then the first wins; a second full record is refused."""
    stub = "stub" if plan.table == IDENTITIES else "false"
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM staged_{plan.noun} s USING ("
            f"  SELECT ord, {stub} AS stub, row_number() OVER (PARTITION BY external_id ORDER BY {stub}, ord) AS nth"
            f"  FROM staged_{plan.noun}) d"
            " WHERE s.ord = d.ord AND d.nth > 1 RETURNING s.place, s.external_id, d.stub"
        )
        for place, external_id, was_stub in cursor.fetchall():
            if not was_stub:
                load.reading.reject(
                    place, "id", f"{external_id} appears twice; the first one was taken."
                )


def resolve(plan: Plan, load: Load) -> None:
    """Builds `resolved_<noun>`: the target's columns with merged values, keys instead of names, and the verdict."""
    _find_elsewhere(plan, load)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS resolved_{plan.noun}")
        cursor.execute(_sql(plan, load), load.parameters)
        cursor.execute(f"ANALYZE resolved_{plan.noun}")


def _sql(plan: Plan, load: Load) -> str:
    merged = [f"{_merged(plan, c, load)} AS {c.name}" for c in plan.columns]
    merged += [f"{_merged_ref(i, r, load)} AS {r.column}" for i, r in enumerate(plan.refs)]
    said = ""
    if plan.table == IDENTITIES:
        merged.append("w.said AS said")
        said = f" CROSS JOIN LATERAL (SELECT {sharing.said(governs=load.governs)} AS said) w"
    lost = "".join(
        f", CASE WHEN s.{r.field} IS NOT NULL AND {_key(i, r, load)} IS NULL THEN s.{r.field} END AS lost_{i}"
        for i, r in enumerate(plan.refs)
    )
    joins = " ".join(_join(plan, i, r, load) for i, r in enumerate(plan.refs))
    differs = ", ".join(f"t.{name}" for name in names(plan))
    from_file = ", ".join(f"m.{name}" for name in names(plan))
    stub = "s.stub" if plan.table == IDENTITIES else "false"
    return (
        f"CREATE TEMPORARY TABLE resolved_{plan.noun} ON COMMIT DROP AS"
        " SELECT s.ord, s.place, s.external_id, s.scope, t.id AS existing, t.xmin::text AS version,"
        " v.is_mine, v.is_added, m.*,"
        " CASE WHEN v.is_new THEN 'new'"
        f" WHEN ({differs}) IS DISTINCT FROM ({from_file})"
        "  OR (v.is_mine AND (t.gone_at IS NOT NULL OR t.external_id <> s.external_id"
        f"   OR (t.scope <> s.scope AND NOT {stub}))) THEN 'changed'"
        f" ELSE 'unchanged' END AS fate{lost}"
        f" FROM staged_{plan.noun} s {_target(plan)} {joins}"
        f" CROSS JOIN LATERAL (SELECT {_verdict(plan)}) v{said}"
        f" CROSS JOIN LATERAL (SELECT {', '.join(merged)}) m"
    )


def _target(plan: Plan) -> str:
    match = "namespace = %(namespace)s AND {}.external_id = s.external_id"
    if plan.noun != "person":
        return f"LEFT JOIN {plan.table} t ON t.{match.format('t')}"
    # One person is one e-mail address, whichever source names them; unless the file knows that one by its id.
    return (
        f"LEFT JOIN {plan.table} k ON k.{match.format('k')}"
        f" LEFT JOIN {plan.table} e ON k.id IS NULL AND lower(e.email) = lower(s.email)"
        "  AND NOT EXISTS (SELECT FROM staged_person o"
        "   WHERE e.namespace = %(namespace)s AND o.external_id = e.external_id)"
        f" LEFT JOIN {plan.table} t ON t.id = COALESCE(k.id, e.id)"
    )


def _verdict(plan: Plan) -> str:
    free = "t.source_id = %(source)s OR t.gone_at IS NOT NULL"
    stub = "false"
    if plan.table == IDENTITIES:
        free, stub = f"{free} OR t.stub", "s.stub"
        mine = f"CASE WHEN s.stub THEN t.stub AND t.gone_at IS NOT NULL ELSE {free} END"
    else:
        mine = f"({free})"
    return (
        f"t.id IS NULL AS is_new, t.id IS NOT NULL AND {mine} AS is_mine,"
        f" t.id IS NOT NULL AND NOT {stub} AND NOT {mine} AS is_added"
    )


def _merged(plan: Plan, c: Col, load: Load) -> str:
    if c.mode == "decided":
        # What was decided here holds, unless the source now says that the whole interval comes later.
        end = "CASE WHEN t.end_decided_at > COALESCE(s.starts_at, '-infinity') THEN t.end_decided_at END"
        mine = f"LEAST(s.{c.field}, {end})"
        return f"CASE WHEN v.is_new THEN s.{c.field} WHEN v.is_mine THEN {mine} ELSE t.{c.name} END"
    value = _by_mode(c, load)
    if plan.noun == "person" and c.name == "left_at":
        status = next(_by_mode(each, load) for each in plan.columns if each.name == "status")
        return f"CASE WHEN {status} = 'left' THEN {value} END"
    if plan.noun == "person" and c.name == "leaves_at":  # who is back has no last day from then
        return f"CASE WHEN v.is_mine AND t.status = 'left' AND s.status = 'active' THEN s.leaves_at ELSE {value} END"
    return value


def _by_mode(c: Col, load: Load) -> str:
    said, known = f"s.{c.field}", f"t.{c.name}"
    fallback = f", {c.default}" if c.default else ""
    first = f"COALESCE({said}{fallback})"
    if c.mode == "latest":
        return f"GREATEST({said}, {known})"
    if c.mode == "either":
        return f"(COALESCE({said}, false) OR COALESCE({known}, false))"
    if c.mode == "shared":
        return sharing.shared(c.name, governs=load.governs)
    if c.mode in {"govern", "fact"}:
        return _governed(c, load)
    if c.mode == "first":
        return f"CASE WHEN v.is_new THEN {first} ELSE {known} END"
    return f"CASE WHEN v.is_new OR v.is_mine THEN {first} ELSE {known} END"


def _governed(c: Col, load: Load) -> str:
    said, known = f"s.{c.field}", f"t.{c.name}"
    fallback = f", {c.default}" if c.default else ""
    otherwise = known
    counts = f"NULLIF({known}, '')" if c.type == "text" else known
    if c.mode == "fact":
        counts = f"CASE WHEN NOT t.stub THEN {known} END"
        otherwise = f"CASE WHEN s.stub AND t.stub AND NOT {said} THEN false ELSE {known} END"
    if load.governs:
        taken, added = f"COALESCE({said}, {counts}{fallback})", known
    else:
        taken = added = f"COALESCE({counts}, {said}{fallback})"
    return (
        f"CASE WHEN v.is_new THEN COALESCE({said}{fallback}) WHEN v.is_mine THEN {taken}"
        f" WHEN v.is_added THEN {added} ELSE {otherwise} END"
    )


def _merged_ref(number: int, r: Ref, load: Load) -> str:
    found, known = _key(number, r, load), f"t.{r.column}"
    if r.mode != "govern":
        return f"CASE WHEN v.is_new OR v.is_mine THEN {found} ELSE {known} END"
    taken, added = f"COALESCE({known}, {found})", f"COALESCE({known}, {found})"
    if load.governs:
        taken, added = f"COALESCE({found}, {known})", known
    return (
        f"CASE WHEN v.is_new THEN {found} WHEN v.is_mine THEN {taken}"
        f" WHEN v.is_added THEN {added} ELSE {known} END"
    )


def _key(number: int, r: Ref, load: Load) -> str:
    return (
        f"COALESCE(x{number}.id, y{number}.id)" if _may_be_elsewhere(r, load) else f"x{number}.id"
    )


def _join(plan: Plan, number: int, r: Ref, load: Load) -> str:
    """Names are looked up as one set; each finds one row at most."""
    x, named = f"x{number}", f"s.{r.field}"
    if r.by == "email":
        return f"LEFT JOIN {r.table} {x} ON lower({x}.email) = lower({named})"
    if r.by == "team":
        return (
            "LEFT JOIN (SELECT DISTINCT ON (n.name) n.name, o.id"
            f" FROM (SELECT DISTINCT {r.field} AS name FROM staged_{plan.noun}) n"
            f" JOIN {r.table} o ON o.external_id = n.name OR lower(o.name) = lower(n.name)"
            " ORDER BY n.name, o.external_id = n.name DESC, o.namespace = %(namespace)s DESC,"
            f" o.gone_at IS NULL DESC, o.id) {x} ON {x}.name = {named}"
        )
    join = f"LEFT JOIN {r.table} {x} ON {x}.namespace = %(namespace)s AND {x}.external_id = {named}"
    if _may_be_elsewhere(r, load):
        join += f" LEFT JOIN elsewhere_{number} y{number} ON y{number}.name = {named}"
    return join


def _may_be_elsewhere(r: Ref, load: Load) -> bool:
    """A spreadsheet may grant to an ARN: its identities may stand in another namespace."""
    return load.governs and r.table == IDENTITIES


def _find_elsewhere(plan: Plan, load: Load) -> None:
    """Builds `elsewhere_<number>` for the names that the own namespace does not hold."""
    with connection.cursor() as cursor:
        for number, r in enumerate(plan.refs):
            if _may_be_elsewhere(r, load):
                cursor.execute(f"DROP TABLE IF EXISTS elsewhere_{number}")
                cursor.execute(
                    f"CREATE TEMPORARY TABLE elsewhere_{number} ON COMMIT DROP AS"
                    " SELECT DISTINCT ON (o.external_id) o.external_id AS name, o.id FROM"
                    f" (SELECT {r.field} AS name FROM staged_{plan.noun} WHERE {r.field} IS NOT NULL"
                    f"  EXCEPT SELECT external_id FROM {r.table} WHERE namespace = %(namespace)s) missing"
                    f" JOIN {r.table} o ON o.external_id = missing.name"
                    " ORDER BY o.external_id, o.gone_at IS NULL DESC, o.id",
                    load.parameters,
                )
