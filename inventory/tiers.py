"""Control tiers: the lightest set of controls that fits what an identity does, and which of them it has.

What the inventory knows answers most controls (inventory/tier_controls.py); floors above answer theirs by `provide`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    CharField,
    ExpressionWrapper,
    Q,
    QuerySet,
    Value,
    When,
)

from inventory.models import Identity, Tier

HAS, LACKS, UNKNOWN = "has", "lacks", "unknown"
_COLUMN = "control_{}"


Condition = Any  # Any: a Q, or an Exists, negated or not; the stubs have no common name for them


@dataclass(frozen=True)
class Control:
    """One control of a tier; every tier above needs it too."""

    key: str
    tier: Tier
    title: str
    why: str


@dataclass(frozen=True)
class Step:
    """How a missing control is added: a button to an address that takes the identity's key, or a list about it."""

    label: str
    url_name: str
    icon: str = "arrow-right"
    query: str = ""  # format string over the identity's key: the address then takes no key itself
    action: str = ""  # what `access.may` is asked before the button is offered
    dialog: bool = False
    for_all: bool = False  # the address is about everything and takes no key


@dataclass(frozen=True)
class Answer:
    """The condition on an identity under which it has the control, and under which that cannot be told."""

    has: Condition
    unknown: Condition


@dataclass(frozen=True)
class Standing:
    """What is known of one control of one identity."""

    control: Control
    answer: str
    steps: tuple[Step, ...]

    @property
    def tone(self) -> str:
        return {HAS: "good", LACKS: "bad"}.get(self.answer, "warn")

    @property
    def word(self) -> str:
        return {HAS: "In place", LACKS: "Missing"}.get(self.answer, "Cannot tell")


Answers = Callable[[datetime], Answer]

CONTROLS: tuple[Control, ...] = (
    Control("owner", Tier.WORKLOAD, "An owner who can answer", "Somebody has to be asked."),
    Control(
        "workload-identity", Tier.WORKLOAD, "A workload identity",
        "A SPIFFE ID, or a credential bound to the workload, says which program it is.",
    ),
    Control(
        "credential-expiry", Tier.WORKLOAD, "Credentials that end",
        "A key without an end outlives everybody who knows of it.",
    ),
    Control(
        "least-privilege", Tier.WORKLOAD, "Least privilege",
        "No administration and no wildcard: who takes it over can do all it may do.",
    ),
    Control(
        "short-lived", Tier.READER, "Short-lived credentials, bound to the workload",
        "What is copied from it is worthless elsewhere, and soon.",
    ),
    Control(
        "dataset-bound", Tier.READER, "Grants bound to datasets",
        "It chooses at run time what it reads; the grant says among what.",
    ),
    Control(
        "on-behalf-of", Tier.ASSISTANT, "A delegation per person it acts for",
        "What it does for a person is at most what that person may do.",
    ),
    Control(
        "approval", Tier.ASSISTANT, "Approval of high-impact access",
        "What cannot be undone is agreed to by a person first.",
    ),
    Control(
        "tools-approved", Tier.ASSISTANT, "Every tool approved",
        "A tool's description steers it; an approved one is pinned.",
    ),
    Control(
        "calls-logged", Tier.ASSISTANT, "Tool calls logged",
        "Without calls nobody can say what it did.",
    ),
    Control(
        "just-in-time", Tier.ACTOR, "Just-in-time grants for what it changes",
        "Nobody watches each step, so access ends with the task.",
    ),
    Control(
        "request-time-policy", Tier.ACTOR, "A policy decision for each call",
        "What was right when it was granted may be wrong when it is used.",
    ),
    Control(
        "kill-switch", Tier.ACTOR, "A drilled kill switch",
        "Whoever has to stop it has done so before, and knows how long it takes.",
    ),
    Control(
        "access-review", Tier.ACTOR, "An access review in the last half year",
        "A person has looked at what it holds.",
    ),
    Control(
        "narrowing-chains", Tier.BROKER, "Delegations that name what they give",
        "What it hands on is listed, so that it can only become less.",
    ),
    Control(
        "depth-limit", Tier.BROKER, "Chains of at most three hops",
        "The longer the chain, the less the first person knows of the last act.",
    ),
    Control(
        "relay-detection", Tier.BROKER, "Relays computed and none certain",
        "Through it nobody does with certainty what they may not do themselves.",
    ),
)  # fmt: skip
BY_KEY = {control.key: control for control in CONTROLS}

_answers: dict[str, Answers] = {}
_steps: dict[str, tuple[Step, ...]] = {}


def provide(key: str, answers: Answers | None = None, steps: Sequence[Step] = ()) -> None:
    """Says how a control is judged, and how a missing one is added. Further steps of floors above come after those
    that are there; the same address again replaces its step."""
    if key not in BY_KEY:
        raise KeyError(f"There is no control {key!r}. Add it to CONTROLS.")
    if answers is not None:
        _answers[key] = answers
    fresh = {step.url_name for step in steps}
    kept = tuple(step for step in _steps.get(key, ()) if step.url_name not in fresh)
    _steps[key] = (*kept, *steps)


def sufficient(tier: int) -> list[Control]:
    """The lightest set for the tier: its own controls and those of the tiers below."""
    return [control for control in CONTROLS if control.tier <= tier]


def judged(rows: QuerySet[Identity], at: datetime, controls: Iterable[Control]) -> QuerySet[Any]:
    """Each identity with one column for each control: has, lacks or unknown; one query. Any: with annotations."""
    found: QuerySet[Any] = rows
    for control in controls:
        found = found.annotate(**{_column(control): _verdict(control, at)})
    return found


def standings(
    rows: QuerySet[Identity], at: datetime, tier_of: Mapping[int, int]
) -> dict[int, list[Standing]]:
    """For each identity the controls of the tier that is asked for it, lowest tier first, in one query."""
    highest = max(tier_of.values(), default=-1)
    asked = sufficient(highest)
    if not asked:
        return {}
    columns = [_column(control) for control in asked]
    found = judged(rows.filter(pk__in=list(tier_of)).order_by(), at, asked)
    return {
        row["pk"]: [
            Standing(control, row[_column(control)], _steps.get(control.key, ()))
            for control in asked
            if control.tier <= tier_of[row["pk"]]
        ]
        for row in found.values("pk", *columns)
    }


def lacking(standings: Iterable[Standing]) -> list[Standing]:
    """The ones that are missing, or of which nobody can tell."""
    return [one for one in standings if one.answer != HAS]


def _column(control: Control) -> str:
    return _COLUMN.format(control.key.replace("-", "_"))


def _verdict(control: Control, at: datetime) -> Case:
    """A NULL anywhere is "cannot tell", never "has"; a control that nobody judges cannot be told."""
    if control.key not in _answers:
        return Case(default=Value(UNKNOWN), output_field=CharField())
    answer = _answers[control.key](at)
    has = ExpressionWrapper(answer.has, output_field=BooleanField())
    return Case(
        When(answer.unknown, then=Value(UNKNOWN)),
        When(Q(has), then=Value(HAS)),
        When(~Q(has), then=Value(LACKS)),
        default=Value(UNKNOWN),
        output_field=CharField(),
    )
