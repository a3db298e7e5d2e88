"""`make run`: PostgreSQL, web server, worker and beat as one program that one Ctrl-C ends.

In the order in which it is read: refuse what cannot work, start the database, load Django, prepare,
fork the programs, say where to go, watch, end everything.
"""

import contextlib
import fcntl
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any, BinaryIO, NoReturn
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from mandate import embedded_postgres, probe, programs
from mandate.child_process import ChildProcess, end_all
from mandate.embedded_postgres import Server
from mandate.postgres_files import EmbeddedPostgresError
from mandate.preparation import CommandFailed, Preparation, collect_static, prepare, running

READY_LIMIT = 90.0  # seconds; a slow machine with a cold disk
GRACE = 10.0  # seconds for requests and jobs to end
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # where we ask instead


class CannotStart(Exception):
    """A sentence for the person at the terminal: what is wrong and what to do."""


@dataclass(frozen=True)
class Plan:
    """What the environment asks for."""

    state: Path
    host: str
    port: int
    database_url: str  # empty: the embedded server

    @property
    def address(self) -> str:
        host = "localhost" if self.host in {"127.0.0.1", *EVERYWHERE} else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"

    @classmethod
    def from_environment(cls) -> "Plan":
        text = os.environ.get("PORT") or "8000"
        if not text.isdecimal() or not 1 <= int(text) <= 65535:
            raise CannotStart(f"PORT is {text!r}. Use a number from 1 to 65535, such as 8000.")
        return cls(
            state=embedded_postgres.state_directory(),
            host=os.environ.get("HOST") or "127.0.0.1",
            port=int(text),
            database_url=os.environ.get("DATABASE_URL", ""),
        )


def main() -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        run(Plan.from_environment())
    except (CannotStart, CommandFailed, EmbeddedPostgresError, ImproperlyConfigured) as error:
        say(f"\n{error}")
        return 1
    except KeyboardInterrupt:
        say("Stopped.")
    return 0


def run(plan: Plan) -> NoReturn:
    """Returns only by an exception; whatever was started is gone by then."""
    began = time.monotonic()
    with only_one(plan):
        refuse_busy_port(plan)
        server = start_database(plan)
        children: list[ChildProcess] = []
        try:
            with step("Loading"):
                load_django(plan, server)
            sign_ins = start_all(plan, children)
            say(f"\nMandate is ready ({time.monotonic() - began:.1f} s): {plan.address}")
            say(f"{sign_ins}\nLogs: {plan.state / 'log'}. Stop with Ctrl-C.".lstrip("\n"))
            watch(plan, children, server)
        finally:
            stop(children, server)


@contextlib.contextmanager
def only_one(plan: Plan) -> Iterator[None]:
    """One supervisor for a state directory. The kernel frees the lock, also after kill -9."""
    record = plan.state / "running.json"
    try:
        plan.state.mkdir(parents=True, exist_ok=True)
        lock = (plan.state / "running.lock").open("ab")
    except OSError as error:
        raise CannotStart(
            f"Cannot write to {plan.state} ({error.strerror}). Choose another state directory:"
            " MANDATE_STATE=/path make run"
        ) from None
    with lock:
        known = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
        if not _locked(lock, patience=GRACE if _was_killed(known) else 0):
            raise CannotStart(
                f"Mandate already runs on {plan.state}: process {known.get('pid', 'unknown')},"
                f" {known.get('address', 'starting')}. Stop it there with Ctrl-C, or choose another"
                " state directory: MANDATE_STATE=/path PORT=8001 make run"
            )
        if record.exists():  # the last one was killed; its programs are just ending
            _wait_for_port(plan, patience=GRACE)
        record.write_text(
            json.dumps({"pid": os.getpid(), "address": plan.address}), encoding="utf-8"
        )
        try:
            yield
        finally:
            record.unlink()


def _locked(lock: BinaryIO, *, patience: float) -> bool:
    """Whether the lock is ours now. Programs of a supervisor that was killed hold it until they have ended."""
    give_up = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= give_up:
                return False
            time.sleep(0.1)
        else:
            return True


