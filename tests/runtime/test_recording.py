"""The record of decisions: groups of many threads, and a process that is killed once it has answered."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.db import Error, connection

from runtime import decision_days, decisions
from runtime.models import Decision, new_decision_id
from runtime.questions import Answer, Question
from runtime.recording import Recorder, row_of
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


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_an_answer_survives_kill_9() -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "mandate.settings"}
    settings = connection.settings_dict
    environment["DATABASE_URL"] = (
        f"postgres://{settings['USER']}:{settings['PASSWORD']}@{settings['HOST']}:{settings['PORT']}/{settings['NAME']}"
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
