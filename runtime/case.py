"""A question on its way to an answer: what was found about it so far."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from runtime.coverage import Row
from runtime.decision_chains import Chain
from runtime.decision_facts import Facts
from runtime.policy_engine import Asked
from runtime.questions import Question, Refused


@dataclass(slots=True)
class Case:
    """A question with what was found about it so far; a refusal leaves the rest empty."""

    question: Question
    facts: Facts
    at: datetime
    identity: Row | None = None
    task: Row | None = None
    chain: Chain = Chain()  # noqa: RUF009  frozen
    tool: Row | None = None
    asked: Asked | None = None
    refused: Refused | None = None
    # Identities whose facts count; None: not known.
    rests_on: set[int] | None = field(default_factory=set)

    def rest_on(self, identities: Iterable[int] | None) -> None:
        """Adds identities; None, or nobody found, says that it cannot be told."""
        if self.rests_on is not None and identities is not None:
            self.rests_on.update(identities)
        else:
            self.rests_on = None

    def said(self, name: str) -> Any:  # Any: JSON
        return self.question.context.get(name)
