"""Answers of controls and checks on a page: a badge, a cell of the matrix, a bar."""

from collections.abc import Mapping

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from frameworks.results import State
from inventory import markup
from inventory.templatetags.charts import Part

register = template.Library()
# A letter beside the colour, for those who do not see it.
_LETTERS = {"pass": "✓", "fail": "✗", "cannot-tell": "?", "not-applicable": "–", "not-covered": "·"}


@register.simple_tag
def answer(state: str, kind: str = "") -> SafeString:
    """The badge of an answer, in the words of the framework's kind."""
    if not state:
        return markup.NOTHING
    found = State(state)
    return markup.badge(found.label_in(kind), found.tone)


@register.simple_tag
def answer_cell(control_id: str, title: str, state: str, kind: str, url: str) -> SafeString:
    """One control in the matrix."""
    found = State(state)
    css = "hatch" if found is State.NOT_COVERED else found.tone
    told = f"{control_id} {title}: {found.label_in(kind)}"
    return format_html(
        '<a class="cell tone-{}" href="{}" title="{}" aria-label="{}">'
        '<i aria-hidden="true">{}</i>{}</a>',
        css, url, told, told, _LETTERS[state], control_id,
    )  # fmt: skip


@register.filter
def parts(counts: Mapping[str, int], kind: str) -> list[Part]:
    """Counts by answer as the parts of a bar; what no check covers takes no room."""
    return [
        Part(state.label_in(kind), counts.get(str(state), 0), state.tone)
        for state in State
        if state is not State.NOT_COVERED
    ]


@register.filter
def number_of(counts: Mapping[str, int], state: str) -> int:
    return counts.get(state, 0)
