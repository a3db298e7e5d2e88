"""One way for an identity to act as another, as the tables of the platforms list them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Method:
    """`needs`: the actions of which the platform must allow all. `how`: the kind of delegation that it makes."""

    id: str
    platform: str
    title: str
    how: str
    needs: tuple[str, ...]
    meaning: str
    reference: str
