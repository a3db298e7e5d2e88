"""What is wrong, and who decides: checks, findings, exceptions."""

import importlib

from django.apps import AppConfig


class ReviewsConfig(AppConfig):
    name = "reviews"

    def ready(self) -> None:
        # They register themselves; they need models, which are loaded only now.
        importlib.import_module("reviews.signals")
        importlib.import_module("reviews.identity_panel")
        importlib.import_module("reviews.tool_panel")
        importlib.import_module("reviews.offers")
        importlib.import_module("reviews.action_marks")
        importlib.import_module("reviews.tier_controls").register()
        importlib.import_module("reviews.decision_approvals")
