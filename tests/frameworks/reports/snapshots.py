"""Snapshots made up for tests, by hand and by Hypothesis; nothing here touches a database."""

import string
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from frameworks.snapshot import (
    AttestationState,
    Change,
    CheckState,
    ControlState,
    EvidenceRow,
    FrameworkState,
    GrantRow,
    IdentityRow,
    MappedState,
    Scope,
    Snapshot,
    SourceState,
)

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
MADE = AT + timedelta(minutes=2, microseconds=123_456)
UID = "0b54a3f0-6b3a-4f7e-9d53-0d4b7a5a2c11"
# What somebody may have called an agent, or what an attacker would.
HOSTILE = (
    '=HYPERLINK("http://evil.example","click")',
    "+1+cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "bell\x07 escape\x1b[31m null-like\x01 line\nbreak\ttab",
    "shipping-agent-" * 200,
    "\u202etnega-live\u202c שלום مرحبا",
    "👩‍💻🤖 日本語",
    '#read("/etc/passwd") $x^2$ *bold* @label <label> \\ ] ) #let x = 1',
    "{{ 7*7 }} {% debug %} ${7*7} [a](javascript:alert(1)) `code`",
    "  ",
    "-",
)


@dataclass(frozen=True)
class FixedRows:
    """Rows that are held in memory."""

    found: tuple[EvidenceRow, ...] = ()
    who: tuple[IdentityRow, ...] = ()
    held: tuple[GrantRow, ...] = ()

    def evidence(self, check_id: str | None = None) -> Iterator[EvidenceRow]:
        return (one for one in self.found if check_id in (None, one.check_id))

    def identities(self) -> Iterator[IdentityRow]:
        return iter(self.who)

    def grants(self) -> Iterator[GrantRow]:
        return iter(self.held)


def a_check(check_id: str = "owner-active", **known: Any) -> CheckState:
    made = CheckState(
        check_id=check_id, title="Every identity has an active owner",
        why="Nobody answers for it.", fix="Assign an owner.", severity="high", version=1,
        parameters={"days": "90"}, at=AT, passed=3, failed=1, unknown=0, accepted=0, said="",
        connect="",
    )  # fmt: skip
    return replace(made, **known)


def a_control(control_id: str = "ASI01", **known: Any) -> ControlState:
    made = ControlState(
        control_id=control_id, title="Agent goal hijack", title_official=True, local_id=False,
        summary="An agent is led astray.", kind="risk", parent="", is_heading=False, state="fail",
        reason="Failures in owner-active.", weight_known=1.0, weight_passed=0.25, conditional="",
        not_covered_why="",
        mapped=(MappedState("owner-active", "primary", "An owner sees it.", "Not the goal.", "fail"),),
    )  # fmt: skip
    return replace(made, **known)


def a_framework(key: str = "owasp-asi", *controls: ControlState, **known: Any) -> FrameworkState:
    made = FrameworkState(
        key=key, name="OWASP Agentic", version="2026", publisher="OWASP", published="2025-12-09",
        source="https://genai.owasp.org/", licence="CC BY-SA 4.0", kind="risk-list",
        meaning_of_pass="A pass is evidence of mitigation, never proof that the risk is absent.",
        is_own=False, shows_text=True, notes=("Ids are the publisher's.",), controls=controls,
    )  # fmt: skip
    return replace(made, **known)


def a_snapshot(**known: Any) -> Snapshot:
    made = Snapshot(
        uid=UID, number=4, title="Agents of Nordwind", organisation="Nordwind Freight", author="ada",
        made_at=MADE, facts_at=AT - timedelta(minutes=5), scope=Scope(), product_version="0.1.0",
        method=("Each check is one query over the whole population.",),
        limits=("What no source reports is not seen.",), totals={"identities": 12, "grants": 30},
        sources=(SourceState("AWS", "aws_iam", AT - timedelta(hours=1), False, "", 12),),
        checks=(a_check(),), frameworks=(a_framework("owasp-asi", a_control()),),
    )  # fmt: skip
    return replace(made, **known)


def an_evidence(number: int = 1, **known: Any) -> EvidenceRow:
    made = EvidenceRow(
        check_id="owner-active", subject=f"identity:{number}", name=f"agent-{number}",
        identity=f"agent-{number}", verdict="fail", severity="high", status="open",
        since=AT - timedelta(days=3), until=None, evidence={"owner": None},
    )  # fmt: skip
    return replace(made, **known)


def an_identity_row(name: str = "agent-1") -> IdentityRow:
    return IdentityRow(
        name, "assistant", "production", "active", "Ada", "Freight", "2", "", "AWS", 1
    )


def a_grant_row(number: int = 1, **known: Any) -> GrantRow:
    made = GrantRow(
        f"agent-{number}", "s3:GetObject", "AWS", "high", "standing", AT, None, "ada", "needs it"
    )
    return replace(made, **known)


def hostile() -> tuple[Snapshot, FixedRows]:
    """Every name of the world is hostile."""
    controls = tuple(
        a_control(
            f"X{number}", title=name, summary=name, reason=name,
            attestations=(AttestationState(name, name, AT, date(2026, 9, 1)),),
        )
        for number, name in enumerate(HOSTILE)
    )  # fmt: skip
    checks = (
        a_check(title=HOSTILE[3], why=HOSTILE[8], fix=HOSTILE[9], parameters={"x": HOSTILE[0]}),
    )
    snapshot = a_snapshot(
        title=HOSTILE[3], organisation=HOSTILE[8], author=HOSTILE[0], limits=HOSTILE, method=HOSTILE,
        checks=checks, frameworks=(a_framework("own", *controls, name=HOSTILE[8], notes=HOSTILE),),
        sources=tuple(SourceState(name, name, None, True, name, 1) for name in HOSTILE),
        changes=tuple(Change("own", "X1", name, "pass", "fail") for name in HOSTILE),
    )  # fmt: skip
    rows = FixedRows(
        tuple(
            an_evidence(number, name=name, identity=name, evidence={name: name})
            for number, name in enumerate(HOSTILE)
        ),
        tuple(an_identity_row(name) for name in HOSTILE),
        tuple(a_grant_row(identity=name, reason=name) for name in HOSTILE),
    )
    return snapshot, rows


_words = st.text(string.ascii_letters + "äß=<&#@*_ ", min_size=1, max_size=20)
_ids = st.text(string.ascii_uppercase + string.digits + ":.()-", min_size=1, max_size=9)
_counts = st.integers(0, 2_000_000)


@st.composite
def checks(draw: st.DrawFn, check_id: str) -> CheckState:
    failed = draw(_counts)
    return a_check(
        check_id, title=draw(_words), passed=draw(_counts), failed=failed, unknown=draw(_counts),
        accepted=draw(st.integers(0, failed)), severity=draw(st.sampled_from(["low", "critical"])),
        said=draw(st.sampled_from(["", "", "No source is connected."])),
    )  # fmt: skip


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Any assessment: each control has the state that its draw gives, right or wrong; reports only tell it."""
    names = [f"check-{number}" for number in range(draw(st.integers(0, 4)))]
    made = tuple(draw(checks(name)) for name in names)
    states = st.sampled_from(["pass", "fail", "cannot-tell", "not-applicable", "not-covered"])
    frameworks = []
    for number in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(["risk-list", "outcome-framework"]))
        controls = tuple(
            a_control(
                control_id, title=draw(_words), state=draw(states),
                mapped=tuple(
                    MappedState(name, draw(st.sampled_from(["primary", "supporting"])), "w", "l", "fail")
                    for name in names if draw(st.booleans())
                ),
            )
            for control_id in draw(st.lists(_ids, max_size=6, unique=True))
        )  # fmt: skip
        frameworks.append(a_framework(f"list-{number}", *controls, kind=kind))
    return a_snapshot(checks=made, frameworks=tuple(frameworks))


def answers(snapshot: Snapshot) -> Counter[tuple[str, str]]:
    """A recount, from the controls themselves: how many of each framework have each answer."""
    return Counter(
        (framework.key, control.state)
        for framework in snapshot.frameworks
        for control in framework.controls
        if not control.is_heading
    )
