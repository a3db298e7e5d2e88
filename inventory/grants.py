"""Ending access: a grant is revoked, expired now, or given an end; one, or many at once."""

from datetime import datetime

from django.db.models import Q, QuerySet

from inventory import access, audit, many, signals
from inventory.audit import Actor
from inventory.models import Grant
from inventory.rules import Outcome, RuleBroken


def revoke(grant: Grant, *, by: Actor, reason: str, at: datetime) -> Grant:
    """Ends the grant now. Revoking twice is not an error; the first author and time stay.

    The platform behind it still has to follow: `revocation_confirmed_at` stays empty until that is
    seen.
    """
    access.require(by, "revoke", grant)
    with audit.acting(by, "grant.revoked", reason):
        claimed = Grant.objects.filter(
            Q(revoked_at=None) | Q(revoked_at__gt=at), pk=grant.pk
        ).update(revoked_at=at)
        if claimed:
            signals.announce_changed([grant.identity_id])
    return Grant.objects.get(pk=grant.pk)


def revoke_all(rows: QuerySet[Grant], *, by: Actor, reason: str, at: datetime) -> Outcome:
    """`revoke` for many: those of the rows that `by` may revoke and that are not revoked yet."""
    wanted = many.Wanted(
        action="revoke",
        can=Q(revoked_at=None) | Q(revoked_at__gt=at),
        already=Q(revoked_at__lte=at),
        fields={"revoked_at": at},
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


def set_end(grant: Grant, *, until: datetime, by: Actor, reason: str, at: datetime) -> Grant:
    """Gives the grant a day on which it ends. A grant that has ended cannot be brought back this
    way.
    """
    earlier = grant.expires_at is None or until <= grant.expires_at
    access.require(by, "narrow" if earlier else "extend", grant)
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
