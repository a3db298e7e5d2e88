"""The demo's assistant that crossed over: its calls say so, and when it began."""

from datetime import timedelta

import pytest
from django.utils import timezone

from mandate.demo import activity, worlds
from mandate.demo.day import Day
from mandate.demo.events import Scene
from runtime.models import ObservedTier
from tests.factories import a_user

pytestmark = pytest.mark.django_db


def test_the_sales_desk_helper_crossed_over_this_month() -> None:
    at = timezone.now()
    agent = worlds.assistant_became_actor(at).identities[activity.CROSSED]
    users = {name: a_user(username=name) for name in ("priya.raman", activity.PLATFORM)}

    activity.tell(Scene(Day(at, 0), users))

    agent.refresh_from_db()
    assert agent.has_drifted
    now = ObservedTier.objects.crossings(at - timedelta(days=30)).get(identity=agent)
    assert at - timedelta(days=7) <= now.started_at < at
    assert ObservedTier.objects.filter(identity=agent).count() > 1, "it was something else before"
