"""What exists: people, identities, credentials, systems, grants, delegations, tools, tasks."""

import importlib

from django.apps import AppConfig


class InventoryConfig(AppConfig):
    name = "inventory"

    def ready(self) -> None:
        # They register themselves; they need models, which are loaded only now.
        importlib.import_module("inventory.stop_panel")
        importlib.import_module("inventory.tier_controls").register()
