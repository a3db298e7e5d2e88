"""`manage.py add_framework FILE`: a framework of one's own from YAML or CSV, every error named."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from frameworks import own_files, own_frameworks
from frameworks.own_files import FileWrong
from inventory.rules import RuleBroken


class Command(BaseCommand):
    """Exits with 0 only when the version is there, whether it is new or the same again."""

    help = "Add a framework of your own, with its mappings, from a YAML or CSV file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--by", required=True, help="Who adds it; stands in the history.")
        for name in ("id", "name", "version-name", "kind"):
            parser.add_argument(f"--{name}", default="", help="Needed for CSV.")

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        path, checks = options["file"], frozenset(own_frameworks.known_checks())
        about = {"id": options["id"], "name": options["name"], "kind": options["kind"],
                 "version": options["version_name"]}  # fmt: skip
        try:
            content = path.read_bytes()
            if path.suffix.lower() == ".csv":
                read = own_files.read_csv(content, about, checks=checks)
            else:
                read = own_files.read_yaml(content, checks=checks)
            added = own_frameworks.add(read, by=options["by"], at=timezone.now())
        except FileWrong as error:
            raise CommandError("\n".join(map(str, error.problems))) from error
        except (RuleBroken, OSError) as error:
            raise CommandError(str(error)) from error
        said = "is added" if added.is_new else "is there already, with the same content"
        self.stdout.write(f"{added.framework} {said}.")
