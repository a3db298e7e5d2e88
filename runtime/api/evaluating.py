"""Evaluations of the AuthZEN API: what is kept, and the rest worked out. For the view, and for the way before it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from orjson import Fragment

from runtime import asked_again, decisions
from runtime.api.machine import known_caller
from runtime.authzen_requests import (
    DENY_FIRST,
    EXECUTE_ALL,
    PERMIT_FIRST,
    Malformed,
    entries_of,
    entry_of,
    question_of,
)
from runtime.decision_keys import Keys
from runtime.questions import Answer, Question

Json = dict[str, Any]  # Any: JSON


class Given(Protocol):
    """An answer, of which it is known what it was."""

    @property
    def permitted(self) -> bool: ...


Stops = Callable[[Given], bool]  # whether a batch ends with this answer
STOPS: Mapping[str, Stops | None] = {
    EXECUTE_ALL: None,
    DENY_FIRST: lambda answer: not answer.permitted,
    PERMIT_FIRST: lambda answer: answer.permitted,
}


def one(body: Json, digest: str, at: datetime) -> Json | Fragment:
    """One decision (section 6), for the caller whose token has this digest."""
    kept = asked_again.answered([body], digest, at=at)
    if kept:
        return kept[0].document
    question = checked(digest, at, lambda: question_of(body))
    facts, caller = known_caller(digest, decisions.keys_of([question]), at)
    (answer,) = decisions.decide_many([question], at=at, asked_by=caller, facts=facts)
    shown = _shown(answer)
    asked_again.keep(body, question, answer, shown, facts=facts, at=at)
    return shown


def many(body: Json, digest: str, at: datetime) -> Json | Fragment:
    """Many decisions (section 7). Without entries it is one."""
    if body.get("evaluations") in (None, []):
        return one(body, digest, at)
    entries, semantic = checked(digest, at, lambda: entries_of(body))
    said = [{} if isinstance(entry, Malformed) else entry for entry in entries]
    stops = STOPS[semantic]
    kept = asked_again.answered(said, digest, at=at, all_or_none=stops is not None, until=stops)
    if len(kept) == len(entries) or (stops is not None and kept):
        return {"evaluations": [one.document for one in kept.values()]}
    rest = [number for number in range(len(entries)) if number not in kept]
    fresh = _worked_out(digest, [entries[number] for number in rest], stops, at)
    shown = dict(zip(rest, fresh, strict=False)) | {n: one.document for n, one in kept.items()}
    return {"evaluations": [shown[number] for number in sorted(shown)]}


def checked(digest: str, at: datetime, read: Callable[[], Any]) -> Any:  # Any: what is read
    """What is read; when it is malformed, a caller without a token is told only that."""
    try:
        return read()
    except Malformed:
        known_caller(digest, Keys(), at)
        raise


def _worked_out(
    digest: str, entries: Sequence[Json | Malformed], stops: Stops | None, at: datetime
) -> list[Json]:
    """The answers to entries of a batch, up to the one that ends it."""
    asked = [entry_of(entry) for entry in entries]
    questions = [one for one in asked if isinstance(one, Question)]
    facts, caller = known_caller(digest, decisions.keys_of(questions), at)
    if stops is STOPS[DENY_FIRST]:  # an entry that is malformed is a deny
        first = next((n for n, one in enumerate(asked) if isinstance(one, Malformed)), len(asked))
        asked = asked[: first + 1]
        questions = [one for one in asked if isinstance(one, Question)]
    given = iter(decisions.decide_many(questions, at=at, asked_by=caller, facts=facts, until=stops))
    shown: list[Json] = []
    for entry, one in zip(entries, asked, strict=False):
        if isinstance(one, Malformed):
            shown.append(_malformed(one))
            continue
        answer = next(given)
        shown.append(_shown(answer))
        if isinstance(entry, dict):
            asked_again.keep(entry, one, answer, shown[-1], facts=facts, at=at)
        if stops is not None and stops(answer):
            break
    return shown


def _shown(answer: Answer) -> Json:
    context: Json = {"decision_id": str(answer.decision_id), "code": answer.reason_code}
    if not answer.permitted or answer.mode != "enforced":
        context["reason_user"] = {"en": answer.reason}
        context["mode"] = answer.mode
    if answer.remedy:
        context["remedy"] = {"en": answer.remedy}
    if answer.policies:
        context["policies"] = list(answer.policies)
    return {"decision": answer.permitted, "context": context}


def _malformed(error: Malformed) -> Json:
    return {"decision": False, "context": {"error": {"status": 400, "message": str(error)}}}
