"""Ownership: who may be accountable, who is next in line, and what happens when a person leaves."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied

from inventory import ownership
from inventory.models import Change, Identity, Person, Setting, Source, Successor, User
from inventory.rules import RuleBroken
from inventory.signals import identities_changed

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
JOB = "job test"


@pytest.fixture
def source() -> Source:
    return Source.objects.create(key="hand", kind="manual", namespace="hand", label="By hand")


def a_person(source: Source, name: str, **fields: object) -> Person:
    values = {"name": name, "email": f"{name}@example.org", "external_id": name, **fields}
    return Person.objects.create(source=source, namespace="hand", first_seen_at=NOON, **values)


def an_identity(source: Source, name: str, **fields: object) -> Identity:
    values = {"name": name, "external_id": name, "kind": "role", "first_seen_at": NOON, **fields}
    return Identity.objects.create(source=source, namespace="hand", **values)


def test_assigning_an_owner_ends_the_time_without_one_and_names_the_author(source: Source) -> None:
    ben = a_person(source, "ben")
    orphan = an_identity(source, "bot", owner_lost_at=NOON - timedelta(days=9))
    sam = User.objects.create(username="sam", role="security")

    owned = ownership.assign_owner(orphan, owner=ben, by=sam, reason="His team runs it.", at=NOON)

    assert (owned.owner, owned.owner_lost_at, owned.owner_confirmed_at) == (ben, None, NOON)
    change = Change.objects.of(orphan).first()
    assert change is not None
    assert (change.actor, change.verb, change.reason) == (
        "sam", "identity.owner_assigned", "His team runs it.",
    )  # fmt: skip


@pytest.mark.parametrize(
    "gone",
    [
        {"status": "left", "left_at": NOON - timedelta(days=1)},
        {"status": "left"},
        {"status": "leaving", "leaves_at": NOON - timedelta(hours=1)},
        {"gone_at": NOON - timedelta(days=1)},
    ],
)
def test_a_person_who_is_no_longer_here_cannot_become_owner(
    source: Source, gone: dict[str, object]
) -> None:
    tom = a_person(source, "tom", **gone)
    bot = an_identity(source, "bot")

    with pytest.raises(RuleBroken, match="tom has left"):
        ownership.assign_owner(bot, owner=tom, by=JOB, reason="", at=NOON)

    bot.refresh_from_db()
    assert bot.owner is None


def test_a_person_whose_last_day_is_to_come_can_still_become_owner(source: Source) -> None:
    ines = a_person(source, "ines", status="leaving", leaves_at=NOON + timedelta(days=3))
    bot = an_identity(source, "bot")

    assert ownership.assign_owner(bot, owner=ines, by=JOB, reason="", at=NOON).owner == ines


def test_an_auditor_cannot_assign_an_owner_and_an_owner_only_of_their_own(source: Source) -> None:
    ben, ines = a_person(source, "ben"), a_person(source, "ines")
    mine, theirs = an_identity(source, "mine", owner=ben), an_identity(source, "theirs", owner=ines)
    ada = User.objects.create(username="ada", role="auditor")
    user = User.objects.create(username="ben", role="owner", person=ben)

    assert ownership.assign_owner(mine, owner=ines, by=user, reason="", at=NOON).owner == ines
    for by, identity in ((ada, theirs), (user, theirs)):
        with pytest.raises(PermissionDenied):
            ownership.assign_owner(identity, owner=ben, by=by, reason="", at=NOON)


def test_the_next_in_line_is_the_first_successor_who_is_here_else_the_manager(
    source: Source, django_assert_num_queries: object
) -> None:
    boss = a_person(source, "boss")
    tom = a_person(source, "tom", manager=boss)
    gone = a_person(source, "gone", status="left")
    yuki = a_person(source, "yuki")
    succeeded = an_identity(source, "succeeded", owner=tom)
    managed = an_identity(source, "managed", owner=tom)
    nobody = an_identity(source, "nobody", owner=boss)
    unowned = an_identity(source, "unowned")
    for identity, people in ((succeeded, [gone, tom, yuki]), (unowned, [yuki]), (managed, [gone])):
        for rank, person in enumerate(people, start=1):
            Successor.objects.create(identity=identity, person=person, rank=rank)

    with django_assert_num_queries(2):  # type: ignore[operator]  # a fixture
        found = ownership.next_in_line(Identity.objects.all(), NOON)

    assert found == {
        succeeded.pk: (yuki, ownership.BY_SUCCESSION),
        managed.pk: (boss, ownership.BY_MANAGER),
        unowned.pk: (yuki, ownership.BY_SUCCESSION),
    }
    assert nobody.pk not in found


@pytest.mark.parametrize(
    ("owner", "identity", "days"),
    [
        (None, {"owner_lost_at": NOON - timedelta(days=4)}, 4),
        (None, {"first_seen_at": NOON - timedelta(days=30)}, 30),
        ({"status": "left", "left_at": NOON - timedelta(days=7)}, {}, 7),
        ({"status": "leaving", "leaves_at": NOON - timedelta(days=2)}, {}, 2),
        ({"status": "leaving", "leaves_at": NOON + timedelta(days=2)}, {}, 0),
        ({}, {}, 0),
    ],
)
def test_days_without_an_owner_count_from_when_nobody_answered(
    source: Source, owner: dict[str, object] | None, identity: dict[str, object], days: int
) -> None:
    person = a_person(source, "tom", **owner) if owner is not None else None
    bot = an_identity(source, "bot", owner=person, **identity)

    assert ownership.days_without_owner(bot, NOON) == days


def test_leaving_leaves_owned_identities_orphaned_and_announces_each_of_them(
    source: Source, django_capture_on_commit_callbacks: object
) -> None:
    boss = a_person(source, "boss")
    tom = a_person(source, "tom", manager=boss)
    mine = [an_identity(source, f"bot{n}", owner=tom) for n in range(3)]
    told: list[frozenset[int] | None] = []

    def listen(sender: object, ids: frozenset[int] | None, **_: object) -> None:
        told.append(ids)

    identities_changed.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]  # a fixture
            left = ownership.mark_left(tom, by=JOB, at=NOON)
            ownership.mark_left(tom, by=JOB, at=NOON + timedelta(days=1))
    finally:
        identities_changed.disconnect(listen)

    assert (left.status, Person.objects.get(pk=tom.pk).left_at) == ("left", NOON)
    assert told == [frozenset(identity.pk for identity in mine)]
    assert set(Identity.objects.orphaned(NOON)) == set(mine)


def test_where_the_organisation_decided_so_the_next_in_line_takes_over_on_leaving(
    source: Source,
) -> None:
    Setting.objects.create(key=ownership.ON_LEAVING, value=ownership.TAKE_OVER)
    boss, yuki = a_person(source, "boss"), a_person(source, "yuki")
    tom = a_person(source, "tom", manager=boss)
    succeeded = an_identity(source, "succeeded", owner=tom)
    managed = an_identity(source, "managed", owner=tom)
    retired = an_identity(source, "retired", owner=tom, lifecycle="retired")
    Successor.objects.create(identity=succeeded, person=yuki, rank=1)

    ownership.mark_left(tom, by=JOB, at=NOON)

    owners = dict(Identity.objects.values_list("name", "owner__name"))
    assert owners == {"succeeded": "yuki", "managed": "boss", "retired": "tom"}
    assert managed.owner_id == tom.pk
    assert retired.pk


@pytest.mark.parametrize("how", ["an import said so", "the last day passed"])
def test_the_next_in_line_takes_over_however_it_became_known(source: Source, how: str) -> None:
    boss = a_person(source, "boss")
    tom = a_person(source, "tom", manager=boss)
    mine = an_identity(source, "mine", owner=tom)
    gone = (
        {"status": "left", "left_at": NOON} if how == "an import said so" else {"leaves_at": NOON}
    )
    Person.objects.filter(pk=tom.pk).update(**gone)

    before = ownership.succeed(NOON)
    Setting.objects.create(key=ownership.ON_LEAVING, value=ownership.TAKE_OVER)
    moved, again = ownership.succeed(NOON), ownership.succeed(NOON)

    assert (before, moved, again) == (0, 1, 0)
    mine.refresh_from_db()
    assert mine.owner == boss


def test_handing_over_to_one_person_moves_everything_live_in_one_act(source: Source) -> None:
    tom, ines = a_person(source, "tom"), a_person(source, "ines")
    for n in range(3):
        an_identity(source, f"bot{n}", owner=tom)
    an_identity(source, "old", owner=tom, lifecycle="retired")

    moved = ownership.hand_over(tom, to=ines, by=JOB, reason="Leaves on Friday.", at=NOON)

    assert moved == 3
    assert Identity.objects.filter(owner=ines).count() == 3
    assert not ownership.orphaned_if_leaves(tom, NOON).exists()
    acts = Change.objects.filter(verb="person.handed_over")
    assert acts.values("transaction").distinct().count() == 1


def test_handing_over_by_proposal_leaves_what_has_nobody_next_in_line(source: Source) -> None:
    tom, yuki = a_person(source, "tom"), a_person(source, "yuki")
    named, unnamed = an_identity(source, "named", owner=tom), an_identity(source, "un", owner=tom)
    Successor.objects.create(identity=named, person=yuki, rank=1)

    assert ownership.hand_over(tom, to=None, by=JOB, reason="", at=NOON) == 1

    assert list(ownership.orphaned_if_leaves(tom, NOON)) == [unnamed]


def test_handing_over_to_somebody_who_left_is_refused_and_changes_nothing(source: Source) -> None:
    tom, gone = a_person(source, "tom"), a_person(source, "gone", status="left")
    bot = an_identity(source, "bot", owner=tom)

    with pytest.raises(RuleBroken):
        ownership.hand_over(tom, to=gone, by=JOB, reason="", at=NOON)

    bot.refresh_from_db()
    assert bot.owner == tom


def test_a_last_day_in_the_past_is_refused(source: Source) -> None:
    tom = a_person(source, "tom")

    with pytest.raises(RuleBroken, match="2026-04-30"):
        ownership.mark_leaving(
            tom, last_day=NOON - timedelta(days=1), by=JOB, reason="", at=NOON
        )  # fmt: skip


def test_successors_can_be_reordered_and_replaced(source: Source) -> None:
    ben, ines, yuki = (a_person(source, name) for name in ("ben", "ines", "yuki"))
    bot = an_identity(source, "bot")
    ownership.set_successors(bot, people=[ben, ines], by=JOB, reason="", at=NOON)

    ownership.set_successors(bot, people=[ines, yuki, ben], by=JOB, reason="", at=NOON)

    assert list(bot.successors.order_by("rank").values_list("person__name", "rank")) == [
        ("ines", 1), ("yuki", 2), ("ben", 3),
    ]  # fmt: skip
