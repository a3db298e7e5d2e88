"""Comparing the record with its seals on request: the button makes the run and hands it to a worker."""

from datetime import datetime

import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from kombu.exceptions import OperationalError

from inventory import access
from inventory.models import User
from runtime import tasks
from runtime.models import Verification

log = structlog.get_logger(__name__)
Status = Verification.Status


def start(*, by: User, at: datetime) -> Verification:
    """The run, waiting for a worker; the one that is under way when there is one."""
    if not access.sees_all(by):
        raise PermissionDenied("Only security and auditors verify the record.")
    with transaction.atomic():
        under_way = Verification.objects.select_for_update().exclude(status__in=Verification.OVER)
        run = under_way.first()
        if run is None:
            run = Verification.objects.create(
                status=Status.WAITING, author=by.get_username(), asked_at=at
            )
    if settings.SEND_TASKS:
        try:
            tasks.verify_record.delay(run.pk)
        except OperationalError:
            log.warning("verification.not_sent", verification=run.pk)
            error = "The job queue does not answer. Start it, then verify again."
            Verification.objects.filter(pk=run.pk).update(
                status=Status.FAILED, finished_at=at, error=error
            )
            run.refresh_from_db()
    return run
