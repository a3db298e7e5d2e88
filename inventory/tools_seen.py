"""Tools that are seen in use: one that nobody knew becomes a tool on which nobody has decided, held as observed."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from inventory import audit, signals, tool_descriptors, tool_risk
from inventory.audit import Actor
from inventory.models import Source, Tool, ToolBinding

NAMESPACE = "observed"
UNNAMED = "unknown server"  # a call that does not say who offers the tool
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Seen:
    """An identity called a tool."""

    identity: int
    provider: str
    name: str


def note(seen: Collection[Seen], *, by: Actor, at: datetime) -> dict[Seen, int]:
    """The tool of each; tools and bindings that were not there are made, and their identities judged anew.

    A tool is the same where provider and name are; where several sources know it, a live one counts. A call that names
    no provider is of the only tool of that name; where several have the name it is left out. Noting the same twice
    changes nothing, also when two workers do so at once.
    """
    if not seen:
        return {}
    found = _known(seen)
    missing = {_key(one) for one in seen if one not in found and not _is_vague(one)}
    with audit.acting(by, "tool.observed", "Seen in use"):
        if missing:
            source = _source()
            Tool.objects.bulk_create(
                [_tool(source, *key, at=at) for key in sorted(missing)], ignore_conflicts=True
            )
            found = _known(seen)
        use({(one.identity, tool) for one, tool in found.items()}, by=by, at=at)
    return found


def use(pairs: Collection[tuple[int, int]], *, by: Actor, at: datetime) -> int:
    """Identities called tools that are known: those that were not seen to do so before are held as observed."""
    missing = set(pairs) - _held(pairs)
    if missing:
        with audit.acting(by, "tool.observed", "Seen in use"):
            _bind(_source(), missing, at=at)
    return len(missing)


def _key(seen: Seen) -> tuple[str, str]:
    return (seen.provider or UNNAMED)[:_LONGEST], seen.name[:_LONGEST]


def _known(seen: Collection[Seen]) -> dict[Seen, int]:
    rows = Tool.objects.filter(name__in={one.name[:_LONGEST] for one in seen})
    live_last = rows.order_by(F("gone_at").asc(nulls_last=True), "-pk")
    by_key: dict[tuple[str, str], int] = {}
    by_name: dict[str, set[int]] = defaultdict(set)
    for provider, name, pk, gone in live_last.values_list("provider", "name", "pk", "gone_at"):
        by_key[provider, name] = pk
        if gone is None:
            by_name[name].add(pk)
    found = {one: by_key[_key(one)] for one in seen if _key(one) in by_key}
    for one in seen:
        if not one.provider and len(by_name[one.name]) == 1:
            (found[one],) = by_name[one.name]
    return found


def _is_vague(seen: Seen) -> bool:
    """Several tools have the name, and the call does not say whose it was."""
    same = Tool.objects.filter(name=seen.name[:_LONGEST], gone_at=None)
    return not seen.provider and same.count() > 1


def _tool(source: Source, provider: str, name: str, *, at: datetime) -> Tool:
    """All that is known of it is its name; once its server lists it, that is what is to be approved."""
    said = {tool_descriptors.NAME: name}
    reading = tool_risk.judged(name, None)
    return Tool(
        source=source, namespace=NAMESPACE, external_id=f"{provider}/{name}", first_seen_at=at,
        provider=provider, name=name, descriptor=said,
        descriptor_digest=tool_descriptors.digest(said), writes=reading.writes,
        judged_risk=reading.risk, judged_why=list(reading.why),
    )  # fmt: skip


def _held(pairs: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
    """Which of them were observed already."""
    held = ToolBinding.objects.filter(
        identity__in={identity for identity, _ in pairs},
        tool__in={tool for _, tool in pairs},
        origin=ToolBinding.Origin.OBSERVED,
        gone_at=None,
    )
    return set(held.values_list("identity_id", "tool_id"))


def _bind(source: Source, missing: set[tuple[int, int]], *, at: datetime) -> None:
    ToolBinding.objects.bulk_create(
        [
            ToolBinding(
                source=source, namespace=NAMESPACE, external_id=f"{identity}|{tool}",
                identity_id=identity, tool_id=tool, origin=ToolBinding.Origin.OBSERVED,
                first_seen_at=at,
            )
            for identity, tool in sorted(missing)
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    signals.announce_changed({identity for identity, _ in missing})


def _source() -> Source:
    source, _ = Source.objects.get_or_create(
        key=NAMESPACE,
        defaults={"kind": Source.MANUAL, "namespace": NAMESPACE, "label": "Seen in use"},
    )
    return source
