"""The delegation explorer in words: its table, and the reason at every hop of one way."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from inventory.access_graph import Hop, Place, one_of
from inventory.columns import Column
from inventory.delegation_methods import HOWS, METHODS
from inventory.delegation_walk import Key
from inventory.explorer import Edge, Node, giver_of, taker_of
from inventory.models import Delegation, Entitlement

_HOW: dict[str, str] = dict(Delegation.How.choices)
_NAMED = 5  # entitlements of a scope


@dataclass(frozen=True)
class Row:
    """One delegation of the table."""

    delegation: int
    who: Node
    acts_as: Node
    how: str
    method: str
    hops: int
    certain: bool
    ends: datetime | None

    @property
    def farther(self) -> Node:
        """The end whose way from the start is shown."""
        return max(self.who, self.acts_as, key=lambda node: abs(node.column))

    @property
    def sure(self) -> str:
        return "Certain" if self.certain else "May"


CSV = (
    Column("who", "Who", "who.name"),
    Column("who_kind", "Kind of who", "who.words"),
    Column("as", "Acts as, or for", "acts_as.name"),
    Column("as_kind", "Kind of whom", "acts_as.words"),
    Column("how", "How", "how"),
    Column("method", "Method", "method"),
    Column("hops", "Hops from the start", "hops"),
    Column("sure", "Certain or may", "sure"),
    Column("ends", "Ends", "ends"),
)


@dataclass(frozen=True)
class Reason:
    """Why one hop of a way holds. `scope`, `conditions` and `caveats` only for who may see the delegation."""

    who: Node
    acts_as: Node
    delegation: int
    how: str
    meaning: str
    gives: str
    method: str
    method_meaning: str
    reference: str
    scope: str
    passes_on: str
    ends: datetime | None
    conditions: list[str]
    caveats: list[str]
    certain: bool
    seen: bool


def rows(edges: Iterable[Edge], nodes: Mapping[Key, Node]) -> list[Row]:
    """The table, nearest hops first. One query."""
    edges = list(edges)
    keys = [edge.hop.delegation for edge in edges]
    read = Delegation.objects.filter(one_of("inventory_delegation.id", keys)).order_by()
    known = {
        pk: (method, ends) for pk, method, ends in read.values_list("pk", "method", "expires_at")
    }
    found = [
        Row(
            edge.hop.delegation, nodes[edge.taker], nodes[edge.giver], _HOW[edge.hop.how],
            _method(known[edge.hop.delegation][0]), edge.distance, edge.hop.certain,
            known[edge.hop.delegation][1],
        )
        for edge in edges if edge.hop.delegation in known
    ]  # fmt: skip
    return sorted(found, key=lambda row: (row.hops, row.who.name, row.acts_as.name, row.delegation))


def reasons(way: Place, nodes: Mapping[Key, Node]) -> list[Reason]:
    """The hops of a way in the order in which authority is taken up. Two queries."""
    keys = [hop.delegation for hop in way.hops]
    delegations = Delegation.objects.in_bulk(keys)
    first = {hop.delegation: sorted(hop.scope or ())[:_NAMED] for hop in way.hops}
    asked = [entitlement for few in first.values() for entitlement in few]
    names = dict(Entitlement.objects.filter(pk__in=asked).order_by().values_list("pk", "name"))
    return [
        _reason(hop, delegations[hop.delegation], nodes, [names[pk] for pk in first[hop.delegation] if pk in names])
        for hop in way.hops if hop.delegation in delegations
    ]  # fmt: skip


def _reason(hop: Hop, row: Delegation, nodes: Mapping[Key, Node], named: list[str]) -> Reason:
    how, method = HOWS[row.how], METHODS.get(row.method)
    who = nodes[taker_of(hop)]
    return Reason(
        who=who,
        acts_as=nodes[giver_of(hop)],
        delegation=row.pk,
        how=_HOW[row.how],
        meaning=how.meaning,
        gives=how.gives,
        method=_method(row.method),
        method_meaning=method.meaning if method else "",
        reference=method.reference if method else how.reference,
        scope=_scope(hop, named if who.seen else []),
        passes_on=_PASSES_ON[row.may_redelegate],
        ends=row.expires_at,
        conditions=[f"{key}: {value}" for key, value in row.conditions.items()] if who.seen else [],
        caveats=row.caveats if who.seen else [],
        certain=hop.certain,
        seen=who.seen,
    )


_PASSES_ON = {
    True: "May be passed on.",
    False: "May not be passed on: nobody further can act through it.",
    None: "Its source does not report whether it may be passed on.",
}


def _scope(hop: Hop, named: list[str]) -> str:
    if hop.scope is None:
        return "All that the delegator may do."
    number = len(hop.scope)
    noun = "entitlement" if number == 1 else "entitlements"
    if not named:
        return f"{number:,} named {noun}."
    rest = f" and {number - len(named):,} more" if number > len(named) else ""
    return f"{number:,} named {noun}: {', '.join(named)}{rest}."


def _method(key: str) -> str:
    method = METHODS.get(key)
    return method.title if method else key
