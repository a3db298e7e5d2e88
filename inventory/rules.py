"""What a rule says: when it refuses, and after it changed many rows."""

from dataclasses import dataclass


class RuleBroken(Exception):
    """A rule refuses; the message is a whole sentence for the user and says what to do."""


@dataclass(frozen=True)
class Outcome:
    """What became of many rows: changed, so already, those that cannot be so, those that are not yours to change."""

    changed: int
    already: int
    cannot: int
    not_yours: int
