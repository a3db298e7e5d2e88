"""An assessment as plain values: what a page shows, a report prints and an auditor recounts.

Nothing here reads the database or a clock, so that every format says the same and can be made again from what is kept.
Numbers about many rows are held here; the rows behind them come one after the other from `Rows`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol


@dataclass(frozen=True)
class Scope:
    """Which identities were looked at. Empty values mean all of them."""

    team: str = ""
    environment: str = ""
    tier: str = ""

    @property
    def label(self) -> str:
        parts = [("team", self.team), ("environment", self.environment), ("tier", self.tier)]
        return ", ".join(f"{name} {value}" for name, value in parts if value) or "everything"

    @property
    def title(self) -> str:
        """The label as a sentence begins."""
        return self.label[:1].upper() + self.label[1:]


@dataclass(frozen=True)
class SourceState:
    """A source as it stood: when it was last read whole, and whether that is too long ago."""

    name: str
    kind: str
    read_at: datetime | None
    is_stale: bool
    problem: str
    identities: int


@dataclass(frozen=True)
class CheckState:
    """What one check counted. `said` is empty where it gave an answer, else why it could not."""

    check_id: str
    title: str
    why: str
    fix: str
    severity: str
    version: int
    parameters: Mapping[str, str]
    at: datetime | None
    passed: int
    failed: int
    unknown: int
    accepted: int  # of `failed`: those under an exception that somebody granted
    said: str
    connect: str  # what to connect so that it can answer; empty where it does

    @property
    def population(self) -> int:
        return self.passed + self.failed + self.unknown

    @property
    def state(self) -> str:
        """pass, fail, not-applicable or cannot-tell; a failure goes before what cannot be told."""
        if self.said:
            return "cannot-tell"
        if self.failed:
            return "fail"
        if self.unknown:
            return "cannot-tell"
        return "pass" if self.passed else "not-applicable"


@dataclass(frozen=True)
class MappedState:
    """One check as evidence for a control."""

    check_id: str
    strength: str  # primary or supporting
    why: str
    limits: str
    state: str


@dataclass(frozen=True)
class AttestationState:
    """What a person says of a control; never measured, and shown apart from what is."""

    statement: str
    author: str
    made_at: datetime
    ends_on: date
    link: str = ""
    file_name: str = ""
    file_sha256: str = ""


@dataclass(frozen=True)
class ControlState:
    """A control, its answer and what made it. Headings have no answer of their own (state "")."""

    control_id: str
    title: str
    title_official: bool
    local_id: bool
    summary: str
    kind: str
    parent: str
    is_heading: bool
    state: str  # pass, fail, cannot-tell, not-applicable, not-covered
    reason: str
    weight_known: float  # share of the mapped weight that could be told, 0 to 1
    weight_passed: float  # share of the mapped weight that passed, 0 to 1
    conditional: str  # when it applies at all, in words; empty: always
    not_covered_why: str
    mapped: tuple[MappedState, ...] = ()
    attestations: tuple[AttestationState, ...] = ()


@dataclass(frozen=True)
class FrameworkState:
    """A framework in the version that was assessed."""

    key: str
    name: str
    version: str
    publisher: str
    published: str
    source: str
    licence: str
    kind: str  # risk-list, threat-model, outcome-framework, control-catalogue, law
    meaning_of_pass: str
    is_own: bool  # True: made by this organisation, not a publisher's
    shows_text: bool  # False: the licence lets us show ids and titles only
    notes: tuple[str, ...]
    controls: tuple[ControlState, ...]

    def count(self, state: str) -> int:
        return sum(not one.is_heading and one.state == state for one in self.controls)


@dataclass(frozen=True)
class Change:
    """A control whose answer differs from the one before."""

    framework: str
    control_id: str
    title: str
    before: str
    after: str


@dataclass(frozen=True)
class Snapshot:
    """One assessment. `number` counts up from 1; `uid` is a UUID in text; digests are SHA-256 in hex."""

    uid: str
    number: int
    title: str
    organisation: str
    author: str
    made_at: datetime
    facts_at: datetime
    scope: Scope
    product_version: str
    method: tuple[str, ...]
    limits: tuple[str, ...]
    totals: Mapping[str, int]  # identities, people, grants, delegations, credentials, ... in scope
    sources: tuple[SourceState, ...]
    checks: tuple[CheckState, ...]
    frameworks: tuple[FrameworkState, ...]
    before: str = ""  # the assessment that `changes` compares with
    changes: tuple[Change, ...] = field(default=())


@dataclass(frozen=True)
class EvidenceRow:
    """One subject that a check judged, as it was then."""

    check_id: str
    subject: str  # such as credential:42
    name: str  # what people call it
    identity: str  # name of the identity it belongs to; empty: none
    verdict: str  # fail, unknown, pass
    severity: str
    status: str  # of a finding: open, accepted, snoozed, false_positive; empty for others
    since: datetime | None
    until: datetime | None  # when an exception ends
    evidence: Mapping[str, object]


@dataclass(frozen=True)
class IdentityRow:
    """One identity in scope, as it was then."""

    name: str
    kind: str
    environment: str
    lifecycle: str
    owner: str
    team: str
    declared_tier: str
    spiffe_id: str
    source: str
    findings: int


@dataclass(frozen=True)
class GrantRow:
    """One grant that was effective then: who could do what, until when."""

    identity: str
    entitlement: str
    system: str
    risk: str
    kind: str  # standing, just-in-time
    starts_at: datetime | None
    expires_at: datetime | None
    granted_by: str
    reason: str


class Rows(Protocol):
    """The rows behind a snapshot, streamed in a fixed order; each call starts anew."""

    def evidence(self, check_id: str | None = None) -> Iterator[EvidenceRow]: ...

    def identities(self) -> Iterator[IdentityRow]: ...

    def grants(self) -> Iterator[GrantRow]: ...
