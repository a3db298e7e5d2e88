"""Who answers for an identity: owners, successors in order, and what leaving does."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import BigIntegerField, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from inventory import access, audit, endings, many, signals
from inventory.audit import Actor
from inventory.models import Identity, Person, Setting, Successor
from inventory.models.person import can_answer
from inventory.rules import Outcome, RuleBroken

ON_LEAVING = "ownership_on_leaving"
TAKE_OVER = "take-over"
BY_TIME = "job succession"
BY_SUCCESSION = "next successor in order"
BY_MANAGER = "manager of the owner"


def assign_owner(
    identity: Identity, *, owner: Person, by: Actor, reason: str, at: datetime
) -> Identity:
    """Makes a person accountable. Assigning the same person again confirms the ownership."""
    access.require(by, "assign_owner", identity)
    _require_here(owner, at)
    with audit.acting(by, "identity.owner_assigned", reason):
        endings.settle(at, by=by, identities=[identity.pk])
        Identity.objects.filter(pk=identity.pk).update(
            owner=owner, owner_lost_at=None, owner_confirmed_at=at
        )
        signals.announce_changed([identity.pk])
    return Identity.objects.get(pk=identity.pk)


def assign_owner_of_all(
    rows: QuerySet[Identity], *, owner: Person, by: Actor, reason: str, at: datetime
) -> Outcome:
    """Makes a person accountable for many. What they own already stays as it is, unconfirmed if it was; what the
    platform runs itself has no owner here.
    """
    _require_here(owner, at)
    wanted = many.Wanted(
        action="assign_owner",
        can=~Q(owner=owner) & Q(platform_managed=False),
        already=Q(owner=owner),
        fields={"owner": owner, "owner_lost_at": None, "owner_confirmed_at": at},
        about="pk",
    )
    with audit.acting(by, "identity.owner_assigned", reason):
        endings.settle(at, by=by, identities=rows.order_by().values("pk"))
        return many.update(rows, wanted, by=by)


def set_successors(
    identity: Identity, *, people: Sequence[Person], by: Actor, reason: str, at: datetime
) -> None:
    """Names who takes over, in this order; the first is the backup owner. Replaces the earlier
    order.
    """
    access.require(by, "assign_owner", identity)
    if len({person.pk for person in people}) < len(people):
        raise RuleBroken("A person is named twice. Name each successor once.")
    for person in people:
        _require_here(person, at)
    with audit.acting(by, "identity.successors_set", reason):
        Identity.objects.select_for_update().get(pk=identity.pk)
        kept = {person.pk: rank for rank, person in enumerate(people, start=1)}
        named = {row.person_id: row for row in Successor.objects.filter(identity=identity)}
        Successor.objects.filter(identity=identity).exclude(person__in=kept).delete()
        moved = [row for key, row in named.items() if key in kept and row.rank != kept[key]]
        for row in moved:
            row.rank = kept[row.person_id]
        Successor.objects.bulk_update(moved, ["rank"])
        Successor.objects.bulk_create(
            Successor(identity=identity, person_id=key, rank=rank)
            for key, rank in kept.items()
            if key not in named
        )
        signals.announce_changed([identity.pk])


def next_in_line(identities: QuerySet[Identity], at: datetime) -> dict[int, tuple[Person, str]]:
    """For each identity the person who should take over from its owner, and why; nobody: left out.

    The next successor in order who is here, else the owner's manager. Two queries, however many
    identities.
    """
    places = list(
        identities.order_by()
        .annotate(next_successor=_next_successor(at), next_manager=_next_manager(at))
        .values_list("pk", "next_successor", "next_manager")
    )
    people = Person.objects.in_bulk({key for _, *keys in places for key in keys if key})
    return {
        pk: (people[successor], BY_SUCCESSION) if successor else (people[manager], BY_MANAGER)
        for pk, successor, manager in places
        if successor or manager
    }


def days_without_owner(identity: Identity, at: datetime) -> int:
    """Whole days without an accountable person; 0 while somebody answers."""
    owner = identity.owner
    if owner is None:
        lost: datetime | None = identity.owner_lost_at or identity.first_seen_at
    elif owner.can_answer(at):
        return 0
    else:
        ends = [end for end in (owner.left_at, owner.leaves_at, owner.gone_at) if end]
        lost = min(ends, default=None)
    return max((at - lost).days, 0) if lost else 0


def orphaned_if_leaves(person: Person, at: datetime) -> QuerySet[Identity]:
    """What would be left without an accountable owner if this person left at the moment."""
    return Identity.objects.live().ownable().filter(owner=person)


def mark_leaving(
    person: Person, *, last_day: datetime, by: Actor, reason: str, at: datetime
) -> Person:
    """Announces a last day. The person stays accountable until then."""
    access.require_security(by)
    if person.status == Person.Status.LEFT:
        raise RuleBroken(
            f"{person.name} has left already. A last day cannot be announced any more."
        )
    if last_day <= at:
        raise RuleBroken(
            f"The last day ({last_day:%Y-%m-%d}) is past."
            " Choose a later day, or mark the person as left."
        )
    with audit.acting(by, "person.leaving", reason):
        Person.objects.filter(pk=person.pk).update(status=Person.Status.LEAVING, leaves_at=last_day)
        signals.announce_changed(_owned_ids(person))
    return Person.objects.get(pk=person.pk)


def mark_left(person: Person, *, by: Actor, at: datetime, reason: str = "") -> Person:
    """Says that the person is gone. Twice is not an error; the first time stays.

    What they own is announced as changed; where the organisation decided so, the next in line takes
    over at once.
    """
    access.require_security(by)
    with audit.acting(by, "person.left", reason):
        claimed = (
            Person.objects.filter(pk=person.pk)
            .exclude(status=Person.Status.LEFT, left_at__isnull=False)
            .update(status=Person.Status.LEFT, left_at=at)
        )
        if claimed:
            owned = list(_owned_ids(person))
            endings.settle(at, by=by, identities=owned)
            if _takes_over():
                _give_to_next(orphaned_if_leaves(person, at), at)
            signals.announce_changed(owned)
    return Person.objects.get(pk=person.pk)


def succeed(at: datetime, *, by: Actor = BY_TIME) -> int:
    """Where the organisation decided so, the next in line takes over what people owned who are gone: because an import
    said so, or because their last day has passed. Returns how many changed hands; running it twice changes nothing."""
    if not _takes_over():
        return 0
    gone = Person.objects.exclude(can_answer(at)).order_by().values("pk")
    orphans = Identity.objects.live().ownable().filter(owner__in=gone)
    keys = list(orphans.values_list("pk", flat=True))
    if not keys:
        return 0
    with audit.acting(by, "person.succeeded", "Their owner is gone; the next in line takes over."):
        endings.settle(at, by=by, identities=keys)
        changed = _give_to_next(orphans.filter(pk__in=keys), at)
        if changed:
            signals.announce_changed(keys)
    return changed


def _takes_over() -> bool:
    return Setting.objects.filter(key=ON_LEAVING, value=TAKE_OVER).exists()


def hand_over(person: Person, *, to: Person | None, by: Actor, reason: str, at: datetime) -> int:
    """Hands everything live that a person owns over in one go; returns how many changed hands.

    To one person, or with None each to its next in line. What has nobody next in line stays where
    it is.
    """
    access.require_security(by)
    mine = orphaned_if_leaves(person, at)
    with audit.acting(by, "person.handed_over", reason):
        endings.settle(at, by=by, identities=mine.order_by().values("pk"))
        owned = list(mine.values_list("pk", flat=True))
        if to is None:
            changed = _give_to_next(mine, at)
        else:
            _require_here(to, at)
            if to.pk == person.pk:
                raise RuleBroken(f"{to.name} owns this already. Choose somebody else.")
            changed = mine.update(owner=to, owner_lost_at=None, owner_confirmed_at=at)
        signals.announce_changed(owned)
    return changed


def _give_to_next(identities: QuerySet[Identity], at: datetime) -> int:
    """One UPDATE; a new owner by succession has not confirmed anything yet."""
    heir = Coalesce(_next_successor(at), _next_manager(at), output_field=BigIntegerField())
    chosen = Identity.objects.filter(pk=OuterRef("pk")).annotate(heir=heir).values("heir")[:1]
    return (
        identities.alias(heir=heir)
        .filter(heir__isnull=False)
        .update(owner=Subquery(chosen), owner_lost_at=None, owner_confirmed_at=None)
    )


def _next_successor(at: datetime) -> Subquery:
    named = Successor.objects.filter(can_answer(at, "person__"), identity=OuterRef("pk"))
    others = named.filter(Q(identity__owner=None) | ~Q(person=F("identity__owner")))
    return Subquery(others.order_by("rank").values("person")[:1])


def _next_manager(at: datetime) -> Subquery:
    managers = Person.objects.filter(can_answer(at), reports=OuterRef("owner"))
    return Subquery(managers.values("pk")[:1])


def _owned_ids(person: Person) -> Iterable[int]:
    return Identity.objects.filter(owner=person).values_list("pk", flat=True)


def _require_here(person: Person, at: datetime) -> None:
    if not person.can_answer(at):
        raise RuleBroken(
            f"{person.name} has left and cannot be accountable. Choose somebody who is still here."
        )
