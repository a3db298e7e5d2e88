"""Uploaded files on their way into the inventory: kept for a worker, read as a preview, applied, or thrown away."""

import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from inventory import access, audit
from inventory.importers import apply, files
from inventory.importers.base import Connector, SourceFile, WrongFile
from inventory.models import ImportRun, User
from inventory.rules import RuleBroken

Status = ImportRun.Status
KEPT = timedelta(days=1)


@dataclass(frozen=True)
class Asked:
    """What the files are: their kind, the key of their source (the kind when empty), and whether they are all of it."""

    kind: str
    source: str = ""
    partial: bool = False


def keep(
    uploaded: Sequence["UploadedFile[Any]"], asked: Asked, *, by: User, at: datetime
) -> ImportRun:
    """Stores the files beside a queued run. Raises RuleBroken for an unknown kind, no file, or too much."""
    access.require_security(by)
    connector = Connector.registry.get(asked.kind)
    if connector is None:
        known = ", ".join(sorted(Connector.registry))
        raise RuleBroken(f"There is no kind “{asked.kind}”. Use one of {known}.")
    _refuse_amount(uploaded)
    with audit.acting(by, "import.received"):
        run = ImportRun.objects.create(
            source=apply.source_for(connector, asked.source),
            status=Status.QUEUED,
            partial=asked.partial,
            file_names=[files.base_name(one.name or "") for one in uploaded],
            author=by.get_username(),
            user=by,
            created_at=at,
            stored_as=f"imports/{secrets.token_hex(16)}",
        )
        _store(uploaded, _folder(run))
    return run


def perform(run: ImportRun, *, at: datetime, write: bool) -> ImportRun:
    """What the worker does: reads the stored files as a preview, or applies them. A second call after the end does
    nothing; one after a crash starts over, because nothing of the first was kept.
    """
    waiting = ImportRun.objects.filter(pk=run.pk, status__in=[Status.QUEUED, Status.RUNNING])
    if not waiting.update(status=Status.RUNNING, started_at=at, finished_at=None):
        return run
    run.refresh_from_db()
    try:
        with _opened(run) as opened:
            apply.run(run, opened, at=at, write=write, partial=run.partial)
    except (WrongFile, RuleBroken, OSError) as refused:
        fail(run, _sentence(refused), at=at)
    if run.status != Status.PREVIEWED:
        _forget(run)
    return run


def approve(run: ImportRun, *, by: User, at: datetime) -> ImportRun:
    """Queues a previewed run to be applied, from the very files that were shown. Once only."""
    access.require_security(by)
    claimed = ImportRun.objects.filter(pk=run.pk, status=Status.PREVIEWED).update(
        status=Status.QUEUED, author=by.get_username(), user=by, progress=""
    )
    if not claimed:
        raise RuleBroken(
            "This preview has been applied or discarded already. Upload the files again."
        )
    return ImportRun.objects.select_related("source").get(pk=run.pk)


def discard(run: ImportRun, *, by: User, at: datetime) -> ImportRun:
    """Throws a preview and its files away. Twice is not an error; what runs or was applied stays."""
    access.require_security(by)
    claimed = ImportRun.objects.filter(pk=run.pk, status=Status.PREVIEWED).update(
        status=Status.DISCARDED, finished_at=at
    )
    run.refresh_from_db()
    if not claimed and run.status != Status.DISCARDED:
        raise RuleBroken(
            f"The import is {run.get_status_display().lower()}. Only a preview can be discarded."
        )
    _forget(run)
    return run


def fail(run: ImportRun, why: str, *, at: datetime) -> None:
    """Ends a run that cannot go on; the inventory is as it was."""
    run.status, run.error, run.progress = Status.FAILED, why, ""
    run.finished_at = max(at, run.started_at or at)
    run.save(update_fields=["status", "error", "progress", "finished_at"])
    _forget(run)


def tidy(at: datetime) -> int:
    """Throws away what nobody applied within a day, and ends runs whose worker is gone. Returns how many."""
    left = ImportRun.objects.filter(
        status__in=[Status.PREVIEWED, Status.QUEUED, Status.RUNNING], created_at__lt=at - KEPT
    ).exclude(stored_as="")
    number = 0
    for run in left.iterator():
        if run.status == Status.PREVIEWED:
            ImportRun.objects.filter(pk=run.pk).update(status=Status.DISCARDED, finished_at=at)
            _forget(run)
        else:
            fail(run, "No worker finished it within a day. Upload the files again.", at=at)
        number += 1
    return number


def _refuse_amount(uploaded: Sequence["UploadedFile[Any]"]) -> None:
    if not uploaded:
        raise RuleBroken("There is no file. Choose at least one.")
    if len(uploaded) > files.MOST_FILES:
        raise RuleBroken(
            f"These are {len(uploaded)} files; {files.MOST_FILES} at most. Pack them into one ZIP."
        )
    size = sum(one.size or 0 for one in uploaded)
    if size > settings.IMPORT_MAX_BYTES:
        limit = settings.IMPORT_MAX_BYTES // 2**20
        raise RuleBroken(
            f"These are {size // 2**20:,} MB; {limit:,} MB at most. Split the export,"
            " or import it with manage.py import."
        )


def _store(uploaded: Sequence["UploadedFile[Any]"], folder: Path) -> None:
    """Under numbers: no name from outside ever becomes a path. Readable by this user only."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700)
    for number, one in enumerate(uploaded):
        path = folder / str(number)
        path.touch(mode=0o600)
        with path.open("wb") as file:
            for chunk in one.chunks():
                file.write(chunk)


@contextmanager
def _opened(run: ImportRun) -> Iterator[tuple[SourceFile, ...]]:
    with ExitStack() as until_end:
        pairs = [
            (name, until_end.enter_context((_folder(run) / str(number)).open("rb")))
            for number, name in enumerate(run.file_names)
        ]
        yield until_end.enter_context(
            files.open_files(pairs, limit_bytes=settings.IMPORT_MAX_BYTES)
        )


def _folder(run: ImportRun) -> Path:
    return Path(settings.MEDIA_ROOT) / run.stored_as


def _forget(run: ImportRun) -> None:
    if run.stored_as:
        shutil.rmtree(_folder(run), ignore_errors=True)
    ImportRun.objects.filter(pk=run.pk).update(stored_as="")
    run.stored_as = ""


def _sentence(refused: Exception) -> str:
    if isinstance(refused, OSError):
        return "The uploaded files are no longer there. Upload them again."
    return str(refused)
