"""A finding's evidence in words: what a check saw, as pairs of label and value."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.utils.dateparse import parse_datetime
from django.utils.html import format_html

from inventory import markup

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT")
_WORD = re.compile(r"[a-z]+(_[a-z]+)*")
_SPELT = {"id": "ID", "mfa": "MFA", "spiffe": "SPIFFE", "ids": "IDs"}


def in_words(evidence: Mapping[str, object], at: datetime) -> list[tuple[str, object]]:
    """What is shown of a finding's evidence; None stays None, which a page shows as a dash."""
    return [(label(name), value(name, found, at)) for name, found in evidence.items()]


def label(name: str) -> str:
    """The field `last_used_at` becomes "Last used"."""
    words = name.removesuffix("_at").removesuffix("_seconds").split("_")
    text = " ".join(_SPELT.get(word, word) for word in words)
    return text[:1].upper() + text[1:]


def value(name: str, found: object, at: datetime) -> object:
    if found is None or found == "":
        return None
    if isinstance(found, bool):
        return "Yes" if found else "No"
    if isinstance(found, list):
        return ", ".join(map(str, found)) or None
    if name.endswith("_seconds") and isinstance(found, int | float):
        return _span(timedelta(seconds=found))
    if isinstance(found, str):
        return _text(name, found, at)
    return found


def _text(name: str, found: str, at: datetime) -> object:
    moment = parse_datetime(found) if _MOMENT.match(found) else None
    if moment is not None:
        return markup.when(moment, at)
    if name.endswith(("_id", "fingerprint")):
        return format_html("<code>{}</code>", found)
    if _WORD.fullmatch(found) and not name.endswith(("name", "email", "key")):
        return found.replace("_", " ").capitalize()  # a choice, such as access_key
    return found


def _span(span: timedelta) -> str:
    if span < timedelta(minutes=2):
        return markup.span(span)
    hours = span.total_seconds() / 3_600
    return f"{hours:,.0f} hours" if hours < 72 else f"{span.days:,} days"
