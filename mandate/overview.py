"""What the Overview says: numbers that are exactly what their lists show, and what is worst."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count as CountOf
from django.db.models import Max, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.http import HttpRequest, QueryDict
from django.urls import reverse

from frameworks.models import Control, Framework
from frameworks.standing import Tally, standings, tally
from inventory import access
from inventory.counts import counted_together
from inventory.filters import (
    CredentialFilter,
    Filters,
    GrantFilter,
    IdentityFilter,
)
from inventory.keyset import Count
from inventory.models import Credential, Grant, Identity, Person, Severity, Source, User
from inventory.templatetags.charts import Part
from reviews import findings
from reviews.checks import CHECKS
from reviews.filters import FindingFilter
from reviews.models import CheckRun, SweepRun
from runtime import drift

TREND = timedelta(days=30)
MOST = 1_000  # to count further would cost more than the page says
SHOWN = 8


# key, label, filter of the list, its query, and the tone of a number above zero
Asked = tuple[str, str, type[Filters], str, str]


@dataclass(frozen=True)
class Tile:
    label: str
    value: Count
    url: str
    tone: str
    note: str = ""


@dataclass(frozen=True)
class Failing:
    """A check with open findings, and the list of them."""

    title: str
    url: str
    severity: int
    count: Count


_LISTS: dict[type[Filters], str] = {
    IdentityFilter: "inventory:identity-list",
    CredentialFilter: "inventory:credential-list",
    GrantFilter: "inventory:grant-list",
    FindingFilter: "reviews:finding-list",
}
_AGENT_KINDS = "&".join(f"kind={kind}" for kind in Identity.AI_KINDS)
_ALL: tuple[Asked, ...] = (
    ("identities", "Identities", IdentityFilter, "gone=no", ""),
    ("orphaned", "Orphaned identities", IdentityFilter, "ownership=orphaned", "bad"),
    ("urgent", "Open, high or critical", FindingFilter, "state=open&severity=4&severity=3", "bad"),
    ("standing", "Standing grants of high risk", GrantFilter, "state=standing&risk=high&risk=critical", "warn"),
    ("unused", "Grants unused for 90 days", GrantFilter, "state=unused", "warn"),
    ("endless", "Credentials that never expire", CredentialFilter, "state=endless", "warn"),
)  # fmt: skip
_MINE: tuple[Asked, ...] = (
    ("identities", "Your identities", IdentityFilter, "ownership=mine&gone=no", ""),
    ("urgent", "Open, high or critical", FindingFilter, "state=open&severity=4&severity=3", "bad"),
    ("expiring", "Grants that end in 14 days", GrantFilter, "state=expiring", "warn"),
    ("unused", "Grants unused for 90 days", GrantFilter, "state=unused", "warn"),
    ("keys", "Credentials that end in 14 days", CredentialFilter, "state=expiring", "warn"),
)
_AGENTS: Asked = ("agents", "", IdentityFilter, f"gone=no&{_AGENT_KINDS}", "")
_SEVERITIES: tuple[Asked, ...] = tuple(
    (f"severity-{level}", "", FindingFilter, f"state=open&severity={level}", "")
    for level in Severity.values
)
_CHECKS: tuple[Asked, ...] = tuple(
    (f"check-{check_id}", "", FindingFilter, f"state=open&check={check_id}", "")
    for check_id in CHECKS
)
_SEVERITY_TONES = {
    Severity.CRITICAL: "bad",
    Severity.HIGH: "warn",
    Severity.MEDIUM: "info",
    Severity.LOW: "plain",
}


def numbers(request: HttpRequest, user: User) -> dict[str, Count]:
    """Every number of the page in one query, each through the filter of its list."""
    asked = [*_asked(user), _AGENTS, *_SEVERITIES, *_CHECKS]
    rows: dict[type[Filters], QuerySet[Any]] = {  # Any: of each noun
        IdentityFilter: access.visible_to(user, Identity.objects.all()),
        CredentialFilter: access.visible_to(user, Credential.objects.all()),
        GrantFilter: access.visible_to(user, Grant.objects.all()),
        FindingFilter: findings.visible_to(user),
    }
    return counted_together(
        {
            key: filters(QueryDict(query), rows[filters], request=request).qs
            for key, _, filters, query, _ in asked
        },
        cap=MOST,
    )


def tiles(user: User, found: dict[str, Count]) -> list[Tile]:
    agents = found["agents"]
    return [
        Tile(
            label,
            found[key],
            f"{reverse(_LISTS[filters])}?{query}",
            tone if found[key].number else "good" if tone == "bad" else "",
            f"{agents} {'is an AI agent' if agents.number == 1 else 'are AI agents'}"
            if key == "identities"
            else "",
        )
        for key, label, filters, query, tone in _asked(user)
    ]


def severity_parts(found: dict[str, Count]) -> list[Part]:
    """Open findings by severity, worst first, for a bar."""
    return [
        Part(level.label, found[f"severity-{level.value}"].number, _SEVERITY_TONES[level])
        for level in reversed(Severity)
    ]


def failing(found: dict[str, Count]) -> list[Failing]:
    """The checks with open findings: the most severe first, then those with the most findings."""
    listed = reverse("reviews:finding-list")
    rows = [
        Failing(
            check.problem,
            f"{listed}?state=open&check={check.id}",
            int(check.severity),
            found[f"check-{check.id}"],
        )
        for check in CHECKS.values()
        if found[f"check-{check.id}"].number
    ]
    return sorted(rows, key=lambda row: (-row.severity, -row.count.number))[:SHOWN]


def trend(at: datetime) -> list[int]:
    """How many subjects failed a check, in the last full sweep of each of the last 30 days."""
    last_of_day = (
        SweepRun.objects.filter(status=SweepRun.Status.DONE, at__gte=at - TREND)
        .exclude(trigger=SweepRun.Trigger.TARGETED)
        .order_by()
        .values(day=TruncDate("at"))
        .annotate(last=Max("pk"))
    )
    by_sweep = (
        CheckRun.objects.filter(sweep__in=last_of_day.values("last"))
        .values("sweep__at")
        .annotate(total=Sum("failed"))
        .order_by("sweep__at")
    )
    return [row["total"] for row in by_sweep]


def leaving() -> Sequence[Person]:
    """Who is about to leave and answers for something, soonest first; `owned_now` says for how many."""
    live = Q(owned__gone_at=None) & ~Q(owned__lifecycle=Identity.Lifecycle.RETIRED)
    return list(
        Person.objects.filter(status=Person.Status.LEAVING, gone_at=None)
        .annotate(owned_now=CountOf("owned", filter=live))
        .filter(owned_now__gt=0)
        .order_by("leaves_at", "name")[:SHOWN]
    )


def stale_sources(at: datetime) -> tuple[list[Source], list[Source]]:
    """All sources, and those among them that no complete import has refreshed in time."""
    everything = list(Source.objects.exclude(kind=Source.MANUAL))
    return everything, [source for source in everything if source.is_stale(at)]


def framework_tallies(at: datetime) -> list[tuple[Framework, Tally]]:
    controls = Control.objects.filter(framework__is_current=True).select_related("framework")
    by_framework = defaultdict(list)
    for one in standings(controls, at=at):
        by_framework[one.control.framework].append(one)
    ordered = sorted(by_framework, key=lambda framework: (framework.name, framework.version))
    return [(framework, tally(by_framework[framework])) for framework in ordered]


def drift_now(user: User, at: datetime) -> dict[str, object]:
    """The first question, as `runtime/_census.html` takes it: how many are workload, actors, and crossed over. Their
    course over time is on the page of drift."""
    return {"census": drift.census(user, crossed_by=at)}


def open_total(found: dict[str, Count]) -> Count:
    each = [found[f"severity-{level}"] for level in Severity.values]
    return Count(sum(one.number for one in each), capped=any(one.capped for one in each))


def _asked(user: User) -> tuple[Asked, ...]:
    """What an auditor of a team sees is no more theirs than what another auditor sees."""
    return _ALL if access.reads_evidence(user) else _MINE
