"""Which identities an import changed, itself or through what they hold, so that only these need another look."""

from django.db import connection

from inventory.importers.load import Load
from inventory.importers.plans import Plan
from inventory.signals import MANY

# Whom a written row of each noun is about; `written` holds the rows' ids.
_HELD = "SELECT g.identity_id FROM inventory_grant g JOIN inventory_entitlement e ON e.id = g.entitlement_id"
_ABOUT = {
    "identity": "SELECT id FROM written",
    "person": (
        "SELECT id FROM inventory_identity WHERE owner_id IN (SELECT id FROM written)"
        " OR sponsor_id IN (SELECT id FROM written)"
        " UNION SELECT identity_id FROM inventory_successor WHERE person_id IN (SELECT id FROM written)"
    ),
    "system": f"{_HELD} WHERE e.system_id IN (SELECT id FROM written)",
    "resource": f"{_HELD} WHERE e.resource_id IN (SELECT id FROM written)",
    "entitlement": f"{_HELD} WHERE e.id IN (SELECT id FROM written)",
    "credential": "SELECT identity_id FROM inventory_credential JOIN written USING (id)",
    "grant": "SELECT identity_id FROM inventory_grant JOIN written USING (id)",
    "delegation": (
        "SELECT delegate_id FROM inventory_delegation JOIN written USING (id)"
        " UNION SELECT delegator_identity_id FROM inventory_delegation JOIN written USING (id)"
    ),
    "tool": (
        "SELECT b.identity_id FROM inventory_toolbinding b JOIN written w ON w.id = b.tool_id"
    ),
    "tool_binding": "SELECT identity_id FROM inventory_toolbinding JOIN written USING (id)",
    "tool_server": "SELECT identity_id FROM inventory_toolserver JOIN written USING (id)",
    "exposure": "SELECT identity_id FROM inventory_exposure JOIN written USING (id)",
}


def begin() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS touched, written")
        cursor.execute(
            "CREATE TEMPORARY TABLE touched (id bigint PRIMARY KEY) ON COMMIT DROP;"
            " CREATE TEMPORARY TABLE written (id bigint) ON COMMIT DROP"
        )


def forget_written() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE written")


def note(plan: Plan) -> None:
    """Whom the rows in `written` are about, as things stand. Beyond `MANY` the exact set matters no more."""
    if plan.noun in _ABOUT:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO touched SELECT DISTINCT a.id FROM"
                f" ({_ABOUT[plan.noun]}) a(id) WHERE a.id IS NOT NULL"
                " AND (SELECT count(*) FROM touched) <= %(many)s LIMIT %(many)s + 1"
                " ON CONFLICT DO NOTHING",
                {"many": MANY},
            )


def note_all_of(load: Load) -> None:
    """Every identity of the source: its data was stale, and is fresh now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO touched SELECT id FROM inventory_identity"
            " WHERE source_id = %(source)s LIMIT %(many)s + 1 ON CONFLICT DO NOTHING",
            {"source": load.source_id, "many": MANY},
        )


def identities() -> set[int] | None:
    """None: too many to name them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM touched LIMIT %s", [MANY + 1])
        found = {row[0] for row in cursor.fetchall()}
    return None if len(found) > MANY else found
