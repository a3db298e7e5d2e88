"""Partitions of the tool calls: made ahead, dropped by retention, and never in the way."""

from datetime import date, timedelta

import pytest
from django.db import ProgrammingError, connection, transaction

from runtime import partitions
from runtime.models import CallKey, ToolCall
from runtime.models.tool_call import began_at
from tests.factories import NOW, ago
from tests.runtime.call_factories import a_tool_call

pytestmark = pytest.mark.django_db


def test_today_and_the_next_days_have_a_partition_and_twice_makes_nothing() -> None:
    made = partitions.make_ahead(NOW)

    assert made == [NOW.date() + timedelta(days=n) for n in range(4)]
    assert partitions.make_ahead(NOW) == []
    assert set(made) <= partitions.existing()


def test_days_that_are_no_longer_kept_are_dropped_with_their_calls(settings: object) -> None:
    settings.TOOL_CALL_DAYS = 30  # type: ignore[attr-defined]  # pytest-django's fixture
    a_tool_call(started_at=ago(31))
    kept = a_tool_call(started_at=ago(29))

    over = partitions.over(NOW)
    for day in over:
        partitions.drop(day)

    assert over == [ago(31).date()]
    assert list(ToolCall.objects.all()) == [kept]


def test_keys_of_dropped_days_are_forgotten(settings: object) -> None:
    settings.TOOL_CALL_DAYS = 30  # type: ignore[attr-defined]  # pytest-django's fixture
    for number, day in enumerate((29, 31, 32)):
        CallKey.objects.create(key=f"{number:032x}", started_at=ago(day))

    assert partitions.forget_keys(NOW) == 2
    assert CallKey.objects.get().started_at == ago(29)


@pytest.mark.parametrize(("days", "word"), [(201, "kept for 200 days"), (-2, "from now")])
def test_a_call_from_outside_the_kept_time_is_refused_with_a_reason(days: int, word: str) -> None:
    assert word in partitions.refusal(ago(days), NOW)


@pytest.mark.parametrize("days", [0, 199, -0.9])
def test_a_call_within_the_kept_time_is_taken(days: float) -> None:
    assert partitions.refusal(ago(days), NOW) == ""


def test_the_id_leads_to_the_call_and_one_partition_is_asked() -> None:
    call = a_tool_call(started_at=NOW + timedelta(microseconds=123_456))
    a_tool_call(started_at=ago(3))

    found = ToolCall.objects.with_id(call.pk)

    assert found.get() == call
    assert began_at(call.pk) == NOW + timedelta(milliseconds=123)
    plan = found.explain()
    assert f"d{NOW:%Y%m%d}" in plan and f"d{ago(3):%Y%m%d}" not in plan


@pytest.mark.parametrize(
    "statement", ["UPDATE runtime_toolcall SET summary = '{}'", "DELETE FROM runtime_toolcall"]
)
def test_the_evidence_of_a_call_is_never_changed(statement: str) -> None:
    a_tool_call()

    with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        connection.cursor().execute(statement)


def test_whose_call_it_was_may_be_found_out_later() -> None:
    call = a_tool_call()

    assert ToolCall.objects.filter(pk=call.pk).update(agent_name="billing") == 1


def test_a_partition_is_named_by_its_day() -> None:
    assert partitions.name_of(date(2026, 1, 2)) == "runtime_toolcall_d20260102"
