"""`manage.py verify-bundle FILE`: whether an evidence bundle is what this installation signed."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from frameworks import bundle_verification, report_writing
from inventory.rules import RuleBroken


class Command(BaseCommand):
    """Exits with 0 only when every byte is as it was signed, with a key of this installation or the one given."""

    help = "Verify the hashes, the signature and the key of an evidence bundle."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--key",
            type=Path,
            help="Trust this public key (PEM) instead of those of this installation.",
        )

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        key = options["key"]
        try:
            found = bundle_verification.verify(
                options["file"], trusted=key.read_bytes() if key else None
            )
        except (RuleBroken, OSError) as error:
            raise CommandError(str(error)) from error
        problems = list(found.problems)
        if key is None and found.fingerprint not in report_writing.own_fingerprints(timezone.now()):
            problems.append("It was signed with a key that is not of this installation.")
        if problems:
            raise CommandError("\n".join(problems))
        self.stdout.write(
            f"{found.files} files are as they were signed. Key fingerprint: {found.fingerprint}"
        )
