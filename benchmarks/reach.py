"""Effective access and blast radius of one identity, of a sample and of the worst hubs, beside a bare walk in SQL."""

import random
from collections.abc import Callable

from django.db import connection
from django.utils import timezone

from benchmarks.timing import Times, once
from inventory.access_graph import LONGEST
from inventory.blast import blast_radius
from inventory.effective import access_of, who_acts_as
from inventory.models import Delegation, Identity

SAMPLE, HUBS = 980, 20  # the hubs are the worst of 100,000, and one in fifty of those asked

# The same delegations and number of hops, without scopes, passing on, paths or grants.
_BARE = """
WITH RECURSIVE edge(actor, subject) AS NOT MATERIALIZED ({edges}), reached(id, hops) AS (
    SELECT %s::bigint, 0
    UNION
    SELECT edge.subject, reached.hops + 1 FROM reached JOIN edge ON edge.actor = reached.id
    WHERE reached.hops < %s
)
SELECT count(DISTINCT id) FROM reached
"""


def of_one(seed: int = 3) -> dict[str, dict[str, float]]:
    """Milliseconds for each question: median, 99th percentile and worst over the identities asked about."""
    keys, at = _asked(seed), timezone.now()
    edges, values = (
        Delegation.objects.effective(at)
        .filter(delegator_identity__isnull=False)
        .order_by()
        .values("delegate_id", "delegator_identity_id")
        .query.sql_with_params()
    )

    def bare(key: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_BARE.format(edges=edges), [*values, key, LONGEST])
            cursor.fetchone()

    questions: dict[str, Callable[[int], object]] = {
        "effective access": lambda key: access_of(key, at),
        "blast radius": lambda key: blast_radius(key, at),
        "who can act as it": lambda key: who_acts_as(key, at),
        "bare walk in SQL": bare,
    }
    return {name: _summed(ask, keys) for name, ask in questions.items()}


def _asked(seed: int) -> list[int]:
    """A sample, and those that can act as most and through whom most can act."""
    drawn = random.Random(seed)
    keys = list(Identity.objects.order_by("pk").values_list("pk", flat=True))
    return [*drawn.sample(keys, SAMPLE), *_busiest()]


def _busiest() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT delegate_id FROM inventory_delegation GROUP BY 1 ORDER BY count(*) DESC LIMIT %s",
            [HUBS],
        )
        return [row[0] for row in cursor.fetchall()]


def _summed(ask: Callable[[int], object], keys: list[int]) -> dict[str, float]:
    for key in keys[:5]:
        ask(key)
    times = sorted(once(lambda key=key: ask(key)) for key in keys)  # type: ignore[misc]
    return {
        "median": Times(tuple(times)).median,
        "p99": times[int(len(times) * 0.99) - 1],
        "worst": times[-1],
    }
