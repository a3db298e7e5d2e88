"""A pytest plugin: without DATABASE_URL the suite runs on an embedded PostgreSQL of its own.

Loaded by `-p tests.embedded`. The workers of pytest-xdist inherit DATABASE_URL, and each makes its
own test database on the one server.
"""

import os
from collections.abc import Iterator

import pytest

from mandate import embedded_postgres
from mandate.postgres_files import EmbeddedPostgresError

_server: embedded_postgres.Server | None = None


@pytest.hookimpl(wrapper=True, tryfirst=True)  # a wrapper comes before pytest-django's own hook
def pytest_load_initial_conftests() -> Iterator[None]:
    global _server  # one server for one run of pytest
    if not os.environ.get("DATABASE_URL"):
        try:
            # Nothing in it is worth a single fsync.
            _server = embedded_postgres.ensure_running(
                embedded_postgres.state_directory(), name="test-postgres", durable=False
            )
        except EmbeddedPostgresError as error:
            raise pytest.UsageError(str(error)) from None
        os.environ["DATABASE_URL"] = _server.url
    return (yield)


def pytest_unconfigure() -> None:
    if _server:
        _server.stop()
