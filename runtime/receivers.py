"""What this floor does when the inventory says that identities changed or tasks ended: tokens that rested on it end."""

from typing import Any

import structlog
from celery import Task
from django.conf import settings
from django.dispatch import receiver
from kombu.exceptions import OperationalError

from inventory.signals import identities_changed, tasks_ended
from runtime import tasks

log = structlog.get_logger(__name__)


@receiver(identities_changed, dispatch_uid="runtime.end_tokens_of_changed")
def end_tokens_of_changed(sender: object, ids: frozenset[int] | None, **rest: Any) -> None:
    """`None` means many: the next scheduled run looks at every token. Any: Django's signals."""
    if ids is not None:
        _send(tasks.end_tokens_of_identities, sorted(ids))


@receiver(tasks_ended, dispatch_uid="runtime.end_tokens_of_tasks")
def end_tokens_of_tasks(sender: object, ids: frozenset[int], **rest: Any) -> None:
    """Any: Django's signals."""
    _send(tasks.end_tokens_of_tasks, sorted(ids))


def _send(task: Task[Any, None], ids: list[int]) -> None:
    """The tokens are refused already; without a broker the next scheduled run writes it down and tells of it."""
    if not settings.SEND_TASKS:
        return
    try:
        task.delay(ids)
    except OperationalError:
        log.warning("tokens.not_sent", task=task.name)
