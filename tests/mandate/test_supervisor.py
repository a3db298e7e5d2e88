"""`make run`, for real: every program starts, one Ctrl-C or a kill -9 leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from mandate import embedded_postgres

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc").exists(), reason="Counts processes in /proc."),
]


class Run:
    """One `make run` on a state directory, and what can be seen of it from outside."""

    def __init__(self, state: Path, port: int) -> None:
        self.state, self.port = state, port
        self.output = state.parent / f"output-{time.monotonic_ns()}"
        environment = {
            **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
            "MANDATE_STATE": str(state),
            "MANDATE_DEMO": "0",
            "MANDATE_ADMIN_PASSWORD": "a-password-for-this-test",
            "MANDATE_PLAIN_STATIC": "1",
            "CELERY_BROKER_URL": "",
            "PORT": str(port),
        }
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mandate.supervisor"],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def said(self) -> str:
        return self.output.read_text()

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5):
                return True
        except (urllib.error.HTTPError, OSError):
            return False

    def wait_until_ready(self) -> None:
        wait_for(lambda: self._is_over_or("Mandate is ready"), seconds=300, told=self.said)
        assert "Mandate is ready" in self.said(), self.said()

    def _is_over_or(self, said: str) -> bool:
        return self.process.poll() is not None or said in self.said()

    def processes(self) -> dict[int, str]:
        """Every process that was started with this state directory in its environment."""
        found = {}
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if f"MANDATE_STATE={self.state}".encode() in (process / "environ").read_bytes():
                    found[int(process.name)] = (process / "comm").read_text().strip()
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
        return found

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=60)


def wait_for(happened: Callable[[], object], *, seconds: float, told: Callable[[], object]) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, told()
        time.sleep(0.05)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One for all tests here: only the first start is slow, as for a person."""
    state = tmp_path_factory.mktemp("two commands") / "state"
    yield state
    embedded_postgres.remove(state)


@pytest.fixture
def mandate(state: Path) -> Iterator[Run]:
    run = Run(state, free_port())
    yield run
    if run.process.poll() is None:
        run.end()
    wait_for(lambda: not run.processes(), seconds=30, told=run.processes)


def test_one_ctrl_c_ends_every_process(mandate: Run) -> None:
    mandate.wait_until_ready()
    running = mandate.processes().values()
    assert mandate.is_ready()
    assert {"mandate web", "mandate worker", "mandate schedul", "postgres"} <= set(running)

    assert mandate.end() == 0

    assert mandate.processes() == {}
    assert mandate.said().endswith("Stopped.\n")


def test_after_kill_9_nothing_stays_and_the_next_start_works(mandate: Run) -> None:
    mandate.wait_until_ready()

    mandate.process.kill()
    mandate.process.wait()
    again = Run(mandate.state, mandate.port)

    again.wait_until_ready()
    assert again.end() == 0
    wait_for(lambda: not again.processes(), seconds=30, told=again.processes)


def test_a_killed_worker_and_a_killed_database_are_started_again(mandate: Run) -> None:
    mandate.wait_until_ready()
    before = mandate.processes()

    os.kill(min(pid for pid, name in before.items() if name == "mandate worker"), signal.SIGKILL)
    os.kill(min(pid for pid, name in before.items() if name == "postgres"), signal.SIGKILL)

    def all_are_back() -> bool:
        now = {pid: name for pid, name in mandate.processes().items() if pid not in before}
        return {"mandate worker", "postgres"} <= set(now.values()) and mandate.is_ready()

    wait_for(all_are_back, seconds=30, told=mandate.said)
    assert "The worker ended unexpectedly" in mandate.said()
    assert "PostgreSQL ended unexpectedly" in mandate.said()


def test_a_second_start_is_refused_with_the_address_of_the_first(mandate: Run) -> None:
    mandate.wait_until_ready()

    second = Run(mandate.state, free_port())

    assert second.process.wait(timeout=30) == 1
    assert f"http://localhost:{mandate.port}/" in second.said()
    assert "MANDATE_STATE=" in second.said()
    assert mandate.is_ready()


def test_a_busy_port_is_named_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        run = Run(tmp_path / "state", port)

        assert run.process.wait(timeout=30) == 1
    assert f"Port {port}" in run.said()
    assert f"PORT={port + 1} make run" in run.said()
    assert not (tmp_path / "state" / "postgres").exists()


def test_a_port_that_is_no_number_is_refused_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "mandate.supervisor"],
        cwd=ROOT,
        env={**os.environ, "PORT": "http", "MANDATE_STATE": str(tmp_path)},
        capture_output=True,
        text=True,
    )

    assert run.returncode == 1
    assert run.stdout == "\nPORT is 'http'. Use a number from 1 to 65535, such as 8000.\n"
    assert run.stderr == ""


def test_while_postgres_is_restarted_every_call_of_an_exporter_arrives_once(mandate: Run) -> None:
    """OpenTelemetry's own exporter sends on; what it was refused it sends again, and nothing is kept twice."""
    mandate.wait_until_ready()
    exporter = OTLPSpanExporter(
        endpoint=f"http://127.0.0.1:{mandate.port}/v1/traces",
        headers={"Authorization": f"Bearer {_token(mandate)}"},
        timeout=120,
    )
    traces = TracerProvider()
    traces.add_span_processor(
        BatchSpanProcessor(exporter, max_export_batch_size=20, schedule_delay_millis=100)
    )
    tracer, sent, until = traces.get_tracer("own"), 0, time.monotonic() + 6
    restart_at = [time.monotonic() + 1.5, time.monotonic() + 4]
    while time.monotonic() < until:
        if restart_at and time.monotonic() > restart_at[0]:
            restart_at.pop(0)
            pids = [pid for pid, name in mandate.processes().items() if name == "postgres"]
            os.kill(min(pids), signal.SIGQUIT)  # at once, as after a crash
        with tracer.start_as_current_span("execute_tool", attributes=CALL):
            sent += 1
        time.sleep(0.01)
    traces.shutdown()

    wait_for(mandate.is_ready, seconds=60, told=mandate.said)
    assert restart_at == []
    with psycopg.connect(embedded_postgres.ensure_running(mandate.state).url) as connection:
        kept = connection.execute(
            "SELECT count(*), count(DISTINCT span_id) FROM runtime_toolcall"
        ).fetchone()
    assert kept == (sent, sent)


CALL = {
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": "count",
    "gen_ai.agent.name": "a",
}


def _token(mandate: Run) -> str:
    """A token that may report calls, for the administrator of this installation."""
    command = [sys.executable, "manage.py", "token", "admin", "--scope", "ingest"]
    url = embedded_postgres.ensure_running(mandate.state).url
    given = {**os.environ, "MANDATE_STATE": str(mandate.state), "DATABASE_URL": url}
    made = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=True)
    return made.stdout.strip()
