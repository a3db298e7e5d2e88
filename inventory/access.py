"""Who may see and change what: the only place that decides it. Deny by default.

Security sees and changes everything; an auditor sees everything and changes nothing, or, limited to a team, sees its
identities and what hangs on them; an owner sees what they own, sponsor or are named a successor of, and changes what
they own.
"""

from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from inventory.models import (
    Credential,
    Delegation,
    Exposure,
    Grant,
    Identity,
    KillSwitchUse,
    Person,
    Successor,
    Task,
    Tool,
    ToolBinding,
    ToolServer,
    User,
)
from inventory.models.identity import of_team_q

Rows = TypeVar("Rows", bound=QuerySet[Any])  # Any: of each noun

# How each noun hangs on an identity. A noun that is not here is not about one identity.
IDENTITY_OF: dict[type[Model], str] = {
    Identity: "",
    Credential: "identity__",
    Grant: "identity__",
    Delegation: "delegate__",
    Task: "identity__",
    ToolBinding: "identity__",
    ToolServer: "identity__",
    Exposure: "identity__",
    KillSwitchUse: "identity__",
}
# What an owner may do with a row of an identity they own. Everything else is for security.
OWNER_ACTIONS = frozenset(
    {
        "approve",
        "assign_owner",
        "confirm_owner",
        "expire",
        "extend",
        "flag",
        "narrow",
        "revoke",
        "suspend",
        "describe",
        "triage",
    }
)
# What everybody may do with a row they may see, except those who only read.
SEEING_IS_ENOUGH = frozenset({"request", "open_task"})


def sees_all(user: User) -> bool:
    """Security, and auditors who are not limited to a team."""
    return reads_evidence(user) and team_of(user) is None


def reads_evidence(user: User) -> bool:
    """Security and every auditor: assessments, reports and requests for evidence are theirs to read, those of one team
    only as `frameworks.seeing` says."""
    return user.is_active and user.role in (User.Role.SECURITY, User.Role.AUDITOR)


def team_of(user: User) -> int | None:
    """The team that an auditor is limited to; None for everybody else."""
    return user.scope_id if user.role == User.Role.AUDITOR else None


def changes_all(user: User) -> bool:
    return user.is_active and user.role == User.Role.SECURITY


def visible_to(user: User, rows: Rows) -> Rows:
    """The rows this user may see. For an owner a join on their own identities, never a list of ids."""
    if sees_all(user):
        return rows
    team = team_of(user)
    if user.is_active and team is not None:
        return rows.filter(_of_team(rows.model, team))
    if not user.is_active or user.person_id is None:
        return rows.none()
    return rows.filter(_mine(rows.model, user.person_id))


def may_ever(user: User, action: str) -> bool:
    """Whether there can be a row to which the user may do this; which ones, `changeable_by` says."""
    if changes_all(user):
        return True
    owner = user.is_active and user.role == User.Role.OWNER
    return owner and user.person_id is not None and action in OWNER_ACTIONS | SEEING_IS_ENOUGH


def changeable_by(by: User | str, action: str, rows: Rows) -> Rows:
    """The rows to which `by` may do this: what `may` says of one row, said of many at once."""
    if isinstance(by, str) or changes_all(by):
        return rows
    if not may_ever(by, action) or rows.model not in IDENTITY_OF:
        return rows.none()
    return rows.filter(**{f"{IDENTITY_OF[rows.model]}owner": by.person_id})


def may(user: User, action: str, row: Model) -> bool:
    """Whether the user may do this to the row. What they may not see they may not change either."""
    if changes_all(user):
        return True
    if not user.is_active or user.role != User.Role.OWNER:
        return False
    mine = user.person_id is not None and _owner_person_of(row) == user.person_id
    if action in SEEING_IS_ENOUGH:
        return mine or visible_to(user, type(row)._default_manager.filter(pk=row.pk)).exists()
    return mine and action in OWNER_ACTIONS


def require(by: User | str, action: str, row: Model) -> None:
    """Raises PermissionDenied unless `by` may. A job's or an import's name (text) may what its rule does."""
    if isinstance(by, str) or may(by, action, row):
        return
    raise PermissionDenied(
        "Your role does not allow this. Ask security, or the owner of the identity."
    )


def require_decider(by: User) -> None:
    """Raises PermissionDenied for whoever only reads: decisions are for security and owners."""
    if not by.is_active or by.role == User.Role.AUDITOR:
        raise PermissionDenied("Your role reads everything and decides nothing.")


def require_security(by: User | str) -> None:
    """Raises PermissionDenied unless `by` is security or a job."""
    if isinstance(by, str) or changes_all(by):
        return
    raise PermissionDenied("Only security may do this.")


def _mine(model: type[Model], person_id: int) -> Q:
    if model is Person:
        return Q(pk=person_id) | Q(manager_id=person_id)
    if model is Tool:  # it is about no single identity: those that an identity of theirs holds
        held = ToolBinding.objects.filter(_mine(ToolBinding, person_id), tool=OuterRef("pk"))
        return Q(Exists(held))
    if model not in IDENTITY_OF:
        return Q(pk__in=[])
    prefix = IDENTITY_OF[model]
    succeeds = Successor.objects.filter(
        identity=OuterRef(f"{prefix}pk" if not prefix else prefix.removesuffix("__")),
        person=person_id,
    )
    return (
        Q(**{f"{prefix}owner": person_id})
        | Q(**{f"{prefix}sponsor": person_id})
        | Q(Exists(succeeds))
    )


def _of_team(model: type[Model], team: int) -> Q:
    if model is Tool:
        held = ToolBinding.objects.filter(_of_team(ToolBinding, team), tool=OuterRef("pk"))
        return Q(Exists(held))
    if model not in IDENTITY_OF:
        return Q(pk__in=[])
    return of_team_q(team, IDENTITY_OF[model])


def _owner_person_of(row: Any) -> int | None:  # Any: each model has its own way to the identity
    if isinstance(row, Identity):
        return row.owner_id
    for way in ("identity", "delegate"):
        if hasattr(row, way):
            owner_id: int | None = getattr(row, way).owner_id
            return owner_id
    return None
