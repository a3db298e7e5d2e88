"""Charts as server-side SVG: no script, no inline style, a title and a description for those who do
not see them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from typing import NamedTuple

from django import template
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


class Part(NamedTuple):
    """A part of a whole: its name, its size, its tone (good, info, warn, bad, plain)."""

    label: str
    size: float
    tone: str


class Span(NamedTuple):
    """An interval on a time line; None is open at that end."""

    label: str
    start: datetime | None
    end: datetime | None
    tone: str


@register.simple_tag
def sparkline(
    values: Iterable[float], label: str = "Trend", width: int = 120, height: int = 28
) -> SafeString:
    """A trend line of numbers, oldest first, with its last point marked."""
    numbers = [float(value) for value in values]
    if len(numbers) < 2:
        return mark_safe("")
    low, high = min(numbers), max(numbers)
    scale, step = (height - 6) / ((high - low) or 1), (width - 6) / (len(numbers) - 1)
    points = [(3 + n * step, height - 3 - (v - low) * scale) for n, v in enumerate(numbers)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    told = f"{len(numbers)} values from {numbers[0]:g}, lowest {low:g}, highest {high:g}."
    body = (
        f'<polygon class="area" points="3,{height} {line} {width - 3},{height}"/>'
        f'<polyline class="line" points="{line}"/>'
        f'<circle class="last" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>'
    )
    return _svg("spark", (width, height), f"{label}: {numbers[-1]:g}", told, body)


@register.simple_tag
def stacked_bar(parts: Sequence[Part], label: str, width: int = 320) -> SafeString:
    """Parts of a whole as one bar with a legend. `parts`: Part or such tuples; empty ones get no
    bar."""
    whole = sum(size for _, size, _ in parts)
    bar = _svg(
        "stack", (width, 10), label, _told(parts, whole), _blocks(parts, whole, width), stretch=True
    )
    legend = "".join(
        f'<li class="tone-{tone}"><i></i>{escape(name)} <b>{size:,g}</b></li>'
        for name, size, tone in parts
    )
    return mark_safe(f'<div class="chart">{bar}<ul class="legend">{legend}</ul></div>')


@register.simple_tag
def coverage(passed: int, failed: int, unknown: int, label: str = "Coverage") -> SafeString:
    """The answers of a control as a thin strip: pass, fail, cannot tell. Not applicable takes no
    room."""
    parts = [
        Part("Pass", passed, "good"),
        Part("Fail", failed, "bad"),
        Part("Cannot tell", unknown, "hatch"),
    ]
    whole = passed + failed + unknown
    return _svg(
        "stack strip",
        (120, 8),
        label,
        _told(parts, whole),
        _blocks(parts, whole, 120),
        stretch=True,
    )


@register.simple_tag
def time_line(
    spans: Sequence[Span],
    start: datetime,
    end: datetime,
    now: datetime,
    label: str = "Grants over time",
) -> SafeString:
    """Intervals under each other between two moments, with a line for now. An open end runs to the
    edge.

    `spans`: Span or such tuples. For a text alternative, show the same rows as a table beside it.
    """
    width, row, left = 640, 22, 170
    room = width - left
    total = (end - start).total_seconds() or 1

    def at(moment: datetime | None, otherwise: float) -> float:
        if moment is None:
            return otherwise
        return left + min(max((moment - start).total_seconds() / total, 0), 1) * room

    drawn = []
    for n, (name, begins, ends, tone) in enumerate(spans):
        x1, x2, y = at(begins, left), at(ends, width), n * row
        shown = name if len(name) <= 26 else f"{name[:25]}…"
        drawn.append(
            f'<text class="name" x="0" y="{y + 15}">{escape(shown)}'
            f"<title>{escape(name)}</title></text>"
            f'<rect class="tone-{tone}{" open" if ends is None else ""}" x="{x1:.1f}" y="{y + 5}"'
            f' width="{max(x2 - x1, 3):.1f}" height="12" rx="3">'
            f"<title>{escape(_interval(begins, ends))}</title></rect>"
        )
    height = len(spans) * row + 20
    x = at(now, left)
    drawn.append(
        f'<line class="now" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height - 16}"/>'
        f'<text class="axis" x="{left}" y="{height - 4}">{start:%d %b %Y}</text>'
        f'<text class="axis end" x="{width}" y="{height - 4}">{end:%d %b %Y}</text>'
    )
    told = "; ".join(f"{name}: {_interval(begins, ends)}" for name, begins, ends, _ in spans[:20])
    chart = _svg("times", (width, height), label, told, "".join(drawn))
    return mark_safe(
        f'<div class="times-box" role="group" tabindex="0" aria-label="{escape(label)}">'
        f"{chart}</div>"
    )


def _interval(start: datetime | None, end: datetime | None) -> str:
    begins = f"{start:%d %b %Y}" if start else "the beginning"
    return f"from {begins} to {end:%d %b %Y}" if end else f"from {begins}, no end"


def _told(parts: Sequence[Part], whole: float) -> str:
    return ", ".join(f"{name} {size:g}" for name, size, _ in parts) + f" of {whole:g}."


def _blocks(parts: Sequence[Part], whole: float, width: int) -> str:
    """Rectangles side by side, each at least 2 wide: one failure in 10,000 shows."""
    filled = [(size, tone) for _, size, tone in parts if size > 0]
    if not filled:
        return f'<rect class="tone-none" width="{width}" height="10"/>'
    room = width - 2 * len(filled)
    blocks, x = [], 0.0
    for size, tone in filled:
        wide = 2 + room * size / whole
        blocks.append(f'<rect class="tone-{tone}" x="{x:.1f}" width="{wide:.1f}" height="10"/>')
        x += wide
    return "".join(blocks)


def _svg(
    css: str, size: tuple[int, int], title: str, told: str, body: str, *, stretch: bool = False
) -> SafeString:
    width, height = size
    aspect = ' preserveAspectRatio="none"' if stretch else ""
    name, rest = escape(title), escape(told)
    return mark_safe(
        f'<svg class="{css}" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f'{aspect} role="img" aria-label="{name}. {rest}"><title>{name}</title>'
        f"<desc>{rest}</desc>{body}</svg>"
    )
