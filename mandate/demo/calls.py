"""What the demo's agents did in the last thirty days, reported by the agent platform through the rule of ingest."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from inventory.models import Delegation, Identity, Task, Tool, ToolBinding
from mandate.demo.content import address, document
from mandate.demo.day import spread
from mandate.demo.events import Scene
from mandate.demo.users import PLATFORM
from runtime import call_rows, ingest
from runtime.models import Decision, Log, SealMark
from runtime.told import AGENT, TOOL, Told

DAYS = 30
# Behind a gateway that asks before each call; it reports only what was permitted.
_GATED = ("sql-analyst", "tariff-lookup", "where-is-my-container")
_STRANGERS = ("weekend-scraper", "tender-bot-2")
_ARGUMENTS = {"reference": "NM-48213", "lane": "Bergen to Lyon"}
_ERRORS = ("TimeoutError: no answer within 30 s", "ConflictError: it was changed meanwhile")


class _Telling:
    """Who holds which tools and who asks whom, read once."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        live = scene.at - timedelta(days=DAYS)
        rows = Identity.objects.live().agents().filter(lifecycle="active", last_active_at__gte=live)
        known = {row.pk: row for row in rows.order_by("name")}
        self.agents = {pk: row for pk, row in known.items() if row.name not in _GATED}
        self.gated = {pk: row for pk, row in known.items() if row.name in _GATED}
        self.tools: dict[int, list[Tool]] = defaultdict(list)
        held = ToolBinding.objects.filter(identity__in=known, gone_at=None)
        for binding in held.select_related("tool").order_by("tool__name"):
            if binding.tool not in self.tools[binding.identity_id]:
                self.tools[binding.identity_id].append(binding.tool)
        asked = Delegation.objects.filter(
            how="orchestrate", delegator_identity__in=self.agents, delegate__in=self.agents
        )
        self.asks: dict[int, list[int]] = defaultdict(list)
        for giver, taker in asked.order_by("pk").values_list("delegator_identity", "delegate"):
            self.asks[giver or 0].append(taker)
        self.people = document("agents")["people"]


def report(scene: Scene) -> None:
    """A report for each day, oldest first; then what was told of the tasks, and of two agents that nobody knows."""
    telling, reporter = _Telling(scene), scene.users[PLATFORM]
    for ago in range(DAYS, -1, -1):
        at = scene.at - timedelta(days=ago)
        told = [*_day(telling, at, ago), *_gated(telling, at, ago), *_strangers(at, ago)]
        if ago == 0:
            told += _of_tasks(telling)
        ingest.take(
            [one for one in told if _moment(one) <= scene.at],
            reporter=reporter, token=None, at=at,
        )  # fmt: skip
    # The job that seals stood still over the weekend; somebody has compared the changes since.
    SealMark.objects.filter(log=Log.CALLS).update(taken_at=scene.at - timedelta(days=3))
    SealMark.objects.filter(log=Log.DECISIONS).update(taken_at=scene.at, verified_at=None)
    SealMark.objects.filter(log=Log.CHANGES).update(
        taken_at=scene.at, verified_at=scene.at - timedelta(days=2)
    )


def _day(telling: _Telling, at: datetime, ago: int) -> Iterator[Told]:
    for pk, agent in telling.agents.items():
        for number in range(spread(f"runs {agent.name} {ago}", 0, 2)):
            key = f"{agent.name} {ago} {number}"
            minutes = spread(f"minute {key}", 10, 1_300)
            yield from _run(telling, pk, key, at - timedelta(minutes=minutes), "")


def _run(telling: _Telling, pk: int, key: str, begin: datetime, parent: str) -> Iterator[Told]:
    """An agent is asked, calls some of its tools, and may ask an agent below it once."""
    agent, trace = telling.agents[pk], _hex(key.split("/")[0], 32)
    span, person = _hex(f"run {key}", 16), "" if parent else _person(telling, agent.name, key)
    yield Told(
        AGENT, trace, span, parent, _ns(begin), _ns(begin + timedelta(seconds=40)), "ok",
        tool_name=agent.name, agent_name=agent.name, is_agent=True, service_name="agent-platform",
        conversation=f"conv-{trace[:8]}", on_behalf_of=person,
    )  # fmt: skip
    tools = telling.tools.get(pk, [])
    for number in range(min(len(tools), spread(f"calls {key}", 1, 3))):
        tool = tools[spread(f"tool {key} {number}", 0, len(tools) - 1)]
        yield _call(
            f"{key} {number}", tool, agent, (trace, span), begin + timedelta(seconds=number + 1)
        )
    below = telling.asks.get(pk, [])
    if below and not parent:
        taker = below[spread(f"taker {key}", 0, len(below) - 1)]
        yield from _run(telling, taker, f"{key}/below", begin + timedelta(seconds=9), span)


