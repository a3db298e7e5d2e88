"""Cutting hidden ways: somebody proposes what is to end, another person approves, and then it ends at once."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import QuerySet
from django.urls import reverse

from inventory import access, audit, cuts, endings
from inventory.access_graph import acting_as, held_by
from inventory.cuts import Removal, Target
from inventory.effective import grants_of, rights_of
from inventory.models import Delegation, EndCause, Entitlement, Grant, Identity, User
from inventory.rules import RuleBroken
from reviews import cut_words, notifications
from reviews.approvers import Duties, owner_line, require_may_answer
from reviews.models import PathCut
from reviews.notifications import Message

Status = PathCut.Status
HOLDS = timedelta(days=7)
LAPSED = "Nobody answered in time. Propose it again, as things are now."


def visible_to(user: User) -> QuerySet[PathCut]:
    if access.sees_all(user):
        return PathCut.objects.all()
    mine = access.visible_to(user, Identity.objects.all()).order_by().values("pk")
    return PathCut.objects.filter(identity__in=mine)


def waits_for(user: User, at: datetime) -> QuerySet[PathCut]:
    """Those this user may answer now: security, or an owner of whom all of it is."""
    rows = PathCut.objects.waiting(at).exclude(asked_by=user)
    if user.is_service or not user.is_active or user.role == User.Role.AUDITOR:
        return rows.none()
    if not access.changes_all(user):
        mine = user.person_id
        rows = rows.filter(identity__owner=mine) if mine else rows.none()
        rows = rows.filter(
            delegations__contained_by=_keys(Delegation.objects.filter(delegate__owner=mine)),
            grants__contained_by=_keys(Grant.objects.filter(identity__owner=mine)),
        )
    return rows.select_related("identity").order_by("expires_at", "pk")


def removals_of(cut: PathCut) -> set[Removal]:
    """What it ends."""
    return {
        *(Removal("delegation", key) for key in cut.delegations),
        *(Removal("grant", key) for key in cut.grants),
    }


def target_of(row: Identity | Entitlement) -> Target:
    if isinstance(row, Identity):
        return Target(identity=row.pk)
    return Target(frozenset({row.pk}))


def ask(
    identity: Identity,
    target: Identity | Entitlement,
    removals: Collection[Removal],
    *,
    by: User,
    reason: str,
    at: datetime,
) -> PathCut:
    """Proposes to end these. The same proposal again, while it waits, is the same one."""
    rows = _rows(removals)
    for row in (*rows[0], *rows[1]):
        access.require(by, "revoke", row)
    aim = target_of(target)
    if cuts.still_reached(identity.pk, aim, at) is None:
        raise RuleBroken(f"{identity} does not reach {target} any more. There is nothing to cut.")
    if _left_open(identity.pk, aim, removals, at):
        raise RuleBroken("Another way would stay open. Choose one of the cuts that are offered.")
    fields = {
        "identity": identity,
        "target_identity": target if isinstance(target, Identity) else None,
        "target_entitlement": target if isinstance(target, Entitlement) else None,
        "delegations": sorted(row.pk for row in rows[0]),
        "grants": sorted(row.pk for row in rows[1]),
    }
    with audit.acting(by, "cut.asked", reason):
        Identity.objects.select_for_update(no_key=True).get(pk=identity.pk)
        same = PathCut.objects.waiting(at).filter(**fields).first()
        if same is not None:
            return same
        proposal = cuts.propose(identity.pk, aim, at)
        effects = next(
            (cut.effects for cut in proposal.cuts if cut.removals == frozenset(removals)), ()
        )
        made = PathCut.objects.create(
            **fields,
            way=cut_words.steps(proposal.way) if proposal.way else [],
            effects=cut_words.effects(effects),
            reason=reason.strip(),
            asked_by=by,
            asked_at=at,
            expires_at=at + HOLDS,
        )
        _tell(made, at)
    return made


def answer(cut: PathCut, *, approved: bool, by: User, reason: str, at: datetime) -> PathCut:
    """Approves, and so ends what it names, or refuses; never the one who asked. Once decided it stays so.

    Should another way have opened meanwhile, nothing is ended: an approval is for cutting off, not for half of it.
    """
    access.require_decider(by)
    require_may_answer(by, Duties(cut.asked_by))
    if not waits_for(by, at).filter(pk=cut.pk).exists() and not access.changes_all(by):
        raise RuleBroken("Some of it is not yours. Security decides about this one.")
    if not approved and not reason.strip():
        raise RuleBroken("There is no reason. Say why, so that they know what to change.")
    status = Status.APPLIED if approved else Status.REFUSED
    with audit.acting(by, f"cut.{status}", reason or cut.reason):
        claimed = PathCut.objects.waiting(at).filter(pk=cut.pk)
        if not claimed.update(status=status, decided_by=by, decided_at=at, answer=reason.strip()):
            now = PathCut.objects.get(pk=cut.pk).state(at)
            raise RuleBroken(LAPSED if now == "lapsed" else f"It is {now} already.")
        if approved:
            _end(cut, at)
        notifications.drop(f"cut:{cut.pk}")
    return PathCut.objects.get(pk=cut.pk)


def _end(cut: PathCut, at: datetime) -> None:
    endings.end_delegations(
        Delegation.objects.filter(pk__in=cut.delegations), cause=EndCause.REVOKED, at=at
    )
    endings.end_grants(Grant.objects.filter(pk__in=cut.grants), cause=EndCause.REVOKED, at=at)
    if cuts.still_reached(cut.identity_id, target_of(cut.target), at) is not None:
        raise RuleBroken(
            "Another way has opened since this was proposed, so nothing was ended. Propose it again."
        )


def _left_open(identity: int, aim: Target, removals: Collection[Removal], at: datetime) -> bool:
    walk = acting_as(identity, cuts.without(held_by(at), removals, at))
    if aim.identity is not None:
        return aim.identity in walk.identities()
    gone = {removal.key for removal in removals if removal.noun == "grant"}
    kept = [held for held in grants_of(walk.identities(), at) if held.grant not in gone]
    return bool(aim.entitlements & set(rights_of(walk.identities(), kept)))


def _rows(removals: Collection[Removal]) -> tuple[list[Delegation], list[Grant]]:
    keys = {
        noun: [removal.key for removal in removals if removal.noun == noun]
        for noun in ("delegation", "grant")
    }
    found = (
        list(Delegation.objects.filter(pk__in=keys["delegation"]).select_related("delegate")),
        list(Grant.objects.filter(pk__in=keys["grant"]).select_related("identity")),
    )
    if len(found[0]) + len(found[1]) != len(set(removals)) or not removals:
        raise RuleBroken("What is to end is not there any more. Look at the cuts again.")
    return found


def _keys(rows: QuerySet[Any]) -> ArraySubquery:
    """Any: delegations or grants."""
    return ArraySubquery(rows.order_by().values("pk"))


def _tell(made: PathCut, at: datetime) -> None:
    message = Message(
        event="cut.asked",
        about=f"cut:{made.pk}",
        title=f"Cut {made.identity} off from {made.target}",
        body=f"{made.reason} Answer by {made.expires_at:%d %b %Y %H:%M} UTC.",
        path=reverse("reviews:cut-detail", args=[made.pk]),
    )
    made.identity = Identity.objects.select_related("owner__manager", "owner__deputy").get(
        pk=made.identity_id
    )
    line = owner_line(made.identity, Duties(made.asked_by), at)
    if line.people:
        notifications.tell(line.people[0][0], message, at=at)
    notifications.tell_platforms(message, at=at)
