"""What it proves: catalogues, crosswalk, live results."""

from django.apps import AppConfig


class FrameworksConfig(AppConfig):
    name = "frameworks"
