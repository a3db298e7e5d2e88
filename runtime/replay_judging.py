"""How a replay judges: a draft's policies, the live policies with another tier, or everything without a grant.

Policies are told the facts that were recorded with the decision; who asked, and what it was about, are as the inventory
has them today. What is no longer in the inventory cannot be judged, and is counted as that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

from django.db import transaction
from django.db.models import Q

from inventory.effective import who_acts_as
from inventory.models import Grant
from inventory.rules import RuleBroken
from runtime import cedar_requests, decision_facts, law, policy_bundles, replay_reading
from runtime.decision_facts import Facts, Row
from runtime.decision_keys import Key, is_named, key_of
from runtime.decisions import keys_of, weigh
from runtime.models import INVENTORY_TYPES, PolicySet, PolicySetVersion, live_versions
from runtime.policy_bundles import PoliciesUnreadable
from runtime.policy_engine import Asked as CedarAsked
from runtime.policy_engine import Verdict as CedarVerdict
from runtime.policy_engine import judge_many
from runtime.policy_slices import Slices
from runtime.questions import Answer, Question
from runtime.replay_calls import CALL
from runtime.replay_reading import Asked, Times
from runtime.verdicts import words_of

INVENTORY = PolicySet.Domain.INVENTORY.value
_AT_ONCE = 100  # questions judged while a grant is ended, and locked


@dataclass(frozen=True, slots=True)
class Verdict:
    """`permitted` None: it cannot be told. `by_facts`: the facts denied it, whatever the policies."""

    permitted: bool | None
    reason: str = ""
    policies: tuple[str, ...] = ()
    by_facts: bool = False


GONE = Verdict(None, "It is no longer in the inventory.")


@dataclass(frozen=True, slots=True)
class Judged:
    """A question with how often it was asked, and what would be answered."""

    asked: Asked
    times: Times
    verdict: Verdict

    @property
    def changes(self) -> bool:
        return self.verdict.permitted is not None and self.verdict.permitted != self.asked.before


class Judge(Protocol):
    """One kind of change. `scope` and `call_scope`: which decisions and tool calls it can concern. `decisions`: the
    former of a piece of the interval, as questions. `ground`: all that verdicts rest on besides them, as JSON."""

    @property
    def scope(self) -> Q: ...
    @property
    def call_scope(self) -> Q: ...

    def decisions(self, start: datetime, end: datetime) -> Iterator[tuple[Asked, Times]]: ...
    def judge(self, asked: Sequence[Asked]) -> list[Verdict]: ...
    def ground(self) -> object: ...


def with_text(version: PolicySetVersion, at: datetime) -> "WithPolicies":
    """Raises RuleBroken when the version's policies cannot be read."""
    try:
        return WithPolicies(policy_bundles.of_text(version.text), at)
    except PoliciesUnreadable as error:
        raise RuleBroken(f"The policies cannot be read. {error}") from error


def with_tier(identity: int, tier: int, at: datetime) -> "WithPolicies":
    """Raises RuleBroken when nothing is live."""
    return WithPolicies(_live(), at, tiers={identity: tier})


@dataclass
class WithPolicies:
    """These policies instead of those that were live, and perhaps another declared tier."""

    slices: Slices
    at: datetime
    tiers: dict[int, int] = field(default_factory=dict)
    entities: dict[str, Any] = field(default_factory=dict)  # Any: JSON, by type and id

    @property
    def scope(self) -> Q:
        about = Q(subject_type__in=INVENTORY_TYPES) | Q(resource_type__in=INVENTORY_TYPES)
        return about & self.call_scope

    @property
    def call_scope(self) -> Q:
        return Q(identity__in=list(self.tiers)) if self.tiers else Q()

    def decisions(self, start: datetime, end: datetime) -> Iterator[tuple[Asked, Times]]:
        return replay_reading.of_a_piece(self.scope, start, end)

    def judge(self, asked: Sequence[Asked]) -> list[Verdict]:
        facts = decision_facts.read(keys_of([_question(one) for one in asked]), at=self.at)
        for identity, tier in self.tiers.items():
            if identity in facts.identities:
                facts.identities[identity]["declared_tier"] = tier
        requests = [self._request(one, facts) for one in asked]
        for request in requests:
            for entity in request.entities if request else ():
                uid = entity["uid"]
                self.entities[f"{uid['type']}::{uid['id']}"] = entity
        found = iter(judge_many(self.slices, [one for one in requests if one is not None]))
        return [
            self._verdict(one, next(found) if request is not None else None)
            for one, request in zip(asked, requests, strict=True)
        ]

    def ground(self) -> object:
        return self.entities

    def _request(self, asked: Asked, facts: Facts) -> CedarAsked | None:
        """What the policies are asked; None when they are not, or it cannot be said any more."""
        if asked.kind == CALL:
            return law.judge(_question(asked), facts, at=self.at).asked
        return _request(asked, facts) if asked.facts else None

    def _verdict(self, asked: Asked, verdict: CedarVerdict | None) -> Verdict:
        if verdict is None and (asked.kind == CALL or not asked.facts):
            return Verdict(asked.before, by_facts=True)
        if verdict is None:
            return GONE
        return Verdict(verdict.permitted, words_of(verdict, self.slices)[1], verdict.policies)


