"""What a decision permits to the holder of a token: asked when it is issued, and whenever somebody relies on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from inventory.models import Identity, Person, Task
from runtime import decisions
from runtime.questions import Answer, Question
from runtime.scopes import Wish


@dataclass(frozen=True)
class Asking:
    """Who asks: the holder, for which task, on whose behalf, and through whom the work came (holder first)."""

    identity: Identity
    task: Task
    person: Person | None
    chain: tuple[int, ...]


@dataclass(frozen=True)
class Verdict:
    wish: Wish
    permitted: bool
    reason: str


def decided(asking: Asking, wishes: list[Wish], *, at: datetime, asked_by: str) -> list[Verdict]:
    """The decision about each wish, in order; each is recorded."""
    questions = _questions(asking, wishes)
    return _verdicts(wishes, decisions.decide_many(questions, at=at, asked_by=asked_by))


def weighed(asking: Asking, wishes: list[Wish], *, at: datetime) -> list[Verdict]:
    """The same, for a token that was decided about already: nothing is recorded."""
    return _verdicts(wishes, decisions.weigh(_questions(asking, wishes), at=at))


def _questions(asking: Asking, wishes: list[Wish]) -> list[Question]:
    context = _context(asking)
    return [
        Question(
            subject_type="identity",
            subject_id=str(asking.identity.pk),
            action=wish.action,
            resource_type=wish.resource_type,
            resource_id=wish.resource_id,
            context=context,
        )
        for wish in wishes
    ]


def _context(asking: Asking) -> Mapping[str, Any]:  # Any: JSON
    context: dict[str, Any] = {"task": str(asking.task.pk)}
    if asking.person is not None:
        context["on_behalf_of"] = str(asking.person.pk)
    if len(asking.chain) > 1:
        context["chain"] = [str(key) for key in reversed(asking.chain[1:])]
    return context


def _verdicts(wishes: list[Wish], answers: list[Answer]) -> list[Verdict]:
    return [
        Verdict(wish, answer.permitted, answer.reason)
        for wish, answer in zip(wishes, answers, strict=True)
    ]
