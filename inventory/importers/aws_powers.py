"""What an AWS identity may do with rights, roles and credentials: the few statements of its policies that speak of
them, and whether they allow one action on one resource.

Source: AWS IAM User Guide, "Policy evaluation logic for requests within a single account": an explicit deny wins; a
permissions boundary must allow as well. Service and resource control policies of an organisation are not in the files.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from inventory.action_patterns import covers, covers_resource, statement_covers
from inventory.importers.aws_policies import Statement
from inventory.importers.records import EntitlementRow
from inventory.methods_aws import AWS

ANY = "*"  # any resource at all
PASSED_TO = "iam:passedtoservice"
_UNKNOWN_BOUNDARY = "Its permissions boundary is not in the file, and may forbid this."
_RELEVANT = tuple(
    {action for method in AWS for need in method.needs for action in need.split(" or ")}
)
_LIKE = ("stringequals", "stringlike", "stringequalsignorecase", "arnlike", "arnequals")


@dataclass(frozen=True, slots=True)
class Power:
    """One statement that its holder is given by the grant."""

    grant: str
    row: EntitlementRow


@dataclass(slots=True)
class Principal:
    """A user or role, as far as it matters for what it can become."""

    arn: str
    kind: str  # user, role
    account: str
    name: str
    place: str
    powers: list[Power] = field(default_factory=list)
    policies: tuple[str, ...] = ()  # ARNs of the managed policies attached to it or to its groups
    groups: tuple[str, ...] = ()  # ARNs
    boundary: tuple[EntitlementRow, ...] | None = ()  # () = none; None = its text is unknown
    has_boundary: bool = False
    trusts: tuple[Statement, ...] = ()  # of a role: who may assume it
    profiles: bool | None = None  # of a role: whether a machine can hold it; None = not said


@dataclass(frozen=True, slots=True)
class Verdict:
    """It is allowed: by these grants, each of which is enough, and with these doubts."""

    grants: tuple[str, ...]
    caveats: tuple[str, ...] = ()


def speaks_of_rights(row: EntitlementRow) -> bool:
    """Whether the statement has to be remembered."""
    return _speaks(row.actions, row.not_actions)


@lru_cache(maxsize=65_536)
def _speaks(actions: tuple[str, ...], not_actions: tuple[str, ...]) -> bool:
    return any(
        statement_covers(action, actions=actions, not_actions=not_actions) for action in _RELEVANT
    )


def allowed(who: Principal, action: str, resource: str, *, service: str = "") -> Verdict | None:
    """Whether the identity may do this; None when it may not. `service`: to whom a role is passed."""
    doubts = denials(who, action, resource)
    bounded = _bounded(who, action, resource, service)
    if doubts is None or bounded is None:
        return None
    sure, unsure = _allowances(who, action, resource, service)
    if not sure and not unsure:
        return None
    grants = tuple(sorted(sure or unsure))
    reasons = dict.fromkeys([*doubts, *bounded, *(() if sure else unsure.values())])
    return Verdict(grants, tuple(reasons))


def denials(who: Principal, action: str, resource: str) -> list[str] | None:
    """What denials make doubtful; None when one forbids."""
    said = [
        power.row
        for power in who.powers
        if power.row.effect == "deny" and _about(power.row, who, action, resource, denies=True)
    ]
    if any(not row.conditions for row in said):
        return None
    return [_subject_to("A Deny statement", tuple(_keys(row.conditions))) for row in said]


def _allowances(
    who: Principal, action: str, resource: str, service: str
) -> tuple[list[str], dict[str, str]]:
    """The grants that allow it without a doubt, and those with one, and which."""
    sure: list[str] = []
    unsure: dict[str, str] = {}
    for power in who.powers:
        row = power.row
        left = _conditions_left(row.conditions, service)
        if row.effect != "allow" or left is None or not _about(row, who, action, resource):
            continue
        if left:
            unsure[power.grant] = _subject_to("The permission", left)
        else:
            sure.append(power.grant)
    return sure, unsure


def _bounded(who: Principal, action: str, resource: str, service: str) -> list[str] | None:
    """What the permissions boundary makes doubtful; None when it forbids."""
    if not who.has_boundary:
        return []
    if who.boundary is None:
        return [_UNKNOWN_BOUNDARY]
    said = [
        row
        for row in who.boundary
        if _about(row, who, action, resource, denies=row.effect == "deny")
    ]
    if any(row.effect == "deny" and not row.conditions for row in said):
        return None
    lefts = [_conditions_left(row.conditions, service) for row in said if row.effect == "allow"]
    passing = [left for left in lefts if left is not None]
    if not passing:
        return None
    denials = [
        _subject_to("Its boundary", tuple(_keys(row.conditions)))
        for row in said
        if row.effect == "deny"
    ]
    return denials if () in passing else [*denials, _subject_to("Its boundary", passing[0])]


def _about(
    row: EntitlementRow, who: Principal, action: str, resource: str, *, denies: bool = False
) -> bool:
    """Whether the statement speaks of this action on this resource. Of `ANY` resource an allowance of one is enough,
    and a denial counts only when it leaves none."""
    if not statement_covers(action, actions=row.actions, not_actions=row.not_actions):
        return False
    if resource == ANY and not denies:
        return True
    if row.not_resources:
        return resource != ANY and not any(
            _on(pattern, who, resource) for pattern in row.not_resources
        )
    return not row.resources or any(_on(pattern, who, resource) for pattern in row.resources)


def _on(pattern: str, who: Principal, resource: str) -> bool:
    """A variable that cannot be told here matches nothing."""
    if "${" in pattern and who.kind == "user":
        pattern = pattern.replace("${aws:username}", who.name)
    return "${" not in pattern and covers_resource(pattern, resource)


def _conditions_left(conditions: Mapping[str, object], service: str) -> tuple[str, ...] | None:
    """The keys of the conditions that remain; None when they forbid passing the role to this service."""
    left: list[str] = []
    for operator, pairs in conditions.items():
        plain = operator.lower().rpartition(":")[2].removesuffix("ifexists")
        for key, value in pairs.items() if isinstance(pairs, dict) else ():
            if key.lower() == PASSED_TO and service and plain in _LIKE:
                if not any(covers(each, service) for each in _texts(value)):
                    return None
            else:
                left.append(key)
        if not isinstance(pairs, dict):
            left.append(operator)
    return tuple(dict.fromkeys(left))


def _texts(value: object) -> Iterator[str]:
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, str):
            yield each


def _keys(conditions: Mapping[str, object]) -> Iterator[str]:
    for operator, pairs in conditions.items():
        yield from pairs if isinstance(pairs, dict) else [operator]


def _subject_to(what: str, keys: tuple[str, ...]) -> str:
    return f"{what} is subject to conditions: {', '.join(dict.fromkeys(keys))}."
