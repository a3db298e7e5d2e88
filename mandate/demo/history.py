"""The demo's history on its days: what the story plays in one go, the database would say of a single moment."""

from datetime import datetime

import pgtrigger
from django.db import connection
from django.db.models import Max

from inventory.models import Change

_MOVE = "UPDATE inventory_change SET at = %s WHERE id > %s"


class Past:
    """Puts the rows of history that a step of the story wrote to the moment at which it happens in the story.

    Only here, while the demo is built into an empty database, is the history's append-only trigger left out.
    """

    def __init__(self) -> None:
        self._known = 0

    def happened(self, at: datetime) -> None:
        with (
            pgtrigger.ignore("inventory.Change:append_only"),
            connection.cursor() as cursor,
        ):
            cursor.execute(_MOVE, [at, self._known])
        self._known = Change.objects.aggregate(last=Max("id"))["last"] or 0
