"""The smallest rows of each answer for the checks of what agents did."""

from typing import Any

from inventory.models import Identity
from runtime.models import AgentName, CallTally, Deviation, PolicySet
from runtime.models.tool_call import id_of, key_of
from tests.factories import NOW, a_user, ago, an_identity
from tests.runtime.factories import a_decision, a_version

_made = iter(range(10_000))


def named(**fields: Any) -> AgentName:
    given = {"agent_name": f"bot {next(_made)}", "first_seen_at": ago(3), "last_used_at": ago(1)}
    return AgentName.objects.create(reporter=a_user(), **{**given, **fields})


def agent(**fields: Any) -> Identity:
    return an_identity(kind="assistant", **fields)


def calling(*, covered: int = 2, decided: int = 2) -> Identity:
    identity = agent()
    CallTally.objects.create(
        day=NOW.date(), identity=identity, tool_name="search", calls=2, writes=0, accompanied=0,
        alone=2, alone_writes=0, late=0, handed=0, decided=decided, covered=covered, failed=0,
        denied=0, first_at=NOW, last_at=NOW,
    )  # fmt: skip
    return identity


def deviating(found: float, **fields: Any) -> Identity:
    identity = calling()
    Deviation.objects.create(
        key=f"test/{identity.pk}", rule="call-burst", severity=3, identity=identity,
        call=id_of(key_of(0, "", "a"), int(NOW.timestamp()) * 10**9), happened_at=ago(found), found_at=ago(found),
        detail="It did.", **fields,
    )  # fmt: skip
    return identity


def policies(*, live: bool = True, denied: bool = True, monitored: Any = ()) -> PolicySet:
    rows = PolicySet.objects.create(
        name=f"app-{next(_made)}", domain="application", created_at=NOW, monitored=list(monitored)
    )
    version = a_version(policy_set=rows, state="live" if live else "draft")
    if denied:
        a_decision(policy_version=version, made_at=ago(1))
    return rows


def triaged(found: float) -> Identity:
    return deviating(found, triaged_at=NOW, triaged_by=a_user(), outcome="expected")


ACTIVITY = [
    ("inventory-complete", "fail", "nobody knows who", named),
    ("inventory-complete", "pass", "known", lambda: named(identity=an_identity())),
    ("inventory-complete", "not applicable", "none of ours", lambda: named(ignored_at=NOW)),
    ("tool-policy-coverage", "fail", "one without a rule", lambda: calling(covered=1)),
    ("tool-policy-coverage", "pass", "all by a rule", calling),
    ("tool-policy-coverage", "unknown", "no calls", agent),
    ("tool-policy-coverage", "not applicable", "no agent", an_identity),
    ("decision-at-request-time", "fail", "one undecided", lambda: calling(decided=1)),
    ("decision-at-request-time", "pass", "all decided", calling),
    ("decision-at-request-time", "unknown", "no calls", agent),
    ("autonomy-tier-match", "fail", "an actor", lambda: agent(declared_tier=2, observed_tier=3)),
    ("autonomy-tier-match", "pass", "as said", lambda: agent(declared_tier=2, observed_tier=2)),
    ("autonomy-tier-match", "unknown", "nothing seen", lambda: agent(declared_tier=2)),
    ("autonomy-tier-match", "unknown", "nothing said", lambda: agent(observed_tier=2)),
    ("atypical-use-triaged", "fail", "four days", lambda: deviating(4)),
    ("atypical-use-triaged", "pass", "two days", lambda: deviating(2)),
    ("atypical-use-triaged", "pass", "looked at", lambda: triaged(9)),
    ("atypical-use-triaged", "unknown", "no calls", agent),
    ("default-deny", "fail", "watches", lambda: policies(monitored=["production"])),
    ("default-deny", "pass", "a bare denial", policies),
    ("default-deny", "pass", "watches in staging", lambda: policies(monitored=["staging"])),
    ("default-deny", "unknown", "no denial seen", lambda: policies(denied=False)),
    ("default-deny", "unknown", "nothing live", lambda: policies(live=False)),
]
