"""The last three months of the demo in their order: imports, what people did, and sweeps."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from inventory import audit
from inventory.models import User
from mandate.demo import (
    activity,
    assessments,
    calls,
    events,
    history,
    kept_reports,
    notices,
    policies,
    requests,
    reviews,
    sources,
    stops,
    tokens,
    tool_servers,
    worlds,
)
from mandate.demo.content import table
from mandate.demo.day import Day
from mandate.demo.events import Scene
from mandate.demo.tasks import open_tasks
from mandate.demo.users import ROBOT
from reviews import sweep

Act = Callable[[Scene], object]
_TIDIED = (
    "booking-intake",
    "care-copilot",
    "ci-deployer",
    "edi-gateway",
    "invoice-run",
    "lake-steward",
    "tracking-api",
)
_TIDIED_LATER = (
    "booking-api",
    "case-triage",
    "cash-forecaster",
    "customs-edi",
    "dashboard-reader",
    "help-index-builder",
    "month-end-assistant",
    "pricing-engine",
    "refund-agent",
    "sanctions-screener",
    "voice-summary",
    "where-is-my-container",
)
_DRILLED_FIRST = ("alert-triage", "customs-clerk", "invoice-matcher")
_DRILLED_LATER = (
    "care-supervisor",
    "freight-desk-orchestrator",
    "refund-agent",
    "release-captain",
)
_PASTED = "Pasted into a ticket that the supplier can read"
_PUBLIC = "Found by a scanner in a public repository"
_STRANGE_HOST = "It called a host that nobody knows"
SWEEPS = (90, 60, 29, 22, 15, 9, 4, 1, 0)


@dataclass(frozen=True)
class Step:
    """What happens so many days before now. Of one day's steps the first listed is the first."""

    ago: float
    act: Act


def _enter(scene: Scene, world: Callable[[datetime], worlds.World]) -> None:
    with audit.acting(scene.users["priya.raman"], "identity.entered", "Found by asking around"):
        world(scene.at)


ACTS = (
    Step(91.9, events.describe_systems),
    Step(91.5, events.approve_tools),
    Step(89, events.adopt_workloads),
    Step(85, partial(events.assign, identity="agents/memory-store", person="Viktor Hansen")),
    Step(80, events.rate_jobs),
    Step(71, events.revoke_forgotten_keys),
    Step(61, tool_servers.approve_listed),
    Step(60, partial(events.hand_over, name="Julia Wisniewska")),
    Step(57, partial(events.retire, name="old-booking-bot")),
    Step(54, partial(stops.stop, name="churn-signal", reason="Its owner has left; wanted?")),
    Step(51.5, partial(events.revoke_unused_grants, names=_TIDIED)),
    Step(50.5, partial(stops.prove, names=("ci-deployer", "invoice-run"))),
    Step(34, partial(stops.flag_key, name="lake-steward", reason=_PASTED, proved=True)),
    Step(33, partial(stops.drill, names=_DRILLED_FIRST)),
    Step(32.9, partial(stops.drill, names=("booking-intake",), by="owner")),
    Step(20, partial(stops.stop, name="carrier-negotiator", reason="Offered prices below cost")),
    Step(19.6, partial(stops.lift, name="carrier-negotiator", reason="Price floor added")),
    Step(12, partial(stops.drill, names=_DRILLED_LATER)),
    Step(3.2, partial(stops.flag_and_stop, name="driver-notifier", reason=_STRANGE_HOST)),
    Step(1.4, partial(stops.flag_key, name="ci-deployer", reason=_PUBLIC, proved=False)),
    Step(0.005, partial(stops.revoke_just_now, name="route-replanner")),
    Step(45, events.relax_low_risk),
    Step(40, partial(_enter, world=worlds.shared_key)),
    Step(31, events.see_tools_change),
    Step(28.5, events.describe_systems),
    Step(25, partial(_enter, world=worlds.departed_owner)),
    Step(22, partial(_enter, world=worlds.retired_but_alive)),
    Step(19, partial(_enter, world=worlds.unreviewed_vendor_app)),
    Step(14, partial(_enter, world=worlds.assistant_became_actor)),
    Step(3, partial(events.close, name="Penetration test 2")),
    Step(2, partial(events.revoke_unused_grants, names=_TIDIED_LATER)),
    Step(0.06, events.narrow_own_grants),
    Step(8.5, events.observe_tools),
    Step(8, partial(_enter, world=worlds.widening_chain)),
    Step(5, partial(stops.stop, name="port-watch", reason="Did what a web page told it")),
    Step(0.05, events.describe_systems),
    Step(0.05, events.name_kinds),
    Step(0.04, partial(_enter, world=worlds.finished_task)),
    Step(0.04, open_tasks),
    Step(0.0001, requests.ask_and_answer),
    Step(44, reviews.close_one_too_quickly),
    Step(14, reviews.leave_one_lying),
    Step(6, reviews.begin_one),
    Step(30, notices.add_webhooks),
    Step(21, tokens.trust_and_tell),
    Step(0.00001, tokens.issue),
    Step(0.00005, notices.settle),
    Step(30, policies.begin),
    Step(14, policies.enforce),
    *(
        Step(ago, policies.ask)
        for ago in (24.4, 16.3, 9.6, 6.4, 5.2, 4.3, 3.1, 2.2, 1.3, 0.6, 0.035)
    ),
    Step(0.02, policies.propose),
    Step(0.00004, calls.report),
    Step(0.00003, activity.tell),
)
# After the sweep of the same moment.
ASSESSED = (
    Step(59.9, assessments.plan_monthly),
    Step(29.9, assessments.attest),
    Step(28.95, assessments.assess_again),
    Step(2.5, assessments.ask_for_evidence),
    Step(0, assessments.assess_now),
    Step(0, kept_reports.make_some),
)


def tell(now: datetime, users: dict[str, User]) -> None:
    """Plays everything, from the oldest day to now."""
    robot = users[ROBOT]
    steps = [*_imports(robot), *ACTS, *_decisions(), *_sweeps(robot), *ASSESSED]
    past = history.Past()
    for step in sorted(steps, key=lambda step: -step.ago):
        scene = Scene(Day(now, step.ago), users)
        step.act(scene)
        past.happened(scene.at)


def _imports(robot: User) -> Iterator[Step]:
    for feed in sources.FEEDS:
        for day in feed.days:
            yield Step(day, partial(_import, feed=feed, robot=robot))


def _import(scene: Scene, feed: sources.Feed, robot: User) -> None:
    sources.read(feed, scene.day.ago, now=scene.day.now, by=robot)


def _decisions() -> Iterator[Step]:
    for day in dict.fromkeys(row["day"] for row in table("decisions")):
        yield Step(float(day), events.decide)


def _sweeps(robot: User) -> Iterator[Step]:
    for day in SWEEPS:
        yield Step(day, partial(_sweep, robot=robot))


def _sweep(scene: Scene, robot: User) -> None:
    sources.repeat(scene.day.ago, now=scene.day.now, by=robot)
    sweep.run(scene.at, by="job sweep")
