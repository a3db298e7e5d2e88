"""Replay of a draft about an application, over the recorded requests that name nothing of the inventory.

A decision keeps the names, a known part of the context, and a digest over all that was said. Where the digest fits what
was kept, the record holds the whole request. Where it does not, the caller brought properties or context that are not
kept; then the draft is asked only if its policies look at names and groups alone, and otherwise nothing is guessed.

Entities and their groups are as they are loaded today. What was removed in the interval cannot be judged.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q

from inventory.models import Change
from inventory.rules import RuleBroken
from runtime import application_facts, cedar_requests, policy_bundles, replay_reading
from runtime.cedar_requests import NotSayable
from runtime.models import (
    INVENTORY_TYPES,
    Decision,
    PolicyEntity,
    PolicySet,
    PolicySetVersion,
    live_versions,
)
from runtime.policy_bundles import PoliciesUnreadable
from runtime.policy_engine import Asked as CedarAsked
from runtime.policy_engine import Verdict as CedarVerdict
from runtime.policy_engine import judge_many
from runtime.policy_slices import Slices, Uid
from runtime.questions import Question
from runtime.replay_judging import Verdict
from runtime.replay_reading import Asked, Times
from runtime.verdicts import words_of

NOT_SAYABLE = "not_sayable"
CUT = Verdict(None, "Its names are not recorded whole: they are too long, or hold a NUL.")
NOT_KEPT = Verdict(
    None,
    "It brought properties or context that are not recorded, and policies that could apply look at such.",
)
REMOVED = Verdict(None, "A policy entity that it names was removed since.")
_ABOUT = ~Q(subject_type__in=INVENTORY_TYPES) & ~Q(resource_type__in=INVENTORY_TYPES)
_NAMES = ("subject_type", "subject_id", "action", "resource_type", "resource_id")
_SAME = (*_NAMES, "permitted", "reason_code", "context", "context_digest")
_LONGEST = {"subject_id": 500, "action": 300, "resource_id": 1_000}  # as runtime/recording.py cuts


def of_a_piece(start: datetime, end: datetime) -> Iterator[tuple[Asked, Times]]:
    """Grouped by the database; requests of which the record holds the same are one question."""
    rows = Decision.objects.between(start, end).filter(_ABOUT)
    for row, times in replay_reading.counted(rows, *_SAME):
        yield _asked(row), times


def _asked(row: Mapping[str, Any]) -> Asked:  # Any: columns
    names = {name: row[name] for name in _NAMES}
    whole = Question(**names, context=row["context"]).context_digest == row["context_digest"]
    said = [row["context"] if whole else {}, {}]
    return Asked(
        kind="decision",
        identity=None,
        task=None,
        told=json.dumps(said, sort_keys=True, separators=(",", ":")),
        before=row["permitted"],
        reason_code=row["reason_code"],
        whole=whole,
        **names,
    )


@dataclass
class InPlace:
    """The version in place of its set's live one, together with the live ones of other applications."""

    version: PolicySetVersion
    since: datetime
    beside: list[int]
    slices: Slices
    entities: dict[str, Any] = field(default_factory=dict)  # Any: JSON, by type and id
    scope: Q = _ABOUT
    call_scope: Q = Q(pk__in=())  # noqa: RUF009  never changed; a tool call is about the inventory

    def decisions(self, start: datetime, end: datetime) -> Iterator[tuple[Asked, Times]]:
        return of_a_piece(start, end)

    def judge(self, asked: Sequence[Asked]) -> list[Verdict]:
        questions = [_question(one) for one in asked]
        loaded = application_facts.read(questions)
        gone = _removed(self.since) - set(loaded)
        cases = [
            self._case(one, question, loaded, gone)
            for one, question in zip(asked, questions, strict=True)
        ]
        requests = [case for case in cases if isinstance(case, CedarAsked)]
        self._remember(requests)
        found = iter(judge_many(self.slices, requests))
        return [case if isinstance(case, Verdict) else self._verdict(next(found)) for case in cases]

    def ground(self) -> object:
        return {"beside": self.beside, "entities": self.entities}

    def _case(
        self,
        asked: Asked,
        question: Question,
        loaded: application_facts.Loaded,
        gone: set[Uid],
    ) -> CedarAsked | Verdict:
        """What to ask the policies, or why they need not or cannot be asked."""
        if asked.reason_code == NOT_SAYABLE:
            return Verdict(asked.before, by_facts=True)
        if _may_be_cut(asked):
            return CUT
        try:
            request = cedar_requests.of_application(question, loaded)
        except NotSayable as error:
            return Verdict(None, str(error))
        scopes = (request.principal, request.action, request.resource)
        if any(uid in gone for scope in scopes for uid in scope.uids):
            return REMOVED
        if not asked.whole and not self.slices.look_at_heads_only(*scopes):
            return NOT_KEPT
        return request

    def _remember(self, requests: Sequence[CedarAsked]) -> None:
        for request in requests:
            for entity in request.entities:
                self.entities[f"{entity['uid']['type']}::{entity['uid']['id']}"] = entity

    def _verdict(self, verdict: CedarVerdict) -> Verdict:
        return Verdict(verdict.permitted, words_of(verdict, self.slices)[1], verdict.policies)


def judge_of(version: PolicySetVersion, since: datetime) -> InPlace:
    """Raises RuleBroken when the version, or one that is live beside it, cannot be read."""
    live = live_versions(PolicySet.Domain.APPLICATION.value)
    beside = [one.pk for one in live.exclude(policy_set=version.policy_set_id)]
    try:
        slices = policy_bundles.of_draft(version.policy_set.name, version.text, beside)
    except PoliciesUnreadable as error:
        raise RuleBroken(f"The policies cannot be read. {error}") from error
    return InPlace(version, since, beside, slices)


def _question(asked: Asked) -> Question:
    return Question(
        asked.subject_type, asked.subject_id, asked.action, asked.resource_type, asked.resource_id,
        asked.context,
    )  # fmt: skip


def _may_be_cut(asked: Asked) -> bool:
    """The record cuts names to what its columns hold, and has no NUL."""
    names = [(getattr(asked, name), most) for name, most in _LONGEST.items()]
    return any(len(said) >= most or "\ufffd" in said for said, most in names)


def _removed(since: datetime) -> set[Uid]:
    """Which policy entities somebody took away after that moment."""
    rows = Change.objects.filter(
        noun=PolicyEntity._meta.db_table, operation=Change.Operation.DELETE, at__gte=since
    ).values_list("before__type", "before__key")
    return {(f"App::{kind}", key) for kind, key in rows}
