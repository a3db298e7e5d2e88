"""The programs that make up a running Mandate, as functions that work until they are ended."""

from collections.abc import Callable

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server as Granian

from mandate.celery import app

WEB_WORKERS = 2
THREADS = 4  # of each web worker
JOBS = 2  # at once


def web(host: str, port: int) -> Callable[[], None]:
    def serve() -> None:
        Granian(
            "mandate.wsgi:application",
            address=host,
            port=port,
            interface=Interfaces.WSGI,
            workers=WEB_WORKERS,
            blocking_threads=THREADS,
            websockets=False,
            respawn_failed_workers=True,
            log_level=LogLevels.warning,
        ).serve()

    return serve


def worker() -> None:
    # The queue in PostgreSQL has no broadcast, which gossip and mingle need.
    options = ["--loglevel=WARNING", "--without-gossip", "--without-mingle"]
    app.worker_main(["worker", f"--concurrency={JOBS}", *options])


def scheduler() -> None:
    app.start(["beat", "--loglevel=WARNING", "--pidfile=", "--max-interval=1"])  # ends in a second
