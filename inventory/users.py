"""Who may sign in, as what: users are made, changed and switched off by security."""

import secrets
from datetime import datetime
from typing import NotRequired, TypedDict, Unpack

from inventory import access, audit
from inventory.models import Person, Team, User
from inventory.rules import RuleBroken


class Facts(TypedDict):
    """What security says about a user."""

    first_name: str
    last_name: str
    email: str
    role: str
    person: Person | None
    scope: NotRequired[Team | None]  # of an auditor; None: everything


def add(
    username: str, *, by: User, at: datetime, is_service: bool = False, **facts: Unpack[Facts]
) -> tuple[User, str]:
    """A new user and the password for their first sign-in, which they must change. A service user has none."""
    access.require_security(by)
    if User.objects.filter(username__iexact=username).exists():
        raise RuleBroken(f"There is a user {username} already. Choose another name.")
    _refuse_shared_address(facts["email"])
    _refuse_scope(facts, facts.get("scope"))
    password = "" if is_service else secrets.token_urlsafe(12)
    with audit.acting(by, "user.added"):
        user = User(
            username=username,
            is_service=is_service,
            must_change_password=not is_service,
            date_joined=at,
            **facts,
        )
        user.set_password(password or None)  # None: unusable
        user.save()
    return user, password


def change(user: User, *, by: User, at: datetime, **facts: Unpack[Facts]) -> User:
    """Other facts about a user. The last one of security stays security, and nobody changes their own role."""
    access.require_security(by)
    _refuse_shared_address(facts["email"], but=user)
    _refuse_scope(facts, facts.get("scope", user.scope))
    with audit.acting(by, "user.changed"):
        if facts["role"] != user.role:
            _keep_security(user, by, "change their own role")
        User.objects.filter(pk=user.pk).update(**facts)
    return User.objects.get(pk=user.pk)


def switch_off(user: User, *, by: User, reason: str, at: datetime) -> User:
    """Ends the user's sessions and tokens at once. Twice is not an error."""
    access.require_security(by)
    with audit.acting(by, "user.switched_off", reason):
        _keep_security(user, by, "switch off their own account")
        User.objects.filter(pk=user.pk, is_active=True).update(is_active=False)
    return User.objects.get(pk=user.pk)


def switch_on(user: User, *, by: User, reason: str, at: datetime) -> User:
    """Lets the user sign in again, with the password and the tokens they had."""
    access.require_security(by)
    with audit.acting(by, "user.switched_on", reason):
        User.objects.filter(pk=user.pk, is_active=False).update(is_active=True)
    return User.objects.get(pk=user.pk)


def reset_password(user: User, *, by: User, at: datetime) -> str:
    """A password for the next sign-in, which has to be changed then. Open sessions of the user end."""
    access.require_security(by)
    if user.is_service:
        raise RuleBroken("A service user does not sign in. Make it a token instead.")
    password = secrets.token_urlsafe(12)
    with audit.acting(by, "user.password_reset"):
        user.set_password(password)
        user.must_change_password = True
        user.save(update_fields=["password", "must_change_password"])
    return password


def _refuse_shared_address(email: str, but: User | None = None) -> None:
    """One signs in with an address too, so it belongs to one user."""
    others = User.objects.filter(email__iexact=email).exclude(pk=but.pk if but else 0)
    if email and others.exists():
        raise RuleBroken(f"Another user has the address {email}. Give each their own.")


def _refuse_scope(facts: Facts, scope: Team | None) -> None:
    """Only an auditor is limited to a team, and then stands for nobody who is told or asked of other teams."""
    if scope is None:
        return
    if facts["role"] != User.Role.AUDITOR:
        raise RuleBroken(f"Only an auditor is limited to a team. Choose that role, or not {scope}.")
    if facts["person"] is not None:
        raise RuleBroken(
            f"An auditor of one team stands for nobody in the directory. Take {facts['person']} or {scope} away."
        )


def _keep_security(user: User, by: User, act: str) -> None:
    """Somebody of security is always left. Inside the change: the rows stay locked until it is committed, so that two
    cannot switch each other off at once.
    """
    if user.pk == by.pk:
        raise RuleBroken(f"Nobody can {act}. Ask somebody else of security.")
    active = User.objects.filter(role=User.Role.SECURITY, is_active=True, is_service=False)
    left = set(active.order_by("pk").select_for_update().values_list("pk", flat=True))
    if not left - {user.pk}:
        raise RuleBroken(f"{user.username} is the last one of security. Add another one first.")