@dataclass
class WithoutGrant:
    """Facts and live policies as they are now, with the grant and without it.

    The grant is ended in a transaction that is rolled back, so that what follows from it (acting as others) ends with
    it as it would. What would be denied today with the grant as well says nothing about it.
    """

    grant: Grant
    at: datetime
    _ground: list[object] = field(default_factory=list)

    @property
    def scope(self) -> Q:
        return self.call_scope & Q(permitted=True)

    @cached_property
    def call_scope(self) -> Q:
        """Whose grant it is, and who may act as them."""
        actors = who_acts_as(self.grant.identity_id, self.at).identities()
        return Q(identity__in=sorted({self.grant.identity_id, *actors}))

    def decisions(self, start: datetime, end: datetime) -> Iterator[tuple[Asked, Times]]:
        return replay_reading.of_a_piece(self.scope, start, end)

    def judge(self, asked: Sequence[Asked]) -> list[Verdict]:
        """In small groups: whoever really ends the grant meanwhile waits for one of them at most."""
        found: list[Verdict] = []
        for start in range(0, len(asked), _AT_ONCE):
            questions = [_question(one) for one in asked[start : start + _AT_ONCE]]
            pairs = list(zip(weigh(questions, at=self.at), self._without(questions), strict=True))
            self._ground += [[before.permitted, after.permitted] for before, after in pairs]
            found += [_compared(before, after) for before, after in pairs]
        return found

    def _without(self, questions: Sequence[Question]) -> list[Answer]:
        with transaction.atomic():
            Grant.objects.filter(pk=self.grant.pk).update(revoked_at=self.at)
            answers = weigh(questions, at=self.at)
            transaction.set_rollback(True)
        return answers

    def ground(self) -> object:
        return self._ground


def _compared(before: Answer, after: Answer) -> Verdict:
    if not _says_yes(before):
        return Verdict(None, f"Today it would be denied with the grant as well: {before.reason}")
    return Verdict(_says_yes(after), after.reason, after.policies)


def _says_yes(answer: Answer) -> bool:
    """What facts and policies say, also where the policies only watch."""
    return answer.permitted if answer.monitored is None else answer.monitored


def _live() -> Slices:
    versions = [version.pk for version in live_versions(INVENTORY)]
    if not versions:
        raise RuleBroken("No policies are live. Put a policy set live first.")
    try:
        return policy_bundles.of_versions(versions)
    except PoliciesUnreadable as error:
        raise RuleBroken(f"The live policies cannot be read. {error}") from error


def _question(asked: Asked) -> Question:
    """The identity by its key: what it was called then may since be somebody else's name."""
    subject = str(asked.identity) if asked.identity is not None else asked.subject_id
    return Question(
        asked.subject_type, subject, asked.action, asked.resource_type, asked.resource_id,
        asked.context,
    )  # fmt: skip


def _request(asked: Asked, facts: Facts) -> CedarAsked | None:
    """What the policies are asked; None when who or what is not in the inventory any more."""
    identity = facts.identities.get(asked.identity or 0)
    resource = _resource(asked, facts)
    if identity is None or resource is None:
        return None
    told = asked.facts
    groups = cedar_requests.groups_of(
        asked.action, writes=bool(told.get("writes")), calls=asked.resource_type == law.TOOL,
        becomes=asked.resource_type == law.IDENTITY,
    )  # fmt: skip
    return cedar_requests.of_inventory(
        cedar_requests.identity(identity), action=asked.action, groups=groups, resource=resource,
        context=told,
    )  # fmt: skip


def _resource(asked: Asked, facts: Facts) -> dict[str, Any] | None:  # Any: JSON
    key = key_of(asked.resource_id)
    if asked.resource_type == law.TOOL:
        row = _named(facts.tools, key, ("provider", "name"))
        return cedar_requests.tool(row) if row else None
    pair = ("namespace", "external_id")
    if asked.resource_type == law.SYSTEM:
        row = _named(facts.systems, key, pair)
        return cedar_requests.system(row) if row else None
    if asked.resource_type == law.IDENTITY:
        row = _named(facts.identities, key, pair)
        return cedar_requests.identity(row) if row else None
    row = _named(facts.resources, key, pair)
    if row is not None and row["system_id"] in facts.systems:
        return cedar_requests.resource(row, facts.systems[row["system_id"]])
    system = _named(facts.systems, key_of(asked.context.get("system")), pair)
    if system is None or key.id is not None:
        return None
    unseen = {
        "id": None,
        "name": asked.resource_id,
        "kind": "",
        "sensitivity": "",
        "environment": "",
    }
    return cedar_requests.resource(unseen, system)


def _named(rows: dict[int, Row], key: Key, pair: tuple[str, str]) -> Row | None:
    if key.id is not None:
        return rows.get(key.id)
    return next((row for row in rows.values() if is_named(key, row, pair)), None)
