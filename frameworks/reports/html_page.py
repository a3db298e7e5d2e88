"""HTML: one file that needs nothing else. No scripts, no references; its own policy forbids both."""

import base64
import hashlib
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import IO

from frameworks.reports.document import (
    Bar,
    Block,
    Bullets,
    Chart,
    Document,
    Facts,
    Grid,
    Section,
    Text,
)
from frameworks.reports.sections import document
from frameworks.reports.text import answer, printable
from frameworks.snapshot import Rows, Snapshot

_STYLE = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
_WIDE = 600  # units of a bar


def write(snapshot: Snapshot, rows: Rows, out: IO[bytes]) -> None:
    for piece in _page(document(snapshot, rows)):
        out.write(piece.encode())


def _page(told: Document) -> Iterator[str]:
    yield (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_safe(told.title)}</title><style>{_STYLE}</style></head><body>\n"
        f"<header><p>{_safe(told.subtitle)}</p><h1>{_safe(told.title)}</h1>{_facts(told.facts)}</header>\n"
    )
    yield _contents(told.sections)
    yield "<main>\n"
    for number, section in enumerate(told.sections, 1):
        yield from _section(section, f"{number}", 2)
    yield f"</main>\n<footer><p>{_safe(told.footer)}</p></footer></body></html>\n"


def _contents(sections: tuple[Section, ...]) -> str:
    items = []
    for number, section in enumerate(sections, 1):
        inner = "".join(
            f'<li><a href="#s{number}-{at}">{_safe(part.title)}</a></li>'
            for at, part in enumerate(section.parts, 1)
        )
        nested = f"<ol>{inner}</ol>" if inner else ""
        items.append(f'<li><a href="#s{number}">{_safe(section.title)}</a>{nested}</li>')
    return f'<nav aria-labelledby="contents"><h2 id="contents">Contents</h2><ol>{"".join(items)}</ol></nav>\n'


def _section(section: Section, number: str, level: int) -> Iterator[str]:
    dotted = number.replace("-", ".")
    yield f'<section id="s{number}"><h{level}><span>{dotted}</span> {_safe(section.title)}</h{level}>\n'
    for block in section.blocks:
        yield _block(block)
    for at, part in enumerate(section.parts, 1):
        yield from _section(part, f"{number}-{at}", level + 1)
    yield "</section>\n"


def _block(block: Block) -> str:
    if isinstance(block, Text):
        return f"<p>{_safe(block.text)}</p>\n"
    if isinstance(block, Bullets):
        return "<ul>" + "".join(f"<li>{_safe(line)}</li>" for line in block.lines) + "</ul>\n"
    if isinstance(block, Facts):
        return _facts(block.pairs)
    if isinstance(block, Chart):
        return _chart(block)
    return _grid(block)


def _facts(pairs: tuple[tuple[str, str], ...]) -> str:
    inner = "".join(
        f"<div><dt>{_safe(name)}</dt><dd>{_safe(value)}</dd></div>" for name, value in pairs
    )
    return f"<dl>{inner}</dl>\n"


def _chart(chart: Chart) -> str:
    bars = "".join(_bar(one) for one in chart.bars)
    return f"<figure><figcaption>{_safe(chart.title)}</figcaption>{bars}</figure>\n"


def _bar(bar: Bar) -> str:
    """Its parts as rectangles; the numbers stand beside them, so that nothing hangs on a colour."""
    total, at, drawn = bar.total, 0.0, []
    for state, number in bar.parts:
        width = _WIDE * number / total if total else 0
        if number:
            drawn.append(f'<rect class="{state}" x="{at:.2f}" width="{width:.2f}" height="14"/>')
        at += width
    said = " · ".join(
        f"{number:,} {answer(state).lower()}" for state, number in bar.parts if number
    )
    return (
        f'<div class="bar"><p>{_safe(bar.label)}</p>'
        f'<svg viewBox="0 0 {_WIDE} 14" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="none" width="{_WIDE}" height="14"/>{"".join(drawn)}</svg>'
        f"<p>{said or 'nothing'}</p></div>"
    )


def _grid(grid: Grid) -> str:
    heads = "".join(
        f'<th scope="col" class="{one.kind}">{_safe(one.label)}</th>' for one in grid.heads
    )
    rows = "".join(_row(grid, row) for row in grid.rows)
    note = f"<p>{_safe(grid.note)}</p>\n" if grid.note else ""
    return (
        f'<div class="table" role="group" tabindex="0" aria-label="{_safe(grid.title)}"><table>'
        f"<caption>{_safe(grid.title)}</caption><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody>"
        f"</table></div>\n{note}"
    )


def _row(grid: Grid, row: tuple[str, ...] | str) -> str:
    if isinstance(row, str):
        return f'<tr><th scope="colgroup" class="band" colspan="{len(grid.heads)}">{_safe(row)}</th></tr>'
    cells = "".join(
        f'<td class="{head.kind}">{_cell(head.kind, cell)}</td>'
        for head, cell in zip(grid.heads, row, strict=True)
    )
    return f"<tr>{cells}</tr>"


def _cell(kind: str, cell: str) -> str:
    if kind == "answer":
        return f'<b class="{_safe(cell)}">{_safe(answer(cell))}</b>'
    return _safe(cell)


def _safe(text: str) -> str:
    return escape(printable(text))
