"""Turns checks into findings: one statement per check, over everything or over what just
changed."""

import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.core.exceptions import EmptyResultSet, FieldError
from django.db import DatabaseError, connection
from django.db.models import F

from inventory import access, audit, estate_graph, tool_likeness
from inventory.audit import Actor
from inventory.models import (
    ChainFacts,
    Credential,
    Delegation,
    DelegationScope,
    Entitlement,
    Exposure,
    Grant,
    Identity,
    Person,
    Resource,
    Source,
    System,
    Tool,
    ToolBinding,
    ToolLikeness,
    ToolServer,
    User,
)
from inventory.rules import RuleBroken
from reviews.check import Check
from reviews.checks import CHECKS, configured
from reviews.models import CheckRun, Finding, SweepRun, Waiver
from reviews.models.finding import WAIVED
from reviews.summaries import summarise
from runtime.models import CallTally, Deviation

log = structlog.get_logger(__name__)
# Any fixed number: whoever holds this advisory lock runs the full sweep; a killed worker's lock is
# free at once.
_LOCK = 0x6D616E64_73776570
TARGETED_KEPT = timedelta(days=7)
TARGETED_LONGEST = QUEUED_LONGEST = timedelta(hours=1)
_NOBODY = "SELECT NULL::text, NULL::bigint, NULL::smallint, NULL::jsonb, NULL::text WHERE false"

# Unknown neither opens nor closes. What is as it was is not written. A standing waiver holds over
# a resolution and
# a new opening, until its end. Resolving asks `IN (... EXCEPT ...)`: a NOT EXISTS becomes a nested
# loop on a table
# without statistics.
_SWEEP = """
WITH judged AS MATERIALIZED (
    SELECT * FROM ({judged}) AS j(subject, identity_id, severity, evidence, verdict)
), failing AS (
    SELECT j.*, COALESCE(w.kind, 'open') AS status, w.ends_at AS until
    FROM judged j
    LEFT JOIN reviews_finding f ON f.check_id = %s AND f.subject = j.subject
    LEFT JOIN reviews_waiver w ON w.finding_id = f.id AND w.withdrawn_at IS NULL
        AND w.starts_at <= %s AND (w.ends_at IS NULL OR w.ends_at > %s)
    WHERE j.verdict = 'fail'
), opened AS (
    INSERT INTO reviews_finding AS f (
        check_id, subject, identity_id, severity, evidence, status, until, first_seen_at, opened_at)
    SELECT %s, subject, identity_id, severity, evidence, status, until, %s, %s FROM failing
    ON CONFLICT (check_id, subject) DO UPDATE SET
        identity_id = excluded.identity_id, severity = excluded.severity,
        evidence = excluded.evidence, resolved_at = NULL,
        status = CASE WHEN f.status = 'resolved' OR f.until <= excluded.opened_at
            THEN excluded.status ELSE f.status END,
        until = CASE WHEN f.status = 'resolved' OR f.until <= excluded.opened_at
            THEN excluded.until ELSE f.until END,
        opened_at = CASE WHEN f.status = 'resolved' THEN excluded.opened_at
            WHEN f.until <= excluded.opened_at THEN f.until ELSE f.opened_at END
    WHERE f.status = 'resolved' OR f.until <= excluded.opened_at
        OR (f.identity_id, f.severity, f.evidence)
            IS DISTINCT FROM (excluded.identity_id, excluded.severity, excluded.evidence)
    RETURNING f.opened_at = %s AS is_opened
), resolved AS (
    UPDATE reviews_finding f SET status = 'resolved', resolved_at = %s, until = NULL
    WHERE f.check_id = %s AND f.status <> 'resolved' AND {narrowed} AND f.subject IN (
        SELECT subject FROM reviews_finding f
        WHERE f.check_id = %s AND f.status <> 'resolved' AND {narrowed}
        EXCEPT SELECT subject FROM judged WHERE verdict IN ('fail', 'unknown'))
    RETURNING 1
)
SELECT count(*), count(*) FILTER (WHERE verdict = 'pass'), count(*) FILTER (WHERE verdict = 'fail'),
    count(*) FILTER (WHERE verdict = 'unknown'),
    (SELECT count(*) FROM opened WHERE is_opened),
    (SELECT count(*) FROM opened WHERE NOT is_opened),
    (SELECT count(*) FROM resolved)
FROM judged
"""


