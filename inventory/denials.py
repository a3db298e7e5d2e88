"""Which grants a denial covers whole: what is denied is not given, whatever else allows it.

Source: AWS IAM User Guide, "Policy evaluation logic": an explicit deny overrides any allow. A denial that covers a
grant only in part, or under a condition, is told by the grant's caveats instead, so that the answer becomes "may".
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from inventory.access_graph import one_of
from inventory.action_patterns import covers, covers_resource
from inventory.models import Entitlement, Grant

EVERYTHING = ["*"]
Match = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Patterns:
    """The patterns of one statement, and in which system it counts."""

    system: int
    actions: list[str]
    not_actions: list[str]
    resources: list[str]
    not_resources: list[str]


_PATTERNS = (
    "entitlement__system_id", "entitlement__actions", "entitlement__not_actions",
    "entitlement__resources", "entitlement__not_resources",
)  # fmt: skip


def denied(identities: Collection[int]) -> frozenset[int]:
    """Keys of the allowing grants of these identities that a denial without condition covers whole.

    One query where nobody is denied anything, two otherwise. A denial counts while its source has it: nothing that
    Mandate does ends one.
    """
    mine = one_of("inventory_grant.identity_id", identities)
    denials: dict[int, list[Patterns]] = {}
    rows = Grant.objects.filter(
        mine, entitlement__effect=Entitlement.Effect.DENY, entitlement__conditions={},
        gone_at=None,
    )  # fmt: skip
    for identity, *patterns in rows.values_list("identity_id", *_PATTERNS):
        denials.setdefault(identity, []).append(Patterns(*patterns))
    if not denials:
        return frozenset()
    theirs = Grant.objects.filter(
        one_of("inventory_grant.identity_id", denials), gone_at=None,
        entitlement__effect=Entitlement.Effect.ALLOW,
    )  # fmt: skip
    return frozenset(
        grant
        for grant, identity, *patterns in theirs.values_list("pk", "identity_id", *_PATTERNS)
        if any(covers_whole(denial, Patterns(*patterns)) for denial in denials[identity])
    )


def covers_whole(denial: Patterns, allowance: Patterns) -> bool:
    """Whether the denial leaves nothing of what is allowed. False where patterns cannot be compared for certain."""
    if denial.system != allowance.system or denial.not_actions or denial.not_resources:
        return False
    if allowance.not_actions or allowance.not_resources:
        return denial.actions == EVERYTHING and denial.resources == EVERYTHING
    return _all(covers, denial.actions, allowance.actions) and _all(
        covers_resource, denial.resources, allowance.resources
    )


def _all(match: Match, denying: Iterable[str], allowing: Collection[str]) -> bool:
    """A pattern covers another when it covers its text, in which * and ? stand for themselves; only a * covers a *."""
    plain = [pattern for pattern in denying if "?" not in pattern]
    return bool(allowing) and all(
        any(match(denied, pattern) for denied in plain) for pattern in allowing
    )
