"""Reading revocations back: a complete run that no longer finds revoked access confirms that its source followed."""

from django.db import connection

from inventory.importers import touched
from inventory.importers.load import Load
from inventory.importers.plans import Plan

REVOCABLE = ("grant", "delegation", "credential")


def confirm(plan: Plan, load: Load) -> None:
    """Confirms what was revoked here and is gone from the source, in the scopes the run has seen. Call it when all rows
    are written, so that what came back is not taken for gone; a revocation that the source still shows stays
    unconfirmed."""
    if plan.noun not in REVOCABLE or not load.knows_all(plan):
        return
    touched.forget_written()
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH done AS (UPDATE {plan.table} t SET revocation_confirmed_at = %(at)s, revocation_proof ="
            "  (SELECT 'Read back from ' || s.label || ', import #' || %(run)s || ': no longer there.'"
            "   FROM inventory_source s WHERE s.id = %(source)s)"
            " WHERE t.source_id = %(source)s AND t.revoked_at <= %(at)s AND t.revocation_confirmed_at IS NULL"
            " AND t.gone_at IS NOT NULL AND t.scope = ANY(%(scopes)s) RETURNING id)"
            " INSERT INTO written SELECT id FROM done",
            load.parameters | {"scopes": sorted(load.reading.scopes)},
        )
    touched.note(plan)


def contradicted(plan: Plan) -> str:
    """Columns of the UPDATE of a known row: what came back after it had been read as gone was not revoked there."""
    if plan.noun not in REVOCABLE:
        return ""
    back = "r.is_mine AND t.gone_at IS NOT NULL"
    return (
        f", revocation_confirmed_at = CASE WHEN {back} THEN NULL ELSE t.revocation_confirmed_at END,"
        f" revocation_proof = CASE WHEN {back} THEN '' ELSE t.revocation_proof END"
    )