_JUDGED_TABLES = [
    model._meta.db_table
    for model in (
        Person,
        Source,
        Identity,
        Credential,
        System,
        Resource,
        Entitlement,
        Grant,
        Delegation,
        DelegationScope,
        ChainFacts,
        Tool,
        ToolBinding,
        ToolLikeness,
        ToolServer,
        Exposure,
        Finding,
        Waiver,
        CallTally,
        Deviation,
    )
]
_NUMBERS = ("population", "passed", "failed", "unknown", "opened", "changed", "resolved")


class SweepRunning(RuleBroken):
    """Another full sweep holds the lock."""


@dataclass(frozen=True)
class Answers:
    """What one check said, and how many findings that wrote."""

    population: int
    passed: int
    failed: int
    unknown: int
    opened: int
    changed: int
    resolved: int
    seconds: float


def run(
    at: datetime,
    *,
    by: Actor,
    checks: Collection[str] | None = None,
    identities: Collection[int] | None = None,
    asked: SweepRun | None = None,
) -> SweepRun:
    """Judges everything, or only what belongs to some identities, and brings the findings up to
    date.

    A second run on the same facts writes no finding. A check that breaks is named in `error`, and
    the others run all
    the same. Two full sweeps never run at once; the second raises SweepRunning. A killed sweep
    leaves what its finished
    checks wrote, and the next one marks it as failed. `asked` is the record that `ask` made for a full sweep.
    """
    access.require_security(by)
    chosen = [check for check in configured() if check.enabled and _asked_for(check, checks)]
    if identities is not None:
        begun = _begin(at, by, SweepRun.Trigger.TARGETED)
        return _sweep(begun, chosen, by=by, identities=identities)
    trigger = SweepRun.Trigger.MANUAL if isinstance(by, User) else SweepRun.Trigger.SCHEDULE
    with _alone():
        tidy_runs(at)
        _refresh_statistics()
        begun = _take_up(asked, at) if asked else _begin(at, by, trigger)
        return _sweep(begun, chosen, by=by, identities=None)


def ask(at: datetime, *, by: User) -> SweepRun:
    """The record of a full sweep that a worker is to run; asking again while one waits gives that one."""
    access.require_security(by)
    waiting = SweepRun.objects.filter(status=SweepRun.Status.QUEUED).first()
    return waiting or SweepRun.objects.create(
        status=SweepRun.Status.QUEUED,
        trigger=SweepRun.Trigger.MANUAL,
        author=by.get_username(),
        at=at,
        started_at=at,
    )


def give_up(asked: SweepRun, *, why: str) -> None:
    """Nobody will run it; the record says why."""
    SweepRun.objects.filter(pk=asked.pk, status=SweepRun.Status.QUEUED).update(
        status=SweepRun.Status.FAILED, error=why
    )


def judge(
    check: Check, at: datetime, *, by: Actor, identities: Collection[int] | None = None
) -> Answers:
    """One check, one statement, one transaction: what it says, and the findings that follow."""
    began = time.monotonic()
    sql, params = _judged(check, at, identities)
    ids = None if identities is None else list(identities)
    narrowed = "true" if ids is None else "f.identity_id = ANY(%s)"
    narrow = [] if ids is None else [ids]
    every: list[Any] = [  # Any: parameters of many types, in the order of the statement
        check.id,
        at,
        at,
        check.id,
        at,
        at,
        at,
        at,
        check.id,
        *narrow,
        check.id,
        *narrow,
    ]
    with audit.acting(by, "check.swept", check.problem), connection.cursor() as cursor:
        cursor.execute(_SWEEP.format(judged=sql, narrowed=narrowed), [*params, *every])
        numbers = dict(zip(_NUMBERS, cursor.fetchone() or (), strict=True))
    return Answers(**numbers, seconds=time.monotonic() - began)


def tidy_runs(at: datetime) -> None:
    """Marks runs whose worker is gone as failed, and forgets old runs after single changes. The
    lock must be held."""
    left = SweepRun.objects.filter(status=SweepRun.Status.RUNNING)
    SweepRun.objects.filter(
        status=SweepRun.Status.QUEUED, started_at__lt=at - QUEUED_LONGEST
    ).update(status=SweepRun.Status.FAILED, error="No worker took it up within an hour.")
    dead = left.exclude(trigger=SweepRun.Trigger.TARGETED) | left.filter(
        started_at__lt=at - TARGETED_LONGEST
    )
    dead.update(
        status=SweepRun.Status.FAILED, error="The worker stopped before the sweep had finished."
    )
    SweepRun.objects.filter(
        trigger=SweepRun.Trigger.TARGETED, started_at__lt=at - TARGETED_KEPT
    ).delete()


