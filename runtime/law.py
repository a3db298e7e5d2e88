"""What the inventory's facts say of a request, before any policy: the first thing that stands against it, in words.

In this order: the identity is known, active and owned; its task and its chain up to a person stand; the tool is
approved and its own; a grant or delegation covers the request now. Facts bound, policy narrows.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from inventory.models import Identity
from runtime import approval_hook, cedar_requests, decision_chains
from runtime.approval_hook import Act
from runtime.case import Case
from runtime.coverage import RISKS, Coverage, Row, Target, of_request
from runtime.decision_chains import Chain, Through
from runtime.decision_facts import Facts
from runtime.decision_keys import is_named, key_of, tool_key
from runtime.policy_engine import Asked
from runtime.questions import Question, Refused
from runtime.tier_rule import act_number

RESOURCE, SYSTEM, TOOL, IDENTITY = "resource", "system", "tool", "identity"
_PAIR = ("namespace", "external_id")
_CALL = "call"
_NOT_FOUND = frozenset({
    "identity_unknown", "task_unknown", "tool_unknown", "resource_unknown", "system_unknown", "person_gone",
    "chain_broken", "chain_uncertain",
})  # fmt: skip


def judge(question: Question, facts: Facts, *, at: datetime) -> Case:
    """The case with either what to ask the policies, or why they need not be asked."""
    case = Case(question, facts, at)
    try:
        _subject(case)
        _task(case)
        _chain(case)
        _tool(case)
        case.asked = _covered(case)
    except Refused as refused:
        case.refused = refused
        if refused.code in _NOT_FOUND:  # a name may come to mean somebody at any time
            case.rest_on(None)
    return case


def _subject(case: Case) -> None:
    question = case.question
    if question.subject_type == "person":
        raise Refused(
            "person_unsupported",
            "The inventory holds what identities may do, not what people may do.",
            "Ask for the identity, and name the person as on_behalf_of.",
        )
    if question.subject_type != IDENTITY:
        raise Refused(
            "mixed", f"A subject of the type {question.subject_type} cannot reach the inventory.",
            "Ask for an identity of the inventory.",
        )  # fmt: skip
    case.identity = row = _find(case.facts.identities, question.subject_id, _PAIR)
    if row is None:
        raise Refused(
            "identity_unknown", "There is no such identity in the inventory.",
            "Import or register it, and give it an owner.",
        )  # fmt: skip
    case.rest_on([row["id"]])
    _alive(row)
    if row["owner_id"] is None:
        raise Refused("identity_unowned", f"{row['name']} has no owner.", "Assign an owner to it.")
    if not row["owner_here"]:
        raise Refused(
            "owner_gone", f"{row['owner_name']}, who owns {row['name']}, is not here any more.",
            "Assign an owner who is here.",
        )  # fmt: skip


def _alive(row: Row) -> None:
    if row["gone"]:
        raise Refused(
            "identity_gone", f"Its source no longer has {row['name']}.", "Import the source again."
        )
    if row["lifecycle"] != Identity.Lifecycle.ACTIVE:
        raise Refused(
            "identity_inactive", f"{row['name']} is {row['lifecycle']}, not active.",
            "Have security activate it.",
        )  # fmt: skip


def _task(case: Case) -> None:
    said = case.said("task")
    if said is None or case.identity is None:
        return
    key, callers = key_of(said), _callers(case, case.identity)
    case.rest_on(one for one in callers if one is not None)
    for row in case.facts.tasks.values():
        if row["identity_id"] in callers and (
            row["id"] == key.id or (key.word is not None and row["reference"] == key.word)
        ):
            case.task = row
    if case.task is None:
        raise Refused(
            "task_unknown", f"{case.identity['name']} has no such task.",
            "Open a task for this work first.",
        )  # fmt: skip
    if not case.task["is_open"]:
        raise Refused(
            "task_over", "The task is over, and what it was given ended with it.",
            "Open another task.",
        )  # fmt: skip
    if case.task["for_person"] is not None and not case.task["person_here"]:
        raise Refused(
            "person_gone", f"{case.task['for_email']}, whom the task is for, is not here any more.",
            "End the task.",
        )  # fmt: skip


def _callers(case: Case, identity: Row) -> set[int | None]:
    """The identity, and those through whom the work came: their task is its task, when the chain stands."""
    said = case.said("chain")
    named = said if isinstance(said, list) else []
    return {identity["id"], *(key_of(one).id for one in named if isinstance(one, str | int))}


def _chain(case: Case) -> None:
    person, told = case.said("on_behalf_of"), case.said("chain")
    if case.identity is None:
        return
    if person is not None or told is not None:
        case.chain = decision_chains.standing(
            case.identity["id"], told, person, case.task, at=case.at
        )
        case.rest_on(case.chain.rests_on)
    elif case.task and case.task["for_person"]:
        case.chain = Chain(person=case.task["for_person"], email=case.task["for_email"])


def _tool(case: Case) -> None:
    """Every tool that goes by this name must be approved: which one is meant cannot be told."""
    question = case.question
    said = question.resource_id if question.resource_type == TOOL else case.said("tool")
    if said is None or case.identity is None:
        return
    key = tool_key(said)
    found = [
        row for row in case.facts.tools.values() if is_named(key, row, ("provider", "name"))
    ]  # fmt: skip
    if not found:
        raise Refused("tool_unknown", "There is no such tool in the inventory.", "Import the tool.")
    held = [row for row in found if (case.identity["id"], row["id"]) in case.facts.held]
    case.tool = (held or found)[0]
    name = f"{case.tool['provider']}/{case.tool['name']}"
    if not all(row["approved"] for row in held or found):
        raise Refused(
            "tool_unapproved", f"{name} is not approved as it is described now.",
            "Have the tool's description looked at and approved.",
        )  # fmt: skip
    if not held:
        raise Refused(
            "tool_not_held", f"{case.identity['name']} was not given the tool {name}.",
            "Declare the tool for the identity.",
        )  # fmt: skip


def _covered(case: Case) -> Asked:
    question = case.question
    if question.resource_type == IDENTITY:
        return _becoming(case)
    if question.resource_type == TOOL:
        said = case.said("dataset") or case.said("system")
        if said is None:
            return _asked(case, cedar_requests.tool(_is(case.tool)), None, Through(Coverage()))
        kind = RESOURCE if case.said("dataset") is not None else SYSTEM
        entity, target = _target(case, kind, said)
        found = _grant(case, None if question.action == _CALL else question.action, target)
        return _asked(case, cedar_requests.tool(_is(case.tool)), entity, found)
    if question.resource_type not in (RESOURCE, SYSTEM):
        raise Refused(
            "mixed", f"Identities cannot reach resources of the type {question.resource_type}.",
            "Ask for a resource, system, tool or identity of the inventory.",
        )  # fmt: skip
    entity, target = _target(case, question.resource_type, question.resource_id)
    return _asked(case, entity, entity, _grant(case, question.action, target))


def _target(case: Case, kind: str, said: Any) -> tuple[cedar_requests.Json, Target]:  # Any: JSON
    facts = case.facts
    if kind == RESOURCE:
        row = _find(facts.resources, said, _PAIR) or _within(case, said)
        if row is not None and row["system_id"] in facts.systems:
            names = (row["external_id"], row["name"])
            entity = cedar_requests.resource(row, facts.systems[row["system_id"]])
            return entity, Target(row["system_id"], row["id"], names)
        return _unseen(case, said)
    row = _find(facts.systems, said, _PAIR)
    if row is None:
        raise _unknown("system")
    return cedar_requests.system(row), Target(row["id"])


def _within(case: Case, said: Any) -> Row | None:  # Any: JSON
    """The resource that its platform calls so, in the system of the context."""
    system = _find(case.facts.systems, case.said("system"), _PAIR)
    rows = case.facts.resources.values()
    return next(
        (row for row in rows if system and (row["system_id"], row["external_id"]) == (system["id"], said)),
        None,
    )  # fmt: skip


def _unseen(case: Case, said: Any) -> tuple[cedar_requests.Json, Target]:  # Any: JSON
    """A resource that nobody imported: its system is known, and patterns decide."""
    row = _find(case.facts.systems, case.said("system"), _PAIR)
    if row is None or not isinstance(said, str) or key_of(said).id is not None:
        raise _unknown("resource")
    case.rest_on(None)
    new = {"id": None, "name": said, "kind": "", "sensitivity": "", "environment": ""}
    return cedar_requests.resource(new, row), Target(row["id"], None, (said,))


def _unknown(noun: str) -> Refused:
    return Refused(
        f"{noun}_unknown", f"There is no such {noun} in the inventory.",
        f"Import the {noun}" + (", or name its system in the context." if noun == "resource" else "."),
    )  # fmt: skip


def _grant(case: Case, action: str | None, target: Target) -> Through:
    identity = _is(case.identity)
    task = case.task["id"] if case.task else None
    rows = case.facts.grants.get(identity["id"], ())
    found = Through(of_request(rows, action=action, target=target, task=task))
    own = found.coverage
    if own.grant is None and own.denied is None and identity["acts_as_others"]:
        further = decision_chains.through_others(
            identity["id"], action=action, target=target, task=task, at=case.at
        )
        found = further if further.coverage.grant is not None or not own.perhaps else found
        case.rest_on(further.rests_on)
    _require_grant(case, found.coverage, own)
    return found


def _require_grant(case: Case, found: Coverage, own: Coverage) -> None:
    name = _is(case.identity)["name"]
    if found.denied is not None:
        raise Refused(
            "denied_by_grant", f"“{found.denied['name']}” denies it to {name}, whatever allows it.",
            "Take the denial away where it was made.",
        )  # fmt: skip
    if found.grant is None and own.other_task is not None:
        raise Refused(
            "grant_for_task", f"{name} has it for task {own.other_task['task_id']} only.",
            "Name that task in the request, if this is part of it.",
        )  # fmt: skip
    if found.grant is None and found.perhaps is not None:
        raise Refused(
            "grant_uncertain",
            f"“{found.perhaps['name']}” has conditions that cannot be judged here.",
            "Grant it without conditions, or let the platform itself decide.",
        )
    if found.grant is None:
        raise Refused(
            "no_grant", f"Nothing that {name} holds covers this now.",
            "Request the access, or ask for what it holds.",
        )  # fmt: skip
    scope = case.chain.scope
    if scope is not None and found.grant["entitlement_id"] not in scope:
        raise Refused(
            "beyond_delegation", "The delegation behind this request does not cover it.",
            "Have the delegation widened, or ask for what it covers.",
        )  # fmt: skip


def _becoming(case: Case) -> Asked:
    identity = _is(case.identity)
    other = _find(case.facts.identities, case.question.resource_id, _PAIR)
    if other is None:
        raise _unknown("identity")
    case.rest_on([other["id"]])
    _alive(other)
    hop = decision_chains.acts_as(identity["id"], other["id"], at=case.at)
    if hop is None or hop.how != case.question.action:
        raise Refused(
            "no_delegation", f"{identity['name']} holds no such delegation from {other['name']}.",
            "Have the delegation made.",
        )  # fmt: skip
    if not hop.certain:
        raise Refused(
            "delegation_uncertain", "The delegation has conditions that cannot be judged here.",
            "Have a delegation made without conditions, or let the platform itself decide.",
        )  # fmt: skip
    return _asked(case, cedar_requests.identity(other), None, Through(Coverage(), 1))


def _asked(
    case: Case, resource: cedar_requests.Json, at_place: cedar_requests.Json | None, found: Through
) -> Asked:
    """The request as the policies see it. `at_place`: where the action leads, when it leads anywhere."""
    question, grant = case.question, found.coverage.grant
    becomes, calls = question.resource_type == IDENTITY, question.resource_type == TOOL
    writes = _writes(case.tool, grant, calls=calls)
    risk = _risk(case, grant)
    context: dict[str, Any] = {
        "action": question.action, "risk": risk or cedar_requests.UNKNOWN, "writes": writes,
        "highImpact": risk in ("high", "critical"),
        "justInTime": bool(grant and grant["just_in_time"]),
        "throughOthers": found.hops > 0, "hops": found.hops, "chainLength": case.chain.length,
        "approved": _approved(case), "personPresent": case.chain.person is not None,
        "sensitivity": (at_place or {"attrs": {}})["attrs"].get("sensitivity", cedar_requests.UNKNOWN),
    }  # fmt: skip
    if case.task:
        context |= {"task": case.task["id"], "taskRisk": case.task["risk"]}
    after = _tier_after(case, writes=writes)
    if after is not None:
        context["tierAfter"] = after
    if case.chain.email:
        context["onBehalfOf"] = case.chain.email
    if at_place is not None:
        kind = "system" if at_place["uid"]["type"] == "Mandate::System" else "dataset"
        context[kind] = at_place["attrs"]["name"]
        context.setdefault("system", at_place["attrs"].get("system", ""))
    groups = cedar_requests.groups_of(question.action, writes=writes, calls=calls, becomes=becomes)
    return cedar_requests.of_inventory(
        cedar_requests.identity(_is(case.identity)),
        action=question.action, groups=groups, resource=resource, context=context,
    )  # fmt: skip


def _writes(tool: Row | None, grant: Row | None, *, calls: bool) -> bool:
    """What is not known to only read counts as writing."""
    if calls and tool is not None:
        return tool["writes"] is not False
    return grant is None or grant["writes"] is not False


def _risk(case: Case, grant: Row | None) -> str:
    """The worst that anything says: the caller can only make it worse."""
    said = [case.said("risk"), case.tool and case.tool["risk"], grant and grant["risk"]]
    said.append(case.task and case.task["risk"])
    known = [one for one in said if isinstance(one, str) and one in RISKS]
    return max(known, key=RISKS.index, default="")


def _tier_after(case: Case, *, writes: bool) -> int | None:
    """The tier that the identity would be seen in after this call of a tool; nothing else is evidence of one."""
    if case.tool is None:
        return None
    identity = _is(case.identity)
    before = case.facts.held[identity["id"], case.tool["id"]]
    number = act_number(
        writes=writes, accompanied=case.chain.person is not None,
        new_tool=not before["called"], new_system=not before["reached"],
    )  # fmt: skip
    tier: int | None = identity["tiers_after"][number]
    return tier


def _approved(case: Case) -> bool:
    digest = case.said("arguments_digest")
    if not isinstance(digest, str) or case.tool is None or case.identity is None:
        return False
    case.rest_on(None)  # approvals are kept on a floor above
    task = case.task["id"] if case.task else None
    target = str(case.said("dataset") or case.said("system") or "")
    act = Act(case.identity["id"], case.tool["id"], digest, task, target)
    return approval_hook.is_approved(act, case.at)


def _find(rows: Mapping[int, Row], said: Any, pair: tuple[str, str]) -> Row | None:  # Any: JSON
    key = key_of(said)
    if key.id is not None:
        return rows.get(key.id)
    return next((row for row in rows.values() if is_named(key, row, pair)), None)


def _is(row: Row | None) -> Row:
    """What an earlier step of the law has found."""
    if row is None:
        raise LookupError("A step of the law was left out.")
    return row
