"""What a reviewer needs to judge a grant in seconds, read for many grants in a few queries; and what is recommended."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count

from inventory.models import Change, Grant, Risk
from reviews.models import Campaign, ReviewItem

Decision = ReviewItem.Decision
SYSTEMS = 6
LONG_UNUSED = timedelta(days=90)
Facts = dict[str, Any]  # Any: JSON


def of(grants: Sequence[Grant], at: datetime) -> dict[int, Facts]:
    """The facts of each grant by its key."""
    reach = _reach(grants, at)
    earlier = _earlier(grants)
    changes = _changes(grants, at)
    return {
        grant.pk: {
            "risk": grant.entitlement.risk,
            "admin": grant.entitlement.admin,
            "writes": grant.entitlement.writes,
            "system": str(grant.entitlement.system),
            "last_used_at": _text(grant.last_used_at),
            "use_known": grant.use_known,
            "since": _text(grant.starts_at or grant.first_seen_at),
            "ends": _text(grant.expires_at),
            "granted_by": grant.granted_by,
            "approved_by": str(grant.approved_by) if grant.approved_by else "",
            "reason": grant.reason,
            "via": grant.via,
            "source": str(grant.source),
            "open_findings": grant.identity.open_findings,
            "worst_severity": grant.identity.worst_severity,
            "reaches": reach.get(grant.identity_id, []),
            "last_review": earlier.get(grant.pk),
            "changes_in_90_days": changes.get(grant.pk, 0),
        }
        for grant in grants
    }


def recommend(grant: Grant, facts: Facts, at: datetime) -> tuple[str, str]:
    """A decision and its reason in a sentence."""
    risky = grant.entitlement.risk in (Risk.HIGH, Risk.CRITICAL) or grant.entitlement.admin
    used = grant.last_used_at
    if used is None and grant.use_known:
        return Decision.REVOKE, "Nobody has ever used it."
    if used is not None and used < at - LONG_UNUSED and grant.use_known:
        return Decision.REVOKE, f"Nobody has used it for {(at - used).days} days."
    if used is None:
        return Decision.ASK, "Its source does not report use. Ask whoever works with it."
    if grant.expires_at is None and risky:
        return Decision.NARROW, "It is in use, powerful, and has no end."
    if facts["worst_severity"] == 4:
        return Decision.ASK, "Its identity has a critical finding."
    return Decision.KEEP, f"In use: {(at - used).days} days before the review began."


def _reach(grants: Sequence[Grant], at: datetime) -> dict[int, list[str]]:
    """The systems that each identity reaches, the first few by name."""
    identities = {grant.identity_id for grant in grants}
    rows = (
        Grant.objects.effective(at)
        .filter(identity__in=identities)
        .order_by()
        .values("identity")
        .annotate(names=ArrayAgg("entitlement__system__name", distinct=True))
        .values_list("identity", "names")
    )
    return {pk: sorted(names)[:SYSTEMS] for pk, names in rows}


def _earlier(grants: Sequence[Grant]) -> dict[int, Facts]:
    """The last decision about each grant in a campaign that is closed."""
    rows = (
        ReviewItem.objects.filter(
            grant__in=[grant.pk for grant in grants], campaign__status=Campaign.Status.CLOSED
        )
        .exclude(decision="")
        .order_by("grant_id", "-decided_at")
        .distinct("grant_id")
        .values_list("grant_id", "decision", "decided_at")
    )
    return {grant: {"decision": said, "at": _text(when)} for grant, said, when in rows}


def _changes(grants: Sequence[Grant], at: datetime) -> dict[int, int]:
    rows = (
        Change.objects.filter(
            noun=Grant._meta.db_table,
            row_id__in=[grant.pk for grant in grants],
            operation=Change.Operation.UPDATE,
            at__gt=at - LONG_UNUSED,
        )
        .order_by()
        .values("row_id")
        .annotate(number=Count("pk"))
    )
    return {row["row_id"]: row["number"] for row in rows}


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
