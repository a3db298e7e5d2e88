"""Ending access: a grant is revoked, expired now, or given an end; one, or many at once."""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from inventory import access, audit, endings, many, signals
from inventory.audit import Actor
from inventory.models import EndCause, Grant
from inventory.rules import Outcome, RuleBroken

EXTENDED_AT_ONCE = 200  # each is judged by its own limits


def revoke(grant: Grant, *, by: Actor, reason: str, at: datetime) -> Grant:
    """Ends the grant now. Revoking twice is not an error; the first author and time stay.

    The platform behind it still has to follow: `revocation_confirmed_at` stays empty until that is
    seen.
    """
    access.require(by, "revoke", grant)
    with audit.acting(by, "grant.revoked", reason):
        endings.end_grants(Grant.objects.filter(pk=grant.pk), cause=EndCause.REVOKED, at=at)
    return Grant.objects.get(pk=grant.pk)


def revoke_all(rows: QuerySet[Grant], *, by: Actor, reason: str, at: datetime) -> Outcome:
    """`revoke` for many: those of the rows that `by` may revoke and that are not revoked yet."""
    wanted = many.Wanted(
        action="revoke",
        can=Q(revoked_at=None) | Q(revoked_at__gt=at),
        already=Q(revoked_at__lte=at),
        fields=endings.written(EndCause.REVOKED, at),
    )
    with audit.acting(by, "grant.revoked", reason):
        return many.update(rows, wanted, by=by)


def expire_now(grant: Grant, *, by: Actor, reason: str, at: datetime) -> Grant:
    """Lets the grant end at this moment, as planned ends do. One that has ended stays as it was."""
    access.require(by, "expire", grant)
    if grant.starts_at and grant.starts_at >= at:
        raise RuleBroken(
            f"It starts on {grant.starts_at:%Y-%m-%d}, which is still to come. Revoke it instead."
        )
    with audit.acting(by, "grant.expired", reason):
        claimed = Grant.objects.filter(
            Q(expires_at=None) | Q(expires_at__gt=at), pk=grant.pk, revoked_at=None
        ).update(expires_at=at, end_decided_at=at)
        if claimed:
            signals.announce_changed([grant.identity_id])
    return Grant.objects.get(pk=grant.pk)


def expire_all(rows: QuerySet[Grant], *, by: Actor, reason: str, at: datetime) -> Outcome:
    """`expire_now` for many: those of the rows that are in force and that `by` may expire."""
    wanted = many.Wanted(
        action="expire",
        can=Q(Q(expires_at=None) | Q(expires_at__gt=at), revoked_at=None, gone_at=None)
        & (Q(starts_at=None) | Q(starts_at__lt=at)),
        already=Q(expires_at__lte=at) | Q(revoked_at__isnull=False) | Q(gone_at__isnull=False),
        fields={"expires_at": at, "end_decided_at": at},
    )
    with audit.acting(by, "grant.expired", reason):
        return many.update(rows, wanted, by=by)


def set_end(grant: Grant, *, until: datetime, by: Actor, reason: str, at: datetime) -> Grant:
    """Gives the grant a day on which it ends. A grant that has ended cannot be brought back this
    way.
    """
    earlier = grant.expires_at is None or until <= grant.expires_at
    access.require(by, "narrow" if earlier else "extend", grant)
    if grant.just_in_time and not earlier:
        raise RuleBroken("This is just-in-time access. Extend it once, or request it again.")
    if until <= at:
        raise RuleBroken(f"{until:%Y-%m-%d} is past. Choose a later end, or expire the grant now.")
    if grant.starts_at and until <= grant.starts_at:
        raise RuleBroken(
            f"Ends {until:%Y-%m-%d}, before it starts ({grant.starts_at:%Y-%m-%d})."
            " Choose a later end."
        )
    with audit.acting(by, "grant.end_set", reason):
        claimed = Grant.objects.filter(
            Q(expires_at=None) | Q(expires_at__gt=at),
            Q(revoked_at=None) | Q(revoked_at__gt=at),
            Q(task=None) | Q(task__deadline__gte=until) | Q(expires_at__gte=until),
            pk=grant.pk,
            gone_at=None,
        ).update(expires_at=until, end_decided_at=until)
        if not claimed:
            raise RuleBroken(
                "The grant has ended, or its task ends before that day. Request new access instead."
            )
        signals.announce_changed([grant.identity_id])
    return Grant.objects.get(pk=grant.pk)


