"""What it proves: catalogues, crosswalk, live results, assessments."""

import importlib

from django.apps import AppConfig


class FrameworksConfig(AppConfig):
    name = "frameworks"

    def ready(self) -> None:
        # It registers itself; it needs models, which are loaded only now.
        importlib.import_module("frameworks.finding_panel")