def _call(
    key: str, tool: Tool, agent: Identity, within: tuple[str, str], at: datetime, task: str = ""
) -> Told:
    """`within` is the trace and the span above."""
    trace, parent = within
    chance = spread(f"outcome {key}", 1, 100)
    outcome, error = "ok", ""
    if chance > 98:
        outcome, error = "denied", "PermissionDenied: no grant covers it"
    elif chance > 95:
        outcome, error = "error", _ERRORS[chance % 2]
    lasts = timedelta(milliseconds=spread(f"lasts {key}", 40, 2_600))
    told = Told(
        TOOL, trace, _hex(f"call {key}", 16), parent, _ns(at), _ns(at + lasts), outcome, error=error,
        tool_name=tool.name, agent_name=agent.name, provider=tool.provider, writes=tool.writes,
        service_name="agent-platform", task=task, result="done" if outcome == "ok" else None,
        conversation=f"conv-{trace[:8]}",
    )  # fmt: skip
    if agent.name != "code-reviewer":  # its library sends no arguments
        told.arguments = {**_ARGUMENTS, "number": spread(f"argument {key}", 1, 500)}
    return told


def _gated(telling: _Telling, at: datetime, ago: int) -> Iterator[Told]:
    """A call after each question of the last day that a policy permitted, naming the decision."""
    permitted = Decision.objects.between(at - timedelta(days=1), at).filter(
        identity__in=telling.gated, permitted=True
    )
    rows = permitted.exclude(policies=[]).select_related("on_behalf_of").order_by("id")
    for number, decision in enumerate(rows):
        agent = telling.gated[decision.identity_id or 0]
        key, tools = f"gated {agent.name} {ago} {number}", telling.tools.get(agent.pk, [])
        if not tools:
            continue
        tool = tools[spread(key, 0, len(tools) - 1)]
        told = _call(key, tool, agent, (_hex(key, 32), ""), decision.made_at + timedelta(seconds=1))
        if told.outcome == "denied":
            told.outcome, told.error = "ok", ""
        told.decision_id = str(decision.pk)
        told.on_behalf_of = decision.on_behalf_of.email if decision.on_behalf_of else ""
        yield told


def _of_tasks(telling: _Telling) -> Iterator[Told]:
    """Two or three calls within each task."""
    tasks = Task.objects.filter(identity__in=telling.agents).select_related("on_behalf_of")
    for task in tasks.order_by("pk"):
        agent = telling.agents[task.identity_id]
        key, tools = f"task {agent.name} {task.purpose}", telling.tools.get(agent.pk, [])
        for number in range(spread(key, 2, 3) if tools else 0):
            tool = tools[spread(f"{key} {number}", 0, len(tools) - 1)]
            at = task.opened_at + timedelta(minutes=3 * number + 2)
            told = _call(f"{key} {number}", tool, agent, (_hex(key, 32), ""), at, str(task.pk))
            told.on_behalf_of = task.on_behalf_of.email if task.on_behalf_of else ""
            yield told


def _strangers(at: datetime, ago: int) -> Iterator[Told]:
    for name in _STRANGERS:
        if ago % 7 == len(name) % 7:
            key = f"{name} {ago}"
            begin = at - timedelta(minutes=spread(key, 10, 900))
            yield Told(
                TOOL, _hex(key, 32), _hex(f"call {key}", 16), "", _ns(begin), None, "ok",
                tool_name="open_page", agent_name=name, service_name=name, provider="web-browser",
                arguments={"url": "https://tenders.example.org/"},
            )  # fmt: skip


def _person(telling: _Telling, agent: str, key: str) -> str:
    named = telling.people.get(agent, {}).get("people", [])
    return address(named[spread(f"person {key}", 0, len(named) - 1)]) if named else ""


def _hex(text: str, digits: int) -> str:
    return hashlib.sha256(f"demo {text}".encode()).hexdigest()[:digits]


def _ns(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1_000


def _moment(told: Told) -> datetime:
    return call_rows.moment(told.started_ns)
