"""What happens: decisions, tokens, tool calls."""

import importlib

from django.apps import AppConfig


class RuntimeConfig(AppConfig):
    name = "runtime"

    def ready(self) -> None:
        # They register themselves; they need models, which are loaded only now.
        importlib.import_module("runtime.activity_slots")
        importlib.import_module("runtime.tier_controls").register()
        importlib.import_module("runtime.policy_panels")
        importlib.import_module("runtime.receivers")
        importlib.import_module("runtime.token_marks")
        importlib.import_module("runtime.token_panels")
