"""What all statements of one import share."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from inventory.importers.plans import IDENTITIES, Plan
from inventory.importers.staging import Reading


@dataclass(frozen=True)
class Load:
    """One run that is being loaded. `governs`: the file's word counts for ownership and the like."""

    source_id: int
    namespace: str
    run_id: int
    at: datetime
    governs: bool
    reading: Reading

    @property
    def parameters(self) -> dict[str, Any]:
        """Any: they go to the driver as they are."""
        return {
            "source": self.source_id,
            "source_key": str(self.source_id),
            "namespace": self.namespace,
            "run": self.run_id,
            "at": self.at,
        }

    def knows_all(self, plan: Plan) -> bool:
        """The files hold every row of the noun, so that what they lack is gone."""
        reading = self.reading
        if reading.incomplete or plan.noun in reading.untold:
            return False
        # Our own format says nothing of the nouns that are not in its files.
        return not self.governs or plan.noun in reading.nouns


def names(plan: Plan) -> list[str]:
    """The columns that an import writes."""
    found = [c.name for c in plan.columns] + [r.column for r in plan.refs]
    return [*found, "said"] if plan.table == IDENTITIES else found
