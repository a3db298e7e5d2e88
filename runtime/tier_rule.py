"""The rule of the observed tier: from counted evidence to a tier, and the same in words, line by line.

More evidence never lowers the tier: each criterion asks whether counts are at least so high.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta

from inventory.models import Tier

WINDOW = timedelta(days=30)  # that counts
SEVERAL_TOOLS = 3
CHAINED = 2  # tools or systems one after the other


@dataclass(frozen=True)
class Evidence:
    """What was counted over the window for one identity."""

    calls: int = 0
    tools: int = 0
    systems: int = 0
    writes: int = 0
    accompanied: int = 0
    alone: int = 0
    alone_writes: int = 0
    late: int = 0
    handed: int = 0
    held_tools: int = 0
    held_writes: int = 0
    given: int = 0
    passed_on: int = 0

    @classmethod
    def of(cls, stored: Mapping[str, int]) -> "Evidence":
        """From what was kept; a number that was not counted then is none."""
        return cls(**{each.name: int(stored.get(each.name, 0)) for each in fields(cls)})


NAMES = tuple(each.name for each in fields(Evidence))


@dataclass(frozen=True)
class Criterion:
    """One line of the rule: the tier that it asks for, the condition in SQL over the counts, and what it says."""

    tier: Tier
    condition: str
    words: str  # format string over the evidence


# The condition stands here once; pages, jobs and tests ask the database for it.
CRITERIA: tuple[Criterion, ...] = (
    Criterion(
        Tier.BROKER, "handed > 0",
        "It gave work to other agents (calls: {handed:,}).",
    ),
    Criterion(
        Tier.BROKER, "passed_on > 0",
        "It holds authority from others and hands it on (delegations: {passed_on:,}).",
    ),
    Criterion(
        Tier.BROKER, "given > 0",
        "Other identities act on its orders or in its name (delegations: {given:,}).",
    ),
    Criterion(
        Tier.ACTOR, f"alone_writes > 0 AND tools >= {CHAINED}",
        "It changed something {alone_writes:,} times with no person named in the trace, among {tools:,} tools.",
    ),
    Criterion(
        Tier.ACTOR, f"alone > 0 AND tools >= {SEVERAL_TOOLS} AND systems >= {CHAINED}",
        "It chained {tools:,} tools across {systems:,} systems; in {alone:,} calls no person is named in the trace.",
    ),
    Criterion(
        Tier.ACTOR, "late > 0",
        "Its access outlived tasks that had ended (calls made for them: {late:,}).",
    ),
    Criterion(
        Tier.ASSISTANT, "accompanied > 0",
        "It acts for people: in {accompanied:,} of its {calls:,} calls a person is named in the trace.",
    ),
    Criterion(
        Tier.ASSISTANT, f"tools >= {SEVERAL_TOOLS}",
        "It chooses among {tools:,} tools.",
    ),
    Criterion(
        Tier.ASSISTANT, f"held_writes > 0 AND held_tools >= {CHAINED}",
        "It holds {held_tools:,} tools, {held_writes:,} of them can change something.",
    ),
    Criterion(
        Tier.READER, f"tools >= {CHAINED} OR held_tools >= {CHAINED}",
        "It chooses at run time: it called {tools:,} tools and holds {held_tools:,}.",
    ),
    Criterion(
        Tier.WORKLOAD, "calls > 0 OR held_tools > 0",
        "It uses a tool: {calls:,} calls, {held_tools:,} held.",
    ),
)  # fmt: skip

# NULL: nothing was seen of it, and so nothing is said.
TIER_SQL = (
    "CASE " + " ".join(f"WHEN {each.condition} THEN {int(each.tier)}" for each in CRITERIA) + " END"
)
# Which criteria hold, in their order.
HOLDS_SQL = "ARRAY[" + ", ".join(f"({each.condition})" for each in CRITERIA) + "]"

# What one more act adds to the counts. An act is a number of four bits: see `act_number`.
_ADDED = {
    "calls": "1", "writes": "wrote", "tools": "new_tool", "systems": "new_system",
    "accompanied": "person", "alone": "1 - person", "alone_writes": "wrote * (1 - person)",
}  # fmt: skip


def after_sql(evidence: str) -> str:
    """The tier after one more act of each kind, as an array in the order of `act_number`. `evidence`: SQL for what was
    kept, as jsonb."""
    counts = ", ".join(f"COALESCE({name}, 0) + {_ADDED.get(name, 0)} AS {name}" for name in NAMES)
    columns = ", ".join(f"{name} bigint" for name in NAMES)
    return f"""(SELECT array_agg({TIER_SQL} ORDER BY kind) FROM (
        SELECT kind, {counts} FROM jsonb_to_record({evidence}) AS kept({columns}), (
            SELECT kind, kind & 1 AS wrote, kind >> 1 & 1 AS person, kind >> 2 & 1 AS new_tool, kind >> 3 AS new_system
            FROM generate_series(0, 15) kind) act) counted)"""  # noqa: S608  our own words


def act_number(*, writes: bool, accompanied: bool, new_tool: bool, new_system: bool) -> int:
    """Where the tier after such an act stands in `after_sql`. New: not called in the time that counts."""
    return writes | accompanied << 1 | new_tool << 2 | new_system << 3


@dataclass(frozen=True)
class Line:
    """One reason, in words."""

    tier: Tier
    text: str


def lines(evidence: Evidence, holds: list[bool]) -> list[Line]:
    """Why: every criterion that holds, the highest tier first."""
    counts = {name: getattr(evidence, name) for name in NAMES}
    return [
        Line(each.tier, each.words.format(**counts))
        for each, met in zip(CRITERIA, holds, strict=True)
        if met
    ]
