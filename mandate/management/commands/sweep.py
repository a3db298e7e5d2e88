"""`manage.py sweep`: runs every check now, in this process, and prints what each said."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from inventory.rules import RuleBroken
from reviews import sweep
from reviews.models import SweepRun


class Command(BaseCommand):
    """Exits with 0 only when every check ran."""

    help = "Run every check over the whole inventory and bring the findings up to date."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON document.")

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        try:
            run = sweep.run(timezone.now(), by="command sweep")
        except RuleBroken as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(_document(run), indent=2))
        else:
            self._table(run)
        if run.status != SweepRun.Status.DONE:
            raise CommandError(run.error)

    def _table(self, run: SweepRun) -> None:
        row = "{:<28} {:>10} {:>10} {:>10} {:>10}"
        self.stdout.write(row.format("check", "population", "pass", "fail", "unknown"))
        for check in run.check_runs.order_by("check_id"):
            self.stdout.write(
                row.format(
                    check.check_id, check.population, check.passed, check.failed, check.unknown
                )
            )
        self.stdout.write(
            f"Opened {run.counts.get('opened', 0):,}, changed {run.counts.get('changed', 0):,},"
            f" resolved {run.counts.get('resolved', 0):,} findings."
        )


def _document(run: SweepRun) -> dict[str, object]:
    answers = run.check_runs.order_by("check_id").values(
        "check_id", "version", "population", "passed", "failed", "unknown", "seconds"
    )
    return {
        "sweep": run.pk,
        "status": run.status,
        "at": run.at.isoformat(),
        "counts": run.counts,
        "error": run.error,
        "checks": list(answers),
    }
