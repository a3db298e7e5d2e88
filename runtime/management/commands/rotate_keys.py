"""`manage.py rotate_keys`: what the job does, now; with `--replace`, a new key at once for one purpose."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from runtime import signing_keys
from runtime.models import SigningKey


class Command(BaseCommand):
    """Safe to repeat: without `--replace` it only does what is due."""

    help = "Rotate the signing keys that are due, or replace the one of a purpose because it may have leaked."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--replace", choices=SigningKey.Purpose.values)
        parser.add_argument("--reason", default="")

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        at, by = timezone.now(), "manage.py rotate_keys"
        purpose, reason = options["replace"], options["reason"]
        if purpose:
            made = signing_keys.replace(purpose, by=by, reason=reason, at=at)
            self.stdout.write(f"{made.kid} signs for {purpose} from now on.")
            return
        self.stdout.write(f"{signing_keys.rotate(at, by=by)} keys were activated.")
