"""Reading revocations back: a complete run that no longer finds revoked access confirms that its source followed."""

from django.db import connection

from inventory.importers import touched
from inventory.importers.load import Load
from inventory.importers.plans import Plan

REVOCABLE = ("grant", "delegation", "credential")


def confirm(plan: Plan, load: Load) -> None:
    """Confirms what was revoked here and is gone from the source, or switched off there, in the scopes the run saw.

    Call it when all rows are written, so that what came back is not taken for gone. A revocation that the source still
    shows at work stays unconfirmed.
    """
    if plan.noun not in REVOCABLE or not load.knows_all(plan):
        return
    touched.forget_written()
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH done AS (UPDATE {plan.table} t SET revocation_confirmed_at = %(at)s, revocation_proof ="
            "  (SELECT 'Read back from ' || s.label || ', import #' || %(run)s ||"
            "   CASE WHEN t.gone_at IS NULL THEN ': switched off there.' ELSE ': no longer there.' END"
            "   FROM inventory_source s WHERE s.id = %(source)s)"
            " WHERE t.source_id = %(source)s AND t.revoked_at <= %(at)s AND t.revocation_confirmed_at IS NULL"
            f" AND {_over(plan)} AND t.scope = ANY(%(scopes)s) RETURNING id)"
            " INSERT INTO written SELECT id FROM done",
            load.parameters | {"scopes": sorted(load.reading.scopes)},
        )
    touched.note(plan)


def contradicted(plan: Plan) -> str:
    """Columns of the UPDATE of a known row: what was read back as gone or off and is there again was not revoked."""
    if plan.noun not in REVOCABLE:
        return ""
    back = f"r.is_mine AND {_over(plan)}"
    if plan.noun == "credential":
        back += " AND r.enabled"
    return (
        f", revocation_confirmed_at = CASE WHEN {back} THEN NULL ELSE t.revocation_confirmed_at END,"
        f" revocation_proof = CASE WHEN {back} THEN '' ELSE t.revocation_proof END"
    )


def _over(plan: Plan) -> str:
    """Its source says that it works no longer: it is not there, or, for a credential, it is off."""
    off = " OR NOT t.enabled" if plan.noun == "credential" else ""
    return f"(t.gone_at IS NOT NULL{off})"
