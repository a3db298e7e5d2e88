"""Tells whoever answers for an identity that it acts above its declared tier: why, and what it now lacks."""

from collections.abc import Iterable
from datetime import datetime

from django.urls import reverse

from inventory import tiers
from inventory.models import Identity
from inventory.models.identity import drifted_q
from inventory.tiers import Standing
from reviews import notifications
from reviews.notifications import Message
from runtime.models import ObservedTier
from runtime.observed_tiers import explain_all
from runtime.tier_rule import Line

EVENT = "tier.drifted"


def tell(identities: Iterable[int], at: datetime) -> int:
    """Of these identities the ones that have drifted; each stretch above the declared tier is told once. Returns how
    many were told of. Where nobody can answer, only platforms are told; the missing owner is a finding of its own."""
    rows = list(
        ObservedTier.objects.current()
        .filter(identity__in=Identity.objects.live().filter(drifted_q(), pk__in=list(identities)))
        .select_related("identity__owner")
    )
    said = explain_all(rows)
    asked = {row.identity_id: row.tier for row in rows}
    found = tiers.standings(Identity.objects.all(), at, asked)
    for row in rows:
        missing = tiers.lacking(found.get(row.identity_id, []))
        message = _message(row, said[row.pk], missing)
        owner = row.identity.owner
        if owner is not None and owner.can_answer(at):
            key = f"{EVENT}/identity:{row.identity_id}/{row.pk}"
            notifications.tell(owner, message, at=at, key=key)
        notifications.tell_platforms(message, at=at)
    return len(rows)


def _message(row: ObservedTier, lines: list[Line], missing: list[Standing]) -> Message:
    identity = row.identity
    declared = identity.declared_tier if identity.declared_tier is not None else -1
    why = [line.text for line in lines if line.tier > declared]
    lacks = [one.control.title for one in missing if one.answer == tiers.LACKS]
    body = [*why, *([f"Missing for that tier: {'; '.join(lacks)}."] if lacks else [])]
    return Message(
        event=EVENT,
        about=f"identity:{identity.pk}",
        title=(
            f"{identity.name} acts as tier {row.get_tier_display()},"
            f" declared is {identity.get_declared_tier_display()}"
        ),
        path=reverse("runtime:identity-tier", args=[identity.pk]),
        body="\n".join([*body, "Declare that tier, or take away what lets it act so."]),
        payload={
            "identity": identity.pk,
            "declared_tier": identity.declared_tier,
            "observed_tier": row.tier,
            "evidence": row.evidence,
            "missing": [one.control.key for one in missing if one.answer == tiers.LACKS],
        },
    )
