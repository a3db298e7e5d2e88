"""Jobs of this floor, and how often each runs."""

from typing import Any

from celery import Task, shared_task
from django.utils import timezone

from inventory.models import Heartbeat
from reviews import campaign_closing, outbox, reminders, request_life, sweep
from reviews.models import SweepRun

BY = "job sweep"
# Name, task and seconds between two runs; written to the scheduler when the product is prepared.
SCHEDULE: dict[str, tuple[str, int]] = {
    "sweep everything": ("reviews.tasks.sweep_all", 3_600),
    "requests that wait": ("reviews.tasks.look_after_requests", 60),
    "e-mails": ("reviews.tasks.deliver_mail", 15),
    "webhooks": ("reviews.tasks.deliver_webhooks", 15),
    "reminders": ("reviews.tasks.remind", 900),
    "tidy notifications": ("reviews.tasks.tidy_notifications", 86_400),
    "access reviews": ("reviews.tasks.look_after_campaigns", 300),
    "worker heartbeat": ("reviews.tasks.beat_heartbeat", 30),
}


@shared_task
def sweep_all() -> None:
    """Runs every check. When another sweep is at work it has the same result, so that is no
    error."""
    try:
        sweep.run(timezone.now(), by=BY)
    except sweep.SweepRunning:
        return


@shared_task(bind=True, max_retries=120)
def sweep_asked(task: Task[Any, None], run_id: int) -> None:
    """Runs the full sweep that somebody asked for; while another one is at work, it waits for it."""
    asked = SweepRun.objects.filter(pk=run_id).exclude(status__in=SweepRun.OVER).first()
    try:
        if asked:
            sweep.run(timezone.now(), by=asked.author, asked=asked)
    except sweep.SweepRunning as running:
        raise task.retry(countdown=5, exc=running) from None


@shared_task
def sweep_identities(ids: list[int]) -> None:
    """Judges identities that just changed."""
    sweep.run(timezone.now(), by=BY, identities=ids)


@shared_task
def beat_heartbeat() -> None:
    """A sign that a worker lives and takes work."""
    Heartbeat.objects.update_or_create(name="worker", defaults={"beat_at": timezone.now()})


@shared_task
def look_after_requests() -> None:
    """Escalates and closes requests that nobody answered."""
    request_life.look_after(timezone.now())


@shared_task
def deliver_mail() -> None:
    """Sends the e-mails that are due."""
    outbox.deliver_mail(timezone.now())


@shared_task
def deliver_webhooks() -> None:
    """Tells platforms what they listen to."""
    outbox.deliver_webhooks(timezone.now())


@shared_task
def remind() -> None:
    """Reminds people of access that ends, and of questions that wait."""
    reminders.remind(timezone.now())


@shared_task
def tidy_notifications() -> None:
    """Forgets what was told long ago."""
    outbox.tidy(timezone.now())


@shared_task
def look_after_campaigns() -> None:
    """Reminds reviewers, acts on what nobody decided, closes and repeats access reviews."""
    campaign_closing.look_after(timezone.now())
