"""The button "Run all checks now": a waiting run, its progress, and what it says when it is over."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from kombu.exceptions import OperationalError

from reviews import evidence, sweep, tasks
from reviews.models import Finding, SweepRun
from tests.factories import NOW, a_user, an_identity

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def signed_in(role: str = "security") -> Client:
    client = Client()
    client.force_login(a_user(role))
    return client


def test_the_button_makes_one_waiting_run_however_often_it_is_pressed() -> None:
    client = signed_in()

    answers = [client.post(reverse("reviews:sweep-now")) for _ in range(2)]
    page = client.get(reverse("reviews:check-list")).content.decode()

    assert {answer.status_code for answer in answers} == {302}
    run = SweepRun.objects.get()
    assert (run.status, run.trigger) == ("queued", "manual")
    assert "Waiting for a worker" in page
    assert reverse("reviews:sweep-status", args=[run.pk]) in page


def test_the_task_runs_what_was_asked_for_once_and_in_the_name_of_who_asked() -> None:
    an_identity(owner=None)
    user = a_user()
    run = sweep.ask(NOW, by=user)

    tasks.sweep_asked.run(run.pk)
    first = SweepRun.objects.get()
    tasks.sweep_asked.run(run.pk)

    assert (first.status, first.author) == ("done", user.get_username())
    assert SweepRun.objects.get().finished_at == first.finished_at
    assert Finding.objects.filter(check_id="owner-active").count() == 1


def test_the_progress_renews_itself_and_the_page_reloads_once_it_is_over() -> None:
    client = signed_in("auditor")
    run = SweepRun.objects.create(
        status="running", trigger="manual", author="ada", at=NOW, started_at=NOW,
        progress="3 of 16 checks",
    )  # fmt: skip
    address = reverse("reviews:sweep-status", args=[run.pk])

    during = client.get(address, headers=HTMX)
    SweepRun.objects.update(status="done")
    after = client.get(address, headers=HTMX)

    assert "3 of 16 checks" in during.content.decode() and "every 1s" in during.content.decode()
    assert after.headers["HX-Refresh"] == "true"
    assert client.get(address).headers["Location"] == reverse("reviews:check-list")


def test_a_queue_that_does_not_answer_is_said_and_leaves_no_waiting_run(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SEND_TASKS = True

    def refuse(*arguments: Any) -> None:
        raise OperationalError("no route to the broker")

    monkeypatch.setattr(tasks.sweep_asked, "delay", refuse)

    page = signed_in().post(reverse("reviews:sweep-now"), follow=True).content.decode()

    assert "The job queue does not answer" in page
    assert SweepRun.objects.get().status == "failed"


def test_a_run_that_no_worker_took_up_is_failed_by_the_next_sweep() -> None:
    asked = sweep.ask(NOW - timedelta(hours=2), by=a_user())

    sweep.run(NOW, by="test")

    asked.refresh_from_db()
    assert (asked.status, asked.error) == ("failed", "No worker took it up within an hour.")


@pytest.mark.parametrize("role", ["auditor", "owner"])
def test_only_security_may_ask_for_a_sweep(role: str) -> None:
    assert signed_in(role).post(reverse("reviews:sweep-now")).status_code == 403
    assert not SweepRun.objects.exists()


def test_evidence_is_told_in_words() -> None:
    told = evidence.in_words(
        {
            "kind": "access_key", "key_id": "AKIAEXAMPLE", "issued_at": "2026-01-02T03:04:05+00:00",
            "lifetime_seconds": 864_000, "holds_admin": True, "used_by": ["a", "b"], "risk": "",
        },
        datetime(2026, 5, 1, tzinfo=UTC),
    )  # fmt: skip

    words = {name: str(value) for name, value in told}
    assert words["Kind"] == "Access key"
    assert words["Key ID"] == "<code>AKIAEXAMPLE</code>"
    assert "2026-01-02" in words["Issued"]
    assert (words["Lifetime"], words["Holds admin"]) == ("10 days", "Yes")
    assert (words["Risk"], words["Used by"]) == ("None", "a, b")
