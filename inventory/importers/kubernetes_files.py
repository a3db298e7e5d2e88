"""Opens what `kubectl get` wrote, or manifests: every object of JSON and YAML files, one after the other.

A list is read item by item. YAML is split into its documents before any is parsed, so that a broken one costs nothing
but itself; aliases, with which a small file can unpack to gigabytes, are refused.
"""

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import ijson
import yaml

from inventory.importers.base import SourceFile, WrongFile
from inventory.importers.files import MEGABYTE, json_content
from inventory.importers.records import Incomplete, Rejected

LONGEST_YAML = 64 * MEGABYTE  # parsed in Python, it takes many times its size
DEEPEST = 100

_MARKER = re.compile(r"(?:---|\.\.\.)(?:\s|$)")
_NOT_CONTENT = re.compile(r"\s*(?:[#%].*)?$")
_API = re.compile(r"[A-Za-z0-9./-]{1,300}")

# Any: objects are JSON of the file's making until each field has been checked.
Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """One object with its place; `kind` and `api` (its apiVersion) may come from the list it stands in."""

    place: str
    kind: str
    api: str
    object: Object


Read = Found | Rejected | Incomplete


def objects(file: SourceFile, before: str) -> Iterator[Read]:
    """The objects of a file; raises WrongFile for one that holds none. `before` starts each place."""
    file.content.seek(0)
    head = file.content.read(1024).removeprefix(b"\xef\xbb\xbf").lstrip()
    found = _of_json(file, before) if head[:1] in {b"{", b"["} else _of_yaml(file, before)
    none_yet = True
    for each in found:
        none_yet = False
        yield each
    if none_yet and not _is_list(file, head):
        raise WrongFile(
            f"{file.name} holds no object of Kubernetes. Upload what `kubectl get -o json` writes."
        )


class _Envelope:
    """What stands around the items of a JSON file; a list's kind often follows its items."""

    def __init__(self, file: SourceFile) -> None:
        self.kind = self.api = ""
        self.has_items = self.goes_on = False
        events = ijson.parse(json_content(file), use_float=True)
        first = next(events, ("", "", None))
        self.is_plain_list = first[1] == "start_array"
        for prefix, event, value in events:
            if prefix == "kind" and event == "string":
                self.kind = value
            elif prefix == "apiVersion" and event == "string":
                self.api = value
            elif prefix == "items" and event == "start_array":
                self.has_items = True
            elif prefix == "metadata.continue" and value:
                self.goes_on = True

    @property
    def is_list(self) -> bool:
        return self.has_items and self.kind.endswith("List")


def _of_json(file: SourceFile, before: str) -> Iterator[Read]:
    try:
        envelope = _Envelope(file)
        prefix, name = "", ""
        if envelope.is_plain_list:
            prefix, name = "item", "item"
        elif envelope.is_list:
            prefix, name = "items.item", "items"
        # With use_float, an integer of more than 64 bits is an error and no crash (see spire.py).
        for number, item in enumerate(ijson.items(json_content(file), prefix, use_float=True)):
            place = f"{before}{name}[{number}]" if name else (before.strip() or file.name)
            yield from _expanded(item, place, envelope.kind, envelope.api)
        if envelope.goes_on:
            yield Incomplete(f"{file.name} is one part of a longer list. Export all of it.")
    except ijson.JSONError:
        raise WrongFile(
            f"{file.name} is cut off, several answers in one, or not well-formed JSON. Export it"
            " again, each answer into a file of its own."
        ) from None


def _is_list(file: SourceFile, head: bytes) -> bool:
    """An answer without items is an answer."""
    return head[:1] == b"{" and _Envelope(file).is_list


def _expanded(item: object, place: str, list_kind: str = "", list_api: str = "") -> Iterator[Read]:
    """The object itself, or the items of a list; items of a typed list name no kind of their own."""
    if not isinstance(item, dict):
        yield Rejected(place, "", "It is not an object. Export the file again.")
        return
    is_typed = list_kind not in ("", "List")
    kind = item.get("kind") or (list_kind.removesuffix("List") if is_typed else "")
    api = item.get("apiVersion") or (list_api if is_typed else "")
    if not isinstance(kind, str) or not isinstance(api, str) or not kind or not _API.fullmatch(api):
        yield Rejected(place, "kind", "The object names no kind or apiVersion. Export it again.")
    elif list_kind and kind.endswith("List"):
        yield Rejected(place, "kind", "It is a list within a list. Export each by itself.")
    elif kind.endswith("List") and isinstance(item.get("items"), list):
        for number, each in enumerate(item["items"]):
            yield from _expanded(each, f"{place}.items[{number}]", kind, api)
    else:
        yield Found(place, kind, api, item)


class _Loader(yaml.CSafeLoader):
    """Plain data only; times stay text, as they are for Kubernetes."""


_Loader.yaml_implicit_resolvers = {
    sign: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for sign, pairs in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


# What the loader raises for a value that its tag does not fit ("!!bool maybe").
_UNFIT = (ValueError, OverflowError, LookupError, AttributeError, TypeError)


def _of_yaml(file: SourceFile, before: str) -> Iterator[Read]:
    for number, (line, text) in enumerate(_documents(file), 1):
        place = f"{before}document {number}"
        try:
            content = _parsed(text)
        except _BadDocument as bad:
            yield Rejected(f"{place} (line {line + bad.line})", "", str(bad))
            continue
        if content is not None:
            yield from _expanded(content, place)


class _BadDocument(Exception):
    """A document that cannot be taken; `line` counts from its start. Never quotes the document."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.line = line


def _parsed(text: str) -> object:
    try:
        _refuse_bombs(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506  (a safe loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line if error.problem_mark else 0
        raise _BadDocument("The document is not well-formed YAML. Correct it.", line) from None
    except (yaml.YAMLError, *_UNFIT):
        raise _BadDocument("The document holds a value that cannot be read. Correct it.") from None


def _refuse_bombs(text: str) -> None:
    """Looks at the parser's events, which take no memory, before anything is built from them."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            raise _BadDocument(
                "The document uses aliases (*name), with which a small file can hold gigabytes."
                " Write each value out.",
                _line(event),
            )
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise _BadDocument(
                f"The document is nested more than {DEEPEST} deep. Export it again.",
                _line(event),
            )


def _line(event: yaml.Event) -> int:
    return event.start_mark.line if event.start_mark else 0


def _documents(file: SourceFile) -> Iterator[tuple[int, str]]:
    """The documents with the number of their first line. Text of a document never has a marker at the start of
    a line (YAML 1.2.2, section 9.1.2), so looking for markers is exact.
    """
    if file.content.seek(0, io.SEEK_END) > LONGEST_YAML:
        raise WrongFile(
            f"{file.name} holds more than {LONGEST_YAML // MEGABYTE} MB of YAML. Export it as JSON."
        )
    lines: list[str] = []
    start = 1
    try:
        for number, line in enumerate(file.text(), 1):
            if _MARKER.match(line):
                if not all(_NOT_CONTENT.match(each) for each in lines):
                    yield start, "".join(lines)
                rest = line[3:] if line.startswith("-") else ""
                start, lines = number, [rest if rest.strip() else "\n"]
            elif not line.startswith("%"):
                lines.append(line)
    except UnicodeDecodeError:
        raise WrongFile(f"{file.name} is not UTF-8 text. Save it as UTF-8.") from None
    if not all(_NOT_CONTENT.match(each) for each in lines):
        yield start, "".join(lines)
