"""Policies of the demo, what its agents asked for in the past days, and a draft that was replayed before it decides."""

from collections.abc import Iterator
from datetime import timedelta

from inventory.models import Delegation, Entitlement, Grant, Identity, Task, ToolBinding
from mandate.demo.day import digest, spread
from mandate.demo.events import Scene
from runtime import decisions, policies, policy_drafts, replays
from runtime.models import PolicySet, PolicySetVersion
from runtime.policies import Written
from runtime.questions import Question

PLATFORM = "agent-platform"
AGENTS = (
    "booking-intake", "capacity-forecaster", "care-copilot", "case-triage", "customs-clerk",
    "freight-desk-orchestrator", "invoice-matcher", "lane-pricing-rag", "month-end-assistant",
    "refund-agent", "route-replanner", "sql-analyst", "tariff-lookup", "where-is-my-container",
)  # fmt: skip
STOPPED = ("carrier-negotiator", "port-watch", "old-booking-bot")
PER_AGENT = 4  # grants of each that it uses in a scene
_SHORTER = ("context.chainLength > 3", "context.chainLength > 2")
_CONFIDENTIAL = """
@id("confidential-data-needs-a-reason")
@title("Confidential data is reached for a person or within a task")
@reason("Confidential data is reached only on behalf of a person, or within a task.")
@remedy("Name the person or the task.")
forbid (principal, action, resource)
when { context.sensitivity == "confidential" }
unless { context.personPresent || context has task };
"""


def begin(scene: Scene) -> None:
    """The starter policies, at first only watching."""
    by = scene.users["priya.raman"]
    purpose = "What agents may do on their own, by control tier (policy AI-7)."
    made = policy_drafts.begin(
        name="inventory", domain=PolicySet.Domain.INVENTORY, purpose=purpose, by=by, at=scene.at
    )
    everywhere = ["production", "staging", "development", "sandbox"]
    policies.monitor(
        made.policy_set, environments=everywhere, by=by, reason="Two weeks of watching"
    )
    policies.activate(made, by=by, reason="Watch first what it would deny", at=scene.at)


def enforce(scene: Scene) -> None:
    """The second version, enforced but for sandboxes."""
    by = scene.users["jonas.falk"]
    first = _live()
    text = first.text.replace(*_SHORTER).replace("at most three links", "at most two links")
    draft = policy_drafts.draft_from(first, by=by, at=scene.at)
    note = "Chains of at most two links, as in policy AI-7."
    text = text.replace("longer than three", "longer than two")
    draft = policies.edit(draft, Written(text, note=note), by=by, at=scene.at)
    policies.activate(draft, by=by, reason="Agreed by the AI board", at=scene.at)
    policies.monitor(
        draft.policy_set, environments=["sandbox"], by=by, reason="The two weeks are over"
    )


def propose(scene: Scene) -> None:
    """A stricter draft, with what it would have changed in the last week."""
    by, live = scene.users["priya.raman"], _live()
    draft = policy_drafts.draft_from(live, by=by, at=scene.at)
    note = "Confidential data only for a person or a task."
    written = Written(live.text + _CONFIDENTIAL, note=note)
    draft = policies.edit(draft, written, by=by, at=scene.at)
    asked = replays.of_version(draft, days=7, by=by, at=scene.at)
    replays.run(asked.pk, scene.at)


def ask(scene: Scene) -> None:
    """An hour of questions as platforms ask them, with the facts of that hour."""
    questions = [*_usual(scene), *_beyond(scene), *_tools(scene), *_stopped()]
    ordered = sorted(questions, key=lambda one: digest(f"{scene.day.ago} {one}"))
    for number in range(4):
        moment = scene.at + timedelta(seconds=60 * number)
        decisions.decide_many(ordered[number::4], at=moment, asked_by=PLATFORM)


def _live() -> PolicySetVersion:
    return PolicySetVersion.objects.live().select_related("policy_set").get()


def _usual(scene: Scene) -> Iterator[Question]:
    """What they hold, for whom they work."""
    rows = Grant.objects.effective(scene.at).filter(
        identity__name__in=AGENTS, entitlement__effect=Entitlement.Effect.ALLOW,
        entitlement__wildcard=False,
    )  # fmt: skip
    used: dict[int, int] = {}
    people = _people(scene)
    for grant in rows.select_related("entitlement").order_by("identity", "external_id"):
        if used.setdefault(grant.identity_id, 0) >= PER_AGENT:
            continue
        used[grant.identity_id] += 1
        context: dict[str, object] = {}
        if grant.task_id:
            context["task"] = grant.task_id
        elif grant.identity_id in people and spread(f"{grant.pk} {scene.day.ago}", 0, 3):
            context["on_behalf_of"] = people[grant.identity_id]
        yield _about(grant, grant.entitlement.name, context)


def _beyond(scene: Scene) -> Iterator[Question]:
    """What nobody gave them, and what was given for work that is over."""
    rows = Grant.objects.effective(scene.at).filter(identity__name__in=AGENTS[:5], task=None)
    firsts = rows.select_related("entitlement").order_by("identity", "external_id")
    for grant in firsts.distinct("identity"):
        yield _about(grant, "delete", {})
    over = Task.objects.exclude(status=Task.Status.OPEN).filter(ended_at__lte=scene.at)
    for grant in Grant.objects.filter(task__in=over).select_related("entitlement")[:2]:
        yield _about(grant, grant.entitlement.name, {"task": grant.task_id})


def _tools(scene: Scene) -> Iterator[Question]:
    """Calls of tools they hold, approved or not."""
    held = ToolBinding.objects.filter(
        identity__name__in=AGENTS, origin=ToolBinding.Origin.DECLARED, gone_at=None
    )
    people = _people(scene)
    for one in held.select_related("tool").order_by("identity", "tool__name").distinct("identity"):
        context: dict[str, object] = {"arguments_digest": digest(f"{one.pk} {scene.day.ago}")}
        if one.identity_id in people:
            context["on_behalf_of"] = people[one.identity_id]
        yield Question(
            "identity", str(one.identity_id), "call", "tool", f"{one.tool.provider}/{one.tool.name}",
            context,
        )  # fmt: skip


def _stopped() -> Iterator[Question]:
    """Agents that were stopped go on asking for a while; and somebody asks whom nobody registered."""
    for identity in Identity.objects.filter(name__in=STOPPED).order_by("name"):
        yield Question("identity", str(identity.pk), "read", "resource", "1")
    yield Question(
        "identity", "spiffe://northmere.example/agents/price-scraper", "read", "resource", "1"
    )


def _about(grant: Grant, action: str, context: dict[str, object]) -> Question:
    entitlement = grant.entitlement
    where = (
        ("resource", entitlement.resource_id)
        if entitlement.resource_id
        else ("system", entitlement.system_id)
    )
    return Question("identity", str(grant.identity_id), action, where[0], str(where[1]), context)


def _people(scene: Scene) -> dict[int, str]:
    """Of each assistant, one person it may act for now."""
    rows = Delegation.objects.in_force(scene.at).filter(
        delegate__name__in=AGENTS, delegator_person__isnull=False, task=None
    )
    pairs = rows.order_by("-delegator_person__email").values_list(
        "delegate", "delegator_person__email"
    )
    return dict(pairs)
