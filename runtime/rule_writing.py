"""Writes the rule that is missing: a draft policy from what was called and no rule covered, least privilege first."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q, Sum

from inventory import access
from inventory.models import Identity, Tool, User
from inventory.rules import RuleBroken
from runtime import policies
from runtime.cover_report import WINDOW
from runtime.models import CallTally, PolicySet, PolicySetVersion, live_versions
from runtime.policies import Written

MOST = 100  # tools in one draft


@dataclass(frozen=True)
class Wanted:
    """One tool that was called without a rule, and what all those calls had in common."""

    tool: Tool
    changes: bool
    for_people: bool
    in_tasks: bool


def draft_for(identity: Identity, *, by: User, at: datetime) -> PolicySetVersion:
    """A draft on top of what is live that names each tool for this identity and nothing else. It decides nothing until
    it was replayed, tested and made live."""
    access.require_security(by)
    base = live_versions(PolicySet.Domain.INVENTORY).first()
    if base is None:
        raise RuleBroken(
            "No policies about the inventory are live. Begin with the starter policies."
        )
    wanted, unnamed = _wanted(identity, at)
    if not wanted:
        raise RuleBroken(_nothing(unnamed))
    note = f"Rules for what {identity.name} called in {WINDOW.days} days without one."
    if unnamed:
        note += f" Not in the inventory, and so not in a rule: {', '.join(unnamed[:5])}."
    text = "\n\n".join([base.text.rstrip(), *(_policy(identity, one) for one in wanted)])
    written = Written(f"{text}\n", base.schema, note)
    return policies.draft(base.policy_set, written, by=by, at=at, base=base)


def _wanted(identity: Identity, at: datetime) -> tuple[list[Wanted], list[str]]:
    """Tools that only read come first; those that the inventory does not know cannot be named."""
    rows = list(
        CallTally.objects.filter(
            identity=identity, day__gt=(at - WINDOW).date(), covered__lt=F("calls")
        )
        .order_by()
        .values("provider", "tool_name")
        .annotate(
            changing=Sum("writes"),
            lonely=Sum("alone"),
            tasks=Sum("calls", filter=Q(task__isnull=False)),
            total=Sum("calls"),
        )
        .order_by("tool_name")[:MOST]
    )
    tools = {
        (tool.provider, tool.name): tool
        for tool in Tool.objects.filter(name__in=[row["tool_name"] for row in rows])
    }
    found, unnamed = [], []
    for row in rows:
        tool = tools.get((row["provider"], row["tool_name"]))
        if tool is None:
            unnamed.append(row["tool_name"])
        else:
            changes = bool(row["changing"]) or tool.writes is not False
            tasks = (row["tasks"] or 0) == row["total"]
            found.append(Wanted(tool, changes, not row["lonely"], tasks))
    return sorted(found, key=lambda one: (one.changes, one.tool.name)), unnamed


def _policy(identity: Identity, wanted: Wanted) -> str:
    """As narrow as what was seen: within a task or for a person, where every call was."""
    tool = wanted.tool
    conditions = [
        *(["context has task"] if wanted.in_tasks else []),
        *(["context.personPresent"] if wanted.for_people else []),
    ]
    when = f"\nwhen {{ {' && '.join(conditions)} }}" if conditions else ""
    return (
        f'@id("identity-{identity.pk}-calls-tool-{tool.pk}")\n'
        f'@title("{_plain(identity.name)} may call {_plain(str(tool))}")\n'
        f'permit (principal == Mandate::Identity::"{identity.pk}", action == Mandate::Action::"call",'
        f' resource == Mandate::Tool::"{tool.pk}"){when};'
    )


def _plain(text: str) -> str:
    """Names come from outside; in a policy they are only a title."""
    return "".join(sign for sign in text if sign.isprintable() and sign not in '"\\')[:100]


def _nothing(unnamed: list[str]) -> str:
    if unnamed:
        return f"The inventory does not know {', '.join(unnamed[:5])}. Import the tools, then a rule can name them."
    return "Everything it called was covered by a rule. There is none to write."
