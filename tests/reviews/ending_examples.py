"""The smallest rows of each answer for the checks of endings and exceptions."""

from datetime import timedelta
from typing import Any

from inventory.endings import OWN_SOURCE
from inventory.models import Grant, Identity, KillSwitchUse
from reviews.models import Finding, Waiver
from tests.factories import (
    NOW,
    a_credential,
    a_delegation,
    a_grant,
    a_source,
    a_task,
    a_user,
    ago,
    an_identity,
    days,
)

Kind = Identity.Kind
MINUTES = timedelta(minutes=1)


def just_in_time(**fields: Any) -> Grant:
    return a_grant(**{"just_in_time": True, "expires_at": NOW + days(1), **fields})


def on_task(**task: Any) -> Grant:
    done = a_task(**task)
    return a_grant(identity=done.identity, task=done, expires_at=NOW + days(1))


def issued_here(**fields: Any) -> Grant:
    source = {"kind": "manual", "namespace": "mandate"}
    return just_in_time(source=a_source(key=OWN_SOURCE, **source), **fields)


def an_actor(**fields: Any) -> Identity:
    return an_identity(**{"kind": Kind.AUTONOMOUS_AGENT, **fields})


def tested(when: float, *, drill: bool = True, seen: bool = True, **fields: Any) -> Identity:
    agent = an_actor(**fields)
    KillSwitchUse.objects.create(
        identity=agent, drill=drill, author="ada", reason="Quarterly.", asked_at=ago(when),
        stopped_at=ago(when) + timedelta(seconds=0.3) if seen else None,
    )  # fmt: skip
    return agent


def flagged(hours: float, **fields: Any) -> Identity:
    return an_identity(compromised_at=NOW - timedelta(hours=hours), **fields)


def flagged_with_key(hours: float, **key: Any) -> Identity:
    identity = flagged(hours)
    a_credential(identity=identity, **key)
    return identity


def stopped_with_grant() -> Identity:
    identity = flagged(5, lifecycle="suspended")
    a_grant(identity=identity)
    return identity


def flagged_with(**delegation: Any) -> Identity:
    identity = flagged(5)
    a_delegation(delegator_identity=identity, **delegation)
    return identity


def of_flagged_key(hours: float, **key: Any) -> Identity:
    """Not flagged itself; a second key of it is nobody's business here."""
    identity = an_identity()
    a_credential(identity=identity)
    a_credential(identity=identity, compromised_at=NOW - timedelta(hours=hours), **key)
    return identity


def silent_but_flagged() -> Identity:
    silent = a_source(last_complete_at=ago(20), last_run_at=ago(20))
    return flagged(5, source=silent)


def a_waiver(severity: int = 3, *, finding: str = Finding.Status.ACCEPTED, **fields: Any) -> Waiver:
    """The finding is true, unless it is resolved: nobody owns the identity (3), or says what the agent is for (2)."""
    resolved = finding == Finding.Status.RESOLVED
    identity = an_identity() if resolved else an_identity(owner=None, kind=Kind.ASSISTANT)
    check = {2: "purpose-and-risk-recorded", 3: "owner-active"}[severity]
    given = {
        "kind": Waiver.Kind.ACCEPTED,
        "ends_at": NOW + days(30),
        "compensating_control": "Watched",
    }
    waiver = {**given, **fields}
    about = Finding.objects.create(
        check_id=check, subject=f"identity:{identity.pk}", identity=identity,
        severity=severity, first_seen_at=ago(90), opened_at=ago(90),
        until=None if resolved else waiver["ends_at"],
        status=finding, resolved_at=ago(1) if resolved else None,
    )  # fmt: skip
    return Waiver.objects.create(
        finding=about, reason="Agreed.", starts_at=ago(80), author=a_user(), **waiver
    )


