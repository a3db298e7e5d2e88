"""Ending a credential, or many at once."""

from datetime import datetime

from django.db.models import Q, QuerySet

from inventory import access, audit, many, signals
from inventory.audit import Actor
from inventory.models import Credential
from inventory.rules import Outcome


def revoke(credential: Credential, *, by: Actor, reason: str, at: datetime) -> Credential:
    """Ends the credential now. Twice is not an error; the first time stays.

    The platform behind it still has to follow: `revocation_confirmed_at` stays empty until that is
    seen.
    """
    access.require(by, "revoke", credential)
    with audit.acting(by, "credential.revoked", reason):
        end(credential, at=at)
    return Credential.objects.get(pk=credential.pk)


def end(credential: Credential, *, at: datetime) -> None:
    """Writes down that it is revoked, inside the caller's transaction. The first time stays."""
    claimed = Credential.objects.filter(
        Q(revoked_at=None) | Q(revoked_at__gt=at), pk=credential.pk
    ).update(revoked_at=at)
    if claimed:
        signals.announce_changed([credential.identity_id])


def revoke_all(rows: QuerySet[Credential], *, by: Actor, reason: str, at: datetime) -> Outcome:
    """`revoke` for many: those of the rows that `by` may revoke and that are not revoked yet."""
    wanted = many.Wanted(
        action="revoke",
        can=Q(revoked_at=None) | Q(revoked_at__gt=at),
        already=Q(revoked_at__lte=at),
        fields={"revoked_at": at},
    )
    with audit.acting(by, "credential.revoked", reason):
        return many.update(rows, wanted, by=by)
