"""CSV: a ZIP with one file per view and a README. The same assessment gives the same bytes (see docs/reports.md)."""

import csv
import io
from typing import IO

from frameworks.reports import archive
from frameworks.reports.tables import TABLES, Cell, Table
from frameworks.reports.text import printable
from frameworks.snapshot import Rows, Snapshot
from inventory.columns import csv_value

_README = """\
{title}
{organisation}, assessment {number} ({uid})

One file per view, in UTF-8 with a heading line. Times are UTC (ISO 8601). A text that a spreadsheet would run as
a formula has an apostrophe in front; characters that cannot be seen are written out, such as \\u202e.

summary.csv has the scope, the method, the limits, and each source with its freshness.
An empty file (its heading only) means that there was nothing to tell, not that something passed.
"""


def write(snapshot: Snapshot, rows: Rows, out: IO[bytes]) -> None:
    """Streams; the memory used does not grow with the number of rows."""
    with archive.writing(out) as files:
        text = _README.format(
            title=printable(snapshot.title), organisation=printable(snapshot.organisation),
            number=snapshot.number, uid=snapshot.uid,
        )  # fmt: skip
        archive.add(files, "README.txt", text.encode())
        for table in TABLES:
            with archive.adding(files, f"{table.key}.csv") as file:
                write_table(table, snapshot, rows, file)


def write_table(table: Table, snapshot: Snapshot, rows: Rows, out: IO[bytes]) -> None:
    """One view as CSV."""
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=False)
    put = csv.writer(text).writerow
    put([column.label for column in table.columns])
    for row in table.rows(snapshot, rows):
        put([_value(cell) for cell in row])
    text.flush()
    text.detach()


def _value(cell: Cell) -> object:
    return csv_value(printable(cell)) if isinstance(cell, str) else csv_value(cell)
