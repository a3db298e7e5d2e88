"""Whether what was granted covers a request, by its patterns: yes, no, or only perhaps.

Where a platform's own rules could not be followed to the end (a condition, a caveat), the answer is "perhaps", and
perhaps is not enough to permit.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from inventory.action_patterns import covers_resource, statement_covers
from inventory.models import Entitlement

Row = Mapping[str, Any]  # Any: JSON
DENY = Entitlement.Effect.DENY.value
RISKS = ("", "low", "medium", "high", "critical")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request leads: a resource of a system, or the system itself (`resource` None and no names).

    The first name is the platform's id; what people call it is a second one, which can only take away.
    """

    system: int
    resource: int | None = None
    names: tuple[str, ...] = ()

    @property
    def is_system(self) -> bool:
        return not self.names


@dataclass(frozen=True, slots=True)
class Coverage:
    """The grant that covers the request, or why none does.

    `grant`: certain, and without a denial. `perhaps`: rows that would, if their conditions hold. `denied`: the denial.
    `other_task`: a grant that would cover it, within a task that the request did not name.
    """

    grant: Row | None = None
    denied: Row | None = None
    perhaps: Row | None = None
    other_task: Row | None = None


def of_request(
    rows: Iterable[Row], *, action: str | None, target: Target, task: int | None
) -> Coverage:
    """What the rows (grants and denials of one identity) say of the request. A certain denial counts first.

    Without an action any entitlement there counts: a tool is called, and what it does there has another name.
    """
    grant = perhaps = denied = other_task = None
    for row in rows:
        if row["system_id"] != target.system or not speaks_of(row, action, target):
            continue
        sure = is_certain(row)
        if row["effect"] == DENY:
            denied = denied or (row if sure else None)
            perhaps = perhaps if sure else row
        elif row["task_id"] is not None and row["task_id"] != task:
            other_task = other_task or row
        elif sure:
            grant = _better(grant, row)
        else:
            perhaps = perhaps or row
    if denied is not None:
        return Coverage(denied=denied)
    if perhaps is not None and (grant is None or perhaps["effect"] == DENY):
        return Coverage(perhaps=perhaps)
    return Coverage(grant=grant, other_task=other_task if grant is None else None)


def is_certain(row: Row) -> bool:
    return not (row["conditions"] or row["caveats"] or row["entitlement_caveats"])


def speaks_of(row: Row, action: str | None, target: Target) -> bool:
    """Whether the entitlement of the row is about this action there."""
    return _action(row, action) and _resource(row, target)


def _action(row: Row, action: str | None) -> bool:
    """By its patterns; an entitlement without any is one action or role, known by its name."""
    if action is None:
        return bool(row["effect"] != DENY) or covers_all(row)
    if row["actions"] or row["not_actions"]:
        return statement_covers(action, actions=row["actions"], not_actions=row["not_actions"])
    return bool(row["name"].casefold() == action.casefold())


def covers_all(row: Row) -> bool:
    """Whether it is about every action."""
    return "*" in row["actions"]


def _resource(row: Row, target: Target) -> bool:
    """A denial of some resources is a denial of their system as a whole: who may use the system may use all of it."""
    if target.is_system:
        one = row["resource_id"] is not None or row["resources"] or row["not_resources"]
        return not one or "*" in row["resources"] or bool(row["effect"] == DENY)
    if row["resource_id"] is not None:
        return bool(row["resource_id"] == target.resource)
    denies = row["effect"] == DENY
    if row["not_resources"]:
        names = target.names[:1] if denies else target.names
        return not _one_covers(row["not_resources"], names)
    names = target.names if denies else target.names[:1]
    return not row["resources"] or _one_covers(row["resources"], names)


def _one_covers(patterns: Iterable[str], names: Iterable[str]) -> bool:
    """Whether one of the patterns covers one of the names that the resource goes by."""
    return any(covers_resource(pattern, name) for pattern in patterns for name in names)


def _better(known: Row | None, new: Row) -> Row:
    """Of several that cover it, the one that is for a task, and then the one with the lower risk."""
    if known is None:
        return new
    return min(known, new, key=lambda row: (not row["just_in_time"], RISKS.index(row["risk"])))
