"""AuthZEN searches: who may, where, and what. Each result is a decision that would be a permit now; none is recorded.

Candidates come from what could give access at all, in the order of their keys; each is then judged as any request.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any

from django.db.models import Q

from inventory import effective
from inventory.access_graph import acting_as, held_by
from inventory.action_patterns import has_wildcard
from inventory.models import (
    Delegation,
    Entitlement,
    Grant,
    Identity,
    Resource,
    System,
    Tool,
    ToolBinding,
)
from runtime import decisions
from runtime.authzen_requests import Page, make_token
from runtime.models import PolicyEntity, PolicySet, live_versions
from runtime.policy_text import parse
from runtime.questions import Question

CHUNK = 100  # judged at once
MOST_JUDGED = 5_000  # of one page; what comes after is on the next
APPLICATION = PolicySet.Domain.APPLICATION


@dataclass(slots=True)
class Found:
    results: list[dict[str, str]] = field(default_factory=list)
    next_token: str = ""


def search(question: Question, *, sought: str, page: Page, at: datetime) -> Found:
    """One page of what fits in the open place of the question."""
    candidates = _candidates(question, sought, at)
    ordered = iter(sorted(one for one in candidates if one > _padded(page.after)))
    found, judged, last = Found(), 0, ""
    while chunk := list(islice(ordered, CHUNK)):
        filled = [_filled(question, sought, key.strip()) for key in chunk]
        for key, one, answer in zip(chunk, filled, decisions.weigh(filled, at=at), strict=True):
            if answer.permitted:
                if len(found.results) == page.limit:
                    found.next_token = make_token(last)
                    return found
                found.results.append(_result(one, sought))
            last = key.strip()
        judged += len(chunk)
        if judged >= MOST_JUDGED and next(ordered, None) is not None:
            found.next_token = make_token(last)
            return found
    return found


def _filled(question: Question, sought: str, key: str) -> Question:
    if sought == "action":
        return replace(question, action=key)
    return (
        replace(question, subject_id=key)
        if sought == "subject"
        else replace(question, resource_id=key)
    )


def _result(question: Question, sought: str) -> dict[str, str]:
    if sought == "action":
        return {"name": question.action}
    if sought == "subject":
        return {"type": question.subject_type, "id": question.subject_id}
    return {"type": question.resource_type, "id": question.resource_id}


def _padded(key: str) -> str:
    """Keys of rows in the order of their numbers."""
    return key.rjust(19) if key.isdigit() else key


def _candidates(question: Question, sought: str, at: datetime) -> Iterable[str]:
    if question.domain == APPLICATION:
        return _of_applications(question, sought)
    finders: dict[str, Callable[[Question, datetime], Iterable[Any]]] = {
        "subject": _subjects, "resource": _resources, "action": _actions,
    }  # fmt: skip
    return {_padded(str(one)) for one in finders[sought](question, at)}


def _of_applications(question: Question, sought: str) -> Iterable[str]:
    kinds = {"subject": question.subject_type, "resource": question.resource_type}
    kind = kinds.get(sought, "Action")
    keys = PolicyEntity.objects.filter(type=kind).values_list("key", flat=True)
    return {*keys, *(_named_actions("App::Action") if sought == "action" else ())}


def _named_actions(kind: str) -> Iterator[str]:
    """The actions that the live policies name in their heads."""
    for version in live_versions(APPLICATION):
        for policy in parse(version.text).policies:
            head = policy.parsed["action"]
            for entity in [head["entity"]] if "entity" in head else head.get("entities", []):
                if entity["type"] == kind:
                    yield entity["id"]


def _subjects(question: Question, at: datetime) -> Iterable[int]:
    """Whoever holds the tool, or reaches any entitlement where the resource is."""
    if question.subject_type != "identity":
        return ()
    if question.resource_type == "tool":
        provider, _, name = question.resource_id.rpartition("/")
        by_id = Q(tool=question.resource_id) if _is_id(question.resource_id) else Q()
        named = by_id or Q(tool__provider=provider, tool__name=name)
        return ToolBinding.objects.filter(named, gone_at=None).values_list("identity", flat=True)
    if question.resource_type == "identity":
        rows = Delegation.objects.effective(at).filter(how=question.action)
        return rows.values_list("delegate", flat=True)
    systems = _systems_of(question)
    entitlements = Entitlement.objects.filter(system__in=systems, effect="allow")
    _, rights = effective.who_reaches(list(entitlements.values_list("pk", flat=True)), at)
    return {right.place.identity for right in rights if right.place.identity is not None}


def _systems_of(question: Question) -> list[int]:
    facts_of = {"system": System.objects.values_list("pk", flat=True),
                "resource": Resource.objects.values_list("system", flat=True)}  # fmt: skip
    rows = facts_of.get(question.resource_type)
    if rows is None:
        return []
    namespace, _, external = question.resource_id.partition("/")
    if _is_id(question.resource_id):
        return list(rows.filter(pk=question.resource_id))
    return list(rows.filter(namespace=namespace, external_id=external))


def _resources(question: Question, at: datetime) -> Iterable[int]:
    """Tools that the subject holds, and what is in the systems where it or whom it acts as holds anything."""
    subject = _identity_of(question)
    if subject is None:
        return ()
    if question.resource_type == "tool":
        tools = Tool.objects.filter(bindings__identity=subject, gone_at=None)
        return tools.values_list("pk", flat=True)
    reached = acting_as(subject, held_by(at)).identities()
    if question.resource_type == "identity":
        return [one for one in reached if one != subject]
    systems = Grant.objects.effective(at).filter(identity__in=reached).values("entitlement__system")
    if question.resource_type == "system":
        return System.objects.filter(pk__in=systems).values_list("pk", flat=True)
    if question.resource_type == "resource":
        return Resource.objects.filter(system__in=systems).values_list("pk", flat=True)
    return ()


def _actions(question: Question, at: datetime) -> Iterable[str]:
    """What is named by what the subject holds; a pattern (`s3:*`) names no single action."""
    subject = _identity_of(question)
    if subject is None:
        return ()
    if question.resource_type == "tool":
        return ("call",)
    if question.resource_type == "identity":
        return tuple(Delegation.How.values)
    reached = acting_as(subject, held_by(at)).identities()
    rows = Entitlement.objects.filter(
        grants__in=Grant.objects.effective(at).filter(identity__in=reached)
    )
    found: set[str] = set()
    for name, actions in rows.values_list("name", "actions").distinct():
        found |= {one for one in actions if not has_wildcard(one)} if actions else {name}
    return found


def _identity_of(question: Question) -> int | None:
    if question.subject_type != "identity":
        return None
    key = question.subject_id
    if _is_id(key):
        return int(key)
    namespace, _, external = key.partition("/")
    named = Q(spiffe_id=key) | Q(namespace=namespace, external_id=external)
    return Identity.objects.live().filter(named).values_list("pk", flat=True).first()


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
