"""Running the tests of a version: what its policies say to each request, and whether that is right.

A test tells what the inventory would know: the subject's and the resource's attributes as `properties`, the facts of
the request as `context`. What it leaves out has a harmless value, so that a test says only what it is about.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runtime import application_facts, authzen_requests, cedar_requests, policy_bundles
from runtime.authzen_requests import Malformed
from runtime.cedar_requests import NotSayable
from runtime.models import PolicySet, PolicySetVersion, PolicyTest
from runtime.policy_bundles import PoliciesUnreadable
from runtime.policy_engine import Asked, Verdict, judge
from runtime.policy_slices import Slices
from runtime.questions import Question

_IDENTITY = {
    "name": "an identity", "kind": "service_account", "environment": "", "risk": "",
    "owner_email": "owner@example.org", "third_party": False, "compromised": False,
    "declared_tier": None, "observed_tier": None, "team_id": None,
}  # fmt: skip
_SYSTEM = {"id": 1, "name": "a system", "kind": "", "environment": ""}
_RESOURCE = {"name": "a resource", "kind": "", "sensitivity": "", "environment": ""}
_TOOL = {"name": "a tool", "provider": "a provider", "risk": "", "writes": None}
_FACTS: dict[str, Any] = {  # Any: JSON
    "risk": "low", "writes": False, "highImpact": False, "justInTime": False,
    "throughOthers": False, "hops": 0, "chainLength": 0, "approved": False,
    "personPresent": False, "sensitivity": "unknown",
}  # fmt: skip
_ROWS: dict[str, dict[str, Any]] = {
    "resource": _RESOURCE, "system": _SYSTEM, "tool": _TOOL, "identity": _IDENTITY,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one test. `problem`: why it could not be run, or what the policies could not judge."""

    name: str
    expected: bool
    permitted: bool
    policies: tuple[str, ...] = ()
    problem: str = ""

    @property
    def passed(self) -> bool:
        return not self.problem and self.permitted == self.expected


def run(version: PolicySetVersion) -> list[Outcome]:
    """Every test of the version, in order. A text that cannot be read fails them all."""
    tests = list(version.tests.all())
    try:
        slices = policy_bundles.of_text(version.text)
    except PoliciesUnreadable as error:
        return [Outcome(test.name, test.permitted, False, (), str(error)) for test in tests]
    return [_run(test, slices, version.policy_set.domain) for test in tests]


def try_out(request: Mapping[str, Any], *, text: str, domain: str) -> Verdict:  # Any: JSON
    """What the policies of a text say to one request as a test tells it."""
    slices = policy_bundles.of_text(text)
    return judge(slices, described(request, domain=domain))


def described(request: Mapping[str, Any], *, domain: str) -> Asked:  # Any: JSON
    """The request as Cedar takes it. Raises Malformed or NotSayable."""
    question = authzen_requests.question_of(dict(request))
    if domain == PolicySet.Domain.APPLICATION:
        return cedar_requests.of_application(question, application_facts.read([question]))
    return _of_inventory(question)


def _run(test: PolicyTest, slices: Slices, domain: str) -> Outcome:
    try:
        verdict = judge(slices, described(test.request, domain=domain))
    except (Malformed, NotSayable) as error:
        return Outcome(test.name, test.permitted, False, (), str(error))
    return Outcome(test.name, test.permitted, verdict.permitted, verdict.policies, verdict.error)


def _of_inventory(question: Question) -> Asked:
    if question.subject_type != "identity" or question.resource_type not in _ROWS:
        raise Malformed("A test of the inventory's policies has an identity as its subject.")
    subject = _row(_IDENTITY, question.subject_id, question.subject_properties)
    told = _row(_ROWS[question.resource_type], question.resource_id, question.resource_properties)
    calls, becomes = question.resource_type == "tool", question.resource_type == "identity"
    context = _context(question, told)
    groups = cedar_requests.groups_of(
        question.action, writes=context["writes"], calls=calls, becomes=becomes
    )
    return cedar_requests.of_inventory(
        cedar_requests.identity(subject), action=question.action, groups=groups,
        resource=_entity(question.resource_type, told), context=context,
    )  # fmt: skip


def _row(usual: Mapping[str, Any], key: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """Properties go by the names of the schema; tier is what the inventory calls declared_tier."""
    names = {"tier": "declared_tier", "observedTier": "observed_tier", "thirdParty": "third_party",
             "owner": "owner_email", "team": "team_id"}  # fmt: skip
    told = {names.get(name, name): value for name, value in said.items()}
    unknown = sorted(set(told) - set(usual) - {"system"})
    if unknown:
        raise Malformed(f"There is no property “{unknown[0]}” here.")
    return {**usual, "id": key, **told}


def _context(question: Question, told: Mapping[str, Any]) -> dict[str, Any]:
    said = cedar_requests.plain(dict(question.context))
    context = {**_FACTS, "action": question.action, **said}
    if question.resource_type == "resource":
        context = {"sensitivity": told["sensitivity"] or "unknown", **said} | {
            key: value for key, value in context.items() if key != "sensitivity"
        }
        context.setdefault("dataset", told["name"])
    if "highImpact" not in said:
        context["highImpact"] = context["risk"] in ("high", "critical")
    if not isinstance(context["writes"], bool):
        raise Malformed("“writes” is true or false.")
    return context


def _entity(kind: str, told: dict[str, Any]) -> cedar_requests.Json:
    if kind == "resource":
        system = {**_SYSTEM, "name": str(told.pop("system", _SYSTEM["name"]))}
        return cedar_requests.resource(told, system)
    made = {
        "system": cedar_requests.system,
        "tool": cedar_requests.tool,
        "identity": cedar_requests.identity,
    }
    return made[kind](told)
