"""`manage.py import KIND FILE...`: read files into the inventory."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from inventory.importers import KINDS, apply, files
from inventory.importers.base import Connector, WrongFile
from inventory.models import ImportRun
from inventory.rules import RuleBroken


class Command(BaseCommand):
    help = "Read files of one kind into the inventory. Exit code 0 only when everything readable was applied."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=KINDS)
        parser.add_argument("file", nargs="+", type=Path)
        parser.add_argument("--source", default="", help="name of the source (default: the kind)")
        parser.add_argument(
            "--partial", action="store_true", help="the files are a part; nothing is marked gone"
        )
        parser.add_argument(
            "--preview", action="store_true", help="say what would change, change nothing"
        )
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            record = self._run(options)
        except (WrongFile, RuleBroken) as refused:
            if options["json"]:
                self.stdout.write(json.dumps({"status": "failed", "error": str(refused)}, indent=2))
            raise CommandError(str(refused)) from refused
        if options["json"]:
            self.stdout.write(json.dumps(outcome(record), indent=2))
        else:
            self._print(record)
        if record.status == ImportRun.Status.FAILED:
            raise CommandError(record.error)

    def _run(self, options: dict[str, Any]) -> ImportRun:
        now = timezone.now()
        with files.open_files(options["file"]) as opened:
            source = apply.source_for(Connector.registry[options["kind"]], options["source"])
            record = apply.start(source, [f.name for f in opened], by="command line", at=now)
            return apply.run(
                record, opened, at=now, write=not options["preview"], partial=options["partial"]
            )

    def _print(self, record: ImportRun) -> None:
        for what, count in record.tallies.items():
            self.stdout.write(f"{what}: {count}")
        for noun, counts in record.counts.items():
            words = ", ".join(f"{value} {key}" for key, value in counts.items())
            self.stdout.write(f"{noun.replace('_', ' ')}: {words}")
        for place, field, reason in record.rejected:
            self.stdout.write(f"rejected {place} {field}: {reason}")
        self.stdout.write(f"{record.rejected_count} rejected")
        for reason in record.incomplete_reasons:
            self.stdout.write(f"partial: {reason}")


def outcome(record: ImportRun) -> dict[str, Any]:
    """The outcome as plain data, for scripts."""
    return {
        "run": record.pk,
        "source": record.source.key,
        "status": record.status,
        "complete": record.complete,
        "incomplete_reasons": record.incomplete_reasons,
        "rows_read": record.rows_read,
        "file": record.tallies,
        "counts": record.counts,
        "rejected": record.rejected_count,
        "rejections": [
            {"place": place, "field": field, "reason": reason}
            for place, field, reason in record.rejected
        ],
        "error": record.error,
    }
