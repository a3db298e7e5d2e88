"""The relay lens: what the actor of a call may do, what those above it may do, and the difference that was used.

For identities the answer is the effective access at the moment of the call. What a person may do in the systems
themselves is not in the inventory; it is known only as far as the person delegated it, and otherwise "cannot tell".
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from inventory.effective import access_of
from inventory.models import Delegation, DelegationScope, Entitlement, Identity, Person
from inventory.models.grant import in_force_q
from runtime.covering import covering
from runtime.models import ToolCall


@dataclass(frozen=True)
class Side:
    """One party of a call. `may` is what it may do that covers the call; None where that cannot be told."""

    role: str
    noun: str
    key: int | None
    name: str
    may: frozenset[int] | None
    why: str

    @property
    def word(self) -> str:
        if self.may is None:
            return "Cannot tell"
        return "May do this" if self.may else "May not do this"

    @property
    def tone(self) -> str:
        if self.may is None:
            return "warn"
        return "good" if self.may else "bad"


@dataclass(frozen=True)
class Lens:
    """The actor, those above it in order up to the first person, and what was used that one of them lacks."""

    sides: list[Side]
    used: list[Entitlement]
    lacking: list[Side]

    @property
    def is_relay(self) -> bool:
        return bool(self.used)


def used_beyond(actor: Collection[int], above: Collection[int] | None) -> frozenset[int]:
    """The rights of the actor that covered the call and that somebody above lacks. Where one right covers the call for
    both, the one above could have made the call itself and nothing was relayed; what cannot be told is no relay."""
    if above is None or set(above) & set(actor) or above:
        return frozenset()
    return frozenset(actor)


def through(call: ToolCall) -> Lens:
    """The lens on one call."""
    at = call.started_at
    actor = _identity_side("Actor", call.identity_id, call, at)
    above = [_identity_side("Its caller", key, call, at) for key in callers_of(call)]
    person = first_person(call)
    if person is not None:
        above.append(_person_side(person, call, at))
    lacking = [side for side in above if used_beyond(actor.may or (), side.may)]
    used = frozenset().union(*(used_beyond(actor.may or (), side.may) for side in lacking))
    return Lens(
        [actor, *above],
        list(Entitlement.objects.filter(pk__in=used).select_related("system").order_by("name")),
        lacking,
    )


def callers_of(call: ToolCall) -> list[int]:
    """The identities that invoked the actor, or handed over to it, in the same trace: nearest first, each once."""
    if not call.trace_id:
        return []
    asked = ToolCall.objects.of_trace(call.trace_id).filter(
        kind__in=[ToolCall.Kind.AGENT, ToolCall.Kind.HANDOFF], identity__isnull=False
    )
    rows = list(asked.values_list("span_id", "tool_name", "agent_name", "identity_id")[:500])
    found: list[int] = []
    agent, parent = call.agent_name, call.parent_span_id
    for _ in range(len(rows)):
        near = [row for row in rows if row[0] == parent or (agent and row[1] == agent)]
        fresh = [row for row in near if row[3] not in (call.identity_id, *found)]
        if not fresh:
            break
        found.append(fresh[0][3])
        agent, parent = fresh[0][2], ""
    return found


def first_person(call: ToolCall) -> Person | None:
    """On whose behalf the call was made: as the call, its task or its trace says."""
    if call.on_behalf_of_id is not None:
        return Person.objects.filter(pk=call.on_behalf_of_id).first()
    if call.task_id is not None and (
        person := Person.objects.filter(tasks__pk=call.task_id).first()
    ):
        return person
    if not call.trace_id:
        return None
    named = ToolCall.objects.of_trace(call.trace_id).exclude(on_behalf_of=None)
    key = named.values_list("on_behalf_of_id", flat=True).first()
    return Person.objects.filter(pk=key).first() if key is not None else None


def _identity_side(role: str, key: int | None, call: ToolCall, at: datetime) -> Side:
    identity = Identity.objects.filter(pk=key).first() if key is not None else None
    if identity is None:
        name = call.agent_name or call.service_name or "Unknown identity"
        return Side(role, "identity", None, name, None, "Nobody knows which identity this is.")
    access = access_of(identity.pk, at)
    may = frozenset(_covering(access.rights, call))
    hops = [access.rights[key].hops for key in may]
    why = "It holds no grant that names this tool, and reaches none through others."
    if may:
        own = min(hops) == 0
        why = "By a grant of its own." if own else f"Through others, {min(hops)} hops away."
    return Side(role, "identity", identity.pk, identity.name, may, why)


def _person_side(person: Person, call: ToolCall, at: datetime) -> Side:
    given = Delegation.objects.filter(in_force_q(at), delegator_person=person).filter(
        Q(task=None) | Q(task=call.task_id)
    )
    rows = list(given.values_list("pk", "scope_all"))
    if not rows:
        why = "No delegation of theirs says what they may do, and their own access is not in the inventory."
        return Side("First person", "person", person.pk, person.name, None, why)
    if any(everything for _, everything in rows):
        why = "They delegated all that they may do, without a list of it."
        return Side("First person", "person", person.pk, person.name, None, why)
    scope = Entitlement.objects.filter(
        pk__in=DelegationScope.objects.filter(delegation__in=[key for key, _ in rows]).values(
            "entitlement"
        )
    )
    may = frozenset(_covering(scope.values_list("pk", flat=True), call))
    why = "What they delegated covers it." if may else "Nothing that they delegated covers it."
    return Side("First person", "person", person.pk, person.name, may, why)


def _covering(entitlements: Collection[int], call: ToolCall) -> set[int]:
    return covering(
        list(entitlements),
        provider=call.provider,
        tool_name=call.tool_name,
        system=call.system,
        resource=call.resource,
    )
