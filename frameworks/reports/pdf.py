"""PDF, typeset by typst and tagged for screen readers (PDF/UA-1). The data goes in as JSON, never as source text.

Nothing of the machine gets in: fonts are those that typst brings, the time is that of the assessment. What those fonts
lack, and marks that combine, are written out (such as \\u65e5): no name can break the setting or vanish from it.
"""

import json
import re
import unicodedata
from dataclasses import asdict
from datetime import UTC
from pathlib import Path
from typing import IO, Any

import typst

from frameworks.reports.document import Bullets, Chart, Document, Facts, Grid, Section, Text
from frameworks.reports.sections import document
from frameworks.reports.text import answer, one_line
from frameworks.snapshot import Rows, Snapshot

TEMPLATE = Path(__file__).with_name("report.typ")
# Latin, Greek, Cyrillic, Hebrew, punctuation, currencies, arrows, mathematics, shapes: set one by one, without a mark
# that combines with its neighbour.
_SET = (
    " -~\u00a0-\u00ac\u00ae-\u024f\u0384-\u038a\u038c\u038e-\u03a1\u03a3-\u0482\u048a-\u04ff\u05d0-\u05ea"
    "\u1e00-\u1eff\u2010-\u2027\u2030-\u2040\u20a0-\u20bf\u2190-\u22ff\u25a0-\u25ff"
)
_NOT_SET = re.compile(f"[^{_SET}]")
_LONGEST = 2_000  # characters of a text; more is a page of its own, and helps nobody
_CELL = 400
_KINDS = {Text: "text", Bullets: "bullets", Facts: "facts", Chart: "chart", Grid: "grid"}


def write(snapshot: Snapshot, rows: Rows, out: IO[bytes]) -> None:
    out.write(typeset(snapshot, rows))


def typeset(snapshot: Snapshot, rows: Rows) -> bytes:
    compiler = typst.Compiler(TEMPLATE, root=TEMPLATE.parent, ignore_system_fonts=True)
    made = compiler.compile(
        format="pdf",
        pdf_standards=["ua-1"],
        timestamp=snapshot.made_at.astimezone(UTC).replace(microsecond=0),
        sys_inputs={"report": json.dumps(_drawn(document(snapshot, rows)))},
    )
    if not isinstance(made, bytes):
        raise RuntimeError("typst made no PDF.")
    return made


def _drawn(told: Document) -> dict[str, Any]:
    plain = {
        "title": told.title,
        "subtitle": told.subtitle,
        "facts": told.facts,
        "footer": told.footer,
        "sections": [_section(one) for one in told.sections],
    }
    return {name: _settable(value) for name, value in plain.items()}


def _section(section: Section) -> dict[str, Any]:
    blocks = [{"kind": _KINDS[type(one)], **_block(one)} for one in section.blocks]
    return {
        "title": section.title,
        "blocks": blocks,
        "parts": [_section(part) for part in section.parts],
    }


def _block(block: Text | Bullets | Facts | Chart | Grid) -> dict[str, Any]:
    plain = asdict(block)
    if isinstance(block, Grid):
        plain["rows"] = [_row(row) for row in block.rows]
    if isinstance(block, Chart):
        plain["bars"] = [
            {
                "label": bar.label,
                "parts": bar.parts,
                "said": " · ".join(
                    f"{number:,} {answer(state).lower()}" for state, number in bar.parts if number
                )
                or "nothing",
            }
            for bar in block.bars
        ]
    return plain


def _row(row: tuple[str, ...] | str) -> str | list[str]:
    """Short enough that a row never needs more than a page: rows are not broken."""
    return _cut(row, _CELL) if isinstance(row, str) else [_cut(cell, _CELL) for cell in row]


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]} … (cut here)"


def _settable(value: Any) -> Any:  # Any: JSON
    if isinstance(value, str):
        return _set(value)
    if isinstance(value, dict):
        return {name: _settable(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_settable(one) for one in value]
    return value


def _set(text: str) -> str:
    if not text.strip():
        return ""
    line = unicodedata.normalize("NFC", one_line(text))
    shown = _NOT_SET.sub(lambda found: f"\\u{ord(found.group()):04x}", line)
    return _cut(shown, _LONGEST)
