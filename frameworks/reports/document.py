"""A report to read, as sections of a few kinds of blocks. The page and the PDF only draw them, so both say the same."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Text:
    text: str


@dataclass(frozen=True)
class Bullets:
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """Names and values."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Bar:
    """A line of a chart: how many of each answer."""

    label: str
    parts: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        return sum(count for _, count in self.parts)


@dataclass(frozen=True)
class Chart:
    """Bars drawn from their numbers, which are written beside them."""

    title: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Head:
    """A column. `share` is how much of the width it may take beside the others."""

    label: str
    kind: Literal["text", "number", "answer", "code"] = "text"
    share: float = 1.0


@dataclass(frozen=True)
class Grid:
    """A table. A row that is one text is a band across all columns."""

    title: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[str, ...] | str, ...]
    note: str = ""


Block = Text | Bullets | Facts | Chart | Grid


@dataclass(frozen=True)
class Section:
    title: str
    blocks: tuple[Block, ...] = ()
    parts: tuple["Section", ...] = ()


@dataclass(frozen=True)
class Document:
    title: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    footer: str
