"""`make bench-data [N]`: N identities with 10 N grants, 3 N credentials and 2 N delegations, by COPY.

Rows are loaded without history (session_replication_role), which would only double the volume.
"""

import sys
import time
from collections.abc import Iterator, Sequence

from benchmarks import database
from benchmarks.estate import COLUMNS, NOW, Estate

DEFAULT = 100_000


def fill(size: int, seed: int = 7) -> dict[str, int]:
    """Loads the estate into the connected database, which holds nothing yet; rows by table."""
    from django.apps import apps
    from django.db import connection

    estate = Estate(size, seed)
    rows = {
        "source": estate.sources, "team": estate.teams, "person": estate.persons, "system": estate.systems,
        "entitlement": estate.entitlement_rows, "identity": estate.identities, "credential": estate.credentials,
        "grant": estate.grants, "task": estate.tasks, "delegation": estate.delegations,
        "delegationscope": estate.scopes, "tool": estate.tools, "toolbinding": estate.bindings,
    }  # fmt: skip
    loaded = {}
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for noun, columns in COLUMNS.items():
            began = time.monotonic()
            model = apps.get_model("inventory", noun)
            for sql in _defaults(model, columns):
                cursor.execute(sql)
            with cursor.copy(
                f"COPY {model._meta.db_table} ({', '.join(columns)}) FROM STDIN"
            ) as copy:
                number = 0
                for row in rows[noun]():
                    copy.write_row(row)
                    number += 1
            cursor.execute(f"SELECT setval('{model._meta.db_table}_id_seq', %s)", [number + 100])
            loaded[noun] = number
            print(f"{noun:12} {number:>10,} rows  {time.monotonic() - began:6.1f} s", flush=True)
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("ANALYZE")
    return loaded


def _defaults(model: object, given: Sequence[str]) -> Iterator[str]:
    """What Django would fill in is a default of the column here, so that COPY need not carry it."""
    from django.contrib.postgres.fields import ArrayField
    from django.db.models import JSONField

    special = {"namespace": "'bench'", "first_seen_at": f"'{NOW.isoformat()}'", "source_id": "11"}
    for field in model._meta.concrete_fields:  # type: ignore[attr-defined]
        if field.column in given or field.null or field.primary_key or field.generated:
            continue
        if field.column in special:
            value = special[field.column]
        elif isinstance(field, ArrayField):
            value = "'{}'"
        elif isinstance(field, JSONField):
            value = "'{}'::jsonb"
        else:
            default = field.get_default() if field.has_default() else ""
            value = str(default).lower() if isinstance(default, bool | int) else f"'{default}'"
        yield f"ALTER TABLE {model._meta.db_table} ALTER COLUMN {field.column} SET DEFAULT {value}"  # type: ignore[attr-defined]


def main(size: int) -> None:
    with database.ready(fresh=True):
        from django.core.management import call_command
        from django.utils import timezone

        from frameworks import loading
        from reviews import sweep

        call_command("migrate", verbosity=0)
        loading.load()
        fill(size)
        began = time.monotonic()
        run = sweep.run(timezone.now(), by="bench-data")
        print(f"first sweep: {run.counts} in {time.monotonic() - began:.1f} s {run.error}")


if __name__ == "__main__":
    main(int(sys.argv[1].replace("_", "").replace(",", "")) if len(sys.argv) > 1 else DEFAULT)
