"""Makes assessments: asks every check about a scope at one moment, and keeps what that says of every control.

All of it is read in one transaction that sees one moment, and written with it: an assessment is there whole, or not
at all. Afterwards the database refuses every change of it.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.core.exceptions import FieldError
from django.db import DatabaseError, connection, transaction
from django.db.models import Max

from frameworks import assessment_facts, assessment_words, control_states, judging, sources_needed
from frameworks.models import (
    AssessedControl,
    AssessedFramework,
    AssessedSource,
    Assessment,
    AssessmentProgress,
)
from frameworks.models import (
    Mapping as Mapped,
)
from frameworks.progress import Progress
from frameworks.readers import Readers, Row
from frameworks.results import State
from frameworks.snapshot import CheckState, FrameworkState, Scope
from inventory import access, audit
from inventory.audit import Actor
from inventory.models import Identity, Team, Tier, User
from inventory.rules import RuleBroken
from reviews.check import Check
from reviews.checks import configured

log = structlog.get_logger(__name__)
Status = Assessment.Status
LONGEST = timedelta(hours=1)
_SEEN = "SELECT txid_current_snapshot()::text"


def ask(
    *, title: str, team: Team | None, environment: str, tier: int | None, by: Actor, at: datetime
) -> Assessment:
    """The record of an assessment that a worker is to make."""
    access.require_security(by)
    if tier is not None and tier not in Tier.values:
        raise RuleBroken(f"There is no tier {tier}. Choose one from 0 to {max(Tier.values)}.")
    with audit.acting(by, "assessment.asked"), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE frameworks_assessment IN SHARE ROW EXCLUSIVE MODE")
        last = Assessment.objects.aggregate(last=Max("number"))["last"] or 0
        by_person = isinstance(by, User)
        return Assessment.objects.create(
            number=last + 1, title=title.strip() or f"Assessment {last + 1}", asked_at=at,
            trigger=Assessment.Trigger.MANUAL if by_person else Assessment.Trigger.SCHEDULE,
            author=by.display_name if isinstance(by, User) else by,
            user=by if isinstance(by, User) else None,
            team=team, team_name=team.name if team else "", environment=environment, tier=tier,
        )  # fmt: skip


def assess(scope: Scope, by: Actor, at: datetime, *, title: str = "") -> Assessment:
    """An assessment of the scope, made at once."""
    team = _team(scope.team)
    tier = int(scope.tier) if scope.tier else None
    asked = ask(title=title, team=team, environment=scope.environment, tier=tier, by=by, at=at)
    return make(asked, at=at)


def make(asked: Assessment, *, at: datetime) -> Assessment:
    """Makes the assessment that was asked for. What breaks is told in `error`; then nothing of it is kept.

    A second worker that takes it up finds it taken and leaves it. After a crash `tidy` marks it as failed.
    """
    if not Assessment.objects.filter(pk=asked.pk, status=Status.QUEUED).update(
        status=Status.RUNNING, facts_at=at
    ):
        return Assessment.objects.get(pk=asked.pk)
    asked.refresh_from_db()
    began = time.monotonic()
    try:
        with (
            _one_moment() as seen,
            Readers(nested=not seen) as readers,
            Progress(asked.pk) as progress,
        ):
            _write(asked, readers, progress, at=at)
            _finish(asked, seen, at=at, began=began)
    except DatabaseError as error:
        log.error("assessment.broken", assessment=asked.pk, error=str(error))
        _give_up(asked, f"It could not be finished ({type(error).__name__}). Ask for it again.")
    AssessmentProgress.objects.filter(pk=asked.pk).delete()
    return Assessment.objects.get(pk=asked.pk)


def tidy(at: datetime) -> int:
    """Marks what no worker finished as failed."""
    dead = Assessment.objects.exclude(status__in=Assessment.OVER).filter(asked_at__lt=at - LONGEST)
    return dead.update(
        status=Status.FAILED, error="No worker finished it within an hour. Ask for it again."
    )


def give_up(asked: Assessment, *, why: str) -> None:
    """Nobody will make it; the record says why."""
    _give_up(asked, why)


def identities_in(assessment: Assessment) -> judging.Who:
    """The identities in its scope, as a condition, never as a list."""
    wanted = {
        name: value
        for name, value in (
            ("environment", assessment.environment),
            ("declared_tier", assessment.tier),
        )
        if value not in (None, "")
    }
    if assessment.team_id is None:
        return judging.Who(Identity.objects.filter(**wanted) if wanted else None)
    return judging.Who(Identity.objects.of_team(assessment.team_id).filter(**wanted))


def scope_of(assessment: Assessment) -> Scope:
    tier = "" if assessment.tier is None else str(assessment.tier)
    return Scope(assessment.team_name, assessment.environment, tier)


def last_like(assessment: Assessment) -> Assessment | None:
    """The one of the same scope before it."""
    return (
        Assessment.objects.done()
        .filter(
            team=assessment.team_id, environment=assessment.environment, tier=assessment.tier,
            number__lt=assessment.number,
        )
        .order_by("-number")
        .first()
    )  # fmt: skip


def _team(name: str) -> Team | None:
    if not name:
        return None
    found = Team.objects.filter(name=name).order_by("pk").first()
    if found is None:
        raise RuleBroken(f"There is no team “{name}”. Choose one of the inventory.")
    return found


@contextmanager
def _one_moment() -> Iterator[str]:
    """A transaction that sees one moment from beginning to end, and the mark by which history finds that moment again.

    Inside another transaction (the demo, a test) there is no such mark; then the clock has to do.
    """
    nested = connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if nested:
            yield ""
            return
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute(_SEEN)
        yield str(cursor.fetchone()[0])


def _write(asked: Assessment, readers: Readers, progress: Progress, *, at: datetime) -> None:
    who = identities_in(asked)
    for source in assessment_facts.sources(who, at=at):
        AssessedSource.objects.create(assessment=asked, **asdict(source))
    checks = _judge_all(asked, who, readers, progress, at=at)
    found = control_states.frameworks(checks, at=at)
    _write_frameworks(asked, found)
    before = last_like(asked)
    was = answers_of(before) if before else {}
    asked.changes = [asdict(one) for one in control_states.changes(was, found)]
    asked.before = before.uid if before else None
    asked.totals = assessment_facts.totals(who, at=at)
    asked.limits = assessment_words.limits(checks.values(), scope_of(asked))


def _judge_all(
    asked: Assessment, who: judging.Who, readers: Readers, progress: Progress, *, at: datetime
) -> dict[str, CheckState]:
    """Every check that exists, and those that only the crosswalk knows."""
    there, found = sources_needed.connected(), {}
    checks = configured()
    answers = [(check, _ask(check, who, readers, at=at)) for check in checks]
    for number, (check, answer) in enumerate(answers, start=1):
        found[check.id] = _keep(asked, check, answer, there, at=at)
        progress.tell(number, len(checks))
    mapped = Mapped.objects.exclude(check_id__in=found).order_by("check_id")
    for mapping in mapped.distinct("check_id"):
        said, connect = sources_needed.silence(mapping.check_id, there)
        state = assessment_words.not_built(mapping, said or sources_needed.NO_CHECK, connect)
        judging.keep(asked, state)
        found[mapping.check_id] = state
    return found


Answer = tuple[judging.Question, "Future[Row]"]


def _ask(check: Check, who: judging.Who, readers: Readers, *, at: datetime) -> Answer | str:
    """Where the answer will be; or why there is none."""
    said = judging.silence(check, who, at)
    if said:
        return said
    try:
        question = judging.question(check, who, at=at)
    except FieldError as error:
        return _broken(check, error)
    return question, readers.ask(question.sql, question.params)


def _keep(
    asked: Assessment, check: Check, answer: Answer | str, there: frozenset[str], *, at: datetime
) -> CheckState:
    if isinstance(answer, str):
        return judging.keep_silent(asked, check, answer, "", at=at)
    question, row = answer
    try:
        with transaction.atomic():
            if_nobody = sources_needed.silence(check.id, there)
            return judging.keep_answer(asked, question, row.result(), if_nobody)
    except DatabaseError as error:
        return judging.keep_silent(asked, check, _broken(check, error), "", at=at)


def _broken(check: Check, error: Exception) -> str:
    log.error("check.broken", check=check.id, error=str(error))
    return f"It could not run ({type(error).__name__})"


def _write_frameworks(asked: Assessment, found: Sequence[FrameworkState]) -> None:
    for order, one in enumerate(found, start=1):
        about = {name: value for name, value in asdict(one).items() if name not in _COLUMNS}
        row = AssessedFramework.objects.create(
            assessment=asked, key=one.key, version=one.version, name=one.name, order=order,
            about=about, counts={str(state): one.count(state) for state in State},
        )  # fmt: skip
        AssessedControl.objects.bulk_create(
            AssessedControl(
                framework=row, control_id=control.control_id, title=control.title,
                state=control.state, is_heading=control.is_heading, order=place,
                about=_about(asdict(control)), mapped=[asdict(each) for each in control.mapped],
                attestations=[_dated(asdict(each)) for each in control.attestations],
            )
            for place, control in enumerate(one.controls, start=1)
        )  # fmt: skip


_COLUMNS = ("key", "version", "name", "controls")
_CONTROL_COLUMNS = ("control_id", "title", "state", "is_heading", "mapped", "attestations")


def _about(control: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in control.items() if name not in _CONTROL_COLUMNS}


def _dated(attestation: dict[str, object]) -> dict[str, object]:
    made_at, ends_on = attestation["made_at"], attestation["ends_on"]
    return {**attestation, "made_at": made_at.isoformat(), "ends_on": ends_on.isoformat()}  # type: ignore[attr-defined]  # moments, see AttestationState


def answers_of(assessment: Assessment) -> dict[tuple[str, str], str]:
    """Each control's answer in a finished assessment."""
    rows = AssessedControl.objects.filter(framework__assessment=assessment, is_heading=False)
    return {
        (key, control_id): state
        for key, control_id, state in rows.values_list("framework__key", "control_id", "state")
    }


def _finish(asked: Assessment, seen: str, *, at: datetime, began: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        clock = cursor.fetchone()[0]
    asked.status, asked.seen, asked.seconds = Status.DONE, seen, time.monotonic() - began
    asked.facts_at, asked.made_at = at, (clock if seen else at)
    asked.product_version = settings.VERSION
    asked.organisation = assessment_words.organisation()
    asked.method = assessment_words.METHOD
    asked.save()


def _give_up(asked: Assessment, why: str) -> None:
    Assessment.objects.filter(pk=asked.pk).exclude(status__in=Assessment.OVER).update(
        status=Status.FAILED, error=why
    )
