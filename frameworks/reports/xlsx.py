"""XLSX: one sheet per view, with real numbers and dates, filters and a heading that stays in sight.

Rows go to disk as they come, so that memory stays flat; texts stay texts, whatever they look like.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import islice
from typing import IO, Any

import xlsxwriter

from frameworks.reports.tables import TABLES, Cell, Column, Table
from frameworks.reports.text import one_line, printable
from frameworks.snapshot import Rows, Snapshot

MOST_ROWS = 1_048_575  # of a sheet, below its heading
LONGEST = 32_767  # characters of a cell
_CUT = " … (cut here; the whole text is in the JSON report)"
_FIRST_DATE = date(1900, 3, 1)  # earlier ones are wrong in a workbook by its own old mistake
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}
_FORMATS = {"share": "0%", "day": "yyyy-mm-dd", "time": "yyyy-mm-dd hh:mm", "number": "#,##0"}
_Book = Any  # Any: xlsxwriter has no types


def write(snapshot: Snapshot, rows: Rows, out: IO[bytes]) -> None:
    book = xlsxwriter.Workbook(out, _OPTIONS)
    book.set_properties(
        {
            "title": one_line(snapshot.title)[:255],
            "author": one_line(snapshot.author)[:255],
            "company": one_line(snapshot.organisation)[:255],
            "comments": f"Assessment {snapshot.number}, {snapshot.uid}",
            "created": snapshot.made_at.astimezone(UTC).replace(tzinfo=None),
        }
    )
    formats = {kind: book.add_format({"num_format": text}) for kind, text in _FORMATS.items()}
    formats["head"] = book.add_format({"bold": True, "bottom": 1, "bg_color": "#E8ECF1"})
    formats["text"] = book.add_format({"num_format": "@"})
    for table in TABLES:
        _write_table(book, formats, table, table.rows(snapshot, rows))
    book.close()


def _write_table(
    book: _Book, formats: dict[str, Any], table: Table, rows: Iterator[tuple[Cell, ...]]
) -> None:
    """A sheet, and a further one whenever one is full."""
    number = 0
    while True:
        number += 1
        sheet = book.add_worksheet(table.title if number == 1 else f"{table.title} {number}")
        written = _fill(sheet, formats, table.columns, islice(rows, MOST_ROWS))
        sheet.autofilter(0, 0, written, len(table.columns) - 1)
        if written < MOST_ROWS:
            return


def _fill(
    sheet: _Book,
    formats: dict[str, Any],
    columns: tuple[Column, ...],
    rows: Iterator[tuple[Cell, ...]],
) -> int:
    sheet.freeze_panes(1, 1)
    for at, column in enumerate(columns):
        sheet.set_column(at, at, column.width)
        sheet.write_string(0, at, column.label, formats["head"])
    written = 0
    kinds = [formats[column.kind] for column in columns]
    for written, row in enumerate(rows, 1):
        for at, cell in enumerate(row):
            if cell is not None and cell != "":
                _put(sheet, written, at, cell, kinds[at])
    return written


def _put(sheet: _Book, row: int, at: int, cell: Cell, how: Any) -> None:
    if isinstance(cell, str):
        sheet.write_string(row, at, _fitting(cell), how)
    elif isinstance(cell, int | float):
        sheet.write_number(row, at, cell, how)
    else:
        _put_date(sheet, row, at, cell, how)


def _put_date(sheet: _Book, row: int, at: int, cell: Cell, how: Any) -> None:
    plain = cell.astimezone(UTC).replace(tzinfo=None) if isinstance(cell, datetime) else cell
    day = plain.date() if isinstance(plain, datetime) else plain
    if isinstance(day, date) and day >= _FIRST_DATE:
        sheet.write_datetime(row, at, plain, how)
    else:
        sheet.write_string(row, at, str(plain), how)


def _fitting(text: str) -> str:
    shown = printable(text)
    return shown if len(shown) <= LONGEST else shown[: LONGEST - len(_CUT)] + _CUT
