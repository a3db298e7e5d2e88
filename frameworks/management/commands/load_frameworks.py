"""`manage.py load_frameworks`: brings catalogues and crosswalk into the database."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from frameworks import loading
from frameworks.catalogues import CatalogueWrong


class Command(BaseCommand):
    """Exits with 0 only when every file was in order; otherwise nothing is written."""

    help = "Load the catalogues of frameworks and the crosswalk from checks to controls."

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        try:
            self.stdout.write(str(loading.load()))
        except CatalogueWrong as error:
            raise CommandError(str(error)) from error
