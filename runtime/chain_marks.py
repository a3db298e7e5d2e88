"""What is known about single calls beside the calls themselves: decisions here, approvals and tokens by whoever knows.

A floor above registers a source of marks, so that this one need not import it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse

from inventory.models import User
from runtime.models import Decision, ToolCall


@dataclass(frozen=True)
class Mark:
    """One thing known about a call: a word with a tone, a sentence, and perhaps a page."""

    label: str
    tone: str
    text: str = ""
    url_name: str = ""
    key: object = None

    @property
    def url(self) -> str:
        return reverse(self.url_name, args=[self.key]) if self.url_name else ""


_NO_DECISION = Mark(
    "No decision", "warn",
    "Nobody asked for a decision before this call, or the reporter did not name it.",
)  # fmt: skip
Marks = dict[str, list[Mark]]  # by the call's id
Source = Callable[[Sequence[ToolCall], User, datetime], Marks]  # for whom, and when
_sources: list[Source] = []
_DAY = timedelta(days=1)


def provide(source: Source) -> None:
    """Registers a source, in `AppConfig.ready()`; the same one twice counts once."""
    if source not in _sources:
        _sources.append(source)


def marks_of(calls: Sequence[ToolCall], *, seen_by: User, at: datetime) -> Marks:
    """All marks of these calls that the user may see, those of decisions first."""
    found: Marks = _decisions(calls)
    for source in _sources:
        for key, marks in source(calls, seen_by, at).items():
            found.setdefault(key, []).extend(marks)
    return found


def _decisions(calls: Sequence[ToolCall]) -> Marks:
    asked = {call.decision_id for call in calls if call.decision_id is not None}
    rows = {}
    if asked:
        began = [call.started_at for call in calls]
        rows = Decision.objects.between(min(began) - _DAY, max(began) + _DAY).in_bulk(asked)
    return {str(call.pk): [_of_decision(rows.get(call.decision_id))] for call in calls}


def _of_decision(decision: Decision | None) -> Mark:
    if decision is None:
        return _NO_DECISION
    if decision.permitted:
        by = ", ".join(decision.policies) or "the facts"
        return Mark("Permitted", "good", f"By {by}.", "runtime:decision-detail", decision.pk)
    return Mark("Denied", "bad", decision.reason, "runtime:decision-detail", decision.pk)
