"""Law 6: every change has an author, whichever way it came; and any day can be shown."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from inventory import audit
from inventory.models import Change, Grant, Identity, Person, Team, User
from tests.factories import a_grant, a_person, a_source, a_user, an_identity

TABLE = Identity._meta.db_table


def last_change(row: Any) -> Change:
    return Change.objects.of(row)[0]


@pytest.mark.django_db
def test_a_rule_leaves_author_verb_reason_and_what_was_different() -> None:
    identity, user = an_identity(purpose="Old"), a_user()

    with audit.acting(user, "identity.described", "Asked by the auditor"):
        Identity.objects.update(purpose="New")

    change = last_change(identity)
    assert (change.actor, change.user, change.verb) == (
        user.username, user, "identity.described",
    )  # fmt: skip
    assert change.reason == "Asked by the auditor"
    assert change.before == {"purpose": "Old"}
    assert change.after["purpose"] == "New"


@pytest.mark.django_db
def test_sql_typed_by_hand_has_an_author_too() -> None:
    identity = an_identity()

    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user")
        user = cursor.fetchone()[0]
        cursor.execute(f"UPDATE {TABLE} SET purpose = 'By hand'")

    change = last_change(identity)
    assert (change.actor, change.verb, change.user) == (f"database user {user}", "sql", None)


@pytest.mark.django_db
def test_each_row_of_a_bulk_change_and_of_a_copy_is_recorded_in_one_act() -> None:
    source = a_source()
    with audit.acting("job load", "team.loaded"):
        Team.objects.bulk_create(
            [
                Team(name=f"t{n}", source=source, namespace="n", external_id=f"t{n}",
                     first_seen_at=timezone.now())
                for n in range(5)
            ]
        )  # fmt: skip
        with (
            connection.cursor() as cursor,
            cursor.copy(
                "COPY inventory_team (name, source_id, namespace, external_id, first_seen_at, scope)"
                " FROM STDIN"
            ) as copy,
        ):
            copy.write_row(("copied", source.pk, "n", "copied", timezone.now(), ""))

    changes = Change.objects.filter(verb="team.loaded")
    assert changes.count() == 6
    assert {change.actor for change in changes} == {"job load"}
    assert changes.values("transaction").distinct().count() == 1


@pytest.mark.django_db
def test_a_deleted_row_can_still_be_read() -> None:
    identity = an_identity(name="gone-bot")
    key = identity.pk

    with audit.acting("job tidy", "identity.deleted"):
        Identity.objects.filter(pk=key).delete()

    change = Change.objects.filter(noun=TABLE, row_id=key).latest("id")
    assert (change.operation, change.before["name"], change.after) == ("delete", "gone-bot", None)


@pytest.mark.django_db
def test_use_alone_is_no_change_of_the_record() -> None:
    grant = a_grant()
    before = Change.objects.count()

    Grant.objects.update(last_used_at=timezone.now())

    assert Change.objects.count() == before
    assert Grant.objects.get().pk == grant.pk


@pytest.mark.django_db
def test_a_password_never_reaches_the_history() -> None:
    user = a_user()
    user.set_password("a-secret-that-must-not-stay")
    user.save()

    rows = [change.after for change in Change.objects.filter(noun=User._meta.db_table)]
    assert rows and not any("password" in row for row in rows)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement", ["UPDATE inventory_change SET actor = 'x'", "DELETE FROM inventory_change"]
)
def test_the_history_cannot_be_rewritten(statement: str) -> None:
    an_identity()

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db
def test_an_inner_act_gives_way_to_the_outer_one_again() -> None:
    person = a_person()

    with audit.acting("ada", "outer.act", "why"):
        with audit.acting("ben", "inner.act"):
            Person.objects.update(name="Inner")
        Person.objects.update(name="Outer")

    newest = Change.objects.of(person)
    assert [(one.actor, one.verb, one.reason) for one in newest[:2]] == [
        ("ada", "outer.act", "why"), ("ben", "inner.act", ""),
    ]  # fmt: skip


@pytest.mark.django_db
def test_an_act_that_failed_leaves_neither_rows_nor_its_name_behind() -> None:
    identity = an_identity()

    with pytest.raises(RuntimeError), audit.acting("ada", "identity.broken"):
        Identity.objects.update(purpose="Lost")
        raise RuntimeError
    Identity.objects.update(purpose="Kept")

    assert not Change.objects.filter(verb="identity.broken").exists()
    assert last_change(identity).verb == "sql"


class AnyDay(TestCase):  # type: ignore[misc]  # hypothesis' own
    @settings(max_examples=25, deadline=None)
    @given(
        purposes=st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=6),
        day=st.integers(0, 7),
    )
    def test_a_row_is_shown_as_it_was_on_that_day(self, purposes: list[str], day: int) -> None:
        identity = an_identity(purpose="first")
        for purpose in purposes:
            Identity.objects.filter(pk=identity.pk).update(purpose=purpose)
        history = list(Change.objects.of(identity).order_by("id"))
        began = history[0].at
        _spread(history)

        at = began + timedelta(days=day)
        found = Change.objects.as_of(TABLE, at).get(row_id=identity.pk)

        assert found == history[min(day, len(history) - 1)]


def _spread(history: list[Change]) -> None:
    """One change a day. The table refuses that, so its guard is lifted inside the test's transaction."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE inventory_change DISABLE TRIGGER USER")
        for nth, change in enumerate(history):
            cursor.execute(
                "UPDATE inventory_change SET at = %s WHERE id = %s",
                [history[0].at + timedelta(days=nth), change.pk],
            )
        cursor.execute("ALTER TABLE inventory_change ENABLE TRIGGER USER")
