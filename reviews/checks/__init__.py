"""All checks: importing this package imports every family in it, and defining a check registers
it."""

import importlib
import pkgutil

from reviews.check import CHECKS, Check
from reviews.parameters import decisions

for _family in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_family.name}")


def configured() -> list[Check]:
    """Every check, in the order of ids, with what was decided about it; one query."""
    decided = decisions()
    return [CHECKS[check_id](decided.get(check_id)) for check_id in sorted(CHECKS)]


__all__ = ["CHECKS", "Check", "configured"]
