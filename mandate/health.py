"""What a load balancer, a container or the supervisor asks: is it up, and may it get requests?"""

from collections.abc import Callable
from functools import cache

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu import Connection
from kombu.exceptions import OperationalError as BrokerError

from inventory.models import Heartbeat

BROKER_TIMEOUT = 2  # seconds


class NotReady(Exception):
    """A sentence on what is missing; shown to anybody, so it names no host and no user."""


@never_cache
@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Nothing else is asked: a lost database is no reason to kill it."""
    return HttpResponse("ok", content_type="text/plain")


@never_cache
@login_not_required
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when pages and jobs can work, else 503 with the reasons."""
    checks: dict[str, Callable[[], None]] = {
        "database": _database,
        "migrations": _migrations,
        "broker": _broker,
    }
    report: dict[str, str] = {}
    for name, check in checks.items():
        try:
            check()
        except NotReady as reason:
            report[name] = str(reason)
            if name == "database":
                break  # the others ask the same database
        else:
            report[name] = "ok"
    ready = all(each == "ok" for each in report.values())
    workers = _heartbeats() if ready else {}
    return JsonResponse(
        {"ready": ready, "checks": report, "seconds_since_heartbeat": workers},
        status=200 if ready else 503,
    )


def _database() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        raise NotReady("The database does not answer. See DATABASE_URL.") from None


@cache  # applied migrations stay applied; a refusal is an exception and is asked again
def _migrations() -> None:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        raise NotReady(f"{len(missing)} migrations are not applied. Run manage.py migrate.")


def _broker() -> None:
    if settings.CELERY_BROKER_URL.startswith("pgmq://"):
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('pgmq.meta') IS NOT NULL")
            if not cursor.fetchone()[0]:
                raise NotReady("The job queue is not installed. Run manage.py migrate.")
        return
    try:
        with Connection(settings.CELERY_BROKER_URL, connect_timeout=BROKER_TIMEOUT) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=BROKER_TIMEOUT)
    except (BrokerError, OSError):
        raise NotReady("The job queue does not answer. See CELERY_BROKER_URL.") from None


def _heartbeats() -> dict[str, float]:
    """Information, not a condition: pages work, and every rule holds, while no worker runs."""
    at = timezone.now()
    rows = Heartbeat.objects.values_list("name", "beat_at")
    return {name: round((at - beat_at).total_seconds(), 1) for name, beat_at in rows}
