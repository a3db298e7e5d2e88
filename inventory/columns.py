"""Columns of a list, declared once for page and export, and turned into a fast function that writes
a row.

Rows are written by plain functions, not by templates: Django's engine needs 3.6 ms for 50 bare rows
and
much more with an include per cell; these need less than one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from operator import attrgetter
from typing import Any, Literal

from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.utils.safestring import SafeString, mark_safe

from inventory import markup

Kind = Literal["text", "code", "badge", "severity", "time", "number", "link", "person"]
Getter = Callable[[Any], Any]  # Any: a row is whatever model the list shows


@dataclass(frozen=True)
class Column:
    """One column.

    `cell`: an attribute path ("owner.name") or a function of the row; what it returns is escaped
    unless it is
    already a SafeString. A path that meets None gives an empty cell. `sort`: the field path to
    order by.
    `url`: the name of the address that a link or person leads to (its argument is `key`, an
    attribute path).
    `csv`: what the export writes instead of the cell's value. `tone`: good, info, warn or bad for
    this row.
    `wide`: left out where there is little room. `shown`: False hides it until it is chosen.
    """

    key: str
    label: str
    cell: str | Getter
    kind: Kind = "text"
    sort: str | None = None
    url: str | None = None
    key_path: str = "pk"
    csv: Getter | None = None
    tone: Callable[[Any], str | None] | None = None
    empty: str = "–"
    wide: bool = False
    shown: bool = True

    @property
    def descends_first(self) -> bool:
        """The first click on a moment, a number or a severity shows the latest, largest or
        worst."""
        return self.kind in ("time", "number", "severity")


def labelled(path: str, choices: type[models.Choices]) -> Getter:
    """A cell with the label of a choice field; `get_x_display` builds its table again for every
    row."""
    labels, get = dict(choices.choices), _path(path)
    return lambda row: labels.get(get(row), get(row))


def chosen(columns: Sequence[Column], keys: Sequence[str]) -> list[Column]:
    """The columns to show: those chosen, else those shown by default; the first is always there."""
    if not keys:
        return [column for column in columns if column.shown]
    return [c for place, c in enumerate(columns) if place == 0 or c.key in keys]


def row_writer(
    columns: Sequence[Column], *, at: datetime, selectable: bool
) -> Callable[[Any], str]:
    """A function that writes one row of the table; every value in it is escaped."""
    writers = [_cell_writer(column, at=at, first=not n) for n, column in enumerate(columns)]
    name = _getter(columns[0])

    def write(row: Any) -> str:
        cells = "".join([writer(row) for writer in writers])
        if not selectable:
            return f"<tr>{cells}</tr>"
        label = escape(str(name(row)))
        return (
            '<tr><td class="pick"><label><input type="checkbox" name="selected" form="bulk"'
            f' value="{row.pk}" aria-label="Select {label}"></label></td>{cells}</tr>'
        )

    return write


def rows_html(
    rows: Sequence[Any], columns: Sequence[Column], *, at: datetime, selectable: bool
) -> SafeString:
    write = row_writer(columns, at=at, selectable=selectable)
    return mark_safe("\n".join([write(row) for row in rows]))


def exporter(columns: Sequence[Column]) -> Callable[[Any], list[object]]:
    """A function that turns a row into the cells of a CSV line, safe to open in a spreadsheet."""
    getters = [column.csv or _getter(column) for column in columns]
    return lambda row: [csv_value(getter(row)) for getter in getters]


def csv_value(value: object) -> object:
    """A value for CSV. A text that a spreadsheet would run as a formula gets an apostrophe in
    front."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return str(value) if type(value) not in (int, float) else value
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else text


def _getter(column: Column) -> Getter:
    if callable(column.cell):
        return column.cell
    return _path(column.cell)


def _path(path: str) -> Getter:
    get = attrgetter(path)
    if "." not in path:
        return get

    def careful(row: Any) -> Any:
        try:
            return get(row)
        except (AttributeError, ObjectDoesNotExist):  # a None, or no row, on the way: an empty cell
            return None

    return careful


def _cell_writer(column: Column, *, at: datetime, first: bool) -> Callable[[Any], str]:
    get, inner = _getter(column), _inner(column, at)
    css = " ".join(filter(None, [f"k-{column.kind}", "wide" if column.wide else ""]))
    tag = 'th scope="row"' if first else "td"
    start = f'<{tag} class="{css}" data-label="{escape(column.label)}">'
    end = "</th>" if first else "</td>"
    css = "nil dash" if column.empty == "–" else "nil"
    empty = f'{start}<span class="{css}">{escape(column.empty)}</span>{end}'
    tone = column.tone

    def write(row: Any) -> str:
        value = get(row)
        if value is None or value == "":
            return empty
        text = value if hasattr(value, "__html__") else inner(value, row)
        shade = tone(row) if tone else None
        return (
            f'{start}<span class="tone-{shade}">{text}</span>{end}' if shade else start + text + end
        )

    return write


def _inner(column: Column, at: datetime) -> Callable[[Any, Any], str]:
    """How a value of this kind is written inside its cell."""
    if column.url:
        return _linked(column, at)
    simple: dict[str, Callable[[Any, Any], str]] = {
        "badge": lambda value, row: markup.badge(value),
        "severity": lambda value, row: markup.severity(value),
        "time": lambda value, row: markup.when(value, at),
        "number": lambda value, row: f"{value:,}" if isinstance(value, int) else escape(str(value)),
        "person": lambda value, row: _person(value),
        "code": lambda value, row: f"<code>{escape(str(value))}</code>",
    }
    return simple.get(column.kind, lambda value, row: escape(str(value)))


def _person(person: object) -> str:
    """A name, and the status of a person who is not simply there (leaving, left)."""
    status = str(getattr(person, "status", "active"))
    mark = "" if status == "active" else f" {markup.badge(status.capitalize())}"
    return f"{escape(str(getattr(person, 'name', person)))}{mark}"


def _linked(column: Column, at: datetime) -> Callable[[Any, Any], str]:
    key, unlinked = _path(column.key_path), _inner(_without_url(column), at)
    name = str(column.url)

    def write(value: Any, row: Any) -> str:
        text = unlinked(value, row)
        target = key(row)
        if target is None:
            return text
        return f'<a href="{escape(markup.address(name)(target))}">{text}</a>'

    return write


def _without_url(column: Column) -> Column:
    return Column(column.key, column.label, column.cell, column.kind)
