"""The chain of a task, a trace or a conversation, rebuilt from its calls: person, agents, tools, resources."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import QuerySet

from inventory import access
from inventory.models import Delegation, Identity, Person, Task, User
from runtime import counting, flags
from runtime.chain_marks import Mark, marks_of
from runtime.models import Deviation, ToolCall

MOST = 500  # calls of one chain that are drawn and listed
Key = tuple[str, int | str]
_ASKS = (ToolCall.Kind.AGENT, ToolCall.Kind.HANDOFF)


@dataclass(frozen=True)
class Party:
    """One box of the chain. `pk` is there for what the user may open."""

    key: Key
    name: str
    words: str
    pk: int | None = None


@dataclass
class Edge:
    """All calls between two parties, with what was found about them."""

    source: Key
    target: Key
    calls: int = 0
    denied: int = 0
    flagged: int = 0
    step: str = ""  # the delegation that it rests on, in words

    @property
    def is_bad(self) -> bool:
        return bool(self.denied or self.flagged)


@dataclass(frozen=True)
class Link:
    """One call in the table of the chain, with all that is known about it."""

    call: ToolCall
    actor: Party
    target: Party
    place: str
    person: str
    marks: list[Mark]


@dataclass(frozen=True)
class Step:
    """One step of authority in words, and the delegation it rests on."""

    told: str
    step: str


@dataclass
class Chain:
    """What the calls say, in the order in which they began."""

    parties: dict[Key, Party] = field(default_factory=dict)
    edges: dict[tuple[Key, Key], Edge] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    more: bool = False

    @property
    def is_empty(self) -> bool:
        return not self.links

    @property
    def steps(self) -> list["Step"]:
        """Where somebody acted for somebody, or gave work, and what that rests on."""
        return [
            Step(f"{self.parties[edge.source].name} → {self.parties[edge.target].name}", edge.step)
            for edge in self.edges.values()
            if edge.step
        ]

    def add(self, source: Party, target: Party) -> Edge:
        self.parties.setdefault(source.key, source)
        self.parties.setdefault(target.key, target)
        return self.edges.setdefault((source.key, target.key), Edge(source.key, target.key))


def rebuild(rows: QuerySet[ToolCall], *, seen_by: User, at: datetime) -> Chain:
    """The chain of these calls. Only calls of identities that the user may see are among them."""
    calls = list(rows.order_by("started_at", "id")[: MOST + 1])
    chain = Chain(more=len(calls) > MOST)
    calls = counting.one_end(calls[:MOST])
    names = _Names.of(calls, seen_by)
    marks = marks_of(calls, seen_by=seen_by, at=at)
    flagged = _flagged(calls)
    for call in calls:
        _put(chain, call, names, marks.get(str(call.pk), []), flagged)
    _explain_steps(chain, calls)
    return chain


def _put(
    chain: Chain, call: ToolCall, names: "_Names", marks: list[Mark], flagged: dict[str, list[Mark]]
) -> None:
    actor, target = names.actor(call), names.target(call)
    found = [*marks, *flagged.get(str(call.pk), [])]
    person = names.person(call)
    if person:
        chain.add(person, actor).calls += 1
    if actor.key != target.key:
        edge = chain.add(actor, target)
        edge.calls += 1
        edge.denied += call.outcome == ToolCall.Outcome.DENIED
        edge.flagged += str(call.pk) in flagged
    else:
        chain.parties.setdefault(actor.key, actor)
    place = names.place(call)
    if place and call.kind == ToolCall.Kind.TOOL:
        reached = chain.add(target, place)
        reached.calls += 1
        reached.flagged += str(call.pk) in flagged
    told = (place.name if place else "", person.name if person else "")
    chain.links.append(Link(call, actor, target, *told, found))


def _flagged(calls: Sequence[ToolCall]) -> dict[str, list[Mark]]:
    return {key: [_mark(row) for row in rows] for key, rows in flags.of(calls).items()}


def _mark(row: Deviation) -> Mark:
    tone = "plain" if row.outcome == Deviation.Outcome.EXPECTED else "bad"
    return Mark(row.get_rule_display(), tone, row.detail, "runtime:deviation-triage", row.pk)


def _explain_steps(chain: Chain, calls: Sequence[ToolCall]) -> None:
    """Says on each step between two parties which delegation it rests on, or that there is none on record."""
    steps = [
        edge
        for edge in chain.edges.values()
        if edge.source[0] in ("person", "identity") and edge.target[0] == "identity"
    ]
    if not steps or not calls:
        return
    takers = {int(edge.target[1]) for edge in steps}
    rows = Delegation.objects.in_force(calls[0].started_at).filter(delegate__in=takers)
    known: dict[tuple[Key, Key], str] = {}
    for row in rows:
        giver: Key = (
            ("person", row.delegator_person_id)
            if row.delegator_person_id is not None
            else ("identity", row.delegator_identity_id or 0)
        )
        scope = "all" if row.scope_all else "named entitlements"
        known[giver, ("identity", row.delegate_id)] = f"{row.get_how_display()}, {scope}"
    for edge in steps:
        edge.step = known.get((edge.source, edge.target), "no delegation on record")


@dataclass
class _Names:
    """Who is who in these calls, read in a few queries."""

    identities: dict[int, Identity]
    seen: set[int]
    people: dict[int, Person]
    task_people: dict[int, int]
    by_agent_name: dict[str, int]

    @classmethod
    def of(cls, calls: Iterable[ToolCall], user: User) -> "_Names":
        calls = list(calls)
        keys = {call.identity_id for call in calls if call.identity_id is not None}
        tasks = {call.task_id for call in calls if call.task_id is not None}
        task_people = dict(
            Task.objects.filter(pk__in=tasks, on_behalf_of__isnull=False).values_list(
                "pk", "on_behalf_of_id"
            )
        )
        persons = {call.on_behalf_of_id for call in calls} | set(task_people.values())
        mine = access.visible_to(user, Identity.objects.filter(pk__in=keys))
        return cls(
            identities=Identity.objects.in_bulk(keys),
            seen=set(mine.values_list("pk", flat=True)),
            people=Person.objects.in_bulk([key for key in persons if key is not None]),
            task_people=task_people,
            by_agent_name={
                call.agent_name: call.identity_id
                for call in calls
                if call.agent_name and call.identity_id is not None
            },
        )

    def actor(self, call: ToolCall) -> Party:
        if call.identity_id is not None and call.identity_id in self.identities:
            return self._identity(call.identity_id)
        return _unknown(call.agent_name or call.service_name or "Unknown identity")

    def target(self, call: ToolCall) -> Party:
        if call.kind in _ASKS:
            key = self.by_agent_name.get(call.tool_name)
            return self._identity(key) if key is not None else _unknown(call.tool_name)
        name = f"{call.provider}/{call.tool_name}" if call.provider else call.tool_name
        return Party(("tool", name), call.tool_name, call.provider or "Tool", call.tool_id)

    def person(self, call: ToolCall) -> Party | None:
        key = call.on_behalf_of_id or self.task_people.get(call.task_id or 0)
        person = self.people.get(key or 0)
        return Party(("person", person.pk), person.name, "Person", person.pk) if person else None

    def place(self, call: ToolCall) -> Party | None:
        name = call.resource or call.system
        if not name:
            return None
        words = call.system if call.resource else "System"
        return Party(("place", f"{call.system}/{call.resource}"), name, words or "Resource")

    def _identity(self, key: int) -> Party:
        row = self.identities.get(key)
        if row is None:
            return _unknown("Unknown identity")
        return Party(
            ("identity", key), row.name, row.get_kind_display(), key if key in self.seen else None
        )


def _unknown(name: str) -> Party:
    return Party(("agent", name), name, "Not in the inventory")
