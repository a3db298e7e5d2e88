"""The embedded PostgreSQL: shared, private, and up again after whatever was killed."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from mandate import embedded_postgres, postgres_files
from mandate.embedded_postgres import Server
from mandate.postgres_files import EmbeddedPostgresError

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state directory below a private one, with spaces in its path."""
    private = tmp_path / "a private home"
    private.mkdir(mode=0o700)
    yield private / "state of mandate"
    embedded_postgres.remove(private / "state of mandate", name="postgres")


def ask(server: Server, sql: str) -> object:
    with psycopg.connect(server.url) as connection:
        row = connection.execute(sql).fetchone()
    assert row
    return row[0]


def postmaster(server: Server) -> int:
    return int((server.place.data / "postmaster.pid").read_text().splitlines()[0])


def ended(pid: int) -> bool:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


def test_data_outlive_the_server(state: Path) -> None:
    first = embedded_postgres.ensure_running(state)
    with psycopg.connect(first.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    assert first.started_here
    assert first.stop()

    second = embedded_postgres.ensure_running(state)

    assert ask(second, "SELECT answer FROM kept") == 42
    assert second.url == first.url
    assert second.stop()


def test_the_last_of_two_users_stops_the_server(state: Path) -> None:
    first = embedded_postgres.ensure_running(state)
    second = embedded_postgres.ensure_running(state)

    assert not second.started_here
    assert not first.stop()
    assert ask(second, "SELECT 1") == 1
    assert second.stop()
    with pytest.raises(psycopg.OperationalError):
        ask(second, "SELECT 1")


def test_data_in_use_are_not_removed(state: Path) -> None:
    server = embedded_postgres.ensure_running(state)

    with pytest.raises(EmbeddedPostgresError, match="is in use"):
        embedded_postgres.remove(state)

    assert ask(server, "SELECT 1") == 1
    server.stop()


def test_nobody_without_the_password_gets_in_and_only_we_can_read_it(state: Path) -> None:
    server = embedded_postgres.ensure_running(state)
    password = json.loads((state / "postgres" / "connection.json").read_text())["password"]

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.url.replace(password, "guessed"))

    assert len(password) >= 32
    assert stat.S_IMODE((state / "postgres" / "connection.json").stat().st_mode) == 0o600
    server.stop()


def test_another_shell_finds_the_address(state: Path) -> None:
    assert embedded_postgres.current_url(state) is None

    server = embedded_postgres.ensure_running(state)

    assert embedded_postgres.current_url(state) == server.url
    server.stop()


def test_after_kill_9_of_postgresql_the_next_start_recovers_what_was_committed(
    state: Path,
) -> None:
    server = embedded_postgres.ensure_running(state)
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(postmaster(server), signal.SIGKILL)

    again = embedded_postgres.ensure_running(state)

    assert again.started_here
    assert again.url == server.url
    assert ask(again, "SELECT answer FROM kept") == 42
    server.stop()
    assert again.stop()


def test_after_kill_9_of_its_only_user_the_server_goes_down_by_itself(state: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from mandate import embedded_postgres;"
        "server = embedded_postgres.ensure_running(Path(sys.argv[1]));"
        "print('up', flush=True); time.sleep(60)"
    )
    user = subprocess.Popen(
        [sys.executable, "-c", program, str(state)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert user.stdout
    assert user.stdout.readline() == b"up\n"
    beside = embedded_postgres.ensure_running(state)
    pid = postmaster(beside)

    user.kill()
    user.wait()
    assert ask(beside, "SELECT 1") == 1  # somebody else still uses it
    beside._in_use.close()  # as the kernel does when that one is killed too

    assert ended(pid)


def test_a_stale_process_file_that_names_another_program_does_not_stop_the_start(
    state: Path,
) -> None:
    server = embedded_postgres.ensure_running(state)
    pid_file = server.place.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    owner = pid_file.stat()
    server.stop()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    os.chown(pid_file, owner.st_uid, owner.st_gid)

    again = embedded_postgres.ensure_running(state)

    assert ask(again, "SELECT 1") == 1
    again.stop()


def test_a_lost_connection_file_costs_the_password_but_no_data(state: Path) -> None:
    server = embedded_postgres.ensure_running(state)
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    server.stop()
    (state / "postgres" / "connection.json").unlink()

    again = embedded_postgres.ensure_running(state)

    assert ask(again, "SELECT answer FROM kept") == 42
    assert again.url != server.url
    again.stop()


def test_a_half_made_data_directory_is_made_anew(state: Path) -> None:
    server = embedded_postgres.ensure_running(state)
    server.stop()
    server.place.data.rename(server.place.data.with_name("data.new"))
    (server.place.root / "data.new" / "global" / "pg_control").unlink()

    again = embedded_postgres.ensure_running(state)

    assert ask(again, "SELECT 1") == 1
    again.stop()


def test_a_port_taken_meanwhile_is_given_up_for_a_free_one(state: Path) -> None:
    server = embedded_postgres.ensure_running(state)
    port = json.loads((state / "postgres" / "connection.json").read_text())["port"]
    server.stop()

    with socket.create_server(("127.0.0.1", port)):
        again = embedded_postgres.ensure_running(state)

    assert f":{port}/" not in again.url
    assert ask(again, "SELECT 1") == 1
    again.stop()


def test_no_program_for_this_machine_is_told_in_a_sentence(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(EmbeddedPostgresError, match="Set DATABASE_URL"):
        embedded_postgres.ensure_running(state)


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root has to hand the server to another user.")
def test_for_root_the_server_runs_as_nobody_and_opens_no_directory(state: Path) -> None:
    before = stat.S_IMODE(state.parent.stat().st_mode)

    server = embedded_postgres.ensure_running(state)

    assert Path(f"/proc/{postmaster(server)}").stat().st_uid != 0
    assert stat.S_IMODE(state.parent.stat().st_mode) == before == 0o700
    assert stat.S_IMODE(server.place.data.stat().st_mode) == 0o700
    server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root has to hand the server to another user.")
def test_for_root_programs_in_a_private_checkout_are_copied_to_where_nobody_can_run_them(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = postgres_files._packaged_binaries().parents[1]
    private = state.parent / "site-packages"
    for folder in (package / "pginstall", package.with_name(f"{package.name}.libs")):
        if folder.exists():
            shutil.copytree(folder, private / folder.relative_to(package.parent), symlinks=True)
    outside = Path(tempfile.mkdtemp(prefix="mandate-embedded-test-"))
    outside.chmod(0o711)
    monkeypatch.setattr(
        postgres_files, "_packaged_binaries", lambda: private / package.name / "pginstall" / "bin"
    )
    monkeypatch.setattr(postgres_files, "_outside", lambda: outside)

    server = embedded_postgres.ensure_running(state)

    assert server.place.binaries.is_relative_to(outside)
    assert ask(server, "SELECT 1") == 1
    server.stop()
    shutil.rmtree(outside)
