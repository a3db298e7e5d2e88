"""How an identity came to its power: grants, delegations, tiers and first uses over time, in one order."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Min

from inventory import markup
from inventory.models import Delegation, Grant, Identity, Risk
from runtime.models import CallTally, Deviation, ObservedTier

MOST = 200
_UP = frozenset({Risk.HIGH, Risk.CRITICAL})


@dataclass(frozen=True)
class Step:
    """One moment in which it could do, or did, something else than before."""

    at: datetime
    tone: str
    icon: str
    title: str
    url_name: str = ""
    key: object = None

    @property
    def url(self) -> str:
        return markup.address(self.url_name)(self.key) if self.url_name else ""


def of(identity: Identity, at: datetime) -> list[Step]:
    """The latest 200 steps, newest first."""
    steps = [
        *_grants(identity, at),
        *_delegations(identity, at),
        *_tiers(identity),
        *_first_uses(identity),
        *_deviations(identity),
    ]
    return sorted(steps, key=lambda step: step.at, reverse=True)[:MOST]


def _grants(identity: Identity, at: datetime) -> list[Step]:
    rows = Grant.objects.filter(identity=identity).select_related("entitlement__system", "task")
    steps = []
    for grant in rows.order_by("-pk")[:MOST]:
        what, risk = f"{grant.entitlement} on {grant.entitlement.system}", grant.entitlement.risk
        began = grant.starts_at or grant.first_seen_at
        how = (
            "for a task" if grant.task_id else "just-in-time" if grant.just_in_time else "standing"
        )
        tone = "warn" if risk in _UP or grant.entitlement.admin else "plain"
        text = f"Gained {what} ({how}, {risk} risk)."
        steps.append(Step(began, tone, "shield-plus", text, "inventory:grant-detail", grant.pk))
        ended = min(filter(None, (grant.revoked_at, grant.expires_at, grant.gone_at)), default=None)
        if ended is not None and ended <= at:
            text = f"Lost {what}."
            steps.append(
                Step(ended, "good", "shield-minus", text, "inventory:grant-detail", grant.pk)
            )
    return steps


def _delegations(identity: Identity, at: datetime) -> list[Step]:
    rows = Delegation.objects.filter(delegate=identity).select_related(
        "delegator_person", "delegator_identity"
    )
    steps = []
    for row in rows.order_by("-pk")[:MOST]:
        giver = row.delegator_person or row.delegator_identity
        scope = "all that it may do" if row.scope_all else "named entitlements"
        text = f"{row.get_how_display()} {giver}: {scope}."
        began = row.starts_at or row.first_seen_at
        page = ("inventory:delegation-detail", row.pk)
        steps.append(Step(began, "warn" if row.scope_all else "plain", "waypoints", text, *page))
        ended = min(filter(None, (row.revoked_at, row.expires_at, row.gone_at)), default=None)
        if ended is not None and ended <= at:
            steps.append(Step(ended, "good", "unlink", f"No longer: {giver}.", *page))
    return steps


def _tiers(identity: Identity) -> list[Step]:
    rows = ObservedTier.objects.filter(identity=identity)
    return [
        Step(
            row.started_at,
            "warn" if row.rose else "good",
            "trending-up" if row.rose else "trending-down",
            f"Acts as tier {row.get_tier_display()}.",
        )
        for row in rows[:MOST]
    ]


def _first_uses(identity: Identity) -> list[Step]:
    rows = (
        CallTally.objects.filter(identity=identity)
        .order_by()
        .values("provider", "tool_name")
        .annotate(first=Min("first_at"))
        .order_by(F("first").desc())[:MOST]
    )
    return [
        Step(row["first"], "info", "wrench", f"First call of {_tool(row['provider'], row['tool_name'])}.")
        for row in rows
    ]  # fmt: skip


def _tool(provider: str, name: str) -> str:
    return f"{name} of {provider}" if provider else name


def _deviations(identity: Identity) -> list[Step]:
    rows = Deviation.objects.filter(identity=identity)[:MOST]
    return [
        Step(row.happened_at, "bad", "siren", row.detail, "runtime:deviation-triage", row.pk)
        for row in rows
    ]
