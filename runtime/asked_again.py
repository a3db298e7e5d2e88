"""What was asked before: found among the kept answers, written down, and answered without asking for any fact.

An agent asks much the same all day: may I call this tool, on that system? The second time that a process is asked, it
keeps the answer; from the third time on, one statement records it and says that nothing was changed.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from django.db import connection

from inventory import prepared
from inventory.noted import APPLICATIONS
from runtime import law
from runtime.decision_facts import Facts
from runtime.decision_rows import lasting_part, whole_row
from runtime.kept_answers import KEPT, Caller, Kept
from runtime.models import new_decision_id
from runtime.questions import (
    KNOWN_CONTEXT,
    Answer,
    Question,
    digest_of,
    is_of_inventory,
    what_counts,
)
from runtime.recording import RECORDER, Rest

Json = Mapping[str, Any]  # Any: JSON
LONGEST = 2_000  # bytes of a question that is kept
_PARTS = ("subject", "action", "resource", "context")
_KNOWN = frozenset(KNOWN_CONTEXT)
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)
# When time itself changes what the identities $2 may do: the next moment after $1. And whether they hold something by
# a rule that is not followed here: access that ends when it is not used, a delegation that follows from grants.
_NEXT_CHANGE = """WITH mine AS MATERIALIZED (
    SELECT starts_at, expires_at, revoked_at, task_id, idle_limit IS NOT NULL AS unclear
    FROM inventory_grant WHERE identity_id = ANY($2::bigint[]) AND gone_at IS NULL
    UNION ALL SELECT starts_at, expires_at, revoked_at, task_id, derived
    FROM inventory_delegation WHERE delegate_id = ANY($2::bigint[]) AND gone_at IS NULL
), work AS (
    SELECT opened_at, deadline, silent_at FROM inventory_task
    WHERE identity_id = ANY($2::bigint[]) AND status = 'open'
    UNION ALL SELECT opened_at, deadline, silent_at FROM inventory_task
    WHERE id IN (SELECT task_id FROM mine) AND status = 'open'
), moments(moment) AS (
    SELECT unnest(ARRAY[starts_at, expires_at, revoked_at]) FROM mine
    UNION ALL SELECT unnest(ARRAY[opened_at, deadline, silent_at]) FROM work
    UNION ALL SELECT leaves_at FROM inventory_person WHERE leaves_at > $1::timestamptz
)
SELECT (SELECT min(moment) FROM moments WHERE moment > $1::timestamptz), (SELECT bool_or(unclear) FROM mine)"""


@dataclass(frozen=True, slots=True)
class Again:
    """An answer that was kept, under a new id, as JSON."""

    permitted: bool
    document: orjson.Fragment


def key_of(entry: Json) -> bytes | None:
    """By what two questions are the same; None when it is not worth keeping.

    About the inventory only some of a context counts: with another trace or another time it is the same question.
    """
    said = [entry.get(part) for part in _PARTS]
    if said[-1] is None or _says_more(entry):
        said[-1] = _what_counts(entry)
    try:
        key = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        return None
    return key if len(key) <= LONGEST else None


def _says_more(entry: Json) -> bool:
    """Whether its context says what does not count, and is only part of the digest."""
    context = entry.get("context")
    return (
        isinstance(context, dict)
        and not _KNOWN.issuperset(context)
        and is_of_inventory(*map(_type_of, (entry.get("subject"), entry.get("resource"))))
    )


def _type_of(part: object) -> object:
    return part.get("type") if isinstance(part, dict) else None


def _what_counts(entry: Json) -> Json:
    context: Json = entry.get("context") or {}
    return what_counts(context) if _says_more(entry) else context


def _digest(entry: Json, context: Json) -> str:
    """Of the context, with the properties of an entry that is well-formed."""
    parts = (entry[part].get("properties") or {} for part in ("subject", "action", "resource"))
    return digest_of(context, *parts)


def answered(
    entries: Sequence[Json],
    digest: str,
    *,
    at: datetime,
    all_or_none: bool = True,
    until: Callable[[Again], bool] | None = None,
) -> dict[int, Again]:
    """The kept answers to the entries, by their number, recorded; nothing when something has changed meanwhile.

    `digest`: of the caller's token. `until`: the first answer of which it is true is the last one given.
    """
    began = time.perf_counter_ns()
    mark = KEPT.mark()
    caller = KEPT.caller(digest, at)
    if mark is None or caller is None:
        return {}
    found = _found(entries, at)
    if not found or (all_or_none and len(found) < len(entries)):
        return {}
    answers: dict[int, Again] = {}
    rows: list[bytes] = []
    for number, kept in found.items():
        key = new_decision_id(at)
        spent = (time.perf_counter_ns() - began) // 1_000
        entry = entries[number]
        of_context = _digest(entry, entry["context"]) if _says_more(entry) else kept.context_digest
        rows.append(whole_row(kept.row, key, at, spent, caller.name, of_context))
        said = kept.before + str(key).encode() + kept.after
        answers[number] = Again(kept.permitted, orjson.Fragment(said))
        if until is not None and until(answers[number]):
            break
    on = frozenset().union(*(found[number].rests_on for number in answers))
    return answers if RECORDER.record(rows, Rest(on, mark)) else {}


def _found(entries: Sequence[Json], at: datetime) -> dict[int, Kept]:
    keys = [key_of(entry) for entry in entries]
    found = [None if key is None else KEPT.find(key, at) for key in keys]
    return {number: one for number, one in enumerate(found) if one is not None}


def keep(
    entry: Json, question: Question, answer: Answer, document: Json, facts: Facts, at: datetime
) -> None:
    """Keeps the answer, which said this document, when the question was asked before, and as long as it holds."""
    key = key_of(entry)
    if (
        key is None or answer.rests_on is None or answer.decision_id is None or facts.mark is None
        or connection.in_atomic_block or not KEPT.is_asked_again(key)
    ):  # fmt: skip
        return
    until = _holds_until(question, answer.rests_on, at)
    before, found, after = orjson.dumps(document).partition(str(answer.decision_id).encode())
    if until is not None and found:
        of_context = _digest(entry, _what_counts(entry))
        row = lasting_part(question, answer)
        kept = Kept(answer.permitted, before, after, row, of_context, answer.rests_on, at, until)
        KEPT.keep(key, kept, facts.mark)


def keep_caller(digest: str, caller: Caller, facts: Facts) -> None:
    if facts.mark is not None and not connection.in_atomic_block:
        KEPT.keep_caller(digest, caller, facts.mark)


def _holds_until(question: Question, rests_on: frozenset[int], at: datetime) -> datetime | None:
    """The next moment at which time alone may change it; None when that cannot be said."""
    identities = [key for key in rests_on if key != APPLICATIONS]
    if not identities:
        return _NEVER if rests_on else None
    moment, unclear = prepared.fetch_one(_NEXT_CHANGE, [at, prepared.array(identities)])
    if unclear:
        return None
    named = question.resource_type == law.TOOL or "tool" in question.context
    # What was called within so many days counts for calls of tools.
    tomorrow = (at.astimezone(UTC) + timedelta(days=1)).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    return min(moment or _NEVER, tomorrow if named else _NEVER)
