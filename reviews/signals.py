"""What this floor does when the inventory says that identities changed."""

from typing import Any

import structlog
from celery import Task
from django.conf import settings
from django.dispatch import receiver
from kombu.exceptions import OperationalError

from inventory.signals import identities_changed
from reviews import tasks

log = structlog.get_logger(__name__)


@receiver(identities_changed, dispatch_uid="reviews.sweep_changed")
def sweep_changed(sender: object, ids: frozenset[int] | None, **rest: Any) -> None:
    """Has the changed identities judged; `None` means many, and so everything. Any: Django's
    signals."""
    if not settings.SEND_TASKS:
        return
    if ids is None:
        _send(tasks.sweep_all)
    else:
        _send(tasks.sweep_identities, sorted(ids))


def _send(task: Task[Any, None], *arguments: object) -> None:
    """The change is committed already; without a broker the next scheduled sweep judges it."""
    try:
        task.delay(*arguments)
    except OperationalError:
        log.warning("sweep.not_sent", task=task.name)
