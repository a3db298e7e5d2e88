"""What hangs on rows of one noun, once all of them are there: managers, successors, the scope of a delegation.

Only rows that this import may write are followed up. Names that lead nowhere are told; the row itself stays.
"""

from django.db import connection

from inventory.importers.load import Load
from inventory.importers.plans import Plan
from inventory.importers.staging import KEPT_REJECTIONS

# Rows of this import with their ids; `existing` is unknown for those that it made.
_OURS = (
    "SELECT r.ord, t.id, r.fate FROM resolved_{noun} r JOIN {table} t"
    " ON t.namespace = %(namespace)s AND t.external_id = r.external_id WHERE NOT r.is_added"
)

_MANAGER = (
    "WITH done AS (UPDATE inventory_person p SET manager_id = m.id"
    " FROM staged_person s JOIN ours o USING (ord)"
    " JOIN inventory_person m ON lower(m.email) = lower(s.manager_email)"
    " WHERE p.id = o.id AND m.id <> p.id AND p.manager_id IS DISTINCT FROM m.id RETURNING p.id)"
    " INSERT INTO followed SELECT id FROM done",
)
_SUCCESSORS = (
    "CREATE TEMPORARY TABLE wanted ON COMMIT DROP AS"
    " SELECT o.id AS identity_id, p.id AS person_id, min(n.nth) AS rank"
    " FROM staged_identity s JOIN ours o USING (ord)"
    " CROSS JOIN LATERAL unnest(s.successor_emails) WITH ORDINALITY n(email, nth)"
    " JOIN inventory_person p ON lower(p.email) = lower(n.email) GROUP BY o.id, p.id",
    "WITH done AS (DELETE FROM inventory_successor x USING staged_identity s JOIN ours o USING (ord)"
    "  WHERE x.identity_id = o.id AND s.successor_emails IS NOT NULL AND NOT EXISTS (SELECT FROM wanted w"
    "   WHERE (w.identity_id, w.person_id, w.rank) = (x.identity_id, x.person_id, x.rank)) RETURNING x.identity_id)"
    " INSERT INTO followed SELECT identity_id FROM done",
    "WITH done AS (INSERT INTO inventory_successor (identity_id, person_id, rank)"
    "  SELECT w.identity_id, w.person_id, w.rank FROM wanted w WHERE NOT EXISTS (SELECT FROM inventory_successor x"
    "   WHERE x.identity_id = w.identity_id AND x.person_id = w.person_id) RETURNING identity_id)"
    " INSERT INTO followed SELECT identity_id FROM done",
    "DROP TABLE wanted",
)
_SCOPES = (
    "CREATE TEMPORARY TABLE wanted ON COMMIT DROP AS"
    " SELECT DISTINCT o.id AS delegation_id, e.id AS entitlement_id FROM staged_delegation s JOIN ours o USING (ord)"
    " CROSS JOIN LATERAL unnest(s.scope_entitlements) n(external_id)"
    " JOIN inventory_entitlement e ON e.namespace = %(namespace)s AND e.external_id = n.external_id",
    "WITH done AS (DELETE FROM inventory_delegationscope x USING ours o"
    "  WHERE x.delegation_id = o.id AND NOT EXISTS (SELECT FROM wanted w"
    "   WHERE (w.delegation_id, w.entitlement_id) = (x.delegation_id, x.entitlement_id)) RETURNING x.delegation_id)"
    " INSERT INTO followed SELECT delegation_id FROM done",
    "WITH done AS (INSERT INTO inventory_delegationscope (delegation_id, entitlement_id)"
    "  SELECT delegation_id, entitlement_id FROM wanted ON CONFLICT DO NOTHING RETURNING delegation_id)"
    " INSERT INTO followed SELECT delegation_id FROM done",
    "DROP TABLE wanted",
)
_BASES = (
    "CREATE TEMPORARY TABLE wanted ON COMMIT DROP AS"
    " SELECT DISTINCT o.id AS delegation_id, n.nth::smallint AS part, g.id AS grant_id"
    " FROM staged_delegation s JOIN ours o USING (ord)"
    " CROSS JOIN LATERAL jsonb_array_elements(CASE WHEN jsonb_typeof(s.rests_on) = 'array' THEN s.rests_on END)"
    "  WITH ORDINALITY n(part, nth)"
    " CROSS JOIN LATERAL jsonb_array_elements_text(n.part) e(external_id)"
    " JOIN inventory_grant g ON g.namespace = %(namespace)s AND g.external_id = e.external_id",
    "WITH done AS (DELETE FROM inventory_delegationbasis x USING ours o"
    "  WHERE x.delegation_id = o.id AND NOT EXISTS (SELECT FROM wanted w WHERE (w.delegation_id, w.part, w.grant_id)"
    "   = (x.delegation_id, x.part, x.grant_id)) RETURNING x.delegation_id)"
    " INSERT INTO followed SELECT delegation_id FROM done",
    "WITH done AS (INSERT INTO inventory_delegationbasis (delegation_id, part, grant_id)"
    "  SELECT delegation_id, part, grant_id FROM wanted ON CONFLICT DO NOTHING RETURNING delegation_id)"
    " INSERT INTO followed SELECT delegation_id FROM done",
    "DROP TABLE wanted",
)
_STEPS = {"person": _MANAGER, "identity": _SUCCESSORS, "delegation": (*_SCOPES, *_BASES)}
# Where the files name none, nothing follows; a delegation may also have lost its limits.
_NAMED = {
    "person": "SELECT EXISTS (SELECT FROM staged_person WHERE manager_email IS NOT NULL)",
    "identity": "SELECT EXISTS (SELECT FROM staged_identity WHERE successor_emails IS NOT NULL)",
    "delegation": "SELECT true",
}

