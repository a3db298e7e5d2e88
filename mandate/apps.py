"""The house itself: commands and pages that know every app."""

from importlib import import_module

from django.apps import AppConfig


class MandateConfig(AppConfig):
    name = "mandate"

    def ready(self) -> None:
        import_module("mandate.accounts")  # its receivers
