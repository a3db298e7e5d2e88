"""What is done before the programs start: static files, migrations, the demo or the first user."""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from django.core.management import call_command

from mandate.child_process import Fork, fork, opened_log

ROOT = Path(__file__).resolve().parent.parent
# Pages of packages that we do not show; compressing them would take most of the time.
_UNUSED_STATIC = ["redoc", "rest_framework"]


class CommandFailed(Exception):
    """A sentence that names the command and its log, and the end of the log."""


def collect_static() -> None:
    call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=_UNUSED_STATIC)


def prepare() -> None:
    call_command("prepare")


@dataclass
class RunningCommand:
    """A command at work in a fork; its errors go to <state>/log/<name>.log."""

    name: str
    log: Path
    process: Fork
    printed: BinaryIO

    def result(self) -> str:
        """Waits for the end; gives what was printed."""
        text = self.printed.read().decode()
        if self.process.wait() != 0:
            last = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
            raise CommandFailed("\n".join([f"{self.name} failed. Its log is {self.log}:", *last]))
        return text


@contextlib.contextmanager
def running(work: Callable[[], None], *, state: Path) -> Iterator[RunningCommand]:
    """Starts it; leaving the block early (Ctrl-C, an error elsewhere) ends it."""
    name = work.__name__
    log = state / "log" / f"{name}.log"
    reading, writing = os.pipe()
    with opened_log(log) as errors, os.fdopen(reading, "rb") as printed:
        process = fork(work, name=name, stdout=writing, stderr=errors.fileno())
        os.close(writing)
        try:
            yield RunningCommand(name, log, process, printed)
        finally:
            process.kill()


class Preparation:
    """Remembers for which code it was last complete: the next start need not wait for it."""

    def __init__(self, state: Path, static: Path) -> None:
        self._record = state / "prepared"
        self._static = static
        self._code = _fingerprint()

    def is_complete(self) -> bool:
        recorded = self._record.read_text(encoding="ascii") if self._record.exists() else ""
        return recorded == self._code and self._static.is_dir()

    def mark_complete(self) -> None:
        self._record.write_text(self._code, encoding="ascii")


def _fingerprint() -> str:
    """Changes with our code, our static files and the locked packages."""
    digest = hashlib.sha256((ROOT / "requirements.lock").read_bytes())
    for folder in ("static", "mandate", "frameworks", "reviews", "runtime", "inventory"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                about = path.stat()
                digest.update(f"{path} {about.st_size} {about.st_mtime_ns}\n".encode())
    return digest.hexdigest()
