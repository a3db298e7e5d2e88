"""Reads Mandate's own CSV: what a team exports from a spreadsheet, one file for each noun."""

import csv
import io
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from inventory.importers.base import Connector, SourceFile, WrongFile
from inventory.importers.cells import BadValue
from inventory.importers.own_format import (
    NOUNS,
    Column,
    columns_of,
    header_of,
    holds_secrets,
    noun_of,
    shown_name,
    unknown_column,
)
from inventory.importers.own_rows import Reading
from inventory.importers.records import Rejected, Said

if TYPE_CHECKING:
    import _csv

_REMEMBERED = 5_000  # values of one column kept parsed; columns repeat themselves
_LONGEST_HEADER = 65_536  # characters


class CsvFiles(Connector):
    """People, teams, identities, credentials, grants, delegations and tools from CSV files
    in Mandate's own columns.
    """

    key = "csv"
    label = "CSV (Mandate's columns)"
    namespace = "mandate"
    help = (
        "Download the template of a noun, fill it in with a spreadsheet and save it as CSV UTF-8. "
        "One file holds one noun; several files may be given at once."
    )
    suffixes = (".csv", ".tsv", ".txt")

    def rows(self, files: Sequence[SourceFile]) -> Iterator[Said]:
        reading = Reading()
        for file in files:
            with _text(file) as lines:
                yield from _file_rows(file.name, lines, reading)
        yield from reading.finish()


class _Parsed(dict[str, object]):
    """The values of one column by cell: repeated cells cost one look-up."""

    def __init__(self, column: Column) -> None:
        super().__init__()
        self.column = column

    def __missing__(self, cell: str) -> object:
        value = self.column.read(cell)
        if value is None and self.column.required:
            raise BadValue("The value is missing. Fill it in.")
        if len(self) < _REMEMBERED:
            self[cell] = value
        return value


class _NotRead(dict[str, object]):
    """A column that looks like it holds secrets: its cells are not looked at, only forgotten."""

    def __missing__(self, cell: str) -> object:
        return None


@contextmanager
def _text(file: SourceFile) -> Iterator[io.TextIOWrapper]:
    """The file as UTF-8 text, byte order mark dropped; anything else is refused with a sentence."""
    file.content.seek(0)
    start = file.content.read(4)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise WrongFile(f"{file.name} is UTF-16 text. Save the file as UTF-8.")
    file.content.seek(0)
    lines = io.TextIOWrapper(file.content, encoding="utf-8-sig", newline="")
    try:
        yield lines
    except UnicodeDecodeError:
        raise WrongFile(f"{file.name} is not UTF-8 text. Save the file as UTF-8.") from None
    except csv.Error as error:
        raise WrongFile(
            f"{file.name} is not a well-formed CSV file: {error}. Export it again as CSV UTF-8."
        ) from None
    finally:
        lines.detach()


def _file_rows(name: str, lines: io.TextIOWrapper, reading: Reading) -> Iterator[Said]:
    names, delimiter = header_of(lines.readline(_LONGEST_HEADER))
    noun = _noun(name, names)
    for column in names:
        if column not in columns_of(noun):
            yield Rejected(
                f"{name} line 1",
                column,
                "This column looks like it holds secret values; it was not read. Remove it.",
                hides_a_row=False,
            )
    # One line in front stands for the header, so that line_num is the line in the file.
    reader = csv.reader(itertools.chain(["\n"], lines), delimiter=delimiter)
    next(reader)
    yield from _Sheet(noun, names, reading, reading.begin(noun, f"{name} line ")).rows(reader)


class _Sheet:
    """One file being read. Written for speed: a good line costs one look-up per cell."""

    def __init__(self, noun: str, names: list[str], reading: Reading, section: int) -> None:
        known = columns_of(noun)
        self.names = names
        self.reading = reading
        self.section = section
        self.columns: list[dict[str, object]] = [
            _Parsed(known[name]) if name in known else _NotRead() for name in names
        ]

    def rows(self, reader: "_csv.Reader") -> Iterator[Said]:
        columns, names, section, take = self.columns, self.names, self.section, self.reading.take
        width = len(names)
        line = 2
        for cells in reader:
            try:
                if len(cells) != width:
                    cells = _fitted(cells, width)
                values = [column[cell] for column, cell in zip(columns, cells, strict=False)]
            except BadValue as bad:
                yield from self._refused(line, cells, bad)
            else:
                yield from take(section, line, dict(zip(names, values, strict=False)))
            line = reader.line_num + 1

    def _refused(self, line: int, cells: list[str], bad: BadValue) -> Iterator[Rejected]:
        """Every bad cell of a line; nothing for a blank line."""
        if not any(map(str.strip, cells)):
            return
        self.reading.count_refused(self.section)
        place = self.reading.place(self.section, line)
        if len(cells) != len(self.names):
            yield Rejected(place, "", str(bad))
            return
        for column, cell, name in zip(self.columns, cells, self.names, strict=True):
            try:
                column[cell]
            except BadValue as bad_cell:
                yield Rejected(place, name, str(bad_cell))


def _fitted(cells: list[str], width: int) -> list[str]:
    """A line that is longer than the header only by empty cells, cut; raises BadValue for
    any other length.
    """
    if len(cells) > width and not any(cells[width:]):
        return cells[:width]
    raise BadValue(
        f"The line has {len(cells)} cells, but the header names {width} columns. "
        "Put cells that hold the delimiter in quotes."
    )


def _noun(name: str, names: list[str]) -> str:
    """The noun of a file; raises WrongFile where its header does not fit one."""
    if not any(names):
        raise WrongFile(
            f"{name} has no header. Start it with a line of column names, as in the template."
        )
    noun = noun_of(names, name)
    if noun is None:
        raise WrongFile(
            f"The header of {name} fits none of {', '.join(NOUNS)}. Download a template and use "
            "its column names."
        )
    known = columns_of(noun)
    for column in names:
        if column not in known and not holds_secrets(column):
            raise WrongFile(f"{name}: {_unknown(noun, column)}")
        if names.count(column) > 1:
            raise WrongFile(
                f'{name} names the column "{shown_name(column)}" twice. Remove one of the two.'
            )
    missing = [
        column.name for column in known.values() if column.required and column.name not in names
    ]
    if missing:
        raise WrongFile(
            f"{name} lacks the column {missing[0]}, which every row of {noun} needs. Add it."
        )
    return noun


def _unknown(noun: str, column: str) -> str:
    if not column:
        return "A column has no name in the header. Name it, or remove it."
    return unknown_column(noun, column)
