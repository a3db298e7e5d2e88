"""History in words: recorded changes as events of a timeline, and recorded rows as facts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.urls import reverse

from inventory.governed import governed
from inventory.history import NOT_A_CHANGE
from inventory.models import Change, Person, Team

Row = Mapping[str, Any]  # Any: the JSON of a recorded row

SENTENCES = {
    "identity.owner_assigned": ("Owner assigned", "user-check"),
    "identity.successors_set": ("Successors named", "users"),
    "identity.suspended": ("Suspended", "circle-pause"),
    "identity.drilled": ("Kill switch drilled", "timer"),
    "identity.stop_verified": ("Nothing effective any more", "circle-check"),
    "identity.flagged": ("Flagged as compromised", "siren"),
    "identity.flag_cleared": ("No longer flagged as compromised", "circle-check"),
    "credential.flagged": ("Credential flagged as compromised", "siren"),
    "credential.flag_cleared": ("Credential no longer flagged as compromised", "circle-check"),
    "grant.revocation_confirmed": ("Revocation confirmed", "circle-check"),
    "delegation.revocation_confirmed": ("Revocation of a delegation confirmed", "circle-check"),
    "credential.revocation_confirmed": ("Revocation of a credential confirmed", "circle-check"),
    "delegation.revoked": ("Delegation revoked", "shield-off"),
    "identity.activated": ("Activated", "circle-play"),
    "identity.retired": ("Retired", "archive"),
    "identity.described": ("Described", "pencil"),
    "grant.revoked": ("Grant revoked", "shield-off"),
    "grant.expired": ("Grant expired", "shield-off"),
    "grant.end_set": ("End of a grant set", "calendar-clock"),
    "credential.revoked": ("Credential revoked", "key-round"),
    "person.leaving": ("Last day announced", "calendar-clock"),
    "person.left": ("Left", "user-x"),
    "check.off": ("Closed: its check is switched off", "siren"),
    "finding.accepted": ("Risk accepted", "shield-check"),
    "finding.snoozed": ("Snoozed", "alarm-clock"),
    "finding.false_positive": ("Marked as false positive", "ban"),
    "finding.assigned": ("Finding assigned", "user-check"),
    "finding.reopened": ("Finding reopened", "rotate-ccw"),
    "finding.exception_ended": ("Exception ended", "clock"),
    "grant.ended": ("Access ended by itself", "timer-off"),
    "grant.extended": ("Access extended", "calendar-plus"),
    "grant.converted": ("Made just-in-time", "repeat"),
    "grant.idle_limit_set": ("Limit of disuse set", "hourglass"),
    "assessment.asked": ("Assessment asked for", "clipboard-check"),
    "attestation.made": ("Attested", "signature"),
    "attestation.withdrawn": ("Attestation withdrawn", "ban"),
    "evidence.asked": ("Evidence asked for", "file-question-mark"),
    "evidence.answered": ("Answered", "message-square-reply"),
    "evidence.accepted": ("Answer accepted", "check"),
    "evidence.asked_again": ("Asked again", "repeat"),
    "evidence.withdrawn": ("Request withdrawn", "ban"),
    "comment.written": ("Comment written", "message-square"),
    "task.opened": ("Task opened", "clipboard-list"),
    "task.done": ("Task done", "circle-check"),
    "task.failed": ("Task failed", "circle-x"),
    "task.cancelled": ("Task cancelled", "ban"),
    "task.over": ("Task overdue or silent", "timer-off"),
    "request.asked": ("Access requested", "hand"),
    "request.approved": ("Request approved", "check"),
    "request.refused": ("Request refused", "x"),
    "request.cancelled": ("Request cancelled", "ban"),
    "request.lapsed": ("Request not answered in time", "timer-off"),
    "request.escalated": ("Request escalated", "trending-up"),
    "action.asked": ("Action asked for", "shield-question-mark"),
    "action.approved": ("Action approved once", "check"),
    "action.refused": ("Action refused", "x"),
    "action.used": ("Approval used", "circle-check"),
    "campaign.drafted": ("Review drafted", "list-todo"),
    "campaign.launched": ("Review launched", "play"),
    "campaign.cancelled": ("Review cancelled", "ban"),
    "campaign.closed": ("Review closed and sealed", "lock"),
    "campaign.repeated": ("Review starts again", "repeat"),
    "review.shown": ("Looked at by the reviewer", "eye"),
    "review.keep": ("Kept in a review", "check"),
    "review.revoke": ("Revoked in a review", "ban"),
    "review.narrow": ("Given an end in a review", "calendar-clock"),
    "review.hand_over": ("Handed over in a review", "user-check"),
    "review.ask": ("Question asked in a review", "message-circle-question-mark"),
    "review.silence": ("Nobody decided in time", "timer-off"),
    "access_policy.decided": ("Access rules changed", "scale"),
    "person.absence_set": ("Absence set", "calendar-clock"),
    "person.succeeded": ("The next in line took over", "user-check"),
    "person.handed_over": ("Handed over to somebody else", "user-check"),
}
# What an act did to other nouns than the one it is named after.
BESIDES = {
    ("identity.suspended", "inventory_grant"): ("Grants ended with the stop", "shield-off"),
    ("identity.suspended", "inventory_delegation"): ("Delegations ended with the stop", "unlink"),
    ("identity.suspended", "inventory_task"): ("Tasks cancelled by the stop", "square"),
    ("identity.suspended", "inventory_killswitchuse"): ("Kill switch pressed", "octagon-x"),
    ("identity.activated", "inventory_killswitchuse"): ("Stop lifted", "circle-play"),
    ("task.done", "inventory_grant"): ("Grant ended with its task", "shield-off"),
    ("task.failed", "inventory_grant"): ("Grant ended with its task", "shield-off"),
    ("task.cancelled", "inventory_grant"): ("Grant ended with its task", "shield-off"),
    ("task.over", "inventory_grant"): ("Grant ended with its task", "shield-off"),
    ("task.done", "inventory_delegation"): ("Delegation ended with its task", "unlink"),
    ("task.failed", "inventory_delegation"): ("Delegation ended with its task", "unlink"),
    ("task.cancelled", "inventory_delegation"): ("Delegation ended with its task", "unlink"),
    ("task.over", "inventory_delegation"): ("Delegation ended with its task", "unlink"),
    ("request.asked", "inventory_grant"): ("Access given at once, by the rules", "key-round"),
    ("request.approved", "inventory_grant"): ("Access given", "key-round"),
    ("credential.flagged", "inventory_credential"): ("Flagged and revoked", "siren"),
}
_QUIET = {*NOT_A_CHANGE, "id", "search", "owner_confirmed_at", "suspended_at", "retired_at"}
# Where a row came from says nothing about how it was on a day.
_PLUMBING = {"source_id", "namespace", "scope", "activity_known", "interactive_known", "attributes"}
_PEOPLE = ("owner_id", "sponsor_id", "manager_id", "person_id", "approved_by_id")


@dataclass(frozen=True)
class Event:
    """What `_components/timeline.html` shows."""

    at: datetime
    title: str
    by: str
    text: str
    icon: str
    url: str
    tone: str = "plain"


def events(changes: Iterable[Change], limit: int = 30) -> list[Event]:
    """Events, newest first; rows of one noun that changed in one act become one event. One query,
    for names.
    """
    runs = [list(run) for _, run in groupby(changes, key=_act)][:limit]
    names = names_in(run[0] for run in runs)
    return [_event(run, names) for run in runs]


def facts(row: Row, model: type[Model]) -> list[tuple[str, object]]:
    """A recorded row as pairs of label and value: what was known then, in order."""
    names = Person.objects.in_bulk({row[key] for key in _PEOPLE if row.get(key)})
    people = {key: person.name for key, person in names.items()}
    teams = dict(Team.objects.filter(pk__in=[row.get("team_id") or 0]).values_list("pk", "name"))
    columns = [str(field.column) for field in model._meta.concrete_fields]
    shown = [name for name in columns if row.get(name) and name not in _QUIET | _PLUMBING]
    return [
        (
            label(name, model),
            teams.get(row[name], "a removed team")
            if name == "team_id"
            else value(name, row[name], model, people),
        )
        for name in shown
    ]


def label(column: str, model: type[Model] | None) -> str:
    field = _field(column, model)
    words = str(field.verbose_name) if field is not None else column.replace("_", " ")
    return words[:1].upper() + words[1:]


def value(column: str, found: object, model: type[Model] | None, people: Mapping[int, str]) -> str:
    """A recorded value in words: a choice's label, a person's name, a moment to the minute."""
    if found is None or found == "" or found == [] or found == {}:
        return "–"
    if column in _PEOPLE and isinstance(found, int):
        return people.get(found, f"person {found}")
    if isinstance(found, bool):
        return "Yes" if found else "No"
    field = _field(column, model)
    labels: dict[object, object] = dict(getattr(field, "flatchoices", None) or [])
    if isinstance(found, str | int) and found in labels:
        return str(labels[found])
    if isinstance(found, str) and field is not None and "Date" in field.get_internal_type():
        return found[:16].replace("T", " ")
    return ", ".join(map(str, found)) if isinstance(found, list) else str(found)


def _act(change: Change) -> tuple[object, ...]:
    return change.transaction, change.verb, change.reason, change.noun, change.operation


def _event(run: list[Change], names: Mapping[int, str]) -> Event:
    change = run[0]
    model = governed().get(change.noun)
    known = BESIDES.get((change.verb, change.noun)) or SENTENCES.get(change.verb)
    title, icon = known or _judged(change) or ("", _icon(change))
    return Event(
        at=change.at,
        title=title or _plainly(run, model),
        by=change.actor,
        text=_text(run, model, names),
        icon=icon,
        url=reverse("inventory:change-detail", args=[change.pk]),
    )


def _judged(change: Change) -> tuple[str, str] | None:
    """What a check did to a finding, which the verb alone does not tell."""
    if change.verb != "check.swept":
        return None
    if change.operation == Change.Operation.INSERT:
        return "Finding opened", "siren"
    before, now = ((row or {}).get("status") for row in (change.before, change.after))
    if now == "resolved":
        return "Finding resolved", "circle-check"
    return ("Finding opened again" if before == "resolved" else "Finding changed"), "siren"


def _plainly(run: list[Change], model: type[Model] | None) -> str:
    """The event of an act without a sentence of its own: "12 grants added"."""
    operation = run[0].get_operation_display().lower()
    if model is None:
        return f"{run[0].noun} {operation}"
    if len(run) == 1:
        return f"{str(model._meta.verbose_name).capitalize()} {operation}"
    return f"{len(run)} {model._meta.verbose_name_plural} {operation}"


def _icon(change: Change) -> str:
    return {"insert": "plus", "update": "pencil", "delete": "trash-2"}.get(change.operation, "dot")


def _text(run: list[Change], model: type[Model] | None, names: Mapping[int, str]) -> str:
    parts = [run[0].reason] if run[0].reason else []
    if len(run) == 1 and run[0].operation == Change.Operation.UPDATE:
        parts += differences(run[0], model, names)[:4]
    return " · ".join(parts)


def differences(change: Change, model: type[Model] | None, names: Mapping[int, str]) -> list[str]:
    """What an update changed, each as "Label: before → after"."""
    after = change.after or {}
    return [
        f"{label(column, model)}: {value(column, old, model, names)}"
        f" → {value(column, after.get(column), model, names)}"
        for column, old in (change.before or {}).items()
        if column not in _QUIET
    ]


def model_of(change: Change) -> type[Model] | None:
    return governed().get(change.noun)


def names_in(changes: Iterable[Change]) -> dict[int, str]:
    """The names of the people that these changes mention. One query at most."""
    keys = {
        row[key]
        for change in changes
        for row in (change.before or {}, change.after or {})
        for key in _PEOPLE
        if isinstance(row.get(key), int)
    }
    found = Person.objects.filter(pk__in=keys).values_list("pk", "name") if keys else ()
    return dict(found)


def _field(column: str, model: type[Model] | None) -> Any:  # Any: a field, or None
    if model is None:
        return None
    try:
        return model._meta.get_field(column.removesuffix("_id"))
    except FieldDoesNotExist:
        return next((f for f in model._meta.concrete_fields if f.column == column), None)
