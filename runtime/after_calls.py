"""What follows from calls that arrived: they are counted, their identities judged, and what does not fit is found."""

from dataclasses import dataclass
from datetime import datetime

from runtime import deviations, observed_tiers, partitions, tallies


@dataclass(frozen=True)
class Seen:
    """How many identities were looked at, changed their tier, and deviated."""

    identities: int = 0
    changed: int = 0
    deviations: int = 0


def look(at: datetime) -> Seen:
    """Each part is one transaction and can be run again; a killed run is made good by the next."""
    counted = tallies.count_arrived(at)
    if not counted.identities or counted.since is None:
        return Seen()
    return Seen(
        len(counted.identities),
        observed_tiers.refresh(at, identities=counted.identities),
        deviations.find(at, identities=counted.identities, since=counted.since),
    )


def look_again(at: datetime) -> None:
    """Counts the last days anew and judges everybody: for what came out of order, and for what is no evidence any
    more."""
    tallies.count_days((at - tallies.ANEW).date(), at.date())
    observed_tiers.refresh(at)


def look_at(identity: int | None, at: datetime) -> None:
    """Counts anew all that is on record of an identity: calls were found to be its own."""
    if identity is None:
        return
    tallies.count_days((at - partitions.kept()).date(), at.date(), identities=[identity])
    observed_tiers.refresh(at, identities=[identity])
