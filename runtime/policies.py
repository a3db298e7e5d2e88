"""Policy sets and their versions: write a draft, test it, activate it, go back. Only security may."""

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from inventory import access, audit
from inventory.audit import Actor
from inventory.models import Environment
from inventory.rules import RuleBroken
from runtime import authzen_requests, policy_tests, policy_validation
from runtime.authzen_requests import Malformed
from runtime.models import PolicySet, PolicySetVersion, PolicyTest, next_number
from runtime.policy_tests import Outcome
from runtime.policy_text import LARGEST, Problem

State = PolicySetVersion.State
MOST_TESTS = 500


class NotValid(RuleBroken):
    """The text has problems, each with its line and column."""

    def __init__(self, problems: list[Problem]) -> None:
        first = problems[0]
        super().__init__(f"Line {first.line}, column {first.column}: {first.message}")
        self.problems = problems


class TestsFail(RuleBroken):
    """Some tests of the version do not pass."""

    __test__ = False

    def __init__(self, outcomes: list[Outcome]) -> None:
        failed = [one.name for one in outcomes if not one.passed]
        named = "; ".join(failed[:3])
        super().__init__(
            f"{len(failed)} of {len(outcomes)} tests fail ({named}). Mend the policies, or the tests."
        )
        self.outcomes = outcomes


def make_set(
    *, name: str, domain: str, purpose: str, by: Actor, at: datetime
) -> PolicySet:  # fmt: skip
    """A new set, without a version yet."""
    access.require_security(by)
    if domain == PolicySet.Domain.INVENTORY and PolicySet.objects.filter(domain=domain).exists():
        raise RuleBroken("The inventory has a policy set already. Make a new version of it.")
    if PolicySet.objects.filter(name=name).exists():
        raise RuleBroken(f"There is a policy set “{name}” already. Choose another name.")
    with audit.acting(by, "policy_set.made"):
        return PolicySet.objects.create(name=name, domain=domain, purpose=purpose, created_at=at)


@dataclass(frozen=True, slots=True)
class Written:
    """What an author writes: policies, the schema of an application, and what changes and why."""

    text: str
    schema: str = ""
    note: str = ""


def draft(
    policy_set: PolicySet,
    written: Written,
    *,
    by: Actor,
    at: datetime,
    base: PolicySetVersion | None = None,
) -> PolicySetVersion:
    """A new version as a draft, with the tests of the one it was made from. It need not be right yet."""
    access.require_security(by)
    _require_short(written)
    with audit.acting(by, "policy_version.drafted", written.note):
        PolicySet.objects.select_for_update().get(pk=policy_set.pk)  # two drafts, two numbers
        version = PolicySetVersion.objects.create(
            policy_set=policy_set, number=next_number(policy_set), base=base, text=written.text,
            schema=written.schema, note=written.note, author=_name(by), created_at=at, changed_at=at,
        )  # fmt: skip
        if base is not None:
            PolicyTest.objects.bulk_create(
                PolicyTest(version=version, name=one.name, request=one.request, permitted=one.permitted)
                for one in base.tests.all()
            )  # fmt: skip
    return version


def edit(
    version: PolicySetVersion, written: Written, *, by: Actor, at: datetime
) -> PolicySetVersion:
    """Changes a draft."""
    access.require_security(by)
    _require_short(written)
    with audit.acting(by, "policy_version.edited", written.note):
        changed = PolicySetVersion.objects.filter(pk=version.pk, state=State.DRAFT).update(
            text=written.text, schema=written.schema, note=written.note, changed_at=at
        )
        if not changed:
            raise RuleBroken("Only a draft can be changed. Make a new version from this one.")
    return PolicySetVersion.objects.get(pk=version.pk)


def problems_of(version: PolicySetVersion) -> list[Problem]:
    """What stands against going live, but for its tests."""
    return policy_validation.validate(
        version.text, domain=version.policy_set.domain, schema=version.schema
    )


def put_test(
    version: PolicySetVersion, *, name: str, request: Mapping[str, Any], permitted: bool, by: Actor
) -> PolicyTest:  # Any: JSON
    """Adds a test to a draft, or replaces the one with this name."""
    access.require_security(by)
    try:
        authzen_requests.question_of(request)
    except Malformed as error:
        raise RuleBroken(f"The request of the test is malformed: {error}") from None
    with audit.acting(by, "policy_test.put"):
        _require_draft(version)
        if version.tests.exclude(name=name).count() >= MOST_TESTS:
            raise RuleBroken(f"A version has at most {MOST_TESTS} tests.")
        test, _ = PolicyTest.objects.update_or_create(
            version=version, name=name, defaults={"request": dict(request), "permitted": permitted}
        )
    return test


def remove_test(test: PolicyTest, *, by: Actor) -> None:
    """Takes a test out of a draft."""
    access.require_security(by)
    with audit.acting(by, "policy_test.removed"):
        _require_draft(test.version)
        test.delete()


