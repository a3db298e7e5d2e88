"""Turns an approved request into grants: they start now and end with the first of all that can end them."""

from datetime import datetime

from django.db.models import Q

from inventory import endings, signals
from inventory.models import EndCause, Entitlement, Grant, Identity, Person, Source, Task
from inventory.rules import RuleBroken
from reviews.models import AccessRequest


def issue(request: AccessRequest, *, approved_by: Person | None, at: datetime) -> list[Grant]:
    """One grant for each entitlement that was kept; call it inside `audit.acting`, with the request locked.

    Task and identity are locked first, so that whoever ends them in this moment either comes before, and there is
    nothing to issue, or comes after, and ends what was issued here.
    """
    require_alive(request, at)
    source = own_source()
    ends = None if request.lasts is None else at + request.lasts
    if ends is not None and request.task is not None:
        ends = min(ends, request.task.deadline)
    made = []
    for item in request.items.filter(kept=True).select_related("entitlement"):
        earlier = _supersede(request, item.entitlement, at)
        item.grant = Grant.objects.create(
            source=source,
            namespace=source.namespace,
            external_id=f"request:{request.pk}:{item.entitlement_id}",
            identity=request.identity,
            entitlement=item.entitlement,
            task=request.task if ends is not None else None,
            just_in_time=ends is not None,
            via="just in time" if ends is not None else "approved for good",
            starts_at=at,
            expires_at=ends,
            granted_by=request.requested_by.get_username(),
            approved_by=approved_by,
            approved_at=at if request.needed else None,
            reason=request.reason,
            replaces=earlier,
            first_seen_at=at,
        )
        item.save(update_fields=["grant"])
        made.append(item.grant)
    signals.announce_changed([request.identity_id])
    return made


def require_alive(request: AccessRequest, at: datetime) -> None:
    """Locks the identity and the task, and raises RuleBroken unless both can still use the access."""
    identity = Identity.objects.select_for_update(no_key=True).get(pk=request.identity_id)
    if not identity.may_act:
        raise RuleBroken(f"{identity.name} is not active any more. Refuse the request.")
    owner = identity.owner
    temporary = request.kind == AccessRequest.Kind.TEMPORARY
    if temporary and (owner is None or not owner.can_answer(at)):
        raise RuleBroken(
            f"{identity.name} has no accountable owner, and temporary access ends with its owner. Assign one first."
        )
    if request.task_id is None:
        return
    task = Task.objects.select_for_update(no_key=True).get(pk=request.task_id)
    if not task.is_open(at):
        raise RuleBroken(
            f"The task is {task.state(at)}; what it needed is needed no more. Refuse the request."
        )


def own_source() -> Source:
    """Where access comes from that is issued here."""
    made, _ = Source.objects.get_or_create(
        key=endings.OWN_SOURCE,
        defaults={"kind": Source.MANUAL, "namespace": endings.OWN_SOURCE, "label": "Mandate"},
    )
    return made


def _supersede(request: AccessRequest, entitlement: Entitlement, at: datetime) -> Grant | None:
    """An earlier grant of the same, for the same task, makes room: two ends for one thing would mislead."""
    same = Grant.objects.effective(at).filter(
        Q(task=request.task) if request.task_id else Q(task=None),
        identity=request.identity,
        entitlement=entitlement,
        just_in_time=True,
    )
    earlier = same.order_by("-pk").first()
    if earlier is not None:
        endings.end_grants(same, cause=EndCause.SUPERSEDED, at=at)
    return earlier
