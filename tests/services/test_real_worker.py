"""Jobs on a PostgreSQL server and Redis (or RabbitMQ), with real workers in processes of their own.

Run by .ci/run with DATABASE_URL and CELERY_BROKER_URL set. They use a database of their own on that
server, beside the one of the test suite, because a worker sees only what is committed.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

ROOT = Path(__file__).resolve().parents[2]
# As .ci/run sets it; pytest-django may have changed nothing of it.
SERVER = os.environ.get("DATABASE_URL", "")
BROKER = os.environ.get("CELERY_BROKER_URL", "")

pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(
        not BROKER.startswith(("redis://", "amqp://")),
        reason="Set DATABASE_URL and CELERY_BROKER_URL to a PostgreSQL server and Redis.",
    ),
]


@dataclass
class Installation:
    """A database, a queue, and as many workers as a test starts."""

    database_url: str
    environment: dict[str, str]
    log: Path
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def command(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def python(self, program: str) -> str:
        """Runs a few lines with Django loaded, as a web request would: in a process of its own."""
        return self.command("shell", "--no-imports", "-c", program)

    def ask(self, sql: str, *values: object) -> object:
        with psycopg.connect(self.database_url) as connection:
            row = connection.execute(sql, values).fetchone()
        return row[0] if row else None

    def start_worker(self) -> "subprocess.Popen[bytes]":
        options = ["worker", "-c", "2", "-l", "INFO", "--without-gossip", "--without-mingle"]
        with self.log.open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "mandate", *options],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.workers.append(worker)
        return worker

    def wait_for(self, happened: Callable[[], object], *, seconds: float) -> float:
        began = time.monotonic()
        while not happened():
            assert time.monotonic() < began + seconds, self.log.read_text()[-4000:]
            time.sleep(0.02)
        return time.monotonic() - began

    def kill_workers(self) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
        self.workers.clear()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    parts = urlsplit(SERVER)
    name = f"{parts.path.lstrip('/')}_services"
    folder = tmp_path_factory.mktemp("services")
    url = urlunsplit(parts._replace(path=f"/{name}"))
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "CELERY_BROKER_URL": BROKER,
        "MANDATE_STATE": str(folder / "state"),
        "MANDATE_SEND_TASKS": "1",
    }
    with psycopg.connect(
        urlunsplit(parts._replace(path="/postgres")), autocommit=True
    ) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
        installation = Installation(url, environment, folder / "worker.log")
        installation.command("migrate", "--verbosity", "0")
        installation.python("from mandate.celery import app; app.control.purge()")
        yield installation
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(autouse=True)
def no_worker_left(installation: Installation) -> Iterator[None]:
    yield
    installation.kill_workers()


def heartbeat(installation: Installation) -> object:
    return installation.ask("SELECT max(beat_at) FROM inventory_heartbeat WHERE name = 'worker'")


SEND_HEARTBEAT = "from reviews.tasks import beat_heartbeat; beat_heartbeat.delay()"


def test_a_job_sent_by_one_process_is_done_by_a_worker_in_another(
    installation: Installation,
) -> None:
    before = heartbeat(installation)
    installation.start_worker()

    installation.python(SEND_HEARTBEAT)

    installation.wait_for(lambda: heartbeat(installation) != before, seconds=30)


def test_a_job_sent_while_no_worker_lives_waits_for_the_next_one(
    installation: Installation,
) -> None:
    installation.start_worker()
    installation.python(SEND_HEARTBEAT)
    installation.wait_for(lambda: heartbeat(installation), seconds=30)
    installation.kill_workers()
    before = heartbeat(installation)

    installation.python(SEND_HEARTBEAT)
    assert heartbeat(installation) == before
    installation.start_worker()

    installation.wait_for(lambda: heartbeat(installation) != before, seconds=30)


def test_what_a_person_who_left_owned_is_flagged_by_the_worker_at_once(
    installation: Installation,
) -> None:
    owned = installation.python(
        "from tests.factories import a_person, an_identity\n"
        "owner = a_person(name='Ada Leaver')\n"
        "print(an_identity(owner=owner).pk)"
    ).strip()
    installation.start_worker()
    installation.python(SEND_HEARTBEAT)
    before = heartbeat(installation)
    installation.wait_for(lambda: heartbeat(installation) != before, seconds=30)

    installation.python(
        "from django.utils import timezone\n"
        "from inventory import ownership\n"
        "from inventory.models import Person\n"
        "owner = Person.objects.get(name='Ada Leaver')\n"
        "ownership.mark_left(owner, by='service test', at=timezone.now())"
    )

    def is_flagged() -> object:
        return installation.ask(
            "SELECT 1 FROM reviews_finding"
            " WHERE check_id = 'owner-active' AND identity_id = %s AND status = 'open'",
            int(owned),
        )

    took = installation.wait_for(is_flagged, seconds=30)

    # Counted from the end of the process that said it, which takes longer than the job. Where merely starting one
    # takes longer than a second, that is the measure.
    began = time.monotonic()
    installation.python("pass")
    assert took < max(1.0, time.monotonic() - began)
