"""Who signs in to the demo, and who has worked in it before."""

import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.contrib.auth.hashers import make_password

from inventory import audit
from inventory.audit import Actor
from inventory.models import Person, Team, User
from mandate.demo.content import address

SignIn = tuple[str, str, str]  # role, user name, password
BY = "demo"
_PEOPLE = (
    ("security", User.Role.SECURITY, "Ines Moreau"),
    ("auditor", User.Role.AUDITOR, "Daniel Kessler"),
    ("owner", User.Role.OWNER, "Tomas Okafor"),
    ("priya.raman", User.Role.SECURITY, "Priya Raman"),
    ("jonas.falk", User.Role.SECURITY, "Jonas Falk"),
    ("care.auditor", User.Role.AUDITOR, "Vera Lindqvist"),
)
OF_TEAM = "care.auditor"  # the auditor of one team
_TEAM = "Customer Care"
SIGN_INS = ("security", "auditor", "owner", OF_TEAM)
ROBOT, PLATFORM = "import-robot", "agent-platform"
_SERVICES = ((ROBOT, "Import robot"), (PLATFORM, "Agent platform"))


@dataclass
class Passwords:
    """New for each installation; security's may be given. Hashing is slow on purpose, so it runs beside the rest."""

    plain: dict[str, str] = field(default_factory=dict)
    hashed: dict[str, str] = field(default_factory=dict)


@contextmanager
def new_passwords() -> Iterator[Passwords]:
    """Plain ones at once, hashed ones when the block ends."""
    made = Passwords({name: secrets.token_urlsafe(12) for name in SIGN_INS})
    made.plain["security"] = os.environ.get("MANDATE_ADMIN_PASSWORD") or made.plain["security"]
    with ThreadPoolExecutor() as pool:
        work = {name: pool.submit(make_password, plain) for name, plain in made.plain.items()}
        yield made
        made.hashed = {name: each.result() for name, each in work.items()}


def add_users() -> dict[str, User]:
    """Each without a password for now; linked to people when these are there."""
    with audit.acting(BY, "user.added", "Demo organisation"):
        users = [_user(name, role, person) for name, role, person in _PEOPLE]
        users += [
            User(username=name, role=User.Role.SECURITY, is_service=True, first_name=first)
            for name, first in _SERVICES
        ]
        for user in users:
            user.set_unusable_password()
        User.objects.bulk_create(users)
    return {user.username: user for user in users}


def link_people(users: dict[str, User], by: Actor) -> None:
    people = {person.email: person for person in Person.objects.all()}
    for user in users.values():
        user.person = people.get(user.email)
    users[OF_TEAM].scope = Team.objects.get(name=_TEAM)
    with audit.acting(by, "user.linked", "Found in the people directory"):
        User.objects.bulk_update(users.values(), ["person", "scope"])


def login(person: Person) -> User:
    """Everybody who decides something can sign in; most of them have no password in the demo."""
    known = User.objects.filter(person=person).first()
    if known is not None:
        return known
    made = _user(person.email.partition("@")[0], User.Role.OWNER, person.name)
    made.person = person
    made.set_unusable_password()
    with audit.acting(BY, "user.added", "Demo organisation"):
        made.save()
    return made


def set_passwords(passwords: Passwords) -> list[SignIn]:
    roles = {name: role.value for name, role, _ in _PEOPLE} | {OF_TEAM: "team auditor"}
    with audit.acting(BY, "user.password_set", "Demo organisation"):
        for name, hashed in passwords.hashed.items():
            User.objects.filter(username=name).update(password=hashed)
    return [(roles[name], name, passwords.plain[name]) for name in SIGN_INS]


def _user(username: str, role: str, name: str) -> User:
    first, _, last = name.partition(" ")
    return User(username=username, role=role, first_name=first, last_name=last, email=address(name))
