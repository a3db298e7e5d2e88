"""The benchmark's own database: `mandate_bench` on the server of DATABASE_URL, or on an embedded one."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import django
import psycopg

from mandate import embedded_postgres

NAME = "mandate_bench"


@contextmanager
def ready(*, fresh: bool) -> Iterator[str]:
    """Loads Django on it; `fresh` empties it first. Gives the address. An embedded server is stopped at the end."""
    server = None
    url = os.environ.get("DATABASE_URL", "")
    if not url:
        server = embedded_postgres.ensure_running(
            embedded_postgres.state_directory(), name="bench-postgres"
        )
        url = server.url
    parts = urlsplit(url)
    with psycopg.connect(
        urlunsplit(parts._replace(path="/postgres")), autocommit=True
    ) as connection:
        there = connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [NAME]
        ).fetchone()
        if fresh and there:
            connection.execute(f"DROP DATABASE {NAME} WITH (FORCE)")
        if fresh or not there:
            connection.execute(f"CREATE DATABASE {NAME}")
    os.environ["DATABASE_URL"] = urlunsplit(parts._replace(path=f"/{NAME}"))
    os.environ["MANDATE_PLAIN_STATIC"] = "1"
    os.environ["MANDATE_SEND_TASKS"] = "0"
    os.environ["DJANGO_SETTINGS_MODULE"] = "mandate.settings"
    django.setup()
    gc.collect()
    gc.freeze()  # as the web server does, mandate/wsgi.py
    try:
        yield os.environ["DATABASE_URL"]
    finally:
        if server:
            server.stop()