def extend(grant: Grant, *, until: datetime, by: Actor, reason: str, at: datetime) -> Grant:
    """Puts the end of just-in-time access off, once, with a reason: by at most as long as it was given for, and never
    past its task's deadline."""
    access.require(by, "extend", grant)
    if not reason.strip():
        raise RuleBroken("There is no reason. Say why the work takes longer.")
    if not grant.just_in_time or grant.expires_at is None:
        raise RuleBroken("This is a standing grant. Set its end instead.")
    if grant.extended_at is not None:
        raise RuleBroken("It was extended once already. Request the access again.")
    given = grant.expires_at - (grant.starts_at or grant.first_seen_at)
    latest = grant.expires_at + given
    if grant.task is not None:
        latest = min(latest, grant.task.deadline)
    if not grant.expires_at < until <= latest:
        raise RuleBroken(
            f"Choose an end after {grant.expires_at:%Y-%m-%d %H:%M} and until {latest:%Y-%m-%d %H:%M} (UTC):"
            " as long again as it was given for, and not past its task."
        )
    with audit.acting(by, "grant.extended", reason):
        standing = Grant.objects.effective(at).filter(pk=grant.pk, extended_at=None)
        if not Grant.objects.filter(pk__in=standing.values("pk")).update(
            expires_at=until, extended_at=at, end_decided_at=until
        ):
            raise RuleBroken("It has ended already. Request the access again.")
        signals.announce_changed([grant.identity_id])
    return Grant.objects.get(pk=grant.pk)


def extend_all(
    rows: QuerySet[Grant], *, hours: float, by: Actor, reason: str, at: datetime
) -> Outcome:
    """`extend` for many, each by its own limits: those that `by` may extend and that were not extended before."""
    total = rows.count()
    if total > EXTENDED_AT_ONCE:
        raise RuleBroken(f"{total:,} are too many to extend at once. Choose {EXTENDED_AT_ONCE}.")
    mine = access.changeable_by(by, "extend", rows).select_related("task")
    counts = {"changed": 0, "already": 0, "cannot": 0}
    for grant in mine.order_by("pk"):
        if grant.extended_at is not None or grant.expires_at is None:
            counts["already"] += 1
            continue
        until = grant.expires_at + timedelta(hours=hours)
        try:
            extend(grant, until=until, by=by, reason=reason, at=at)
            counts["changed"] += 1
        except RuleBroken:
            counts["cannot"] += 1
    return Outcome(**counts, not_yours=total - sum(counts.values()))


def expire_unless_used(
    grant: Grant, *, within: timedelta | None, by: Actor, reason: str, at: datetime
) -> Grant:
    """Lets the grant end by itself once it goes unused for so long; None takes the limit away."""
    access.require(by, "narrow" if within else "extend", grant)
    if within is not None and within < timedelta(days=1):
        raise RuleBroken("At least one day. Shorter than that, access is granted for a task.")
    if within is not None and not grant.use_known:
        raise RuleBroken(
            "Its source does not report use, so it would end although it is used. Give it an end instead."
        )
    with audit.acting(by, "grant.idle_limit_set", reason):
        alive = Grant.objects.in_force(at).filter(pk=grant.pk)
        if not Grant.objects.filter(pk__in=alive.values("pk")).update(idle_limit=within):
            raise RuleBroken("The grant has ended already. Request the access again.")
        endings.settle(at, by=by, identities=[grant.identity_id])
        signals.announce_changed([grant.identity_id])
    return Grant.objects.get(pk=grant.pk)


def set_latest_end(
    rows: QuerySet[Grant], *, until: datetime, by: Actor, reason: str, at: datetime
) -> Outcome:
    """No grant of many works after `until`. What ends by then already keeps its end: nothing is made longer."""
    if until <= at:
        raise RuleBroken(f"{until:%Y-%m-%d} is past. Choose a later end, or revoke the grants.")
    wanted = many.Wanted(
        action="narrow",
        can=Q(Q(expires_at=None) | Q(expires_at__gt=until), gone_at=None)
        & (Q(revoked_at=None) | Q(revoked_at__gt=at))
        & (Q(starts_at=None) | Q(starts_at__lt=until)),
        already=Q(expires_at__lte=until) | Q(revoked_at__lte=at) | Q(gone_at__isnull=False),
        fields={"expires_at": until, "end_decided_at": until},
    )
    with audit.acting(by, "grant.end_set", reason):
        return many.update(rows, wanted, by=by)