def reopen_due(at: datetime, *, by: Actor) -> int:
    """Writes down that exceptions have ended; they count as ended from their time on anyway (law
    1)."""
    with audit.acting(by, "finding.exception_ended"):
        return Finding.objects.filter(status__in=WAIVED, until__lte=at).update(
            status=Finding.Status.OPEN, opened_at=F("until"), until=None
        )


def _refresh_statistics() -> None:
    """Right after a large import the planner knows nothing yet, and plans nested loops for
    minutes."""
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(_JUDGED_TABLES)}")


def _refresh_chains(at: datetime) -> list[str]:
    """Checks of the whole estate's delegations read what this keeps; where it breaks, they read what is older."""
    try:
        done = estate_graph.refresh(at)
    except DatabaseError as error:
        log.error("chains.broken", error=str(error))
        return [f"The delegations of the whole estate could not be read ({type(error).__name__})."]
    log.info("chains.refreshed", relaying=done.relaying, written=done.written, seconds=done.seconds)
    return []


def _close_disabled(at: datetime, *, by: Actor) -> int:
    """Findings of checks that are switched off, or that exist no more, are nobody's business."""
    running = [check.id for check in configured() if check.enabled]
    with audit.acting(by, "check.off"):
        left = Finding.objects.unresolved().exclude(check_id__in=running)
        return left.update(status=Finding.Status.RESOLVED, resolved_at=at, until=None)


def _asked_for(check: Check, checks: Collection[str] | None) -> bool:
    if checks is None:
        return True
    unknown = set(checks) - set(CHECKS)
    if unknown:
        raise RuleBroken(f"There is no check “{min(unknown)}”. Choose one of the list of checks.")
    return check.id in checks


@contextmanager
def _alone() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            raise SweepRunning("A sweep is running already. Wait until it has finished.")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _begin(at: datetime, by: Actor, trigger: str) -> SweepRun:
    author = by if isinstance(by, str) else by.get_username()
    return SweepRun.objects.create(
        status=SweepRun.Status.RUNNING, trigger=trigger, author=author, at=at, started_at=at
    )


def _take_up(asked: SweepRun, at: datetime) -> SweepRun:
    asked.status, asked.at, asked.started_at = SweepRun.Status.RUNNING, at, at
    asked.save(update_fields=["status", "at", "started_at"])
    return asked


def _sweep(
    run: SweepRun, checks: Sequence[Check], *, by: Actor, identities: Collection[int] | None
) -> SweepRun:
    began = time.monotonic()
    counts: Counter[str] = Counter()
    broken = []
    if identities is None:
        broken += _refresh_chains(run.at)
        tool_likeness.refresh()
        counts["exceptions_ended"] = reopen_due(run.at, by=by)
        counts["resolved"] = _close_disabled(run.at, by=by)
    for number, check in enumerate(checks, start=1):
        try:
            answers = judge(check, run.at, by=by, identities=identities)
        except (DatabaseError, FieldError) as error:
            log.error("check.broken", check=check.id, sweep=run.pk, error=str(error))
            broken.append(f"{check.id} could not run ({type(error).__name__}).")
            continue
        counts.update(opened=answers.opened, changed=answers.changed, resolved=answers.resolved)
        if identities is None:
            _keep(run, check, answers)
            run.progress = f"{number} of {len(checks)} checks"
            SweepRun.objects.filter(pk=run.pk).update(progress=run.progress)
    summarise(run.at, identities)
    return _finish(run, counts, broken, seconds=time.monotonic() - began)


def _finish(run: SweepRun, counts: Counter[str], broken: list[str], *, seconds: float) -> SweepRun:
    run.status = SweepRun.Status.FAILED if broken else SweepRun.Status.DONE
    run.error, run.counts = " ".join(broken), dict(counts)
    run.finished_at = run.started_at + timedelta(seconds=seconds)
    run.save(update_fields=["status", "error", "counts", "finished_at"])
    return run


def _keep(run: SweepRun, check: Check, answers: Answers) -> None:
    CheckRun.objects.create(
        sweep=run,
        check_id=check.id,
        version=check.version,
        at=run.at,
        population=answers.population,
        passed=answers.passed,
        failed=answers.failed,
        unknown=answers.unknown,
        seconds=answers.seconds,
    )


def _judged(
    check: Check, at: datetime, identities: Collection[int] | None
) -> tuple[str, tuple[Any, ...]]:
    try:
        sql, params = check.judged(at, identities).query.sql_with_params()
    except EmptyResultSet:
        return _NOBODY, ()
    return sql, params
