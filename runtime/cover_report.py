"""How much of what is called is covered by an explicit rule, what is not, and what was granted and never called."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import F, Max, QuerySet, Sum

from inventory.models import Entitlement, Grant, Identity, ToolBinding
from inventory.templatetags.charts import Part
from runtime.covering import COVERS_SQL
from runtime.models import CallTally

WINDOW = timedelta(days=30)
SHOWN = 50
_CALLED = f"""
SELECT g.id FROM inventory_grant g
JOIN inventory_entitlement e ON e.id = g.entitlement_id
JOIN inventory_system s ON s.id = e.system_id
LEFT JOIN inventory_resource r ON r.id = e.resource_id
WHERE g.id = ANY(%s::bigint[]) AND EXISTS (
    SELECT FROM (SELECT DISTINCT provider, tool_name, system, '' AS resource FROM runtime_calltally
        WHERE identity_id = %s AND day >= %s) asked
    WHERE {COVERS_SQL})
"""


@dataclass(frozen=True)
class Share:
    """Calls, and how many of them an explicit rule covers."""

    calls: int
    covered: int

    @property
    def uncovered(self) -> int:
        return self.calls - self.covered

    @property
    def percent(self) -> str:
        """Rounded down, so that 100 % means all of them."""
        if not self.calls:
            return "–"
        tenths = self.covered * 1000 // self.calls
        return "100 %" if tenths == 1000 else f"{tenths / 10:.1f} %"

    @property
    def parts(self) -> list[Part]:
        return [
            Part("Covered by a rule", self.covered, "good"),
            Part("By no rule", self.uncovered, "bad"),
        ]


def recent(rows: QuerySet[CallTally], at: datetime) -> QuerySet[CallTally]:
    return rows.filter(day__gt=(at - WINDOW).date())


def share(rows: QuerySet[CallTally]) -> Share:
    sums = rows.aggregate(calls=Sum("calls"), covered=Sum("covered"))
    return Share(sums["calls"] or 0, sums["covered"] or 0)


def by_identity(rows: QuerySet[CallTally]) -> list[dict[str, Any]]:
    """The identities with the most uncovered calls first. Any: names and numbers."""
    found = (
        rows.order_by()
        .values("identity", "identity__name", "agent_name")
        .annotate(
            all_calls=Sum("calls"), by_rule=Sum("covered"), bare=Sum(F("calls") - F("covered"))
        )
        .order_by("-bare", "identity__name", "agent_name")[:SHOWN]
    )
    return [{**row, "share": Share(row["all_calls"], row["by_rule"])} for row in found]


def uncovered(rows: QuerySet[CallTally]) -> list[dict[str, Any]]:
    """What is called without a rule, by tool and system: the most first. Any: names and numbers."""
    found = (
        rows.filter(covered__lt=F("calls"))
        .order_by()
        .values("provider", "tool_name", "system")
        .annotate(
            bare=Sum(F("calls") - F("covered")),
            changing=Sum("writes"),
            last=Max("last_at"),
        )
        .order_by("-bare", "tool_name")[:SHOWN]
    )
    return [dict(row) for row in found]


def never_called(identity: Identity, at: datetime) -> tuple[list[Grant], list[ToolBinding]]:
    """Grants in force that cover nothing it called in 30 days and that no source saw in use, and tools that it was
    given and did not call: what could go."""
    since = at - WINDOW
    held = Grant.objects.effective(at).filter(
        identity=identity, entitlement__effect=Entitlement.Effect.ALLOW, idle_limit=None
    )
    quiet = held.exclude(last_used_at__gte=since).exclude(starts_at__gte=since)
    grants = list(quiet.select_related("entitlement__system").order_by("pk")[:SHOWN])
    with connection.cursor() as cursor:
        cursor.execute(_CALLED, [[grant.pk for grant in grants], identity.pk, since.date()])
        called = {row[0] for row in cursor.fetchall()}
    names = set(
        CallTally.objects.filter(identity=identity, day__gte=since.date()).values_list(
            "tool_name", flat=True
        )
    )
    bindings = ToolBinding.objects.filter(
        identity=identity, origin=ToolBinding.Origin.DECLARED, gone_at=None, ended_at=None
    )
    unused = bindings.exclude(tool__name__in=names).select_related("tool")
    return [grant for grant in grants if grant.pk not in called], list(unused[:SHOWN])
