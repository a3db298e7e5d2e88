"""From what the facts and the policies say to an answer in words."""

from collections.abc import Sequence
from dataclasses import replace

from inventory.noted import APPLICATIONS
from runtime.case import Case
from runtime.models import Decision
from runtime.policy_engine import Asked, Verdict
from runtime.policy_slices import Slices
from runtime.questions import Answer, Refused

PERMITTED = "permitted"


def refusal(case: Case | Asked | Refused, refused: Refused | None, version: int | None) -> Answer:
    """The facts, or a missing policy set, stand against it."""
    if refused is None:
        raise LookupError("A case was neither refused nor judged.")
    return _about(
        case,
        Answer(False, refused.code, refused.reason, refused.remedy, policy_version=version),
    )


def answer_of(
    case: Case | Asked | Refused,
    verdict: Verdict,
    slices: Slices,
    *,
    version: int | None,
    watching: Sequence[str],
) -> Answer:
    """The facts allow it; so the policies decide, or only watch in the identity's environment."""
    code, reason, remedy = words_of(verdict, slices)
    answer = Answer(
        verdict.permitted, code, reason, remedy, verdict.policies,
        policy_version=version, considered=verdict.considered,
    )  # fmt: skip
    environment = case.identity["environment"] if isinstance(case, Case) and case.identity else ""
    if environment and environment in watching:
        answer = _watched(answer, environment)
    return _about(case, answer)


def words_of(verdict: Verdict, slices: Slices) -> tuple[str, str, str]:
    """Code, reason and remedy."""
    if verdict.permitted:
        return PERMITTED, "The facts allow it, and a policy permits it.", ""
    if verdict.error:
        return (
            "policy_error", f"A policy could not be judged: {verdict.error}",
            "Have security look at the live policies.",
        )  # fmt: skip
    if not verdict.policies:
        return (
            "no_policy_permits", "No policy permits it.",
            "Have a policy made that permits it, or ask for something else.",
        )  # fmt: skip
    said = slices.annotations_of(verdict.policies[0])
    named = said.get("title") or verdict.policies[0]
    reason = said.get("reason") or f"The policy “{named}” forbids it."
    return "policy_forbids", reason, said.get("remedy", "")


def _watched(answer: Answer, environment: str) -> Answer:
    """Permitted by the facts alone; what the policies say is kept beside it."""
    reason = f"The facts allow it, and in {environment} the policies only watch."
    if not answer.permitted:
        reason = f"{reason} They would have said: {answer.reason}"
    return Answer(
        True, "monitored", reason, answer.remedy, answer.policies, mode=Decision.Mode.MONITOR.value,
        monitored=answer.permitted, policy_version=answer.policy_version,
        considered=answer.considered,
    )  # fmt: skip


def _about(case: Case | Asked | Refused, answer: Answer) -> Answer:
    """With whom and what it is about, as far as that was found."""
    if not isinstance(case, Case):
        return replace(answer, rests_on=frozenset({APPLICATIONS}))
    return Answer(
        answer.permitted, answer.reason_code, answer.reason, answer.remedy, answer.policies,
        mode=answer.mode, monitored=answer.monitored, policy_version=answer.policy_version,
        identity=case.identity["id"] if case.identity else None,
        task=case.task["id"] if case.task else None, on_behalf_of=case.chain.person,
        considered=answer.considered, facts=case.asked.context if case.asked else {},
        rests_on=frozenset(case.rests_on) if case.rests_on is not None else None,
    )  # fmt: skip
