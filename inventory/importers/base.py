"""A connector: reads one kind of source and yields records. Registering is being defined."""

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, ClassVar

from inventory.importers.records import Said


class WrongFile(Exception):
    """The file is not what this connector reads. The message is a sentence for the user, without file content."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to read. `content` is open for reading bytes, at its start, seekable; its size is already bounded."""

    name: str
    content: BinaryIO

    def text(self) -> codecs.StreamReader:
        """The content from its start as UTF-8 text (a byte order mark is dropped).

        Raises UnicodeDecodeError while reading, never substitutes characters.
        """
        self.content.seek(0)
        return codecs.getreader("utf-8-sig")(self.content)


class Connector:
    """Reads and translates; no ORM, no transaction, no clock. Connectors never import each other, models or Django."""

    key: ClassVar[str]  # the KIND of `manage.py import KIND FILE...`
    label: ClassVar[str]
    namespace: ClassVar[str]  # in which external ids are unique
    help: ClassVar[str]  # how to obtain the file, in one or two sentences
    suffixes: ClassVar[tuple[str, ...]]

    # Key of the source that is read: for files that hold nothing to tell it from another of its kind.
    source: str = ""

    registry: ClassVar[dict[str, type["Connector"]]] = {}

    def __init_subclass__(cls) -> None:
        Connector.registry[cls.key] = cls

    def rows(self, files: Sequence[SourceFile]) -> Iterator[Said]:
        """Yields what the files say, referenced rows before referring ones where that is cheap (not required).

        Raises WrongFile when a file as a whole cannot be read; a bad row is a `Rejected`, never an exception.
        """
        raise NotImplementedError(self.key)
