"""CSV import against a bare COPY of the same rows into the same columns and indexes."""

import csv
import tempfile
import time
from pathlib import Path

from django.db import connection
from django.utils import timezone

from inventory.importers import apply, files
from inventory.importers.base import Connector
from inventory.models import Identity, ImportRun

HEADER = ("id", "name", "kind", "environment", "purpose", "owner", "risk")
COLUMNS = (
    "external_id", "name", "kind", "environment", "purpose", "owner_id", "risk",
    "lifecycle", "activity_known", "source_id",
)  # fmt: skip


def against_copy(number: int) -> dict[str, float]:
    """Seconds and rows a second: a first import, the same again, and COPY."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "identities.csv"
        _write(path, number)
        first = _import(path)
        again = _import(path)
    copy = _copy(number)
    with connection.cursor() as cursor:  # leave the data set as it was
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("DELETE FROM inventory_identity WHERE external_id LIKE 'bench-import-%'")
        cursor.execute("SET session_replication_role = origin")
    return {"first": number / first, "again": number / again, "copy": number / copy}


def _row(n: int) -> tuple[str, ...]:
    return (
        f"bench-import-{n}",
        f"import-bot-{n}",
        "service_account",
        "production",
        "Moves things.",
        f"person{n % 4000 + 26}@example.org",
        "low",
    )


def _write(path: Path, number: int) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(_row(n) for n in range(number))


def _import(path: Path) -> float:
    began = time.perf_counter()
    with files.open_files([path]) as opened:
        source = apply.source_for(Connector.registry["csv"], "bench-import")
        run = apply.start(source, [path.name], by="bench", at=timezone.now())
        apply.run(run, opened, at=timezone.now())
    assert run.status == ImportRun.Status.APPLIED, run.error
    return time.perf_counter() - began


def _copy(number: int) -> float:
    """Into a table with the columns and indexes of identities, without constraints or triggers."""
    table = Identity._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS hand_identity")
        cursor.execute(
            f"CREATE TABLE hand_identity (LIKE {table} INCLUDING DEFAULTS INCLUDING INDEXES)"
        )
        began = time.perf_counter()
        with cursor.copy(f"COPY hand_identity (id, {', '.join(COLUMNS)}) FROM STDIN") as copy:
            for n in range(number):
                ours = list(_row(n))
                ours[5] = str(n % 4000 + 26)
                copy.write_row((n + 1, *ours, "active", "f", 10))
        seconds = time.perf_counter() - began
        cursor.execute("DROP TABLE hand_identity")
    return seconds
