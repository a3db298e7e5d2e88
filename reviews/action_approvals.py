"""Approval of one single action: asked by an agent's platform, given by a person, used once and for exactly that."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse

from inventory import access, audit
from inventory.importers import secrets
from inventory.importers.own_format import holds_secrets
from inventory.models import Identity, Person, Task, Tool, User
from inventory.rules import RuleBroken
from reviews import notifications
from reviews.approvers import Duties, owner_line, require_may_answer
from reviews.models import ActionApproval
from reviews.notifications import Message

Json = Any  # what json.loads gives
Status = ActionApproval.Status
HOLDS = timedelta(hours=1)  # to be answered and used within
LONGEST_VALUE, MOST_VALUES = 300, 100


@dataclass(frozen=True)
class Action:
    """One call that is to be made: this tool, these arguments, this target, for this task."""

    tool: Tool
    arguments: dict[str, Json]
    target: str = ""
    task: Task | None = None
    risk: str = "high"
    reason: str = ""

    @property
    def text(self) -> bytes:
        """The arguments as JSON with sorted keys and no spaces, in UTF-8."""
        return json.dumps(
            self.arguments,
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
            allow_nan=False,
        ).encode("utf-8", "surrogatepass")

    @property
    def digest(self) -> str:
        """SHA-256 over `text`, hexadecimal."""
        return hashlib.sha256(self.text).hexdigest()


@dataclass(frozen=True)
class Difference:
    """One argument that is not as it was when somebody approved the last time."""

    name: str
    before: str
    now: str


def visible_to(user: User) -> QuerySet[ActionApproval]:
    if access.sees_all(user):
        return ActionApproval.objects.all()
    mine = access.visible_to(user, Identity.objects.all()).order_by().values("pk")
    return ActionApproval.objects.filter(identity__in=mine)


def waits_for(user: User, at: datetime) -> QuerySet[ActionApproval]:
    """Those this user may answer now: as the owner, or as security where the owner may not."""
    rows = ActionApproval.objects.waiting(at).exclude(asked_by=user)
    if user.is_service or not user.is_active or user.role == User.Role.AUDITOR:
        return rows.none()
    if user.person_id is not None:
        rows = rows.exclude(task__on_behalf_of=user.person_id)
    if not access.changes_all(user):
        rows = rows.filter(identity__owner=user.person_id) if user.person_id else rows.none()
    return rows.select_related("identity", "tool").order_by("expires_at", "pk")


def ask(identity: Identity, *, action: Action, by: User, at: datetime) -> ActionApproval:
    """Asks for one action. The same action again, while it waits or is approved and unused, is the same question."""
    access.require(by, "request", identity)
    if not identity.may_act:
        raise RuleBroken(f"{identity.name} is not active. It cannot act, approved or not.")
    if action.task is not None and not (
        action.task.identity_id == identity.pk and action.task.is_open(at)
    ):
        raise RuleBroken("The task is over, or another identity's. Open a task for this one.")
    with audit.acting(by, "action.asked", action.reason):
        Identity.objects.select_for_update(no_key=True).get(
            pk=identity.pk
        )  # one question at a time
        same = _same(identity, action, at).order_by("-pk").first()
        if same is not None:
            return same
        made = ActionApproval.objects.create(
            identity=identity,
            task=action.task,
            tool=action.tool,
            tool_digest=action.tool.descriptor_digest,
            target=action.target,
            arguments_digest=action.digest,
            arguments=to_read(action.arguments),
            risk=action.risk,
            reason=action.reason.strip(),
            asked_by=by,
            asked_at=at,
            expires_at=at + HOLDS,
        )
        _tell(made, at)
    return made


def answer(
    approval: ActionApproval, *, approved: bool, by: User, reason: str, at: datetime
) -> ActionApproval:
    """Approves or refuses; the owner of the identity, or security. Once decided it stays so."""
    access.require_decider(by)
    require_may_answer(by, _duties(approval))
    if not access.may(by, "approve", approval.identity):
        raise RuleBroken("Only the owner of the identity, or security, decides about its actions.")
    if not approved and not reason.strip():
        raise RuleBroken("There is no reason. Say why, so that they know what to change.")
    status = Status.APPROVED if approved else Status.REFUSED
    with audit.acting(by, f"action.{status}", reason):
        claimed = ActionApproval.objects.waiting(at).filter(pk=approval.pk)
        if not claimed.update(status=status, decided_by=by, decided_at=at, answer=reason.strip()):
            now = ActionApproval.objects.get(pk=approval.pk).state(at)
            raise RuleBroken(f"It is {now} already. The agent has to ask again.")
        notifications.drop(f"action:{approval.pk}")
    return ActionApproval.objects.get(pk=approval.pk)


def use(identity: Identity, *, action: Action, by: User, at: datetime) -> ActionApproval:
    """Takes the approval of exactly this action, once. Another argument, target, task or tool version, or a second use,
    finds none and has to ask."""
    access.require(by, "request", identity)
    if not identity.may_act:
        raise RuleBroken(f"{identity.name} is not active. It cannot act, approved or not.")
    if action.task is not None and not action.task.is_open(at):
        raise RuleBroken("The task is over, and with it what was approved for it.")
    with audit.acting(by, "action.used", action.reason):
        found = _same(identity, action, at).filter(status=Status.APPROVED).order_by("pk")
        key = found.select_for_update(skip_locked=True).values_list("pk", flat=True).first()
        if key is None or not ActionApproval.objects.usable(at).filter(pk=key).update(
            status=Status.USED, used_at=at
        ):
            raise RuleBroken(
                "Nobody has approved exactly this. Ask for it, and wait for the answer."
            )
    return ActionApproval.objects.get(pk=key)


def differences(approval: ActionApproval) -> list[Difference] | None:
    """What is not as it was the last time somebody approved this tool for this identity; None when nobody has."""
    last = (
        ActionApproval.objects.filter(
            identity=approval.identity_id,
            tool=approval.tool_id,
            status__in=[Status.APPROVED, Status.USED],
            pk__lt=approval.pk,
        )
        .order_by("-pk")
        .first()
    )
    if last is None:
        return None
    before = {
        "target": last.target,
        "task": last.task_id,
        "tool version": last.tool_digest[:12],
        **last.arguments,
    }
    now = {
        "target": approval.target, "task": approval.task_id, "tool version": approval.tool_digest[:12],
        **approval.arguments,
    }  # fmt: skip
    return [
        Difference(name, _word(before.get(name)), _word(now.get(name)))
        for name in dict.fromkeys([*now, *before])
        if before.get(name) != now.get(name)
    ]


def to_read(arguments: dict[str, Json]) -> dict[str, str]:
    """The arguments for the screen: without secrets, long values cut. What counts is the digest."""
    shown: dict[str, str] = {}
    for name, value in list(_without_secrets(arguments).items())[:MOST_VALUES]:
        text = (
            value
            if isinstance(value, str)
            else json.dumps(value, ensure_ascii=False, sort_keys=True)
        )
        cut = (
            text
            if len(text) <= LONGEST_VALUE
            else f"{text[:LONGEST_VALUE]}… ({len(text)} characters)"
        )
        shown[name[:100]] = cut
    return shown


def _without_secrets(value: Json) -> Json:
    if isinstance(value, dict):
        return {
            str(name): secrets.REDACTED if holds_secrets(str(name)) else _without_secrets(each)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [_without_secrets(each) for each in value]
    return secrets.redact(value) if isinstance(value, str) else value


def _same(identity: Identity, action: Action, at: datetime) -> QuerySet[ActionApproval]:
    return ActionApproval.objects.filter(
        Q(status=Status.WAITING) | Q(status=Status.APPROVED),
        identity=identity,
        tool=action.tool,
        tool_digest=action.tool.descriptor_digest,
        target=action.target,
        task=action.task,
        arguments_digest=action.digest,
        expires_at__gt=at,
    )


def _duties(approval: ActionApproval) -> Duties:
    person = approval.task.on_behalf_of if approval.task else None
    return Duties(approval.asked_by, person)


def _tell(made: ActionApproval, at: datetime) -> None:
    message = Message(
        event="action.asked",
        about=f"action:{made.pk}",
        title=f"{made.identity} wants to call {made.tool.name}",
        body=f"{made.reason} Answer by {made.expires_at:%d %b %Y %H:%M} UTC.".strip(),
        path=reverse("reviews:action-detail", args=[made.pk]),
    )
    made.identity = Identity.objects.select_related("owner__manager", "owner__deputy").get(
        pk=made.identity_id
    )
    person = _first(made, at)
    if person is not None:
        notifications.tell(person, message, at=at)
    notifications.tell_platforms(message, at=at)


def _first(made: ActionApproval, at: datetime) -> Person | None:
    line = owner_line(made.identity, _duties(made), at)
    return line.people[0][0] if line.people else None


def _word(value: object) -> str:
    return "–" if value is None or value == "" else str(value)
