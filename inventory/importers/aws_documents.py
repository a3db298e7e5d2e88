"""Reads the large JSON answers of AWS piece by piece, so that a file of any size takes little
memory.
"""

from collections.abc import Callable, Iterator
from typing import Any

import ijson

from inventory.importers.base import SourceFile, WrongFile
from inventory.importers.files import json_content

# Any: values are JSON of the file's making until somebody has checked them.
Event = tuple[str, Any]

_STARTS = frozenset({"start_map", "start_array"})
_ENDS = frozenset({"end_map", "end_array"})
_DEEPEST = 100  # policies nest about ten deep


class Documents:
    """One pass over the documents of a file: one object, a list of them, or an object of them.

    Iterating gives (document, key) for each key of each document. The caller may then take the
    value, or its items one by one; what it leaves is skipped. A document is named by where it
    stands: "" for the file itself, "[3]", "123456789012". Raises WrongFile with a sentence.
    """

    def __init__(self, file: SourceFile, *, holds_document: Callable[[str], bool]) -> None:
        """`holds_document` says under which keys of the outermost object a document stands."""
        self._name = file.name
        self._holds_document = holds_document
        self._events = _events(file)
        self._untaken = False

    def __iter__(self) -> Iterator[tuple[str, str]]:
        yield from self._outermost()
        # Read on to the end: the parser reports what follows as an error.
        for _ in self._events:
            pass

    def value(self) -> Any:
        """The value of the present key."""
        self._untaken = False
        return self._build(*next(self._events))

    def items(self) -> Iterator[Any]:
        """The items of the list under the present key, one by one; raises WrongFile where it is no
        list.
        """
        self._begin_list()
        for event, value in self._events:
            if event == "end_array":
                return
            yield self._build(event, value)

    def fields(self, name: str) -> Iterator[Any]:
        """Of each item of the list under the present key only one field, at the speed of skipping;
        None for an item without it.
        """
        self._begin_list()
        for event, _ in self._events:
            if event == "end_array":
                return
            if event == "start_map":
                yield self._field(name)
            else:
                self._skip_rest(event)
                yield None

    def _begin_list(self) -> None:
        self._untaken = False
        if next(self._events)[0] != "start_array":
            raise WrongFile(
                f"{self._name} holds something else where a list belongs. Export it again."
            )

    def _outermost(self) -> Iterator[tuple[str, str]]:
        if next(self._events)[0] == "start_map":
            for key in self._keys():
                if self._holds_document(key):
                    yield from self._document(key, *self._taken())
                else:
                    yield "", key
            return
        for number, (event, value) in enumerate(self._events):
            if event == "end_array":
                return
            yield from self._document(f"[{number}]", event, value)

    def _document(self, place: str, event: str, _: object) -> Iterator[tuple[str, str]]:
        if event != "start_map":
            raise WrongFile(
                f"{self._name} holds something else where an answer belongs. Export it again."
            )
        empty = True
        for key in self._keys():
            empty = False
            yield place, key
        if empty:
            yield place, ""

    def _keys(self) -> Iterator[str]:
        for event, key in self._events:
            if event == "end_map":
                return
            self._untaken = True
            yield key
            if self._untaken:
                self._skip_rest(self._taken()[0])

    def _taken(self) -> Event:
        self._untaken = False
        return next(self._events)

    def _skip_rest(self, event: str) -> None:
        depth = 1 if event in _STARTS else 0
        while depth:
            event = next(self._events)[0]
            if event in _STARTS:
                depth += 1
            elif event in _ENDS:
                depth -= 1

    def _field(self, name: str) -> Any:
        found = None
        for event, value in self._events:
            if event == "end_map":
                break
            event, inner = next(self._events)
            if value == name and event not in _STARTS:
                found = inner
            self._skip_rest(event)
        return found

    def _build(self, event: str, value: Any, depth: int = 0) -> Any:
        if event not in _STARTS:
            return value
        if depth > _DEEPEST:
            raise WrongFile(f"{self._name} nests deeper than any answer of AWS. Export it again.")
        if event == "start_array":
            return list(self._built_items(depth))
        built: dict[str, Any] = {}
        for event, key in self._events:
            if event == "end_map":
                break
            built[key] = self._build(*next(self._events), depth + 1)
        return built

    def _built_items(self, depth: int) -> Iterator[Any]:
        for event, value in self._events:
            if event == "end_array":
                return
            yield self._build(event, value, depth + 1)


def _events(file: SourceFile) -> Iterator[Event]:
    try:
        yield from ijson.basic_parse(json_content(file), use_float=True)
    except (ijson.JSONError, UnicodeDecodeError):
        raise WrongFile(
            f"{file.name} is cut off, not UTF-8 or not well-formed JSON. Export it again."
        ) from None
