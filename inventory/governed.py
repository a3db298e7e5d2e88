"""Whose history is kept: every model with the history triggers, on this floor and above, by its table."""

from functools import cache

from django.apps import apps
from django.db.models import Model


@cache
def governed() -> dict[str, type[Model]]:
    """Table to model."""
    return {
        model._meta.db_table: model
        for model in apps.get_models()
        if any(trigger.name == "history_insert" for trigger in getattr(model._meta, "triggers", ()))
    }


def word(table: str) -> str:
    """What people call a row of the table; the table itself, when it is no longer governed."""
    model = governed().get(table)
    return str(model._meta.verbose_name) if model else table


def choices() -> list[tuple[str, str]]:
    """Tables and their words, for a filter."""
    return sorted(
        ((table, word(table).capitalize()) for table in governed()), key=lambda one: one[1]
    )
