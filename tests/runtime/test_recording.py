"""The record of decisions: groups of many threads, and a process that is killed once it has answered."""

import json
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import Error, connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime import decision_days, decision_rows, decisions
from runtime.decision_rows import row_of
from runtime.models import Decision, new_decision_id
from runtime.questions import Answer, Question
from runtime.recording import Recorder
from tests.factories import NOW, days
from tests.runtime.alone import alone

ROOT = Path(__file__).resolve().parents[2]
QUESTION = Question("identity", "1", "read", "resource", "1")
_ASK_AND_TELL = """
import django, sys
django.setup()
from django.utils import timezone
from runtime import decisions
from runtime.questions import Question
answer = decisions.decide(Question("identity", "1", "read", "resource", "1"), at=timezone.now())
print(answer.decision_id, flush=True)
sys.stdin.read()
"""


@pytest.mark.django_db(transaction=True)
def test_what_many_threads_record_is_all_there_and_a_bad_row_hurts_nobody_else() -> None:
    recorder, refused = Recorder(), []

    def write(number: int) -> None:
        answer = Answer(False, "no_grant", "Nothing covers it.")
        row = row_of(QUESTION, answer, key=new_decision_id(NOW), at=NOW, latency_us=1, asked_by="")
        try:
            recorder.record([b"{}" if number == 3 else row])
        except Error:
            refused.append(number)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert refused == [3]
    assert Decision.objects.count() == 11


@pytest.mark.django_db
def test_the_type_of_the_rows_has_the_columns_in_their_order() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
            " WHERE attrelid = to_regclass('runtime_decisionrow') ORDER BY attnum"
        )
        kinds = dict(cursor.fetchall())

    kinds = {
        name: kind.replace("timestamp with time zone", "timestamptz")
        for name, kind in kinds.items()
    }
    assert list(kinds.items()) == list(decision_rows.COLUMNS.items())


TEXTS = st.text(max_size=30)
JSON_VALUES = st.dictionaries(
    TEXTS, TEXTS | st.integers(-5, 5) | st.lists(TEXTS, max_size=2), max_size=3
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    texts=st.lists(TEXTS, min_size=5, max_size=5), facts=JSON_VALUES, policies=st.lists(TEXTS, max_size=3),
    numbers=st.lists(st.none() | st.integers(1, 2**63 - 1), min_size=4, max_size=4),
    flags=st.tuples(st.booleans(), st.none() | st.booleans()),
    at=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
)  # fmt: skip
@pytest.mark.django_db
def test_what_is_recorded_is_what_was_given(
    texts: list[str], facts: dict[str, Any], policies: list[str], numbers: list[int | None],
    flags: tuple[bool, bool | None], at: datetime,
) -> None:  # fmt: skip
    subject, action, resource, reason, asked_by = texts
    context = {"risk": subject, "trace": 1}
    question = Question("identity", subject, action, "resource", resource, context)
    answer = Answer(
        flags[0], "no_grant", reason, action, tuple(policies), monitored=flags[1], identity=numbers[0],
        task=numbers[1], on_behalf_of=numbers[2], policy_version=numbers[3], facts=facts,
    )  # fmt: skip
    key = new_decision_id(at)

    assert Recorder().record(
        [row_of(question, answer, key=key, at=at, latency_us=7, asked_by=asked_by)] * 2
    )

    row = Decision.objects.get(pk=key)
    whole = [
        json.loads(json.dumps(one).replace("\\u0000", "\\ufffd"))
        for one in (texts, facts, policies)
    ]
    (subject, action, resource, reason, asked_by), facts, policies = whole
    assert (row.made_at, row.latency_us, row.asked_by) == (at, 7, asked_by)
    assert row.context_digest == question.context_digest
    assert (row.subject_type, row.subject_id, row.action) == ("identity", subject, action)
    assert (row.resource_type, row.resource_id) == ("resource", resource)
    assert (row.context, row.facts, row.policies) == ({"risk": subject}, facts, policies)
    assert (row.reason_code, row.reason, row.remedy) == ("no_grant", reason, action)
    assert [row.identity_id, row.task_id, row.on_behalf_of_id, row.policy_version_id] == numbers
    assert (row.permitted, row.monitored, row.mode) == (*flags, "enforced")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_an_answer_survives_kill_9() -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "mandate.settings"}
    server = connection.settings_dict
    environment["DATABASE_URL"] = (
        f"postgres://{server['USER']}:{server['PASSWORD']}@{server['HOST']}:{server['PORT']}/{server['NAME']}"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", _ASK_AND_TELL], env=environment, cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    key = process.stdout.readline().strip()
    process.send_signal(signal.SIGKILL)
    process.wait(30)

    assert Decision.objects.filter(pk=key).exists()


only_here = pytest.fixture(alone)


@pytest.mark.django_db(transaction=True)  # rows of a transaction that is open are not sealed yet
def test_days_are_made_ahead_and_dropped_once_sealed(only_here: None) -> None:
    made = decision_days.make_ahead(NOW)
    decisions.decide(QUESTION, at=NOW)

    assert len(made) == 4
    assert decision_days.make_ahead(NOW) == []
    assert decision_days.keep_in_shape(NOW) == 0
    assert decision_days.keep_in_shape(NOW + days(500)) == 4
    assert not Decision.objects.filter(made_at=NOW).exists()
