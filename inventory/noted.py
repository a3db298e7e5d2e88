"""Which facts changed: so that an answer can be kept for as long as nothing that it rests on changes.

Triggers write the identities that each statement concerns into a table, within the statement's own transaction. So
whoever holds a snapshot of the database finds in that table, at any later moment, exactly whose facts were committed
since, whoever changed them and by whatever means.
"""

from collections.abc import Iterable

import pgtrigger

from inventory.history import BOTH, NEW_ROWS, NOT_A_CHANGE, OLD_ROWS

EVERYTHING, APPLICATIONS = 0, -1  # keys that are no identity's
MOST_ROWS = 5_000  # of one statement; more of them change everything
# A use of access is no fact, and decisions whose access ends by not being used are not kept.
_NO_FACT = "ARRAY[" + ", ".join(f"'{one}'" for one in NOT_A_CHANGE if one != "observed_tier") + "]"

_INTO = "INSERT INTO inventory_factchange (transaction, key)"
INSERT, UPDATE, DELETE = "insert", "update", "delete"
CHANGED = (UPDATE, DELETE)  # where a new row is nobody's fact yet
OF_ALL = f"SELECT {EVERYTHING}::bigint"
OF_APPLICATIONS = f"SELECT {APPLICATIONS}::bigint"
OF_ITS_IDENTITY = "SELECT {c}.identity_id"


def noted(keys: str, *, on: Iterable[str] = (INSERT, UPDATE, DELETE)) -> list[pgtrigger.Trigger]:
    """The triggers that note whose facts change with a table's rows, for `Meta.triggers`.

    `keys`: SQL that selects the keys that the row `{c}` concerns.
    """
    made = {
        INSERT: (pgtrigger.Insert, NEW_ROWS, _from_rows("new_rows", keys)),
        UPDATE: (pgtrigger.Update, BOTH, _from_differences(keys)),
        DELETE: (pgtrigger.Delete, OLD_ROWS, _from_rows("old_rows", keys)),
    }
    return [
        pgtrigger.Trigger(
            name=f"noted_{name}",
            level=pgtrigger.Statement,
            when=pgtrigger.After,
            operation=operation,
            referencing=rows,
            func=body,
        )
        for name, (operation, rows, body) in made.items()
        if name in on
    ]


def _from_rows(rows: str, keys: str) -> str:
    return _unless_many(
        rows,
        f"{_INTO} SELECT DISTINCT txid_current(), k.key FROM {rows} c"
        f" CROSS JOIN LATERAL ({keys.format(c='c')}) k(key) WHERE k.key IS NOT NULL;",
    )


def _from_differences(keys: str) -> str:
    """Planned anew each time (EXECUTE), as for the history: a kept plan for few rows is slow for many."""
    return _unless_many(
        "new_rows",
        f"EXECUTE $noted$ {_INTO} SELECT DISTINCT txid_current(), k.key"
        " FROM new_rows n JOIN old_rows o ON o.id = n.id"
        f" CROSS JOIN LATERAL (({keys.format(c='n')}) UNION ALL ({keys.format(c='o')})) k(key)"
        f" WHERE (to_jsonb(o) - {_NO_FACT}) IS DISTINCT FROM (to_jsonb(n) - {_NO_FACT})"
        " AND k.key IS NOT NULL $noted$;",
    )


def _unless_many(rows: str, statement: str) -> str:
    return (
        f"IF (SELECT count(*) > {MOST_ROWS} FROM (SELECT FROM {rows} LIMIT {MOST_ROWS + 1}) few) THEN"
        f" {_INTO} VALUES (txid_current(), {EVERYTHING});"
        f" ELSE {statement} END IF; RETURN NULL;"
    )
