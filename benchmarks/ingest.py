"""`python -m benchmarks.ingest`: tool calls over HTTP into a running web server, beside a bare COPY in the same run.

Two web processes, the database and the client share the machine. Each report is one OTLP request in protobuf with a
thousand calls; a call is answered for when it is durable. COPY then writes the same rows into a table with a BRIN and
one B-tree index, which is the floor, and into one with the indexes of the real table.
"""

import argparse
import http.client
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO

from benchmarks import database
from benchmarks.serving import serving
from benchmarks.spans import reports
from benchmarks.timing import machine

HOST = "127.0.0.1"
CALLS, CLIENTS = 1_000, 4
_SERVE = "from mandate.programs import web; web('127.0.0.1', {port})()"
_FLOOR = (
    "CREATE INDEX ON bench_floor USING brin (started_at)",
    "CREATE INDEX ON bench_floor (identity_id, started_at)",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest")
    parser.add_argument("--reports", type=int, default=200, help=f"of {CALLS:,} calls each")
    asked = parser.parse_args()
    with database.ready(fresh=False):
        print("\n".join(measure(asked.reports)))


def measure(number: int) -> list[str]:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    secret = _secret()
    bodies = list(reports(number + 8, calls=CALLS, seed=time.time_ns()))
    with serving(lambda port: [sys.executable, "-c", _SERVE.format(port=port)]) as port:
        _send(port, bodies[:8], secret)  # for connections and plans
        took = _send(port, bodies[8:], secret)
        again = _send(port, bodies[8:], secret)
    calls = number * CALLS
    floor, full = _copy(calls)
    return [
        f"Machine: {machine()}.",
        f"Over HTTP, durable: {calls / took:,.0f} calls a second ({calls:,} in {took:.1f} s).",
        f"The same reports again, nothing to write: {calls / again:,.0f} a second.",
        f"COPY of the same rows, a BRIN and one B-tree index: {floor:,.0f} rows a second"
        f" (ratio {calls / took / floor:.2f}).",
        f"COPY of the same rows, the indexes of the real table: {full:,.0f} rows a second"
        f" (ratio {calls / took / full:.2f}).",
    ]


def _secret() -> str:
    from django.utils import timezone

    from inventory import api_tokens
    from inventory.models import User

    at = timezone.now()
    user, _ = User.objects.get_or_create(
        username="bench-reports", defaults={"role": User.Role.SECURITY, "is_service": True}
    )
    until = at + timedelta(days=1)
    _, secret = api_tokens.create(
        user, name="bench", scopes=["ingest"], until=until, by="bench", at=at
    )
    return secret


def _send(port: int, bodies: Sequence[bytes], secret: str) -> float:
    """Seconds until every report was answered with 200."""
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/x-protobuf"}

    def send(mine: Sequence[bytes]) -> None:
        connection = http.client.HTTPConnection(HOST, port, timeout=120)
        for body in mine:
            while True:
                connection.request("POST", "/v1/traces", body, headers)
                answer = connection.getresponse()
                told = answer.read()
                if answer.status == 200 and not told:
                    break
                if answer.status != 429:
                    raise SystemExit(f"Answered {answer.status}: {told[:200]!r}")
                connection.close()  # another process may have room: the next connection finds one
                time.sleep(0.05)

    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(send, [bodies[nth::CLIENTS] for nth in range(CLIENTS)]))
    return time.perf_counter() - began


def _copy(calls: int) -> tuple[float, float]:
    """Rows a second of both: the newest rows, into an empty table each time."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET work_mem = '256MB'")
        cursor.execute("DROP TABLE IF EXISTS bench_floor, bench_full")
        cursor.execute("CREATE TABLE bench_floor (LIKE runtime_toolcall INCLUDING DEFAULTS)")
        for index in _FLOOR:
            cursor.execute(index)
        cursor.execute("CREATE TABLE bench_full (LIKE runtime_toolcall INCLUDING ALL)")
        rows = BytesIO()
        newest = f"SELECT * FROM runtime_toolcall ORDER BY position DESC LIMIT {int(calls)}"
        with cursor.copy(f"COPY ({newest}) TO STDOUT") as copy:
            for block in copy:
                rows.write(block)
        rates = []
        for table in ("bench_floor", "bench_full"):
            began = time.perf_counter()
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                copy.write(rows.getvalue())
            rates.append(calls / (time.perf_counter() - began))
            cursor.execute(f"DROP TABLE {table}")
    return rates[0], rates[1]


if __name__ == "__main__":
    main()
