"""The life of an identity: suspended, activated again, retired, described; one, or many at once."""

from datetime import datetime
from typing import TypedDict, Unpack

from django.db.models import Q, QuerySet

from inventory import access, audit, endings, many, signals, stopping
from inventory.audit import Actor
from inventory.models import Identity, KillSwitchUse
from inventory.rules import Outcome, RuleBroken

Lifecycle = Identity.Lifecycle


class Description(TypedDict, total=False):
    """What people may say about an identity; what is left out stays as it is."""

    purpose: str
    environment: str
    declared_tier: int | None
    risk: str


def suspend(identity: Identity, *, by: Actor, reason: str, at: datetime) -> Identity:
    """Stops it for now: nothing it holds is effective, and what it gave to others has ended. Twice is not an error.

    `kill_switch.stop` does the same and keeps how long it took.
    """
    access.require(by, "suspend", identity)
    with audit.acting(by, "identity.suspended", reason):
        if not stopping.halt(identity, at=at):
            _require_state(identity, Lifecycle.SUSPENDED, "suspended")
    return Identity.objects.get(pk=identity.pk)


def suspend_all(rows: QuerySet[Identity], *, by: Actor, reason: str, at: datetime) -> Outcome:
    """`suspend` for many: those of the rows that `by` may suspend; what is retired stays retired."""
    wanted = many.Wanted(
        action="suspend",
        can=Q(lifecycle__in=[Lifecycle.ACTIVE, Lifecycle.PROPOSED]),
        already=Q(lifecycle=Lifecycle.SUSPENDED),
        fields={"lifecycle": Lifecycle.SUSPENDED, "suspended_at": at},
        about="pk",
    )
    with audit.acting(by, "identity.suspended", reason):
        outcome = many.update(rows, wanted, by=by)
        these = Identity.objects.filter(lifecycle=Lifecycle.SUSPENDED, suspended_at=at)
        stopping.end_what_they_gave(these.values("pk"), at=at)
    return outcome


def activate(identity: Identity, *, by: Actor, reason: str, at: datetime) -> Identity:
    """Lets it act. Lifting a suspension restores nothing by itself: what ended with it stays ended, and just-in-time
    access that anybody gave it meanwhile ends before it could begin.
    """
    access.require(by, "activate", identity)
    with audit.acting(by, "identity.activated", reason):
        endings.settle(at, by=by, identities=[identity.pk])
        KillSwitchUse.objects.filter(identity=identity.pk, drill=False, lifted_at=None).update(
            lifted_at=at
        )
        claimed = Identity.objects.filter(
            pk=identity.pk, lifecycle__in=[Lifecycle.SUSPENDED, Lifecycle.PROPOSED]
        ).update(lifecycle=Lifecycle.ACTIVE, suspended_at=None)
        if not claimed:
            _require_state(identity, Lifecycle.ACTIVE, "activated")
        signals.announce_changed([identity.pk])
    return Identity.objects.get(pk=identity.pk)


def retire(identity: Identity, *, by: Actor, reason: str, at: datetime) -> Identity:
    """Ends it for good; its row and history stay. Twice is not an error, the first time stays."""
    access.require(by, "retire", identity)
    with audit.acting(by, "identity.retired", reason):
        claimed = (
            Identity.objects.filter(pk=identity.pk)
            .exclude(lifecycle=Lifecycle.RETIRED)
            .update(lifecycle=Lifecycle.RETIRED, retired_at=at)
        )
        if claimed:
            signals.announce_changed([identity.pk])
    return Identity.objects.get(pk=identity.pk)


def retire_all(rows: QuerySet[Identity], *, by: Actor, reason: str, at: datetime) -> Outcome:
    """`retire` for many: those of the rows that `by` may retire; the first retirement of each stays."""
    wanted = many.Wanted(
        action="retire",
        can=~Q(lifecycle=Lifecycle.RETIRED),
        already=Q(lifecycle=Lifecycle.RETIRED),
        fields={"lifecycle": Lifecycle.RETIRED, "retired_at": at},
        about="pk",
    )
    with audit.acting(by, "identity.retired", reason):
        return many.update(rows, wanted, by=by)


def describe(
    identity: Identity, *, by: Actor, reason: str, at: datetime, **words: Unpack[Description]
) -> Identity:
    """Says what it is for, where it runs, its declared tier and its risk. A stated risk counts as
    assessed now.
    """
    access.require(by, "describe", identity)
    fields: dict[str, object] = dict(words)
    if words.get("risk"):
        fields["risk_assessed_at"] = at
    with audit.acting(by, "identity.described", reason):
        Identity.objects.filter(pk=identity.pk).update(**fields)
        signals.announce_changed([identity.pk])
    return Identity.objects.get(pk=identity.pk)


def _require_state(identity: Identity, wanted: str, verb: str) -> None:
    """Nothing changed: that is only fine in the state that was wanted."""
    now = Identity.objects.get(pk=identity.pk)
    if now.lifecycle != wanted:
        raise RuleBroken(
            f"{now.name} is {now.get_lifecycle_display().lower()} and cannot be {verb}."
            " Add a new identity instead."
        )
