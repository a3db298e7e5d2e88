"""What an auditor looked at or took away: one append-only row of the history each, seen in Audit."""

from datetime import datetime

from django.db import connection

from inventory.models import User

LOOKED, EXPORTED = "auditor.looked", "auditor.exported"
NOUN = "page"
_INSERT = (
    "INSERT INTO inventory_change (at, transaction, actor, user_id, verb, reason, noun, row_id,"
    " operation, after) VALUES (%s, txid_current(), %s, %s, %s, %s, %s, %s, 'insert',"
    " jsonb_build_object('path', %s::text, 'query', %s::text, 'status', %s::int))"
)
_LONGEST = 2_000


def record(by: User, *, path: str, query: str, exported: bool, status: int, at: datetime) -> None:
    """Written after the answer was made; what was refused is recorded too, with its status."""
    verb = EXPORTED if exported else LOOKED
    shown = f"{path}?{query}" if query else path
    place = (shown[:_LONGEST], NOUN, by.pk, path[:_LONGEST], query[:_LONGEST], status)
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [at, by.get_username(), by.pk, verb, *place])
