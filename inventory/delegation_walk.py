"""Who delegates to an identity, and to whom it delegates, two steps each way, in one query however many there are."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import BooleanField, Exists, IntegerField, OuterRef, Value
from django.db.models.expressions import RawSQL

from inventory import access
from inventory.models import Delegation, Identity, Person, User

# Around one identity so many delegations are read, those first that have not ended.
NEAR, FAR = 21, 4
COUNTED = 200  # further ones of a hub are not counted one by one

_ORDER = """
    ORDER BY d.revoked_at IS NULL AND d.gone_at IS NULL AND (d.expires_at IS NULL OR d.expires_at > %s) DESC, d.id
"""
# Each step reads few rows of each identity, so that a hub with thousands costs no more than anybody else; an array, so
# that the rows are then fetched by key, whatever the planner thinks of a recursion.
_WALK = f"""
inventory_delegation.id = ANY (ARRAY (WITH RECURSIVE held AS (
    (SELECT d.id, d.delegator_identity_id AS next, 1 AS depth FROM inventory_delegation d
     WHERE d.delegate_id = %s {_ORDER} LIMIT %s)
    UNION
    SELECT found.id, found.next, held.depth + 1 FROM held CROSS JOIN LATERAL (
        SELECT d.id, d.delegator_identity_id AS next FROM inventory_delegation d
        WHERE d.delegate_id = held.next {_ORDER} LIMIT %s
    ) found WHERE held.depth < 2
), given AS (
    (SELECT d.id, d.delegate_id AS next, 1 AS depth FROM inventory_delegation d
     WHERE d.delegator_identity_id = %s {_ORDER} LIMIT %s)
    UNION
    SELECT found.id, found.next, given.depth + 1 FROM given CROSS JOIN LATERAL (
        SELECT d.id, d.delegate_id AS next FROM inventory_delegation d
        WHERE d.delegator_identity_id = given.next {_ORDER} LIMIT %s
    ) found WHERE given.depth < 2
)
SELECT id FROM held UNION SELECT id FROM given))
"""  # noqa: S608  the order is our own text
_SO_MANY = """
(SELECT count(*) FROM (
    SELECT FROM inventory_delegation s WHERE s.{0} = inventory_delegation.{0} LIMIT %s
) few)
"""
_READ = (
    "how", "scope_all", "starts_at", "expires_at", "revoked_at", "gone_at", "caveats",
    "delegate__name", "delegate__kind", "delegate__lifecycle", "delegate__gone_at",
    "delegator_identity__name", "delegator_identity__kind", "delegator_identity__lifecycle",
    "delegator_identity__gone_at", "delegator_person__name", "delegator_person__status",
)  # fmt: skip
Key = tuple[str, int]  # "person" or "identity", and which


@dataclass(frozen=True)
class End:
    """A person or an identity at one end of a delegation. `seen`: the asking user may open its page."""

    key: Key
    name: str
    words: str
    seen: bool


@dataclass(frozen=True)
class Step:
    """One delegation from giver to taker. `passes`: it works at the moment (law 1).

    `of_taker` and `of_giver` say how many delegations the taker holds and the giver gives, counted up to COUNTED.
    """

    row: Delegation
    giver: End
    taker: End
    passes: bool
    of_taker: int
    of_giver: int


def around(identity: Identity, *, seen_by: User, at: datetime) -> list[Step]:
    """The delegations around an identity, those that work first. One query."""
    asked = 2 * [identity.pk, at, NEAR, at, FAR]
    rows: Iterable[Any] = (  # Any: with annotations
        Delegation.objects.filter(RawSQL(_WALK, asked, BooleanField()))  # noqa: S611  values are parameters
        .select_related("delegate", "delegator_identity", "delegator_person")
        .only(*_READ)
        .annotate(
            passes=Exists(Delegation.objects.effective(at).filter(pk=OuterRef("pk"))),
            taker_seen=_seen(seen_by, Identity, "delegate"),
            giver_seen=_seen(seen_by, Identity, "delegator_identity"),
            person_seen=_seen(seen_by, Person, "delegator_person"),
            of_taker=_so_many("delegate_id"),
            of_giver=_so_many("delegator_identity_id"),
        )
        .order_by("pk")
    )
    steps = [_step(row) for row in rows]
    return sorted(steps, key=lambda step: (not step.passes, step.giver.name, step.taker.name))


def holds(steps: Iterable[Step], key: Key) -> list[Step]:
    """What is delegated to this one."""
    return [step for step in steps if step.taker.key == key]


def gives(steps: Iterable[Step], key: Key) -> list[Step]:
    """What this one delegates."""
    return [step for step in steps if step.giver.key == key]


def _seen(user: User, model: type[Identity] | type[Person], way: str) -> Exists | Value:
    if access.sees_all(user):
        return Value(value=True)
    rows = access.visible_to(user, model._default_manager.order_by())
    return Exists(rows.filter(pk=OuterRef(way)))


def _so_many(column: str) -> RawSQL:
    text = _SO_MANY.format(column)
    return RawSQL(text, [COUNTED], output_field=IntegerField())  # noqa: S611  as above


def _step(row: Any) -> Step:  # Any: a delegation with annotations
    person = row.delegator_person
    if person is not None:
        giver = End(("person", person.pk), person.name, _of_person(person), row.person_seen)
    else:
        giver = _identity_end(row.delegator_identity, seen=row.giver_seen)
    taker = _identity_end(row.delegate, seen=row.taker_seen)
    return Step(row, giver, taker, row.passes, row.of_taker, row.of_giver)


def _of_person(person: Person) -> str:
    active = person.status == Person.Status.ACTIVE
    return "Person" if active else f"Person, {person.get_status_display().lower()}"


def _identity_end(identity: Identity, *, seen: bool) -> End:
    state = "" if identity.may_act else identity.get_lifecycle_display().lower()
    words = identity.get_kind_display()
    if identity.gone_at:
        state = "gone"
    return End(
        ("identity", identity.pk), identity.name, f"{words}, {state}" if state else words, seen
    )
