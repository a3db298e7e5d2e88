"""The decision point: may this subject do this, there, now? Facts bound, policy narrows, and an error is a deny.

When the database or the policies cannot be reached, nothing is answered: the error goes to the caller, who has no
permit then.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice

from runtime import application_facts, cedar_requests, decision_facts, law, policy_bundles
from runtime.case import Case
from runtime.cedar_requests import NotSayable
from runtime.decision_facts import Facts
from runtime.decision_keys import Keys, key_of, tool_key
from runtime.decision_rows import row_of
from runtime.models import PolicySet, new_decision_id
from runtime.policy_bundles import PoliciesUnreadable
from runtime.policy_engine import Asked, Verdict, judge, judge_many
from runtime.policy_slices import Slices
from runtime.questions import Answer, Question, Refused
from runtime.recording import RECORDER
from runtime.verdicts import answer_of, refusal

INVENTORY, APPLICATION = PolicySet.Domain.INVENTORY.value, PolicySet.Domain.APPLICATION.value
Live = Mapping[str, list[tuple[int, list[str]]]]


def decide(question: Question, *, at: datetime, asked_by: str = "") -> Answer:
    """The recorded answer to one question."""
    return decide_many([question], at=at, asked_by=asked_by)[0]


def decide_many(
    questions: Sequence[Question],
    *,
    at: datetime,
    asked_by: str = "",
    facts: Facts | None = None,
    until: Callable[[Answer], bool] | None = None,
) -> list[Answer]:
    """The recorded answers, in order. `until`: the first answer of which it is true is the last one given."""
    began = time.perf_counter_ns()
    answers = weigh(questions, at=at, facts=facts)
    if until is not None:
        last = next((n for n, answer in enumerate(answers) if until(answer)), len(answers))
        answers = list(islice(answers, last + 1))
    given = [replace(answer, decision_id=new_decision_id(at)) for answer in answers]
    spent = (time.perf_counter_ns() - began) // 1_000
    RECORDER.record(
        [
            row_of(question, answer, key=answer.decision_id, at=at, latency_us=spent, asked_by=asked_by)
            for question, answer in zip(questions, given, strict=False)
            if answer.decision_id is not None
        ]
    )  # fmt: skip
    return given


def weigh(
    questions: Sequence[Question],
    *,
    at: datetime,
    facts: Facts | None = None,
    instead: Slices | None = None,
) -> list[Answer]:
    """The answers, and nothing is recorded: for trying out and for replays.

    `instead`: policies to judge by in place of the live ones of the questions' domain, such as a draft.
    """
    known = facts if facts is not None else decision_facts.read(keys_of(questions), at=at)
    live = _live(known)
    cases: list[Case | Asked | Refused] = _cases(questions, known, at)
    answers: list[Answer | None] = [None] * len(questions)
    for domain in (INVENTORY, APPLICATION):
        numbers = [n for n, question in enumerate(questions) if question.domain == domain]
        if numbers:
            found = _judged([cases[n] for n in numbers], live.get(domain, []), instead)
            for number, answer in zip(numbers, found, strict=True):
                answers[number] = answer
    return [answer for answer in answers if answer is not None]


def keys_of(questions: Sequence[Question]) -> Keys:
    """All rows of the inventory that the questions name."""
    keys = Keys()
    for question in questions:
        if question.domain == INVENTORY:
            _add_keys(keys, question)
    return keys


def _add_keys(keys: Keys, question: Question) -> None:
    by_type = {
        law.RESOURCE: keys.resources,
        law.SYSTEM: keys.systems,
        law.IDENTITY: keys.identities,
    }
    if question.subject_type == law.IDENTITY:
        keys.identities.add(key_of(question.subject_id))
    if question.resource_type in by_type:
        by_type[question.resource_type].add(key_of(question.resource_id))
    context = question.context
    for name, found in (
        ("task", keys.tasks), ("dataset", keys.resources), ("system", keys.systems),
    ):  # fmt: skip
        if name in context:
            found.add(key_of(context[name]))
    tool = question.resource_id if question.resource_type == law.TOOL else context.get("tool")
    if tool is not None:
        keys.tools.add(tool_key(tool))


def _live(facts: Facts) -> Live:
    live: dict[str, list[tuple[int, list[str]]]] = {}
    for key, domain, monitored in facts.versions:
        live.setdefault(domain, []).append((key, monitored))
    return live


def _cases(
    questions: Sequence[Question], facts: Facts, at: datetime
) -> list[Case | Asked | Refused]:
    loaded = application_facts.read([one for one in questions if one.domain == APPLICATION])
    return [
        law.judge(question, facts, at=at)
        if question.domain == INVENTORY
        else _application(question, loaded)
        for question in questions
    ]


def _application(question: Question, loaded: application_facts.Loaded) -> Asked | Refused:
    try:
        return cedar_requests.of_application(question, loaded)
    except NotSayable as error:
        return Refused("not_sayable", str(error), "Leave it out, or say it otherwise.")


def _judged(
    cases: Sequence[Case | Asked | Refused],
    live: list[tuple[int, list[str]]],
    instead: Slices | None,
) -> list[Answer]:
    """The answers to the questions of one domain, which its live versions decide together."""
    versions = [key for key, _ in live]
    version = versions[0] if len(versions) == 1 and instead is None else None
    asked = [_asked(case) for case in cases]
    try:
        slices = instead or (policy_bundles.of_versions(versions) if versions else None)
    except PoliciesUnreadable as error:
        refused = Refused("policy_error", str(error), "Have security look at the live policies.")
        return [refusal(case, _refused(case) or refused, version) for case in cases]
    if slices is None:
        refused = Refused(
            "no_policies", "No policy set is live, and without one everything is denied.",
            "Have security activate a policy set.",
        )  # fmt: skip
        return [refusal(case, _refused(case) or refused, version) for case in cases]
    verdicts = iter(_verdicts(slices, [one for one in asked if one is not None]))
    watching = live[0][1] if live and instead is None else []
    return [
        answer_of(case, next(verdicts), slices, version=version, watching=watching)
        if one is not None
        else refusal(case, _refused(case), version)
        for case, one in zip(cases, asked, strict=True)
    ]


def _verdicts(slices: Slices, asked: Sequence[Asked]) -> list[Verdict]:
    return [judge(slices, asked[0])] if len(asked) == 1 else judge_many(slices, asked)


def _asked(case: Case | Asked | Refused) -> Asked | None:
    if isinstance(case, Case):
        return case.asked
    return case if isinstance(case, Asked) else None


def _refused(case: Case | Asked | Refused) -> Refused | None:
    if isinstance(case, Case):
        return case.refused
    return case if isinstance(case, Refused) else None
