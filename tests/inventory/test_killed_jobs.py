"""The job that ends access is killed in the middle (kill -9): what it had not written is written by the next, once."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db.models import Count
from django.utils import timezone

from inventory import task_life
from inventory.models import Change, Grant, Task
from tests.factories import a_person, an_entitlement, an_identity

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
TASKS = 4_000
SCRIPT = """
import django
django.setup()
from django.utils import timezone
from inventory import task_life
task_life.end_over(timezone.now())
"""


def started() -> subprocess.Popen[bytes]:
    database = settings.DATABASES["default"]
    url = (
        f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}"
        f"/{database['NAME']}"
    )
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        cwd=Path(__file__).resolve().parents[2],
        env=os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "mandate.settings"},
    )


def silent_tasks() -> None:
    """Each fell silent a minute ago and holds a grant that would go on for a day."""
    now = timezone.now()
    agent, can = an_identity(owner=a_person()), an_entitlement()
    tasks = Task.objects.bulk_create(
        Task(
            identity=agent, purpose="x", opened_at=now - timedelta(hours=1),
            deadline=now + timedelta(days=1), heartbeat_every=timedelta(minutes=5),
            silent_at=now - timedelta(minutes=1),
        )
        for _ in range(TASKS)
    )  # fmt: skip
    Grant.objects.bulk_create(
        Grant(
            source=agent.source, namespace="n", external_id=f"g{task.pk}", identity=agent,
            entitlement=can, task=task, just_in_time=True, starts_at=now - timedelta(hours=1),
            expires_at=now + timedelta(days=1), first_seen_at=now,
        )
        for task in tasks
    )  # fmt: skip


def test_a_killed_job_loses_nothing_and_doubles_nothing() -> None:
    silent_tasks()
    process = started()
    until = time.monotonic() + 60
    while not Task.objects.exclude(status="open").exists() and time.monotonic() < until:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    between = Task.objects.filter(status="open").count()

    task_life.end_over(timezone.now())

    assert 0 < between < TASKS  # it was killed in the middle
    assert not Task.objects.filter(status="open").exists()
    assert Grant.objects.filter(revoked_at__isnull=False, end_cause="task").count() == TASKS
    twice = (
        Change.objects.filter(noun="inventory_grant", operation="update")
        .values("row_id")
        .annotate(number=Count("pk"))
        .filter(number__gt=1)
    )
    assert not twice.exists()
