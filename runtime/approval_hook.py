"""Whether a person approved exactly this act: asked of whoever keeps approvals, on a floor above."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Act:
    """One call of a tool by an identity, with these arguments (their SHA-256), within a task or none. `target`: the
    dataset or system that the request names, or nothing."""

    identity: int
    tool: int
    arguments_digest: str
    task: int | None
    target: str = ""


Check = Callable[[Act, datetime], bool]
_checks: list[Check] = []


def register(check: Check) -> None:
    """Adds somebody who knows of approvals; the same one twice counts once."""
    if check not in _checks:
        _checks.append(check)


def is_approved(act: Act, at: datetime) -> bool:
    """Without anybody who knows, nothing is approved."""
    return any(check(act, at) for check in _checks)
