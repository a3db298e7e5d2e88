"""Statements that the server keeps: how often they are planned, and what their arrays mean."""

import pytest
from django.db import connection, transaction

from inventory import prepared

ONE = prepared.Statement("SELECT 'one plan', $1::bigint", (), one_plan=True)
ANY = prepared.Statement("SELECT 'any plan', $1::bigint", ())


@pytest.fixture
def session(transactional_db: None) -> None:
    """A new one, in which nothing was prepared."""
    connection.close()


@pytest.mark.usefixtures("session")
def test_one_plan_serves_all_values() -> None:
    for value in (1, 40_000, 3_000_000_000):
        ONE.row(str(value))

    assert _plans("%one plan%") == (3, 0)


@pytest.mark.usefixtures("session")
def test_other_statements_of_the_session_are_planned_for_their_values() -> None:
    ONE.row("1")

    ANY.row("1")

    assert _plans("%any plan%") == (0, 1)


@pytest.mark.usefixtures("session")
def test_what_a_transaction_sets_ends_with_the_statement() -> None:
    ANY.row("1")  # the session plans for values
    with transaction.atomic():
        ONE.row("1")
        inside = _mode()

    assert (inside, _mode()) == ("auto", "auto")
    assert _plans("%one plan%")[1] == 0


@pytest.mark.usefixtures("session")
def test_a_transaction_that_is_undone_leaves_the_session_as_it_was() -> None:
    ONE.row("1")
    with pytest.raises(LookupError), transaction.atomic():
        ANY.row("1")
        raise LookupError

    assert _mode() == "force_generic_plan"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "values", [[], ["plain"], ['a"b', "c\\d", "{e}", "f,g", "", "NULL", " h "]]
)
def test_an_array_is_what_was_given(values: list[str]) -> None:
    assert prepared.fetch_one("SELECT $1::text[]", [prepared.array(values)]) == (values,)


def _plans(like: str) -> tuple[int, int]:
    """How often the statement used a plan for all values, and one for its own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(generic_plans)::int, sum(custom_plans)::int FROM pg_prepared_statements"
            " WHERE statement LIKE %s",
            [like],
        )
        generic, custom = cursor.fetchone()
    return generic, custom


def _mode() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW plan_cache_mode")
        return str(cursor.fetchone()[0])
