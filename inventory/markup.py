"""Small pieces of HTML that table rows, templates and panels share, so that a state looks the same
everywhere."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import lru_cache
from html import escape

from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from lucide.templatetags.lucide import lucide

# Colour is for state only. Each tone also has a shape or a word, so that it never speaks alone.
TONES = {
    "good": {
        "active", "enabled", "pass", "passed", "effective", "approved", "resolved", "fresh",
        "complete", "succeeded", "done", "ok", "yes", "compliant", "applied", "live", "low",
        "in force", "sent", "permitted",
    },
    "info": {
        "proposed", "open", "running", "queued", "waiting", "previewed", "requested", "new",
        "just-in-time", "medium",
    },
    "warn": {
        "suspended", "leaving", "expiring", "stale", "partial", "unknown", "cannot tell", "drift",
        "accepted", "snoozed", "standing", "pending", "changed", "high", "stopped",
        "would be denied", "newly permitted", "not decided",
    },
    "bad": {
        "left", "fail", "failed", "expired", "orphaned", "overdue", "rejected", "critical",
        "revocation unconfirmed", "blocked", "denied", "no owner", "compromised", "not seen yet",
        "given up", "newly denied", "disabled",
    },
}  # fmt: skip
_TONE_OF = {word: tone for tone, words in TONES.items() for word in words}

SEVERITIES = {1: "Low", 2: "Medium", 3: "High", 4: "Critical"}
NOTHING = mark_safe('<span class="nil dash">–</span>')

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_STAND_IN = 987654321  # a primary key to build an address with once, and then to replace


def tone_of(word: str) -> str:
    """The tone of a state by its word; an unknown word is neutral."""
    return _TONE_OF.get(word.lower(), "plain")


def badge(label: str, tone: str | None = None) -> SafeString:
    """A state as a word in a pill. Give a tone (good, info, warn, bad, plain) or let the word
    decide."""
    text = str(label)
    return mark_safe(f'<span class="badge tone-{tone or tone_of(text)}">{escape(text)}</span>')


def severity(level: int | str | None) -> SafeString:
    """A severity as bars and a word: 1 to 4, or its word."""
    if level is None or level == "":
        return NOTHING
    rank = level if isinstance(level, int) else _rank(str(level))
    return _severity(int(rank))


def _rank(word: str) -> int:
    return next((n for n, name in SEVERITIES.items() if name.lower() == word.lower()), 0)


@lru_cache(maxsize=8)
def _severity(rank: int) -> SafeString:
    name = SEVERITIES.get(rank, "Unknown")
    bars = "".join(
        f'<rect x="{n * 4}" y="{9 - n * 3}" width="3" height="{3 + n * 3}" rx=".5"'
        f"{'' if n < rank else ' class=off'}/>"
        for n in range(4)
    )
    return mark_safe(
        f'<span class="severity s{rank}"><svg width="15" height="12" aria-hidden="true">'
        f"{bars}</svg>{name}</span>"
    )


def relative(value: datetime, at: datetime) -> str:
    """The distance of a moment from `at` in one unit: "3d ago", "in 2h", "just now"."""
    seconds = (at - value).total_seconds()
    size = abs(seconds)
    if size < _MINUTE:
        return "just now"
    amount = _amount(size)
    return f"{amount} ago" if seconds > 0 else f"in {amount}"


def _amount(seconds: float) -> str:
    days = seconds / _DAY
    steps = (
        (days >= 730, f"{days / 365.25:.0f}y"),
        (days >= 60, f"{days / 30.44:.0f}mo"),
        (days >= 1, f"{days:.0f}d"),
        (seconds >= _HOUR, f"{seconds / _HOUR:.0f}h"),
    )
    return next((text for fits, text in steps if fits), f"{seconds / _MINUTE:.0f}min")


def span(length: timedelta) -> str:
    """A length of time in one unit: "0.21 s", "4 min", "3 days"."""
    seconds = length.total_seconds()
    if seconds < _MINUTE:
        return f"{seconds:.2f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.0f} hours" if seconds < 2 * _DAY else f"{seconds / _DAY:,.0f} days"


def when(value: date | datetime | None, at: datetime) -> SafeString:
    """A moment relative to `at`, with the exact one as machine-readable value and tooltip."""
    if value is None:
        return NOTHING
    if not isinstance(value, datetime):
        return mark_safe(f'<time datetime="{value.isoformat()}">{value:%d %b %Y}</time>')
    return mark_safe(
        f'<time datetime="{value:%Y-%m-%dT%H:%M:%SZ}" title="{value:%d %b %Y, %H:%M} UTC">'
        f"{relative(value, at)}</time>"
    )


def link(href: str, text: object, css: str = "") -> SafeString:
    """An escaped link; `css` is a class name of ours."""
    attribute = f' class="{css}"' if css else ""
    return mark_safe(f'<a href="{escape(href)}"{attribute}>{escape(str(text))}</a>')


@lru_cache(maxsize=256)
def address(url_name: str) -> Callable[[object], str]:
    """Build addresses of one kind fast: the name is resolved once, then only the key is put in.

    `address("identity-detail")(42)`. For patterns with one key; resolving each of 50 rows costs 2
    ms.
    """
    before, _, after = reverse(url_name, args=[_STAND_IN]).partition(str(_STAND_IN))
    return lambda key: f"{before}{key}{after}"


@lru_cache(maxsize=512)
def icon(name: str, size: int = 16) -> SafeString:
    """A lucide icon as inline SVG, hidden from screen readers: the words beside it say the same."""
    svg: str = lucide(name, size=size, aria_hidden="true", **{"class": "icon"})
    return mark_safe(svg)
