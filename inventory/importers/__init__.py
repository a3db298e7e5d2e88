"""Connectors and the loader. Importing this package registers every connector that stands in it."""

import pkgutil
from importlib import import_module

from inventory.importers.base import Connector

for _module in pkgutil.iter_modules(__path__):
    if _module.name not in ("apply", "upsert", "staging", "plans"):
        import_module(f"{__name__}.{_module.name}")

KINDS = tuple(sorted(Connector.registry))

__all__ = ["KINDS", "Connector"]
