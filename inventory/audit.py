"""The history context: who acts, in which act, and why; opened once by every rule."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from inventory.models import User

Actor = (
    User | str
)  # a signed-in user, or the name of a job ("job expire-due", "import aws-iam #12")

_SET = (
    "SELECT set_config('mandate.actor', %s, true), set_config('mandate.user', %s, true),"
    " set_config('mandate.verb', %s, true), set_config('mandate.reason', %s, true)"
)
_GET = (
    "SELECT COALESCE(current_setting('mandate.actor', true), ''),"
    " COALESCE(current_setting('mandate.user', true), ''),"
    " COALESCE(current_setting('mandate.verb', true), ''),"
    " COALESCE(current_setting('mandate.reason', true), '')"
)


@contextmanager
def acting(by: Actor, verb: str, reason: str = "") -> Iterator[None]:
    """Records every change inside the block under this author, verb and reason, in one transaction.

    Nested blocks restore the outer context on leaving; after an error the transaction is gone and so is the context.
    """
    actor = by if isinstance(by, str) else by.get_username()
    user_id = "" if isinstance(by, str) else str(by.pk)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_GET)
        outer = cursor.fetchone()
        cursor.execute(_SET, [actor, user_id, verb, reason])
        yield
        cursor.execute(_SET, outer)
