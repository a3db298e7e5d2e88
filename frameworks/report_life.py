"""The life of a report: asked for, made by a worker, handed out, deleted when its time is over or security says so."""

import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO

import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F, Q

from frameworks import report_writing, seeing
from frameworks.models import Assessment, Report
from inventory import access, audit
from inventory.models import User
from inventory.rules import RuleBroken

log = structlog.get_logger(__name__)
State = Report.State
BY = "job reports"
# A worker that was killed is known by its silence: nobody needs that long for a file.
SILENT = timedelta(hours=1)
GIVEN_UP = timedelta(days=1)


def ask(assessment: Assessment, formats: Sequence[str], *, by: User, at: datetime) -> list[Report]:
    """The reports of the assessment in these formats. One that is there, or being made, is given again: the same
    assessment always says the same."""
    require_reader(by)
    seeing.require_assessment(by, assessment)
    unknown = sorted(set(formats) - set(Report.Format.values))
    if unknown or not formats:
        known = ", ".join(Report.Format.values)
        raise RuleBroken(f"Choose at least one format out of {known}.")
    if assessment.status != Assessment.Status.DONE:
        raise RuleBroken(
            f"The assessment is {assessment.get_status_display().lower()}. Reports are made of finished ones."
        )
    with audit.acting(by, "report.asked"):
        for one in dict.fromkeys(formats):
            fresh = Report(
                assessment=assessment, format=one, author=by.get_username(), user=by, asked_at=at
            )
            Report.objects.bulk_create([fresh], ignore_conflicts=True)
        alive = Report.objects.filter(assessment=assessment, format__in=formats)
        return list(alive.filter(state__in=[*Report.AT_WORK, State.DONE]).order_by("pk"))


def make(report: Report, *, at: datetime) -> Report:
    """What the worker does. Twice is not an error; after a crash it starts over, and the file is put in place whole."""
    waiting = Report.objects.filter(pk=report.pk, state__in=Report.AT_WORK)
    with audit.acting(BY, "report.started"):
        if not waiting.update(state=State.RUNNING, started_at=at, progress="Reading", error=""):
            return report
    report.refresh_from_db()
    try:
        with _new_file(report) as file:
            key_id = report_writing.write(
                report, file, at=at, tell=lambda said: _tell(report, said)
            )
            size, digest = _measured(file)
    except (RuleBroken, OSError, ValueError, RuntimeError) as refused:  # typst raises the last
        log.warning("report.failed", report=report.pk, why=str(refused), exc_info=True)
        fail(report, _sentence(refused))
    else:
        _done(report, at, size=size, sha256=digest, key_id=key_id)
    report.refresh_from_db()
    return report


def fail(report: Report, why: str) -> None:
    """Ends one that cannot be made; it can be asked for again."""
    with audit.acting(BY, "report.failed"):
        Report.objects.filter(pk=report.pk, state__in=Report.AT_WORK).update(
            state=State.FAILED, error=why, progress=""
        )


def download(report: Report, *, by: User, at: datetime) -> Path:
    """The file to hand out, proved to be the one that was made; who took it is in the history."""
    require_reader(by)
    seeing.require_assessment(by, report.assessment)
    path = path_of(report)
    if not report.is_kept:
        raise RuleBroken(f"The report is {report.get_state_display().lower()}: there is no file.")
    if not path.is_file():
        raise RuleBroken("The file is gone from storage. Delete this report and make it again.")
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != report.sha256:
            raise RuleBroken(
                "The file in storage is not the one that was made: its hash differs. It is not handed out."
            )
    with audit.acting(by, "report.downloaded"):
        Report.objects.filter(pk=report.pk).update(downloads=F("downloads") + 1, downloaded_at=at)
    return path


def delete(report: Report, *, by: User, reason: str, at: datetime) -> Report:
    """Deletes the file; that there was one, and why it went, stays. Twice is not an error."""
    access.require_security(by)
    ended = _end([report.pk], State.DELETED, by=by, reason=reason, at=at)
    report.refresh_from_db()
    if not ended and report.state not in (State.DELETED, State.EXPIRED):
        raise RuleBroken("The report is being made. Wait until it is done, then delete it.")
    return report


def look_after(at: datetime) -> int:
    """Deletes what is over, starts again what a dead worker left, gives up on what nobody makes. Returns how many."""
    over = list(Report.objects.over(at).values_list("pk", flat=True))
    ended = _end(over, State.EXPIRED, by=BY, reason="Its time was over.", at=at) if over else 0
    for report in Report.objects.at_work().filter(asked_at__lt=at - GIVEN_UP):
        fail(report, "No worker finished it within a day. Make it again.")
    quiet = Q(started_at__lt=at - SILENT) | Q(started_at=None, asked_at__lt=at - SILENT)
    left = list(Report.objects.at_work().filter(quiet).select_related("assessment"))
    for report in left:
        make(report, at=at)
    return ended + len(left)


def path_of(report: Report) -> Path:
    """Where the file lies: under a name of our own, nothing of it from outside."""
    return Path(settings.MEDIA_ROOT) / "reports" / str(report.uid)


def require_reader(by: User) -> None:
    """Raises PermissionDenied unless `by` is of security or an auditor; of which assessments, `seeing` says."""
    if not access.reads_evidence(by):
        raise PermissionDenied("Only security and auditors make and take reports.")


@contextmanager
def _new_file(report: Report) -> Iterator[IO[bytes]]:
    """A file beside the right place, moved there at the end; readable by this user only."""
    path = path_of(report)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f"{report.uid}-", dir=path.parent)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    finally:
        with suppress(FileNotFoundError):
            Path(name).unlink()


def _measured(file: IO[bytes]) -> tuple[int, str]:
    file.flush()
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # it reads
    return file.seek(0, os.SEEK_END), digest


def _done(report: Report, at: datetime, *, size: int, sha256: str, key_id: str) -> None:
    expires = at + timedelta(days=settings.REPORT_DAYS) if settings.REPORT_DAYS else None
    with audit.acting(BY, "report.made"):
        Report.objects.filter(pk=report.pk, state=State.RUNNING).update(
            state=State.DONE, made_at=at, expires_at=expires, size=size, sha256=sha256,
            key_id=key_id, progress="",
        )  # fmt: skip


def _end(pks: list[int], state: str, *, by: User | str, reason: str, at: datetime) -> int:
    with audit.acting(by, f"report.{state}", reason):
        ended = Report.objects.filter(pk__in=pks, state__in=[State.DONE, State.FAILED])
        paths = [path_of(report) for report in ended.select_for_update().order_by("pk")]
        author = by if isinstance(by, str) else by.get_username()
        number = Report.objects.filter(pk__in=pks, state__in=[State.DONE, State.FAILED]).update(
            state=state, ended_at=at, ended_by=author, ended_why=reason
        )
        transaction.on_commit(partial(_remove, paths))
    return number


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _tell(report: Report, said: str) -> None:
    Report.objects.filter(pk=report.pk, state=State.RUNNING).update(progress=said[:100])


def _sentence(refused: Exception) -> str:
    if isinstance(refused, RuleBroken):
        return str(refused)
    return "The file could not be written; the log of the worker says why. Make it again."
