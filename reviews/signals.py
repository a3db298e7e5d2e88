"""What this floor does when the inventory says that identities changed."""

from typing import Any

import structlog
from celery import Task
from django.conf import settings
from django.dispatch import receiver
from django.utils import timezone
from kombu.exceptions import OperationalError

from inventory.signals import identities_changed, tasks_ended
from reviews import drift_alerts, request_life, tasks
from runtime.signals import tiers_risen

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


@receiver(tasks_ended, dispatch_uid="reviews.cancel_requests")
def cancel_requests(sender: object, ids: frozenset[int], **rest: Any) -> None:
    """What was asked for a task that is over is needed no more. Any: Django's signals."""
    request_life.tasks_ended(ids, timezone.now())


@receiver(tiers_risen, dispatch_uid="reviews.alert_drift")
def alert_drift(sender: object, ids: frozenset[int], **rest: Any) -> None:
    """Whoever answers for an identity that now acts above its declared tier is told. Any: Django's signals."""
    drift_alerts.tell(ids, timezone.now())


def _send(task: Task[Any, None], *arguments: object) -> None:
    """The change is committed already; without a broker the next scheduled sweep judges it."""
    try:
        task.delay(*arguments)
    except OperationalError:
        log.warning("sweep.not_sent", task=task.name)
