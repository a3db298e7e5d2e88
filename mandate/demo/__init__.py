"""The demo organisation: an invented freight company, so that every page has something to show on the first start."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction

from inventory.models import User
from inventory.rules import RuleBroken
from inventory.signals import identities_changed
from mandate.demo import events, sources, story, users
from mandate.demo.users import BY, SIGN_INS, SignIn
from reviews.signals import sweep_changed
from runtime.receivers import end_tokens_of_changed

__all__ = ["build"]
# The build sweeps itself, last of all, and nothing that it ends was ever in use.
_HEARD_AS = {
    "reviews.sweep_changed": sweep_changed,
    "runtime.end_tokens_of_changed": end_tokens_of_changed,
}


def build(at: datetime) -> list[SignIn]:
    """Fills an empty inventory and returns the sign-ins (role, user name, password), which are made for it.

    All or nothing: a build that is killed leaves the inventory empty. Where something is there already, nothing is
    changed and RuleBroken says so. Everything is relative to the moment, and the same each time but for the passwords.
    """
    _require_empty()
    for name in _HEARD_AS:
        identities_changed.disconnect(dispatch_uid=name)
    try:
        with transaction.atomic(), _rarely_collecting():
            with users.new_passwords() as passwords:
                sources.add_sources()
                known = users.add_users()
                _import_people_first(at, known)
                story.tell(at, known)
            return users.set_passwords(passwords)
    finally:
        for name, hears in _HEARD_AS.items():
            identities_changed.connect(hears, dispatch_uid=name)


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


@contextmanager
def _rarely_collecting() -> Iterator[None]:
    """Building thousands of queries makes much that lives on and little garbage in rings: looking for that took a fifth
    of the time."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