def activate(
    version: PolicySetVersion, *, by: Actor, reason: str, at: datetime
) -> PolicySetVersion:
    """Makes the version the live one of its set, at once for every process. Twice is not an error.

    Raises NotValid or TestsFail, and then nothing has changed. What was live before is retired, and can come back.
    """
    access.require_security(by)
    if not reason.strip():
        raise RuleBroken("There is no reason. Say why these policies are to decide.")
    with audit.acting(by, "policy_version.activated", reason):
        PolicySet.objects.select_for_update().get(pk=version.policy_set_id)
        version = PolicySetVersion.objects.select_related("policy_set").get(pk=version.pk)
        if version.is_live:
            return version
        _require_ready(version)
        _retire(version.policy_set, at)
        PolicySetVersion.objects.filter(pk=version.pk).update(
            state=State.LIVE, activated_at=at, activated_by=_name(by), retired_at=None
        )
    return PolicySetVersion.objects.get(pk=version.pk)


def roll_back(policy_set: PolicySet, *, by: Actor, reason: str, at: datetime) -> PolicySetVersion:
    """Makes the version live again that was live before this one. It is validated as any other."""
    previous = previous_of(policy_set).first()
    if previous is None:
        raise RuleBroken(
            "No other version of this set was live before. There is nothing to go back to."
        )
    return activate(previous, by=by, reason=reason, at=at)


def previous_of(policy_set: PolicySet) -> QuerySet[PolicySetVersion]:
    """What was live before, the latest first."""
    return policy_set.versions.filter(state=State.RETIRED).order_by("-retired_at", "-number")


@transaction.atomic
def retire(version: PolicySetVersion, *, by: Actor, reason: str, at: datetime) -> PolicySetVersion:
    """Takes a live version out without another in its place: everything it decided about is denied then."""
    access.require_security(by)
    if not reason.strip():
        raise RuleBroken("There is no reason. Say why nothing is to be permitted any more.")
    with audit.acting(by, "policy_version.retired", reason):
        PolicySetVersion.objects.filter(pk=version.pk, state=State.LIVE).update(
            state=State.RETIRED, retired_at=at
        )
    return PolicySetVersion.objects.get(pk=version.pk)


def monitor(
    policy_set: PolicySet, *, environments: Collection[str], by: Actor, reason: str
) -> PolicySet:
    """In these environments the set only watches; in all others it is enforced."""
    access.require_security(by)
    unknown = sorted(set(environments) - set(Environment.values))
    if unknown:
        known = ", ".join(Environment.values)
        raise RuleBroken(f"There is no environment “{unknown[0]}”. Those here are: {known}.")
    if policy_set.domain != PolicySet.Domain.INVENTORY and environments:
        raise RuleBroken("Only the inventory knows environments. Other sets are always enforced.")
    kept = [one for one in Environment.values if one in environments]
    with audit.acting(by, "policy_set.mode_changed", reason):
        PolicySet.objects.filter(pk=policy_set.pk).update(monitored=kept)
    return PolicySet.objects.get(pk=policy_set.pk)


@dataclass(frozen=True, slots=True)
class Difference:
    """Unified lines between two texts, and how many were added and removed."""

    lines: tuple[str, ...]
    added: int
    removed: int


def difference(before: PolicySetVersion | None, after: PolicySetVersion) -> Difference:
    """What changed from one version to another; from nothing when there is none before."""
    old = before.text.splitlines() if before else []
    names = (f"version {before.number}" if before else "nothing", f"version {after.number}")
    lines = tuple(difflib.unified_diff(old, after.text.splitlines(), *names, lineterm=""))
    body = lines[2:]
    return Difference(
        lines,
        sum(line.startswith("+") for line in body),
        sum(line.startswith("-") for line in body),
    )


def _require_ready(version: PolicySetVersion) -> None:
    problems = problems_of(version)
    if problems:
        raise NotValid(problems)
    outcomes = policy_tests.run(version)
    if not all(one.passed for one in outcomes):
        raise TestsFail(outcomes)


def _retire(policy_set: PolicySet, at: datetime) -> None:
    policy_set.versions.filter(state=State.LIVE).update(state=State.RETIRED, retired_at=at)


def _require_draft(version: PolicySetVersion) -> None:
    """Locks the version, so that it cannot go live meanwhile."""
    if not version.policy_set.versions.select_for_update().filter(pk=version.pk, state=State.DRAFT):
        raise RuleBroken("Only a draft can be changed. Make a new version from this one.")


def _require_short(written: Written) -> None:
    text, schema = written.text, written.schema
    if max(len(text), len(schema)) > LARGEST or "\x00" in text + schema:
        raise RuleBroken("The text is longer than 1,000,000 characters or holds a NUL.")


def _name(by: Actor) -> str:
    return by if isinstance(by, str) else by.get_username()
