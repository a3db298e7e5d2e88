"""What several pages show of a version: its differences, its tests with their results, its replays."""

from dataclasses import dataclass

from django.db.models import QuerySet

from runtime import policy_tests
from runtime.models import PolicySetVersion, PolicyTest, Replay
from runtime.policy_diff import Diff, compare
from runtime.policy_tests import Outcome
from runtime.replay_words import said_of

REPLAYS = 10


@dataclass(frozen=True)
class Tested:
    """A test with what came of it."""

    test: PolicyTest
    outcome: Outcome

    @property
    def passed(self) -> bool:
        return self.outcome.passed

    @property
    def said(self) -> str:
        if self.outcome.problem:
            return self.outcome.problem
        said = "Permit" if self.outcome.permitted else "Deny"
        return f"{said} ({', '.join(self.outcome.policies)})" if self.outcome.policies else said


def tests_of(version: PolicySetVersion) -> list[Tested]:
    tests = {test.name: test for test in version.tests.all()}
    return [Tested(tests[one.name], one) for one in policy_tests.run(version) if one.name in tests]


def differences(version: PolicySetVersion) -> list[tuple[str, Diff]]:
    """To the live version, and to the one it was made from where that is another."""
    found = []
    live = version.policy_set.versions.live().first()
    if live is not None and live.pk != version.pk:
        title = f"Difference to the live version {live.number}"
        found.append((title, compare(live.text, version.text)))
    base = version.base
    if base is not None and (live is None or base.pk != live.pk):
        title = f"Difference to version {base.number}, its base"
        found.append((title, compare(base.text, version.text)))
    return found


def replays_of(rows: QuerySet[Replay]) -> list[tuple[Replay, str]]:
    """The newest, each with its result in one sentence."""
    return [(row, said_of(row)) for row in rows[:REPLAYS]]