OUT = "not applicable"
# Check, verdict, why, row.
ENDINGS = [
    ("jit-revoked", "fail", "revoked, still there", lambda: just_in_time(revoked_at=ago(1))),
    ("jit-revoked", "fail", "expired, still there", lambda: just_in_time(expires_at=ago(1))),
    ("jit-revoked", "fail", "task done", lambda: on_task(status="done", ended_at=ago(0.5))),
    ("jit-revoked", "fail", "task overdue", lambda: on_task(opened_at=ago(3), deadline=ago(1))),
    ("jit-revoked", "fail", "task silent", lambda: on_task(silent_at=ago(0.1), opened_at=ago(3))),
    ("jit-revoked", "fail", "standing, revoked", lambda: a_grant(revoked_at=ago(1))),
    (
        "jit-revoked", "pass", "confirmed",
        lambda: just_in_time(revoked_at=ago(1), revocation_confirmed_at=ago(0.5)),
    ),
    ("jit-revoked", "pass", "gone", lambda: just_in_time(revoked_at=ago(1), gone_at=ago(0.5))),
    ("jit-revoked", "pass", "our own", lambda: issued_here(expires_at=ago(1))),
    ("jit-revoked", "unknown", "just now", lambda: just_in_time(revoked_at=NOW - 14 * MINUTES)),
    ("jit-revoked", OUT, "still running", just_in_time),
    ("jit-revoked", OUT, "task open", on_task),
    ("jit-revoked", OUT, "standing", lambda: a_grant(expires_at=ago(1))),
    ("kill-switch-tested", "fail", "never", an_actor),
    ("kill-switch-tested", "fail", "long ago", lambda: tested(181)),
    ("kill-switch-tested", "fail", "end not seen", lambda: tested(1, seen=False)),
    ("kill-switch-tested", "fail", "observed as actor", lambda: an_identity(
        kind=Kind.ASSISTANT, declared_tier=2, observed_tier=3
    )),
    ("kill-switch-tested", "pass", "drilled", lambda: tested(179)),
    ("kill-switch-tested", "pass", "stopped", lambda: tested(9, drill=False, lifecycle="suspended")),
    ("kill-switch-tested", OUT, "low tier", lambda: an_actor(declared_tier=2)),
    ("kill-switch-tested", OUT, "no agent", an_identity),
    ("kill-switch-tested", OUT, "proposed", lambda: an_actor(lifecycle="proposed")),
    ("compromise-revocation-sla", "fail", "live key", lambda: flagged_with_key(5)),
    (
        "compromise-revocation-sla", "fail", "revocation unconfirmed",
        lambda: flagged_with_key(5, revoked_at=ago(0.1)),
    ),
    ("compromise-revocation-sla", "fail", "flagged key", lambda: of_flagged_key(5, revoked_at=ago(0.2))),
    ("compromise-revocation-sla", "fail", "delegation", flagged_with),
    ("compromise-revocation-sla", "fail", "delegation unconfirmed", lambda: flagged_with(
        revoked_at=ago(0.1)
    )),
    ("compromise-revocation-sla", "pass", "in time", lambda: flagged_with_key(3)),
    ("compromise-revocation-sla", "pass", "proved", lambda: flagged_with_key(
        5, revoked_at=ago(0.1), revocation_confirmed_at=NOW
    )),
    ("compromise-revocation-sla", "pass", "stopped", stopped_with_grant),
    ("compromise-revocation-sla", "pass", "flagged key proved", lambda: of_flagged_key(
        5, revoked_at=ago(0.1), revocation_confirmed_at=NOW
    )),
    ("compromise-revocation-sla", "unknown", "silent source", silent_but_flagged),
    ("compromise-revocation-sla", OUT, "not flagged", an_identity),
    ("exceptions-bounded", "fail", "no control", lambda: a_waiver(compensating_control="")),
    ("exceptions-bounded", "fail", "overdue", lambda: a_waiver(ends_at=ago(1))),
    ("exceptions-bounded", "pass", "bounded", a_waiver),
    ("exceptions-bounded", "pass", "low, no control", lambda: a_waiver(2, compensating_control="")),
    ("exceptions-bounded", "pass", "not true, for good", lambda: a_waiver(
        kind=Waiver.Kind.FALSE_POSITIVE, ends_at=None, compensating_control="",
        finding=Finding.Status.FALSE_POSITIVE,
    )),
    ("exceptions-bounded", "pass", "snoozed", lambda: a_waiver(
        kind=Waiver.Kind.SNOOZED, compensating_control="", finding=Finding.Status.SNOOZED
    )),
    ("exceptions-bounded", OUT, "withdrawn", lambda: a_waiver(withdrawn_at=ago(1))),
    ("exceptions-bounded", OUT, "resolved", lambda: a_waiver(finding=Finding.Status.RESOLVED)),
]  # fmt: skip
