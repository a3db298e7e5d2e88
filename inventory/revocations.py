"""Proof of revocation: asked and confirmed are two times, and only a denied probe or the source itself confirms."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.db.models import Q

from inventory import access, audit, signals
from inventory.audit import Actor
from inventory.models import Credential, Delegation, Grant
from inventory.rules import RuleBroken

Revocable = Grant | Delegation | Credential
Row = TypeVar("Row", Grant, Delegation, Credential)
_LONGEST = 300  # characters of a proof that are kept


@dataclass(frozen=True)
class Probe:
    """What was tried with revoked access, when, and what the platform answered: it was denied."""

    tried: str
    tried_at: datetime
    answer: str

    def __str__(self) -> str:
        return f"Denied probe on {self.tried_at:%Y-%m-%d at %H:%M:%S} UTC: {self.tried} – {self.answer}"


def confirm(row: Row, *, proof: Probe, by: Actor, at: datetime) -> Row:
    """Keeps that the platform followed a revocation, and how that is known. The first proof stays.

    For security, or a job of a platform: who holds the access does not testify that it is gone.
    """
    access.require(by, "confirm_revocation", row)
    _require_proof(row, proof, at)
    rows = type(row)._default_manager
    with audit.acting(by, f"{row._meta.model_name}.revocation_confirmed", str(proof)[:_LONGEST]):
        claimed = rows.filter(pk=row.pk, revocation_confirmed_at=None, revoked_at__lte=at).update(
            revocation_confirmed_at=at, revocation_proof=str(proof)[:_LONGEST]
        )
        if claimed:
            signals.announce_changed(about(row))
    return rows.get(pk=row.pk)


def unconfirmed_q(at: datetime) -> Q:
    """Revoked here, and nobody has seen yet that the platform followed."""
    return Q(revoked_at__lte=at, revocation_confirmed_at=None)


def is_unconfirmed(row: Revocable, at: datetime) -> bool:
    """The same rule as `unconfirmed_q`."""
    asked = row.revoked_at is not None and row.revoked_at <= at
    return asked and row.revocation_confirmed_at is None


def about(row: Revocable) -> list[int]:
    """The identities whose checks a change of the row concerns."""
    if isinstance(row, Delegation):
        ends = (row.delegate_id, row.delegator_identity_id)
        return [key for key in ends if key is not None]
    return [row.identity_id]


def _require_proof(row: Revocable, proof: Probe, at: datetime) -> None:
    if row.revoked_at is None or row.revoked_at > at:
        raise RuleBroken("It is not revoked, so there is nothing to confirm. Revoke it first.")
    if not proof.tried.strip() or not proof.answer.strip():
        raise RuleBroken("Say what was tried and what the platform answered.")
    if proof.tried_at > at:
        raise RuleBroken(
            f"{proof.tried_at:%Y-%m-%d %H:%M} is still to come. Say when it was tried."
        )
    if proof.tried_at < row.revoked_at:
        raise RuleBroken(
            f"It was tried before the revocation ({row.revoked_at:%Y-%m-%d %H:%M} UTC), which proves nothing."
            " Try again now."
        )
