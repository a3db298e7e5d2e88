"""What a load balancer learns: up or not, ready or not and why, without signing in."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from inventory.models import Heartbeat
from mandate import health


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    health._migrations.cache_clear()
    yield
    health._migrations.cache_clear()


def test_healthz_asks_nothing_but_the_process(client: Client) -> None:
    response = client.get("/healthz")

    assert (response.status_code, response.content) == (200, b"ok")


@pytest.mark.django_db
def test_readyz_tells_how_long_ago_each_worker_was_heard(client: Client) -> None:
    Heartbeat.objects.update_or_create(
        name="worker", defaults={"beat_at": timezone.now() - timedelta(seconds=40)}
    )

    response = client.get("/readyz")

    assert response.status_code == 200
    answer = response.json()
    assert answer["checks"] == {"database": "ok", "migrations": "ok", "broker": "ok"}
    assert answer["ready"]
    assert answer["seconds_since_heartbeat"]["worker"] == pytest.approx(40, abs=5)


@pytest.mark.django_db
def test_readyz_refuses_while_a_migration_is_missing(client: Client) -> None:
    newest = MigrationExecutor(connection).loader.graph.leaf_nodes("inventory")[0]
    MigrationRecorder(connection).record_unapplied(*newest)

    response = client.get("/readyz")

    assert response.status_code == 503
    assert "manage.py migrate" in response.json()["checks"]["migrations"]


@pytest.mark.django_db
def test_readyz_refuses_while_the_broker_is_away_and_keeps_its_address_to_itself(
    client: Client, settings: Settings
) -> None:
    settings.CELERY_BROKER_URL = "redis://:hidden@127.0.0.1:1/0"

    response = client.get("/readyz")

    assert response.status_code == 503
    assert (
        response.json()["checks"]["broker"]
        == "The job queue does not answer. See CELERY_BROKER_URL."
    )
    assert b"hidden" not in response.content
    assert b"127.0.0.1" not in response.content


@pytest.mark.django_db
def test_the_health_answers_are_never_cached(client: Client) -> None:
    for path in ("/healthz", "/readyz"):
        assert "no-store" in client.get(path).headers["Cache-Control"]
