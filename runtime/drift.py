"""The first question: of all AI systems, how many are workload, how many are actors, and which crossed over and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.urls import reverse

from inventory import access, tiers
from inventory.models import Identity, Tier, User
from inventory.models.identity import drifted_q
from inventory.tiers import Standing
from runtime.models import ObservedTier
from runtime.observed_tiers import explain_all
from runtime.tier_rule import Line

MONTH = timedelta(days=30)
TREND = timedelta(days=90)
MOST = 50  # crossings that are shown with their reasons

_ACTORS_BY_DAY = """
SELECT d.day::date, count(DISTINCT o.identity_id)
FROM generate_series(%s::date, %s::date, interval '1 day') AS d(day)
LEFT JOIN runtime_observedtier o ON o.tier >= %s AND o.started_at < d.day + interval '1 day'
    AND (o.ended_at IS NULL OR o.ended_at >= d.day + interval '1 day')
    AND o.identity_id IN ({seen})
GROUP BY d.day ORDER BY d.day
"""


@dataclass(frozen=True)
class Census:
    """AI systems by the tier they act in. `declared` counts those of which nothing was seen by what is declared."""

    total: int
    by_tier: dict[int, int]
    unseen: int
    drifted: int
    crossed: int  # came to act above the declared tier in the last 30 days, and still do

    @property
    def tone(self) -> str:
        return "warn" if self.drifted else "good"

    @property
    def workload_url(self) -> str:
        return _listed(f"observed_tier={int(Tier.WORKLOAD)}")

    @property
    def between_url(self) -> str:
        return _listed(f"observed_tier={int(Tier.READER)}&observed_tier={int(Tier.ASSISTANT)}")

    @property
    def actors_url(self) -> str:
        return _listed(f"observed_tier={int(Tier.ACTOR)}&observed_tier={int(Tier.BROKER)}")

    @property
    def drifted_url(self) -> str:
        return _listed("drift=yes")

    @property
    def unseen_url(self) -> str:
        return _listed("drift=unseen")

    @property
    def workload(self) -> int:
        return self.by_tier.get(Tier.WORKLOAD, 0)

    @property
    def between(self) -> int:
        return self.by_tier.get(Tier.READER, 0) + self.by_tier.get(Tier.ASSISTANT, 0)

    @property
    def actors(self) -> int:
        return self.by_tier.get(Tier.ACTOR, 0) + self.by_tier.get(Tier.BROKER, 0)


@dataclass(frozen=True)
class Crossing:
    """An identity that came to act above its declared tier, why, and what it now lacks."""

    row: ObservedTier
    lines: list[Line]
    missing: list[Standing]

    @property
    def untold(self) -> int:
        return sum(one.answer == tiers.UNKNOWN for one in self.missing)

    @property
    def lacks(self) -> int:
        return len(self.missing) - self.untold


def _listed(query: str) -> str:
    """The list of exactly these AI systems."""
    kinds = "&".join(f"kind={kind}" for kind in Identity.AI_KINDS)
    return f"{reverse('inventory:identity-list')}?{query}&live=yes&{kinds}"


def systems(user: User) -> QuerySet[Identity]:
    """The AI systems that the user sees and that still exist."""
    return access.visible_to(user, Identity.objects.live().agents())


def census(user: User, *, crossed_by: datetime) -> Census:
    rows = systems(user).order_by()
    crossing = ObservedTier.objects.crossings(crossed_by - MONTH)
    counted = list(
        rows.values_list("observed_tier").annotate(
            number=Count("pk"),
            drifted=Count("pk", filter=drifted_q()),
            crossed=Count("pk", filter=Q(Exists(crossing.filter(identity=OuterRef("pk"))))),
        )
    )
    by_tier = {tier: number for tier, number, *_ in counted}
    return Census(
        total=sum(by_tier.values()),
        by_tier={key: number for key, number in by_tier.items() if key is not None},
        unseen=by_tier.get(None, 0),
        drifted=sum(drifted for _, _, drifted, _ in counted),
        crossed=sum(crossed for *_, crossed in counted),
    )


def _crossed(user: User, at: datetime) -> QuerySet[ObservedTier]:
    seen = systems(user).order_by().values("pk")
    return ObservedTier.objects.crossings(at - MONTH).filter(identity__in=seen)


def crossings(user: User, at: datetime) -> tuple[list[Crossing], int]:
    """Those of the last 30 days, newest first, and how many there are in all."""
    rows = _crossed(user, at)
    shown = list(rows.select_related("identity__owner").order_by("-started_at", "-pk")[:MOST])
    return explained(shown, at), rows.count()


def drifting(user: User) -> QuerySet[ObservedTier]:
    """Where an identity that the user sees acts above its declared tier now, of whatever kind and for how long."""
    seen = access.visible_to(user, Identity.objects.live()).order_by().values("pk")
    above = ObservedTier.objects.current().filter(tier__gt=F("identity__declared_tier"))
    return above.filter(identity__in=seen)


def explained(rows: Sequence[ObservedTier], at: datetime) -> list[Crossing]:
    """With the reasons and with what is missing, in as many queries for many as for one."""
    said = explain_all(rows)
    asked = {row.identity_id: row.tier for row in rows}
    found = tiers.standings(Identity.objects.all(), at, asked)
    return [
        Crossing(row, said[row.pk], tiers.lacking(found.get(row.identity_id, []))) for row in rows
    ]


def actors_by_day(user: User, at: datetime) -> list[tuple[date, int]]:
    """How many AI systems acted as actors or brokers at the end of each of the last 90 days."""
    sql, values = systems(user).order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            _ACTORS_BY_DAY.format(seen=sql),
            [(at - TREND).date(), at.date(), int(Tier.ACTOR), *values],
        )
        return [(day, int(number)) for day, number in cursor.fetchall()]


def standings_of(identity: Identity, at: datetime) -> Sequence[Standing]:
    """The controls of the tier that it acts in, or that is declared where that is higher."""
    tier = max(
        (tier for tier in (identity.observed_tier, identity.declared_tier) if tier is not None),
        default=None,
    )
    if tier is None:
        return []
    return tiers.standings(Identity.objects.all(), at, {identity.pk: tier}).get(identity.pk, [])