def _was_killed(known: dict[str, Any]) -> bool:  # Any: JSON
    """Whether the supervisor that left this record is gone."""
    if "pid" not in known:
        return False
    try:
        os.kill(known["pid"], 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # somebody else's: alive
        return False
    return False


def refuse_busy_port(plan: Plan) -> None:
    problem = _port_problem(plan)
    if isinstance(problem, PermissionError):
        raise CannotStart(
            f"Port {plan.port} needs more rights than this user has. Choose one from 1024 up:"
            " PORT=8000 make run"
        )
    if problem:
        raise CannotStart(
            f"Port {plan.port} on {plan.host} cannot be used ({problem.strerror})."
            f" Stop the program that uses it, or choose another: PORT={plan.port + 1} make run"
        )


def start_database(plan: Plan) -> Server | None:
    if plan.database_url:
        parts = urlsplit(plan.database_url)
        say(f"Using the PostgreSQL server at {parts.hostname or 'the local socket'}{parts.path}.")
        return None
    with step("Starting PostgreSQL"):
        return embedded_postgres.ensure_running(plan.state)


def load_django(plan: Plan, server: Server | None) -> None:
    """Once for all programs, before they are forked; opens no connection and no thread."""
    os.environ["DATABASE_URL"] = server.url if server else plan.database_url
    os.environ["MANDATE_STATE"] = str(plan.state)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mandate.settings")
    django.setup()
    import_module(settings.ROOT_URLCONF)


def start_all(plan: Plan, children: list[ChildProcess]) -> str:
    """Prepares and starts; gives the sign-ins that `manage.py prepare` printed.

    When nothing of ours changed since the last start there is next to nothing to prepare, and the
    web server starts beside it: /readyz says when both are done.
    """
    log = plan.state / "log"
    web = ChildProcess("web", programs.web(plan.host, plan.port), log / "web.log")
    worker = ChildProcess("worker", programs.worker, log / "worker.log")
    scheduler = ChildProcess("scheduler", programs.scheduler, log / "scheduler.log")
    children += [web, worker, scheduler]
    preparation = Preparation(plan.state, Path(settings.STATIC_ROOT))
    with running(prepare, state=plan.state) as preparing:
        if preparation.is_complete():
            web.start()
            with step("Checking the database"):
                sign_ins = preparing.result()
        else:
            with running(collect_static, state=plan.state) as collecting:
                with step("Preparing the database (the first time with a demo organisation)"):
                    sign_ins = preparing.result()
                with step("Collecting static files"):
                    collecting.result()
            preparation.mark_complete()
            web.start()
    worker.start()
    scheduler.start()
    with step("Starting the web server, the worker and the scheduler"):
        wait_until_ready(plan, children)
    return sign_ins


def wait_until_ready(plan: Plan, children: list[ChildProcess]) -> None:
    host = EVERYWHERE.get(plan.host, plan.host)
    url = f"http://{f'[{host}]' if ':' in host else host}:{plan.port}"
    give_up = time.monotonic() + READY_LIMIT
    while time.monotonic() < give_up:
        for child in children:
            if problem := child.watch():
                raise CannotStart(problem)
        ready, answer = probe.ask(url)
        if ready:
            return
        time.sleep(0.05)
    raise CannotStart(
        f"The web server was not ready within {READY_LIMIT:.0f} s ({answer[:500]})."
        f" The logs are in {plan.state / 'log'}."
    )


def watch(plan: Plan, children: list[ChildProcess], server: Server | None) -> NoReturn:
    """Until a signal, or until a program cannot be kept running."""
    lost = 0
    while True:
        time.sleep(0.2)
        if server and not server.is_running():
            lost += 1
            if lost > 5:
                raise CannotStart(f"PostgreSQL ended {lost} times. Its log is {server.place.log}.")
            say("PostgreSQL ended unexpectedly; it is started again.")
            server.resume(embedded_postgres.ensure_running(plan.state))
        for child in children:
            before = child.restarts
            if problem := child.watch():
                raise CannotStart(problem)
            if child.restarts > before:
                say(f"The {child.name} ended unexpectedly; it is started again. See {child.log}.")


def stop(children: list[ChildProcess], server: Server | None) -> None:
    """Everything but PostgreSQL at once, PostgreSQL last. A second Ctrl-C does not wait."""

    def hurry(number: int, frame: FrameType | None) -> None:
        for child in children:
            child.kill()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, hurry)
    say("\nStopping; a job at work gets up to 10 seconds ...")
    end_all(children, grace=GRACE)
    if server and not server.stop():
        say("PostgreSQL still serves another command; it stops with that one.")


@contextlib.contextmanager
def step(title: str) -> Iterator[None]:
    began = time.monotonic()
    say(f"{title} ... ", end="")
    yield
    say(f"done ({time.monotonic() - began:.1f} s)")


def say(text: str, end: str = "\n") -> None:
    with contextlib.suppress(OSError):  # the terminal may be gone; the programs are still to end
        print(text, end=end, flush=True)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _port_problem(plan: Plan) -> OSError | None:
    family = socket.AF_INET6 if ":" in plan.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((plan.host, plan.port))
            probe.listen()
        except OSError as error:
            return error
    return None


def _wait_for_port(plan: Plan, *, patience: float) -> None:
    give_up = time.monotonic() + patience
    while _port_problem(plan) and time.monotonic() < give_up:
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
