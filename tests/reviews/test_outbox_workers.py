"""Two workers at once, and workers that are killed in the middle: nothing is lost and nothing is said twice."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.db import connection, transaction

from inventory.models import Person
from reviews import notifications, outbox
from reviews.models import Notification
from reviews.notifications import Message
from tests.factories import NOW, a_person
from tests.reviews.receiver import HERE, Receiver, a_delivery, a_webhook, listening

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
LATER = NOW + timedelta(minutes=3)
BACKENDS = "tests.reviews.mail_stand_ins"

_WORKER = """
from datetime import datetime
from django.conf import settings
from reviews import outbox
from tests.reviews.receiver import HERE
settings.DEBUG, settings.EMAIL_IS_SET_UP = True, True
settings.EMAIL_BACKEND = "{backend}"
outbox.{run}(datetime.fromisoformat("{at}"){way})
"""


@pytest.fixture(autouse=True)
def mail_is_set_up(settings: Any) -> None:
    settings.EMAIL_IS_SET_UP = True
    settings.DEBUG = True


def tell(person: Person, title: str) -> None:
    number = Notification.objects.count()
    message = Message("request.approved", f"n:{number}", title, f"/requests/{number}/")
    notifications.tell(person, message, at=NOW)


@contextmanager
def worker(run: str, *, way: str = "", mark: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process of its own on the database of this test; killed with -9 at the end of the block."""
    given = connection.settings_dict
    host = f"{given['USER']}:{given['PASSWORD']}@{given['HOST']}:{given['PORT']}"
    program = _WORKER.format(run=run, way=way, at=LATER.isoformat(), backend=f"{BACKENDS}.Hanging")
    process = subprocess.Popen(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", program],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": f"postgres://{host}/{given['NAME']}",
            "HANGING_MARK": str(mark),
        },
        start_new_session=True,
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "It ended by itself."


def wait_for(happened: Callable[[], object], seconds: float = 30) -> None:
    began = time.monotonic()
    while not happened():
        assert time.monotonic() < began + seconds, "It did not happen in time."
        time.sleep(0.02)


