"""One program under the supervisor: forked, watched, restarted, ended without remains.

Django is loaded once, in the supervisor; each program is a fork of it. That is why the second start
takes 2 seconds and not 5, and why a restarted program is back at once.
"""

import contextlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from mandate.postgres_keeper import rename_process, stop_with_parent

RESTARTS = 5
STABLE_AFTER = 60.0  # seconds; who ran so long starts counting anew
LOG_LIMIT = 10 * 1024 * 1024
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class Fork:
    """A process in a group of its own, which ends with the supervisor, however that ends."""

    pid: int
    exit_code: int | None = field(default=None, init=False)

    def has_ended(self) -> bool:
        if self.exit_code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.exit_code = os.waitstatus_to_exitcode(status)
        return self.exit_code is not None

    def ask_to_end(self) -> None:
        """Only the leader: it knows best how to end its own workers."""
        if not self.has_ended():
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """The whole group, whether or not its leader still lives."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()

    def wait(self) -> int:
        while not self.has_ended():
            time.sleep(0.005)
        assert self.exit_code is not None  # noqa: S101  # has_ended says so
        return self.exit_code


def fork(work: Callable[[], object], *, name: str, stdout: int, stderr: int) -> Fork:
    """Runs the work in a process of its own. Signals wait meanwhile, so that no fork is lost."""
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    pid = os.fork()
    if pid == 0:
        _work_and_exit(work, name=name, parent=parent, outputs=(stdout, stderr))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    return Fork(pid)


@dataclass
class ChildProcess:
    """A program that is to run all the time; it writes to <state>/log/<name>.log."""

    name: str
    work: Callable[[], object]
    log: Path
    restarts: int = 0
    _process: Fork | None = field(default=None, init=False, repr=False)
    _started_at: float = field(default=0.0, init=False)
    _restart_at: float | None = field(default=None, init=False)

    def start(self) -> None:
        self._started_at, self._restart_at = time.monotonic(), None
        with opened_log(self.log) as log:
            output = log.fileno()
            self._process = fork(self.work, name=self.name, stdout=output, stderr=output)

    def watch(self) -> str | None:
        """Restarts an ended program, later each time; a sentence when it is to be given up."""
        now = time.monotonic()
        if self._restart_at is not None:
            if now >= self._restart_at:
                self.start()
            return None
        if self._process is None or not self._process.has_ended():
            return None
        self._process.kill()  # what it may have left behind
        if now - self._started_at > STABLE_AFTER:
            self.restarts = 0
        if self.restarts == RESTARTS:
            return f"The {self.name} ended {RESTARTS + 1} times in a row. Its log is {self.log}."
        self._restart_at = now + 0.5 * 2**self.restarts
        self.restarts += 1
        return None

    def ask_to_end(self) -> None:
        self._restart_at = None
        if self._process:
            self._process.ask_to_end()

    def has_ended(self) -> bool:
        return self._process is None or self._process.has_ended()

    def kill(self) -> None:
        if self._process:
            self._process.kill()


def end_all(children: list[ChildProcess], *, grace: float) -> None:
    """Asks all at once, waits for the slowest, and leaves none behind."""
    for child in children:
        child.ask_to_end()
    patience = time.monotonic() + grace
    while time.monotonic() < patience and not all(child.has_ended() for child in children):
        time.sleep(0.02)
    for child in children:
        child.kill()


def opened_log(log: Path) -> BinaryIO:
    """Goes on where the last start ended; what is older than the last 10 MB is kept once."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
    log.touch(mode=0o600)
    return log.open("ab")


def _work_and_exit(
    work: Callable[[], object], *, name: str, parent: int, outputs: tuple[int, int]
) -> None:
    """The life of a fork. It never returns into the supervisor's code."""
    code = 1
    try:
        os.setsid()  # Ctrl-C reaches the supervisor only, which ends all in order
        stop_with_parent(signal.SIGTERM)
        if os.getppid() != parent:
            return
        rename_process(f"mandate {name}")
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        for ours, theirs in (
            (os.open(os.devnull, os.O_RDONLY), 0),
            (outputs[0], 1),
            (outputs[1], 2),
        ):
            os.dup2(ours, theirs)
        work()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        if sys.exc_info()[0]:
            traceback.print_exc()
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
