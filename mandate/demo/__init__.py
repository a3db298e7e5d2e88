"""The demo organisation: an invented freight company, so that every page has something to show on the first start."""

from datetime import datetime

from django.db import transaction

from inventory.models import User
from inventory.rules import RuleBroken
from inventory.signals import identities_changed
from mandate.demo import events, sources, story, users
from mandate.demo.users import BY, SIGN_INS, SignIn
from reviews.signals import sweep_changed

__all__ = ["build"]
_HEARD_AS = "reviews.sweep_changed"


def build(at: datetime) -> list[SignIn]:
    """Fills an empty inventory and returns the sign-ins (role, user name, password), which are made for it.

    All or nothing: a build that is killed leaves the inventory empty. Where something is there already, nothing is
    changed and RuleBroken says so. Everything is relative to the moment, and the same each time but for the passwords.
    """
    _require_empty()
    identities_changed.disconnect(dispatch_uid=_HEARD_AS)  # the build itself sweeps, last of all
    try:
        with transaction.atomic():
            with users.new_passwords() as passwords:
                sources.add_sources()
                known = users.add_users()
                _import_people_first(at, known)
                story.tell(at, known)
            return users.set_passwords(passwords)
    finally:
        identities_changed.connect(sweep_changed, dispatch_uid=_HEARD_AS)


def _import_people_first(at: datetime, known: dict[str, User]) -> None:
    directory = sources.FEEDS[0]
    sources.read(directory, 93, now=at, by=known[users.ROBOT])
    users.link_people(known, BY)


def _require_empty() -> None:
    if not events.is_empty():
        raise RuleBroken(
            "The inventory is not empty, so the demo organisation was not added."
            " Start with an empty database, or set MANDATE_DEMO=0."
        )
    taken = User.objects.filter(username__in=[*SIGN_INS, users.ROBOT]).values_list(
        "username", flat=True
    )
    if taken:
        raise RuleBroken(
            f"There is a user {min(taken)} already, so the demo organisation was not added."
            " Start with an empty database, or set MANDATE_DEMO=0."
        )