_NAMES = {
    "person": (
        "manager",
        "SELECT s.place, s.ord, s.manager_email AS name FROM staged_person s WHERE s.manager_email IS NOT NULL"
        " AND NOT EXISTS (SELECT FROM inventory_person p WHERE lower(p.email) = lower(s.manager_email))",
        "Nobody with the e-mail address {} is known, so that the manager stays as it was. Import the person first.",
    ),
    "identity": (
        "successors",
        "SELECT s.place, s.ord, n.name FROM staged_identity s CROSS JOIN LATERAL unnest(s.successor_emails) n(name)"
        " WHERE NOT EXISTS (SELECT FROM inventory_person p WHERE lower(p.email) = lower(n.name))",
        "Nobody with the e-mail address {} is known; this successor was left out. Import the person first.",
    ),
    "delegation": (
        "scope",
        "SELECT s.place, s.ord, n.name FROM staged_delegation s CROSS JOIN LATERAL unnest(s.scope_entitlements) n(name)"
        " WHERE NOT EXISTS (SELECT FROM inventory_entitlement e"
        "  WHERE e.namespace = %(namespace)s AND e.external_id = n.name)",
        "No grant gives {}, so the delegation does not cover it. Import the grant first, or correct the name.",
    ),
}


def follow_up(plan: Plan, load: Load) -> int:
    """Returns how many rows changed by this alone, and adds all it changed to `written`."""
    if plan.noun not in _STEPS:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_NAMED[plan.noun])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute("DROP TABLE IF EXISTS ours, followed")
        ours = _OURS.format(noun=plan.noun, table=plan.table)
        cursor.execute(f"CREATE TEMPORARY TABLE ours ON COMMIT DROP AS {ours}", load.parameters)
        cursor.execute("ANALYZE ours")
        cursor.execute("CREATE TEMPORARY TABLE followed (id bigint) ON COMMIT DROP")
        for step in _STEPS[plan.noun]:
            cursor.execute(step, load.parameters)
        cursor.execute("INSERT INTO written SELECT DISTINCT id FROM followed")
        cursor.execute(
            "SELECT count(*) FROM ours WHERE fate = 'unchanged' AND id IN (SELECT id FROM followed)"
        )
        changed: int = cursor.fetchone()[0]
    _tell_lost(plan, load)
    return changed


def _tell_lost(plan: Plan, load: Load) -> None:
    field, query, sentence = _NAMES[plan.noun]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT place, name, count(*) OVER () FROM ({query}) lost ORDER BY ord LIMIT {KEPT_REJECTIONS}",
            load.parameters,
        )
        found = cursor.fetchall()
    for place, name, _ in found:
        load.reading.reject(place, field, sentence.format(name))
    if found:
        load.reading.rejected_count += found[0][2] - len(found)
