"""A policy text as numbered lines, and the problems of it at their lines."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from runtime.policy_text import Problem


@dataclass(frozen=True, slots=True)
class NumberedLine:
    number: int
    text: str
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Quoted:
    """A problem with the line that it is about."""

    line: int
    message: str
    text: str


def numbered(text: str, problems: Iterable[Problem] = ()) -> list[NumberedLine]:
    at: dict[int, list[str]] = {}
    for problem in problems:
        at.setdefault(problem.line, []).append(problem.message)
    return [
        NumberedLine(number, line, tuple(at.get(number, ())))
        for number, line in enumerate(text.splitlines() or [""], 1)
    ]


def moved(line: NumberedLine, by: int) -> NumberedLine:
    """The line with its number in the whole text, of which it is shown alone."""
    return replace(line, number=line.number + by)


def quoted(text: str, problems: Iterable[Problem]) -> list[Quoted]:
    """The problems in the order of the text, each with its line."""
    lines = text.splitlines()
    return [
        Quoted(
            problem.line,
            problem.message,
            lines[problem.line - 1].strip()[:300] if problem.line <= len(lines) else "",
        )
        for problem in sorted(problems, key=lambda each: (each.line, each.column))
    ]
