"""Flagging an identity or a credential as compromised, and taking the flag back."""

from datetime import datetime

from inventory import access, audit, credentials, signals
from inventory.audit import Actor
from inventory.models import Credential, Identity
from inventory.rules import RuleBroken


def flag(
    row: Identity | Credential, *, by: Actor, reason: str, at: datetime
) -> Identity | Credential:
    """Says that somebody else may have it. The first flag stays; its moment starts the clock for revoking everything.

    A flagged credential is revoked in the same transaction. A flagged identity goes on until it is stopped, because
    stopping it has consequences that somebody has to see first: see `kill_switch`.
    """
    access.require(by, "flag", row)
    _require_reason(reason)
    noun = row._meta.model_name
    with audit.acting(by, f"{noun}.flagged", reason):
        rows = type(row)._default_manager.filter(pk=row.pk, compromised_at=None)
        if rows.update(compromised_at=at):
            signals.announce_changed([_identity_of(row)])
        if isinstance(row, Credential):
            credentials.end(row, at=at)
    return type(row)._default_manager.get(pk=row.pk)


def clear(
    row: Identity | Credential, *, by: Actor, reason: str, at: datetime
) -> Identity | Credential:
    """Takes the flag back, for security only. What was revoked or stopped stays so."""
    access.require(by, "clear_flag", row)
    _require_reason(reason)
    with audit.acting(by, f"{row._meta.model_name}.flag_cleared", reason):
        flagged = type(row)._default_manager.filter(pk=row.pk, compromised_at__lte=at)
        if flagged.update(compromised_at=None):
            signals.announce_changed([_identity_of(row)])
    return type(row)._default_manager.get(pk=row.pk)


def _identity_of(row: Identity | Credential) -> int:
    return row.identity_id if isinstance(row, Credential) else row.pk


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise RuleBroken("There is no reason. Say what was seen, for those who read this later.")
