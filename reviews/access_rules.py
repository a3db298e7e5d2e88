"""The rules for requests of access: who has to approve, how long it may last, how long an answer may take."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.utils import timezone

from inventory import access, audit
from inventory.models import Identity, Risk, Tier, User
from inventory.rules import RuleBroken
from reviews.models import AccessPolicy, AccessRequest

AT_ONCE, OWNER, BOTH, REFUSE = "at_once", "owner", "owner_and_resource_owner", "refuse"
APPROVALS = (
    (AT_ONCE, "At once, without asking"),
    (OWNER, "The owner"),
    (BOTH, "The owner and the resource owner"),
    (REFUSE, "Refused"),
)
RISKS = [str(value) for value in Risk.values]
TIERS = [int(value) for value in Tier.values]
KINDS = [str(value) for value in AccessRequest.Kind.values]
LONGEST_HOURS = 24 * 365
Part = Literal["owner", "resource_owner"]


@dataclass(frozen=True)
class Rule:
    """What one risk level asks for. `longest_hours`: one number per tier, 0 to 4."""

    approval: str
    quorum: int
    longest_hours: tuple[int, ...]
    answer_hours: int
    escalate_hours: int

    @property
    def needed(self) -> dict[str, int]:
        """How many approvals in which part."""
        parts = {OWNER: ["owner"], BOTH: ["owner", "resource_owner"]}.get(self.approval, [])
        return {part: self.quorum if part == "owner" else 1 for part in parts}

    def longest(self, tier: int) -> timedelta:
        return timedelta(hours=self.longest_hours[tier])


@dataclass(frozen=True)
class Rules:
    """Every rule, by kind of request and risk."""

    by_kind: Mapping[str, Mapping[str, Rule]]

    def of(self, kind: str, risk: str) -> Rule:
        return self.by_kind[kind][risk]

    def as_json(self) -> dict[str, Any]:  # Any: JSON
        return {
            kind: {risk: asdict(rule) for risk, rule in rules.items()}
            for kind, rules in self.by_kind.items()
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Rules":  # Any: JSON
        return cls(
            {
                kind: {
                    risk: Rule(**{**rule, "longest_hours": tuple(rule["longest_hours"])})
                    for risk, rule in rules.items()
                }
                for kind, rules in stored.items()
            }
        )


DEFAULT = Rules(
    {
        "temporary": {
            "low": Rule(AT_ONCE, 1, (720, 336, 168, 72, 72), 24, 4),
            "medium": Rule(OWNER, 1, (336, 168, 72, 24, 24), 24, 4),
            "high": Rule(OWNER, 1, (168, 72, 24, 8, 8), 8, 2),
            "critical": Rule(BOTH, 1, (24, 8, 8, 4, 4), 4, 1),
        },
        # For good is the exception: it always asks somebody, and for what is critical there is no way.
        "permanent": {
            "low": Rule(OWNER, 1, (0,) * 5, 72, 24),
            "medium": Rule(BOTH, 1, (0,) * 5, 72, 24),
            "high": Rule(BOTH, 2, (0,) * 5, 72, 24),
            "critical": Rule(REFUSE, 1, (0,) * 5, 72, 24),
        },
    }
)


def current() -> AccessPolicy:
    """The version in force; the first one is made of the defaults."""
    newest = AccessPolicy.objects.first()
    if newest is not None:
        return newest
    with audit.acting("Mandate", "access_policy.begun", "The rules it comes with."):
        made, _ = AccessPolicy.objects.get_or_create(
            version=1,
            defaults={
                "rules": DEFAULT.as_json(),
                "note": "The rules that Mandate comes with.",
                "author": "Mandate",
                "created_at": timezone.now(),
            },
        )
    return made


def rules_of(policy: AccessPolicy) -> Rules:
    return Rules.from_json(policy.rules)


def decide(rules: Rules, *, by: User, note: str, at: datetime) -> AccessPolicy:
    """Puts new rules in force as the next version. The same rules again change nothing; requests that wait keep the
    version they were asked under."""
    access.require_security(by)
    if not note.strip():
        raise RuleBroken(
            "There is no reason. Say why the rules change, for those who read this later."
        )
    for kind, by_risk in rules.by_kind.items():
        for risk, rule in by_risk.items():
            _require_sense(kind, risk, rule)
    with audit.acting(by, "access_policy.decided", note):
        newest = AccessPolicy.objects.select_for_update().first() or current()
        if newest.rules == _plain(rules):
            return newest
        return AccessPolicy.objects.create(
            version=newest.version + 1,
            rules=_plain(rules),
            note=note.strip(),
            author=by.get_username(),
            created_at=at,
        )


def tier_of(identity: Identity) -> int:
    """The tier that rules count with: the higher of declared and observed; agents of unknown tier count as their kind
    usually is."""
    known = [tier for tier in (identity.declared_tier, identity.observed_tier) if tier is not None]
    if known:
        return max(known)
    return _USUAL.get(identity.kind, Tier.WORKLOAD)


def worst(risks: list[str]) -> str:
    """The highest of the risk levels; low when there is none."""
    return max(risks, key=RISKS.index, default=str(Risk.LOW))


_USUAL: dict[str, int] = {
    Identity.Kind.RETRIEVAL_PIPELINE: Tier.READER,
    Identity.Kind.ASSISTANT: Tier.ASSISTANT,
    Identity.Kind.AUTONOMOUS_AGENT: Tier.ACTOR,
    Identity.Kind.ORCHESTRATOR: Tier.BROKER,
}


def _plain(rules: Rules) -> dict[str, Any]:  # Any: JSON
    return {
        kind: {
            risk: {**rule, "longest_hours": list(rule["longest_hours"])}
            for risk, rule in by_risk.items()
        }
        for kind, by_risk in rules.as_json().items()
    }


def _require_sense(kind: str, risk: str, rule: Rule) -> None:
    where = f"{kind.capitalize()} access, {risk} risk: "
    if kind == "permanent" and rule.approval == AT_ONCE:
        raise RuleBroken(
            where + "access for good is never given without asking. Choose who approves."
        )
    if rule.escalate_hours >= rule.answer_hours:
        raise RuleBroken(
            where + "it is escalated after its time to answer is over. Escalate earlier."
        )
    if kind == "temporary" and rule.approval != REFUSE and min(rule.longest_hours) < 1:
        raise RuleBroken(
            where + "the longest life is under an hour. Allow at least one, or refuse it."
        )
