"""The policies that decide, parsed once in each process.

A version's text never changes once it was live, so what was parsed for its key holds for ever. Which versions are live
is read with the facts of each request: a change is seen by the next request, in every process.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence

from runtime.models import PolicySetVersion
from runtime.policy_slices import Named, Slices
from runtime.policy_text import Policy, parse

KEPT = 8
_lock = threading.Lock()
_made: OrderedDict[tuple[int, ...], Slices] = OrderedDict()


class PoliciesUnreadable(Exception):
    """A live version cannot be read; nothing is permitted by it."""


def of_versions(versions: Sequence[int]) -> Slices:
    """The policies of these live versions (their keys) together."""
    key = tuple(sorted(versions))
    with _lock:
        found = _made.get(key)
        if found is not None:
            _made.move_to_end(key)
            return found
    made = _read(key)
    with _lock:
        _made[key] = made
        while len(_made) > KEPT:
            _made.popitem(last=False)
    return made


def of_text(text: str) -> Slices:
    """The policies of a draft: for trying it out and for its tests. Kept nowhere."""
    return Slices(_named(_read_draft(text)))


def of_draft(name: str, text: str, beside: Sequence[int]) -> Slices:
    """A draft of the application's set of this name together with live versions of others. Kept nowhere."""
    return Slices([*_policies(tuple(beside)), *_named(_read_draft(text), f"{name}/")])


def _read_draft(text: str) -> list[Policy]:
    parsed = parse(text)
    if parsed.problems:
        first = parsed.problems[0]
        raise PoliciesUnreadable(f"Line {first.line}, column {first.column}: {first.message}")
    return list(parsed.policies)


def _read(versions: tuple[int, ...]) -> Slices:
    return Slices(_policies(versions))


def _policies(versions: tuple[int, ...]) -> list[Named]:
    rows = list(
        PolicySetVersion.objects.filter(pk__in=versions).exclude(state="draft").order_by("pk")
        .values_list("pk", "policy_set__name", "policy_set__domain", "text")
    )  # fmt: skip
    if len(rows) != len(versions):
        raise PoliciesUnreadable("A policy version is gone.")
    policies: list[Named] = []
    for number, name, domain, text in rows:
        parsed = parse(text)
        if parsed.problems:
            raise PoliciesUnreadable(f"Version {number} cannot be read.")
        # Applications have sets of their own, in which the same @id may be there again.
        policies += _named(parsed.policies, f"{name}/" if domain == "application" else "")
    return policies


def _named(policies: Sequence[Policy], prefix: str = "") -> list[Named]:
    return [Named(prefix + policy.name, policy.parsed) for policy in policies]
