"""Reads Mandate's own JSON: the same nouns and fields as the CSV files, as lists of one object."""

from collections.abc import Iterator, Sequence
from typing import Any

import ijson
from ijson.common import ObjectBuilder

from inventory.importers.base import Connector, SourceFile, WrongFile
from inventory.importers.cells import BadValue, nearest
from inventory.importers.files import json_content
from inventory.importers.own_format import (
    NOUNS,
    Column,
    column_name,
    columns_of,
    holds_secrets,
    shown_name,
    unknown_column,
)
from inventory.importers.own_rows import Reading
from inventory.importers.records import Incomplete, Rejected, Said

# Any: values are JSON of the file's making until their column has read them.
Event = tuple[str, str, Any]

_COMPLETE = "complete"


class JsonFile(Connector):
    """People, teams, identities, credentials, grants, delegations and tools from one JSON
    object of lists.
    """

    key = "json"
    label = "JSON (Mandate's fields)"
    namespace = "mandate"
    help = (
        'An object with a list for each noun, {"people": [...], "identities": [...]}, and the '
        'fields of the CSV columns. Add "complete": false when the file holds only a part, '
        "so that nothing is taken for gone."
    )
    suffixes = (".json",)

    def rows(self, files: Sequence[SourceFile]) -> Iterator[Said]:
        reading = Reading()
        for file in files:
            yield from _File(file, reading, f"{file.name} " if len(files) > 1 else "").rows()
        yield from reading.finish()


class _File:
    """One file being read, object by object, never the whole."""

    def __init__(self, file: SourceFile, reading: Reading, before: str) -> None:
        self._file = file
        self._reading = reading
        self._before = before
        self._told: set[tuple[str, str]] = set()

    def rows(self) -> Iterator[Said]:
        # Without use_float, an integer of thousands of digits crashes the process (ijson 3.6 on
        # yajl2_c); with it, an integer of more than 64 bits is an error.
        events = iter(ijson.parse(json_content(self._file), use_float=True))
        try:
            if next(events)[1] != "start_map":
                raise WrongFile(
                    f"{self._file.name} is a list. Put it into an object, under the name of its "
                    "noun."
                )
            for prefix, event, value in events:
                if event == "map_key":
                    yield from self._section(value, events)
                elif (prefix, event) == ("", "end_map"):
                    # Read on to the end: yajl reports what follows the object as an error.
                    continue
        except ijson.JSONError:
            raise WrongFile(
                f"{self._file.name} is cut off, not UTF-8, not well-formed JSON, or holds a number"
                " of more than 64 bits. Export it again."
            ) from None

    def _section(self, key: str, events: Iterator[Event]) -> Iterator[Said]:
        """What stands under one key of the object."""
        if key == _COMPLETE:
            yield from self._completeness(next(events)[2])
            return
        if key not in NOUNS:
            raise WrongFile(
                f'{self._file.name}: "{shown_name(key)}" is not known here. '
                f"{nearest(key[:60], (*NOUNS, _COMPLETE))}"
            )
        if next(events)[1] != "start_array":
            raise WrongFile(
                f"{self._file.name}: {key} is not a list. Put its rows between square brackets."
            )
        section = self._reading.begin(key, f"{self._before}{key}[", "]")
        for number, item in enumerate(_items(events)):
            yield from self._item(key, section, number, item)

    def _completeness(self, value: object) -> Iterator[Said]:
        if not isinstance(value, bool):
            raise WrongFile(f'{self._file.name}: "complete" is neither true nor false. Correct it.')
        if not value:
            yield Incomplete(f"{self._file.name} says that it holds only a part.")

    def _item(self, noun: str, section: int, number: int, item: object) -> Iterator[Said]:
        place = self._reading.place(section, number)
        if not isinstance(item, dict):
            self._reading.count_refused(section)
            yield Rejected(
                place, "", "The row is not a JSON object. Write it with the names of its fields."
            )
            return
        known = columns_of(noun)
        values: dict[str, object] = {}
        refused = []
        for name, column in known.items():
            try:
                values[name] = _value(column, item.get(name))
            except BadValue as bad:
                refused.append(Rejected(place, name, str(bad)))
        for name in item.keys() - known.keys():
            if holds_secrets(column_name(name)):
                yield from self._not_read(noun, name, place)
            else:
                refused.append(Rejected(place, shown_name(name), unknown_column(noun, name)))
        if refused:
            self._reading.count_refused(section)
            yield from refused
        else:
            yield from self._reading.take(section, number, values)

    def _not_read(self, noun: str, name: str, place: str) -> Iterator[Rejected]:
        """Said once for each field, not for each row."""
        if (noun, name) not in self._told:
            self._told.add((noun, name))
            yield Rejected(
                place,
                shown_name(name),
                "This field looks like it holds secret values; it was not read. Remove it.",
                hides_a_row=False,
            )


def _items(events: Iterator[Event]) -> Iterator[object]:
    """The items of the list that has just begun, each built as its events pass by."""
    for _, event, value in events:
        if event == "end_array":
            return
        builder = ObjectBuilder()
        builder.event(event, value)
        depth = 1 if event.startswith("start_") else 0
        while depth:
            _, event, value = next(events)
            builder.event(event, value)
            depth += event.startswith("start_") - event.startswith("end_")
        yield builder.value


def _value(column: Column, said: object) -> object:
    """A JSON value by the column's own parser, so that both formats accept and refuse the same."""
    value = column.read(_as_cell(said))
    if value is None and column.required:
        raise BadValue("The value is missing. Fill it in.")
    return value


def _as_cell(said: object) -> str:
    match said:
        case None:
            return ""
        case bool():
            return "yes" if said else "no"
        case str():
            return said
        case int():
            return str(said)
        case list() if all(isinstance(each, str) and ";" not in each for each in said):
            return ";".join(said)
    raise BadValue("The value is not a text, a number, true, false or a list of texts. Correct it.")
