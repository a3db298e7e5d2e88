"""Ending a delegation."""

from datetime import datetime

from inventory import access, audit, endings
from inventory.audit import Actor
from inventory.models import Delegation, EndCause


def revoke(delegation: Delegation, *, by: Actor, reason: str, at: datetime) -> Delegation:
    """Ends the delegation now. Revoking twice is not an error; the first author and time stay.

    The platform behind it still has to follow: `revocation_confirmed_at` stays empty until that is seen.
    """
    access.require(by, "revoke", delegation)
    with audit.acting(by, "delegation.revoked", reason):
        mine = Delegation.objects.filter(pk=delegation.pk)
        endings.end_delegations(mine, cause=EndCause.REVOKED, at=at)
    return Delegation.objects.get(pk=delegation.pk)
