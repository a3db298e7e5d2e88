"""`manage.py verify-log`: compare the record with its seals."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from runtime import seals, verifying


class Command(BaseCommand):
    help = "Compare changes, decisions and tool calls with their seals. Exit code 0 only when all is as it was sealed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seal", action="store_true", help="first seal what is not sealed yet")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["seal"]:
            self.stdout.write(f"Sealed {seals.seal(timezone.now()):,} rows.")
        found = verifying.compare()
        verifying.note(found, at=timezone.now())
        for sentence in found.problems:
            self.stdout.write(sentence)
        dropped = f" {found.dropped:,} more were dropped by retention." if found.dropped else ""
        self.stdout.write(f"{found.seals:,} seals, {found.rows:,} rows compared.{dropped}")
        for log, head in found.heads.items():
            self.stdout.write(f"{log}: {head}")
        if found.problem_count:
            raise CommandError(f"{found.problem_count:,} places are not as they were sealed.")
        self.stdout.write("All is as it was sealed.")
