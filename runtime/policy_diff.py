"""What differs between two policy texts, line by line, as the pages show it."""

from dataclasses import dataclass
from difflib import SequenceMatcher

AROUND = 3  # unchanged lines that are shown on each side of a change


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the comparison. `kind`: same, added, removed, or gap (lines that are left out)."""

    kind: str
    old: int | None
    new: int | None
    text: str

    @property
    def sign(self) -> str:
        return {"added": "+", "removed": "−"}.get(self.kind, "")


@dataclass(frozen=True, slots=True)
class Diff:
    """The changed lines with some around them; `added` and `removed` count lines."""

    lines: tuple[Line, ...]
    added: int
    removed: int

    @property
    def same(self) -> bool:
        return not self.added and not self.removed

    @property
    def said(self) -> str:
        if self.same:
            return "No line differs."
        return f"{_lines(self.added)} added, {_lines(self.removed)} removed."


def compare(old: str, new: str, *, around: int = AROUND) -> Diff:
    """The lines of `new` beside those of `old`. Line endings do not count."""
    before, after = old.splitlines(), new.splitlines()
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    found: list[Line] = []
    for number, group in enumerate(matcher.get_grouped_opcodes(around)):
        if number:
            found.append(Line("gap", None, None, ""))
        for tag, old_from, old_to, new_from, new_to in group:
            if tag == "equal":
                found += [
                    Line("same", old_from + n + 1, new_from + n + 1, before[old_from + n])
                    for n in range(old_to - old_from)
                ]
                continue
            found += [Line("removed", n + 1, None, before[n]) for n in range(old_from, old_to)]
            found += [Line("added", None, n + 1, after[n]) for n in range(new_from, new_to)]
    kinds = [line.kind for line in found]
    return Diff(tuple(found), kinds.count("added"), kinds.count("removed"))


def _lines(number: int) -> str:
    return f"{number} line{'' if number == 1 else 's'}"
