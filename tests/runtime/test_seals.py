"""Seals: what is changed, removed or added afterwards is told with its place; what retention drops stays verifiable."""

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from runtime import partitions, retention, seals, verifying
from runtime.models import Log, Seal, SealMark, ToolCall, Verification
from tests.factories import NOW, ago, an_identity
from tests.runtime.alone import alone
from tests.runtime.call_factories import a_tool_call

pytestmark = pytest.mark.django_db(transaction=True)


only_here = pytest.fixture(autouse=True)(alone)


@pytest.fixture(autouse=True)
def calls(only_here: None) -> Iterator[list[ToolCall]]:
    """Three calls of today and one of last week, sealed with the changes of an identity."""
    an_identity()
    made = [a_tool_call(started_at=at) for at in (NOW, NOW, NOW, ago(7))]
    seals.seal(NOW)
    yield made
    for day in partitions.existing():
        partitions.drop(day)


def by_force(sql: str, *values: object) -> None:
    """As somebody does it who owns the database: past the triggers."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql, list(values))


def place_of(call: ToolCall) -> int:
    return ToolCall.objects.values_list("position", flat=True).get(pk=call.pk)


def test_what_nobody_touched_is_as_it_was_sealed() -> None:
    found = verifying.compare()

    assert (found.problem_count, found.problems) == (0, [])
    assert found.rows >= 5 and found.seals == Seal.objects.count()


def test_sealing_again_seals_nothing_and_new_rows_go_into_a_new_seal() -> None:
    before = Seal.objects.count()

    again = seals.seal(NOW)
    a_tool_call()
    later = seals.seal(NOW)

    assert (again, later) == (0, 1)
    assert Seal.objects.count() == before + 1
    assert verifying.compare().problem_count == 0


def test_a_changed_call_is_told_with_its_place(calls: list[ToolCall]) -> None:
    by_force("UPDATE runtime_toolcall SET outcome = 'denied' WHERE id = %s", calls[1].pk)

    found = verifying.compare()

    assert found.problem_count == 1
    assert f"the row at place {place_of(calls[1])} was changed." in found.problems[0]


def test_a_removed_call_is_told_with_its_place(calls: list[ToolCall]) -> None:
    place = place_of(calls[0])
    by_force("DELETE FROM runtime_toolcall WHERE id = %s", calls[0].pk)

    assert f"the row at place {place} was removed." in verifying.compare().problems[0]


def test_calls_that_changed_places_are_told(calls: list[ToolCall]) -> None:
    first, second = place_of(calls[0]), place_of(calls[1])
    for call, place in ((calls[0], second), (calls[1], first)):
        by_force("UPDATE runtime_toolcall SET position = %s WHERE id = %s", place, call.pk)

    told = " ".join(verifying.compare().problems)

    assert f"place {first} was changed" in told and f"place {second} was changed" in told


def test_a_call_that_was_put_among_sealed_ones_is_told(calls: list[ToolCall]) -> None:
    made = a_tool_call()
    by_force("UPDATE runtime_toolcall SET position = %s WHERE id = %s", place_of(calls[0]), made.pk)

    assert verifying.compare().problem_count == 1


def test_a_changed_history_is_told() -> None:
    by_force(
        "UPDATE inventory_change SET actor = 'nobody' WHERE id = (SELECT min(id) FROM inventory_change)"
    )

    assert "was changed." in verifying.compare().problems[0]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE runtime_seal SET rows = rows + 1 WHERE log = 'calls' AND number = 1",
        "DELETE FROM runtime_seal WHERE log = 'calls' AND number = 1",
        "DELETE FROM runtime_seal WHERE log = 'calls'",
        "DELETE FROM runtime_seal WHERE log = 'calls' AND number ="
        " (SELECT max(number) FROM runtime_seal WHERE log = 'calls')",
    ],
)
def test_seals_that_were_changed_or_removed_are_told(statement: str) -> None:
    by_force(statement)

    assert verifying.compare().problem_count >= 1


def test_what_retention_drops_stays_verifiable(calls: list[ToolCall], settings: Any) -> None:
    settings.TOOL_CALL_DAYS = 5

    dropped = retention.keep_in_shape(NOW)
    found = verifying.compare()

    assert dropped == 1
    assert (found.problem_count, found.dropped) == (0, 1)
    assert not ToolCall.objects.filter(pk=calls[3].pk).exists()


def test_a_day_that_somebody_drops_by_hand_is_told() -> None:
    partitions.drop(ago(7).date())

    assert "not by retention" in verifying.compare().problems[0]


def test_rows_of_a_transaction_that_is_not_over_are_sealed_later() -> None:
    """Its place was given out before, and may be written after."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT txid_current()")
            a_tool_call()
            during = seals.seal(NOW)
            cursor.execute("COMMIT")
    finally:
        other.close()

    assert (during, seals.seal(NOW)) == (0, 1)


def test_the_command_ends_with_an_error_when_something_is_wrong(calls: list[ToolCall]) -> None:
    out = StringIO()
    call_command("verify-log", stdout=out)
    by_force("UPDATE runtime_toolcall SET tool_name = 'x' WHERE id = %s", calls[0].pk)

    assert "All is as it was sealed." in out.getvalue()
    with pytest.raises(CommandError, match="1 places are not"):
        call_command("verify-log", stdout=StringIO())


def test_a_comparison_that_somebody_asked_for_keeps_its_outcome(calls: list[ToolCall]) -> None:
    by_force("DELETE FROM runtime_toolcall WHERE id = %s", calls[0].pk)
    run = Verification.objects.create(status="waiting", author="ada", asked_at=NOW)

    done = verifying.perform(run, at=NOW + timedelta(minutes=1))

    assert (done.status, done.problem_count, done.is_clean) == ("done", 1, False)
    assert done.seals_done == done.seals_total == Seal.objects.count()
    assert SealMark.objects.filter(log=Log.CALLS).exists()
