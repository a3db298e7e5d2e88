"""Jobs of the inventory, and how often each runs."""

from celery import shared_task
from django.utils import timezone

from inventory import (
    endings,
    estate_graph,
    fact_changes,
    kill_switch,
    ownership,
    task_life,
    uploads,
)
from inventory.models import ImportRun

# Name, task and seconds between two runs; written to the scheduler when the product is prepared.
SCHEDULE: dict[str, tuple[str, int]] = {
    "end what is over": ("inventory.tasks.end_what_is_over", 60),
    "verify stops": ("inventory.tasks.verify_stops", 60),
    "refresh chains": ("inventory.tasks.refresh_chains", 900),
    "forget fact changes": ("inventory.tasks.forget_fact_changes", 300),
    "tidy uploads": ("inventory.tasks.tidy_uploads", 3_600),
}


@shared_task
def read_upload(run_id: int, *, write: bool) -> None:
    """Reads uploaded files as a preview, or applies them."""
    run = ImportRun.objects.select_related("source").filter(pk=run_id).first()
    if run is not None:
        uploads.perform(run, at=timezone.now(), write=write)


@shared_task
def tidy_uploads() -> None:
    """Throws away what nobody applied within a day."""
    uploads.tidy(timezone.now())


@shared_task
def end_what_is_over() -> None:
    """Writes down what time has ended: tasks, and access that hangs on what is gone."""
    at = timezone.now()
    task_life.end_over(at)
    endings.settle(at)
    ownership.succeed(at)


@shared_task
def verify_stops() -> None:
    """Asks again for stops whose end nobody has seen, such as after a crash in between."""
    kill_switch.verify_all()


@shared_task
def refresh_chains() -> None:
    """Computes anew what the delegations of the whole estate mean."""
    estate_graph.refresh(timezone.now())


@shared_task
def forget_fact_changes() -> None:
    """Clears away the notes of changed facts that every process has seen."""
    fact_changes.forget(timezone.now())
