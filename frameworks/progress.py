"""How far a long transaction is, told from beside it: what the transaction writes itself nobody sees before its end."""

import time
from types import TracebackType

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

_TELL = (
    "INSERT INTO frameworks_assessmentprogress (assessment_id, done, whole) VALUES (%s, %s, %s)"
    " ON CONFLICT (assessment_id) DO UPDATE SET done = excluded.done, whole = excluded.whole"
)

_SECONDS = 0.5  # each word is a commit of its own, and the page asks once a second


class Progress:
    """Opens its own connection with the first word. Inside an outer transaction nothing is told: nobody could ask."""

    def __init__(self, assessment: int) -> None:
        self._assessment = assessment
        self._beside: BaseDatabaseWrapper | None = None
        self._silent = False
        self._again_at = 0.0

    def __enter__(self) -> "Progress":
        self._silent = len(connection.savepoint_ids) > 0
        return self

    def tell(self, done: int, whole: int) -> None:
        if self._silent or time.monotonic() < self._again_at:
            return
        self._again_at = time.monotonic() + _SECONDS
        if self._beside is None:
            self._beside = connections.create_connection(DEFAULT_DB_ALIAS)
        with self._beside.cursor() as cursor:
            cursor.execute(_TELL, [self._assessment, done, whole])

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._beside is not None:
            self._beside.close()