def both_at_once(work: Callable[[], object], workers: int = 2) -> None:
    gate, problems = threading.Barrier(workers), list[BaseException]()

    def run() -> None:
        gate.wait()
        work()

    threads = [threading.Thread(target=in_a_thread, args=(run, problems)) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def in_a_thread(work: Callable[[], object], problems: list[BaseException]) -> None:
    """What goes wrong is told to the test, which is elsewhere."""
    try:
        work()
    except BaseException as error:  # noqa: BLE001  # told in the test's own thread
        problems.append(error)
    finally:
        connection.close()


def test_two_workers_at_once_send_each_person_one_mail(settings: Any) -> None:
    settings.EMAIL_BACKEND = f"{BACKENDS}.Slow"
    people = [a_person(email=f"p{number}@example.org") for number in range(12)]
    for person in people:
        tell(person, "First")
        tell(person, "Second")

    both_at_once(lambda: outbox.deliver_mail(LATER))
    outbox.deliver_mail(LATER)

    assert sorted(sent.to[0] for sent in mail.outbox) == sorted(each.email for each in people)
    assert all("First" in sent.body and "Second" in sent.body for sent in mail.outbox)
    assert set(Notification.objects.values_list("status", "attempts")) == {("sent", 1)}


def test_two_workers_at_once_post_each_message_once() -> None:
    with listening() as receiver:
        hook = a_webhook(url=receiver.url)
        rows = [a_delivery(hook) for _ in range(30)]

        both_at_once(lambda: outbox.deliver_webhooks(LATER, way=HERE), workers=3)

        assert len(receiver.got) == len(rows)
    assert len({got.headers["webhook-id"] for got in receiver.got}) == len(rows)
    assert set(Notification.objects.values_list("status", "attempts")) == {("sent", 1)}


def test_a_mail_of_which_another_holds_a_part_is_left_alone() -> None:
    ona = a_person()
    tell(ona, "First")
    tell(ona, "Second")
    held, done, problems = threading.Event(), threading.Event(), list[BaseException]()

    def hold() -> None:
        with transaction.atomic():
            list(Notification.objects.filter(title="First").select_for_update())
            held.set()
            assert done.wait(30)

    Notification.objects.update(batch=uuid4(), next_try_at=NOW)
    thread = threading.Thread(target=in_a_thread, args=(hold, problems))
    thread.start()
    assert held.wait(30)
    outbox.deliver_mail(LATER)
    half = list(mail.outbox)
    done.set()
    thread.join()
    outbox.deliver_mail(LATER)

    assert (problems, half, len(mail.outbox)) == ([], [], 1)
    assert "First" in mail.outbox[0].body
    assert "Second" in mail.outbox[0].body


def test_a_worker_killed_between_claim_and_send_loses_and_doubles_nothing(tmp_path: Path) -> None:
    ona, kim = a_person(email="ona@example.org"), a_person(email="kim@example.org")
    for title in ("First", "Second", "Third"):
        tell(ona, title)
    mark = tmp_path / "mark"

    with worker("deliver_mail", mark=mark):
        wait_for(lambda: mark.exists() and mark.read_text())
        tell(kim, "For Kim")
        outbox.deliver_mail(LATER)
        # Another worker sends what is free, and does not touch what the first one holds.
        assert [sent.to for sent in mail.outbox] == [["kim@example.org"]]
        assert Notification.objects.filter(person=ona, status="waiting").count() == 3
    wait_for(is_unlocked)
    for _ in range(3):
        outbox.deliver_mail(LATER)

    (again,) = (sent for sent in mail.outbox if sent.to == ["ona@example.org"])
    assert all(title in again.body for title in ("First", "Second", "Third"))
    # Had the mail server taken it from the killed worker, it would know it by its name.
    assert again.message()["Message-ID"] == mark.read_text()
    assert set(Notification.objects.values_list("status", "attempts")) == {("sent", 1)}


def test_a_worker_killed_while_a_platform_answers_says_it_again_under_the_same_id(
    tmp_path: Path,
) -> None:
    with listening() as receiver:
        hook = a_webhook(url=receiver.url)
        rows = [a_delivery(hook) for _ in range(3)]
        receiver.drip = True

        with worker("deliver_webhooks", way=", way=HERE", mark=tmp_path / "mark"):
            wait_for(lambda: receiver.got)
            outbox.deliver_webhooks(LATER, way=HERE, seconds=0)
        wait_for(is_unlocked)
        receiver.drip = False
        for _ in range(3):
            outbox.deliver_webhooks(LATER, way=HERE)

        twice = receiver.got[0].headers["webhook-id"]
        assert [each for each, times in told(receiver).items() if times > 1] == [twice]
        assert len(told(receiver)) == len(rows)
    assert set(Notification.objects.values_list("status", "attempts")) == {("sent", 1)}


def told(receiver: Receiver) -> dict[str, int]:
    """How often each message was received, by its id."""
    ids = [got.headers["webhook-id"] for got in receiver.got]
    return {each: ids.count(each) for each in ids}


def test_a_decision_does_not_wait_for_somebodys_mail_server(tmp_path: Path) -> None:
    tell(a_person(), "A question")
    about = Notification.objects.get().about
    mark = tmp_path / "mark"

    with worker("deliver_mail", mark=mark):
        wait_for(lambda: mark.exists() and mark.read_text())
        began = time.monotonic()
        dropped = notifications.drop(about)
        took = time.monotonic() - began

    assert (dropped, took < 2) == (0, True)


def is_unlocked() -> bool:
    """The server has noticed that the worker is gone."""
    with transaction.atomic():
        waiting = Notification.objects.filter(status="waiting")
        return len(waiting.select_for_update(skip_locked=True)) == waiting.count()
