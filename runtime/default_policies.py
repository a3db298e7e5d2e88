"""What decides on a new installation: the starter policies, live from the first minute."""

from datetime import datetime

from django.db import transaction

from runtime import policies, policy_drafts
from runtime.models import PolicySet

NAME = "inventory"
BY = "prepare"


@transaction.atomic
def install(at: datetime) -> None:
    """Makes them live when the inventory has no policy set yet; afterwards it is left alone."""
    if PolicySet.objects.filter(domain=PolicySet.Domain.INVENTORY).exists():
        return
    version = policy_drafts.begin(
        name=NAME, domain=PolicySet.Domain.INVENTORY,
        purpose="Decides what identities may do: facts bound, these policies narrow.", by=BY, at=at,
    )  # fmt: skip
    policies.activate(version, by=BY, reason="The policies to begin with.", at=at)
