"""What the calls of the demo come to: one assistant that crossed over to an actor, tiers over time, deviations."""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import F, Value
from django.db.models.functions import Least

from inventory import audit
from inventory.models import Identity
from mandate.demo.content import address
from mandate.demo.day import spread
from mandate.demo.events import Scene
from mandate.demo.users import PLATFORM
from runtime import deviations, ingest, observed_tiers, tallies
from runtime.models import Deviation
from runtime.told import TOOL, Told

CROSSED = "sales-desk-helper"
_OWNER = "Naomi Fields"
_SINCE, _ALONE = 13, 6  # days ago: its first calls, and its first with nobody in the trace
_TOOLS = (
    ("sales-mcp", "change_contract", "CRM", True),
    ("sales-mcp", "give_discount", "Freight Planner", True),
    ("crm-mcp", "get_case", "CRM", False),
)
_STORM = 5  # days ago: a job of its own was refused again and again
_LOOKS = (29, 20, 13, 12, 9, _ALONE, 4, 2, 1, 0)  # days ago on which tiers were judged


def tell(scene: Scene) -> None:
    """Reports the calls of the assistant that crossed over, then counts and judges day by day."""
    told = [*_calls(scene.at), *_storm(scene.at)]
    ingest.take(told, reporter=scene.users[PLATFORM], token=None, at=scene.at)
    tallies.count_days((scene.at - timedelta(days=30)).date(), scene.at.date())
    tallies.count_arrived(scene.at)
    for ago in _LOOKS:
        observed_tiers.refresh(scene.at - timedelta(days=ago))
    agents = Identity.objects.agents().values_list("pk", flat=True)
    deviations.find(scene.at, identities=agents, since=scene.at - timedelta(days=20))
    _found_at_once(scene)
    _triage(scene)


def _calls(at: datetime) -> Iterator[Told]:
    """Day by day: at first for its owner, later on its own as well."""
    for ago in range(_SINCE, -1, -1):
        for number in range(spread(f"{CROSSED} {ago}", 3, 7)):
            key = f"{CROSSED} {ago} {number}"
            begin = at - timedelta(days=ago, minutes=spread(f"minute {key}", 5, 900))
            provider, tool, system, writes = _TOOLS[spread(f"tool {key}", 0, len(_TOOLS) - 1)]
            alone = ago <= _ALONE and spread(f"alone {key}", 0, 1)
            yield Told(
                TOOL, _hex(key, 32), _hex(f"call {key}", 16), "", _ns(begin),
                _ns(begin + timedelta(milliseconds=spread(key, 60, 900))), "ok",
                tool_name=tool, agent_name=CROSSED, provider=provider, system=system, writes=writes,
                service_name="agent-platform", on_behalf_of="" if alone else address(_OWNER),
                conversation=f"conv-{_hex(key, 8)}", arguments={"offer": spread(f"offer {key}", 100, 900)},
            )  # fmt: skip


def _storm(at: datetime) -> Iterator[Told]:
    """It tries to change a contract, and does not take no for an answer."""
    begin = at - timedelta(days=_STORM)
    for number in range(12):
        key, moment = f"{CROSSED} storm {number}", begin + timedelta(seconds=9 * number)
        yield Told(
            TOOL, _hex(f"{CROSSED} storm", 32), _hex(f"call {key}", 16), "", _ns(moment), _ns(moment), "denied",
            error="PermissionDenied: the contract is closed", tool_name="change_contract",
            agent_name=CROSSED, provider="sales-mcp", system="CRM", writes=True,
            service_name="agent-platform", arguments={"offer": 404},
        )  # fmt: skip


def _found_at_once(scene: Scene) -> None:
    """The job that looks for deviations runs every few minutes; here it ran once for all days."""
    soon = Least(F("happened_at") + timedelta(minutes=10), Value(scene.at))
    with audit.acting(deviations.BY, "deviation.found"):
        Deviation.objects.update(found_at=soon)


def _triage(scene: Scene) -> None:
    """Somebody has looked at the older half, and not at the storm of denials."""
    by = scene.users["priya.raman"]
    rows = list(Deviation.objects.exclude(rule=Deviation.Rule.DENIALS).order_by("happened_at"))
    for number, row in enumerate(rows[: len(rows) // 2]):
        outcome = ("expected", "mistake", "expected")[number % 3]
        note = (
            "Asked the team: part of the work."
            if outcome == "expected"
            else "The prompt was mended."
        )
        deviations.triage(row, outcome=outcome, note=note, by=by, at=scene.at)


def _hex(text: str, digits: int) -> str:
    return hashlib.sha256(f"demo activity {text}".encode()).hexdigest()[:digits]


def _ns(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000) * 1_000_000
