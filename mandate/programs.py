"""The programs that make up a running Mandate, as functions that work until they are ended."""

import logging
from collections.abc import Callable

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server as Granian

from mandate.celery import app

WEB_WORKERS = 2
THREADS = 8  # of each web worker: what they have waiting is recorded together
JOBS = 2  # at once


def web(host: str, port: int) -> Callable[[], None]:
    def serve() -> None:
        # It warns of so many threads, which are for waiting together and not for working.
        logging.getLogger("_granian").addFilter(_is_no_advice)
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


def _is_no_advice(record: logging.LogRecord) -> bool:
    return "Python threads" not in record.getMessage()


def worker() -> None:
    # The queue in PostgreSQL has no broadcast, which gossip and mingle need.
    options = ["--loglevel=WARNING", "--without-gossip", "--without-mingle"]
    app.worker_main(["worker", f"--concurrency={JOBS}", *options])


def scheduler() -> None:
    app.start(["beat", "--loglevel=WARNING", "--pidfile=", "--max-interval=1"])  # ends in a second
