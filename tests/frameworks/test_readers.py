"""An assessment is judged over several connections: all of them see one moment, and a broken check hurts no other."""

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from frameworks import assessments, judging, loading, readers, snapshots
from frameworks.judging import Question, Who
from frameworks.models import Assessment
from frameworks.snapshot import Scope
from inventory.models import Identity
from reviews.check import Check
from tests.factories import a_credential, an_identity

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def estate() -> None:
    loading.load()
    an_identity(owner=None)
    a_credential()


def test_what_is_committed_meanwhile_is_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    ask = readers.Readers.ask

    def later(self: readers.Readers, sql: str, params: Sequence[Any]) -> "Future[readers.Row]":
        if not asked:
            _beside(lambda: an_identity(owner=None))
        asked.append(True)
        return ask(self, sql, params)

    monkeypatch.setattr(readers.Readers, "ask", later)
    before = Identity.objects.count()

    made = assessments.assess(Scope(), "job", timezone.now())

    told, _ = snapshots.read(made)
    checks = {check.check_id: check for check in told.checks}
    assert Identity.objects.count() == before + 1
    assert checks["owner-active"].population == told.totals["identities"] == before
    assert made.seen


def test_a_check_that_cannot_run_says_so_and_the_others_are_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    question = judging.question

    def broken(check: Check, who: Who, *, at: datetime) -> Question:
        asked = question(check, who, at=at)
        if check.id != "credential-age":
            return asked
        return Question(check, at, asked.model, "SELECT 1 / 0, '{}', '{}', '{}', '{}'", ())

    monkeypatch.setattr(judging, "question", broken)

    made = assessments.assess(Scope(), "job", timezone.now())

    told, _ = snapshots.read(made)
    checks = {check.check_id: check for check in told.checks}
    assert made.status == Assessment.Status.DONE
    assert checks["credential-age"].said.startswith("It could not run")
    assert checks["credential-age"].state == "cannot-tell"
    assert checks["owner-active"].failed == 1


def test_readers_leave_no_connection_behind() -> None:
    before = _others()

    assessments.assess(Scope(), "job", timezone.now())

    give_up = time.monotonic() + 10  # the server notices the end of a connection a little later
    while (left := _others() - before) and time.monotonic() < give_up:
        time.sleep(0.05)
    assert not left


def _others() -> set[int]:
    """The server's processes for connections to this database other than ours."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        return {pid for (pid,) in cursor.fetchall()}


def _beside(do: Any) -> None:
    """On a connection of its own, committed at once."""

    def run() -> None:
        try:
            do()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(run).result()
