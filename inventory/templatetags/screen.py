"""Template words for what every screen shows: states, moments, icons."""

import re
from datetime import date, datetime

from django import template
from django.forms import BoundField, CheckboxInput
from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from inventory import markup

register = template.Library()
_CODE = re.compile(r"`([^`]+)`")


@register.filter
def in_code(text: str) -> SafeString:
    """Text in which `commands` stand between backticks."""
    return mark_safe(_CODE.sub(r"<code>\1</code>", escape(text)))


_ICONS = {"success": "circle-check", "warning": "triangle-alert", "error": "circle-alert"}
_TONES = {"success": "good", "warning": "warn", "error": "bad"}


@register.simple_tag
def icon(name: str, size: int = 16) -> SafeString:
    return markup.icon(str(name), size)


@register.simple_tag
def badge(label: str, tone: str | None = None) -> SafeString:
    return markup.badge(label, tone)


@register.simple_tag
def severity(level: int | str | None) -> SafeString:
    return markup.severity(level)


@register.simple_tag
def when(value: date | datetime | None, at: datetime | str | None = None) -> SafeString:
    """A moment relative to `at`; a page that has no moment of its own means the one of drawing
    it."""
    return markup.when(value, at if isinstance(at, datetime) else timezone.now())


@register.filter
def initials(name: str) -> str:
    words = str(name).replace(".", " ").split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


@register.filter
def is_checkbox(field: BoundField) -> bool:
    return isinstance(field.field.widget, CheckboxInput)


@register.filter
def message_icon(level: str) -> str:
    return _ICONS.get(level, "info")


@register.filter
def message_tone(level: str) -> str:
    return _TONES.get(level, "info")


@register.filter
def indented(text: str) -> str:
    """Further lines of a text under its first, in a plain e-mail."""
    return "\n  ".join(str(text).splitlines())
