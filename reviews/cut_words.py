"""Ways and cuts in words, for the page that proposes, the one that decides, and the record of both."""

from collections.abc import Iterable
from dataclasses import dataclass

from inventory.cuts import Cut, Effect, Removal, Way
from inventory.delegation_methods import METHODS
from inventory.models import Delegation, Entitlement, Grant, Identity

NAMED = 8


@dataclass(frozen=True)
class Offered:
    """One cut to choose: `value` for the form, what ends, and what else that takes away."""

    value: str
    ends: list[str]
    effects: list[str]


def steps(way: Way) -> list[str]:
    """The way, hop by hop: who acts as whom, and how. Two queries."""
    keys = [hop.delegation for hop in way.place.hops]
    rows = _delegations(keys)
    said = [_hop(rows[key]) for key in keys if key in rows]
    if way.right is not None:
        grant = Grant.objects.select_related("identity", "entitlement__system").get(
            pk=way.right.held.grant
        )
        said.append(f"{grant.identity} holds {grant.entitlement} on {grant.entitlement.system}.")
    return said


def effects(found: Iterable[Effect]) -> list[str]:
    """What each identity loses and keeps, in sentences. Two queries."""
    found = list(found)
    names = Identity.objects.in_bulk([effect.identity for effect in found])
    lost = {key for effect in found for key in effect.lost}
    entitlements = Entitlement.objects.in_bulk(list(lost))
    said = []
    for effect in found:
        words = sorted(str(entitlements[key]) for key in effect.lost if key in entitlements)
        more = f" and {len(words) - NAMED:,} more" if len(words) > NAMED else ""
        listed = f": {', '.join(words[:NAMED])}{more}" if words else ""
        said.append(
            f"{names[effect.identity]} loses {len(effect.lost):,}"
            f" {'entitlement' if len(effect.lost) == 1 else 'entitlements'}{listed};"
            f" it keeps {len(effect.kept):,}."
        )
    return said


def offered(found: Iterable[Cut]) -> list[Offered]:
    """The cuts to choose from."""
    found = list(found)
    words = removals(each for cut in found for each in cut.removals)
    return [
        Offered(
            value=" ".join(f"{each.noun}:{each.key}" for each in sorted(cut.removals)),
            ends=[words[each] for each in sorted(cut.removals) if each in words],
            effects=effects(cut.effects),
        )
        for cut in found
    ]


def removals(wanted: Iterable[Removal]) -> dict[Removal, str]:
    """What ends, in words. Two queries."""
    wanted = set(wanted)
    keys = {noun: [each.key for each in wanted if each.noun == noun] for noun in ("delegation", "grant")}  # fmt: skip
    said = {
        Removal("delegation", key): f"Delegation: {_hop(row)}"
        for key, row in _delegations(keys["delegation"]).items()
    }
    grants = Grant.objects.select_related("identity", "entitlement__system")
    for key, row in grants.in_bulk(keys["grant"]).items():
        via = f", through {row.via}" if row.via else ""
        said[Removal("grant", key)] = (
            f"Grant: {row.identity} holds {row.entitlement} on {row.entitlement.system}{via}."
        )
    return said


def parsed(value: str) -> set[Removal]:
    """The removals that a form sent; empty for anything else."""
    found = set()
    for word in value.split():
        noun, _, key = word.partition(":")
        if noun in ("delegation", "grant") and key.isdecimal() and len(key) < 19:
            found.add(Removal(noun, int(key)))
    return found


def _delegations(keys: Iterable[int]) -> dict[int, Delegation]:
    rows = Delegation.objects.select_related("delegate", "delegator_identity", "delegator_person")
    return rows.in_bulk(list(keys))


def _hop(row: Delegation) -> str:
    subject = row.delegator_identity or row.delegator_person
    method = METHODS.get(row.method)
    how = method.title if method else row.get_how_display()
    return f"{row.delegate} may act as {subject} ({how[0].lower()}{how[1:]})."
