"""An upload handed to a worker: the page and the API call these two."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from kombu.exceptions import OperationalError

from inventory import tasks, uploads
from inventory.models import ImportRun, User
from inventory.uploads import Asked

log = structlog.get_logger(__name__)


def receive(
    uploaded: Sequence["UploadedFile[Any]"], asked: Asked, *, preview: bool, by: User, at: datetime
) -> ImportRun:
    """The queued run. With `preview` nothing changes until it is applied. Without a queue it fails, with a sentence."""
    run = uploads.keep(uploaded, asked, by=by, at=at)
    return _send(run, write=not preview, at=at)


def apply(run: ImportRun, *, by: User, at: datetime) -> ImportRun:
    """Applies a previewed run."""
    return _send(uploads.approve(run, by=by, at=at), write=True, at=at)


def _send(run: ImportRun, *, write: bool, at: datetime) -> ImportRun:
    def send() -> None:
        try:
            tasks.read_upload.delay(run.pk, write=write)
        except OperationalError:
            log.warning("import.not_sent", run=run.pk)
            uploads.fail(run, "The job queue does not answer. Start it, then upload again.", at=at)

    if settings.SEND_TASKS:
        transaction.on_commit(send)
    return run
