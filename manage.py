#!/usr/bin/env python
"""Django's commands; without DATABASE_URL the embedded PostgreSQL runs as long as they need it."""

import contextlib
import os
import sys
from collections.abc import Iterator

from django.core.management import execute_from_command_line

from mandate import embedded_postgres
from mandate.postgres_files import EmbeddedPostgresError

# These never ask the database anything; every other command does, also those that we do not know.
WITHOUT_DATABASE = {"help", "version", "--help", "-h", "--version", "collectstatic", "findstatic"}
WITHOUT_DATABASE |= {"check", "makemessages", "compilemessages", "diffsettings"}


@contextlib.contextmanager
def database_for(arguments: list[str]) -> Iterator[None]:
    """Shares a server that runs already (make run); else starts one and stops it afterwards."""
    needs_none = len(arguments) < 2 or arguments[1] in WITHOUT_DATABASE or "--help" in arguments
    if os.environ.get("DATABASE_URL") or needs_none:
        yield
        return
    server = embedded_postgres.ensure_running(embedded_postgres.state_directory())
    os.environ["DATABASE_URL"] = server.url
    try:
        yield
    finally:
        server.stop()


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mandate.settings")
    try:
        with database_for(sys.argv):
            execute_from_command_line(sys.argv)
    except EmbeddedPostgresError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
