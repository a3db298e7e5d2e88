"""Who acts for whom in a token: each link is a delegation that works, or the task itself; chains end, never turn."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from inventory.models import Delegation, Identity, Person, Task
from inventory.models.delegation import DelegationQuerySet
from runtime.oauth_errors import InvalidGrant

LONGEST = 5  # identities in one chain, the holder among them


@dataclass(frozen=True)
class Link:
    """An identity of the chain, and the delegation by which it acts for whoever comes next; None: the task is the link,
    or nobody comes next."""

    identity: Identity
    delegation: int | None = None


def extended(
    holder: Identity, behind: tuple[Link, ...], *, person: Person | None, task: Task, at: datetime
) -> tuple[Link, ...]:
    """The chain with its new holder in front. Raises InvalidGrant."""
    if behind and behind[0].identity.pk == holder.pk:
        return behind  # it exchanges a token of its own
    if any(link.identity.pk == holder.pk for link in behind):
        raise InvalidGrant(f"{holder.name} is in the chain already. A chain does not turn back.")
    if len(behind) >= LONGEST:
        raise InvalidGrant(f"The chain has {LONGEST} identities already, and may not be longer.")
    if behind:
        return (Link(holder, _from_identity(behind, holder, task, at)), *behind)
    if person is not None and task.on_behalf_of_id != person.pk:
        return (Link(holder, _from_person(person, holder, task, at)),)
    return (Link(holder),)


def _from_identity(behind: tuple[Link, ...], holder: Identity, task: Task, at: datetime) -> int:
    giver = behind[0]
    given = Delegation.objects.filter(delegator_identity=giver.identity.pk)
    if giver.delegation is not None and not _may_pass_on(giver.delegation):
        raise InvalidGrant(f"{giver.identity.name} may not pass on what it was given.")
    return _best(given, giver.identity.name, holder, task, at)


def _from_person(person: Person, holder: Identity, task: Task, at: datetime) -> int:
    given = Delegation.objects.filter(delegator_person=person.pk)
    return _best(given, person.name, holder, task, at)


def _best(given: DelegationQuerySet, giver: str, holder: Identity, task: Task, at: datetime) -> int:
    """A delegation of this task before one of all tasks; the newest of them."""
    working = given.effective(at).filter(Q(task=None) | Q(task=task.pk), delegate=holder.pk)
    found = working.order_by("task", "-pk").values_list("pk", flat=True).first()
    if found is None:
        raise InvalidGrant(f"{giver} has not delegated to {holder.name}, or no longer.")
    return found


def _may_pass_on(delegation: int) -> bool:
    """Nothing said is a yes, as everywhere in the inventory (`access_graph`)."""
    row = Delegation.objects.filter(pk=delegation).values_list("may_redelegate", flat=True)
    return row.first() is not False
