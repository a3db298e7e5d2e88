"""The views of an assessment as tables with typed columns: what the workbook and the CSV files hold."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import orjson

from frameworks.reports.text import answer
from frameworks.snapshot import Rows, Snapshot

Cell = str | int | float | date | datetime | None
Kind = Literal["text", "number", "share", "day", "time"]


@dataclass(frozen=True)
class Column:
    label: str
    kind: Kind = "text"
    width: int = 24


@dataclass(frozen=True)
class Table:
    """One view. `rows` streams; a second call gives the same rows again."""

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: Callable[[Snapshot, Rows], Iterator[tuple[Cell, ...]]]


def _columns(*named: str | Column) -> tuple[Column, ...]:
    return tuple(Column(one) if isinstance(one, str) else one for one in named)


def _number(label: str) -> Column:
    return Column(label, "number", 12)


def _time(label: str) -> Column:
    return Column(f"{label} (UTC)", "time", 18)


def _summary(snapshot: Snapshot, _rows: Rows) -> Iterator[tuple[Cell, ...]]:
    yield "Assessment", "Title", snapshot.title
    yield "Assessment", "Organisation", snapshot.organisation
    yield "Assessment", "Number", str(snapshot.number)
    yield "Assessment", "Id", snapshot.uid
    yield "Assessment", "Made at", _stamp(snapshot.made_at)
    yield "Assessment", "Facts as of", _stamp(snapshot.facts_at)
    yield "Assessment", "Made by", snapshot.author
    yield "Assessment", "Compared with", snapshot.before or "nothing"
    yield "Assessment", "Mandate", snapshot.product_version
    yield "Scope", "Looked at", snapshot.scope.label
    for name, number in snapshot.totals.items():
        yield "In scope", name.replace("_", " ").capitalize(), str(number)
    for kind, lines in (("Method", snapshot.method), ("Limit", snapshot.limits)):
        for number, line in enumerate(lines, 1):
            yield kind, str(number), line
    for source in snapshot.sources:
        read = f"read whole {_stamp(source.read_at)}" if source.read_at else "never read whole"
        stale = "; too old to rely on" if source.is_stale else ""
        problem = f"; {source.problem}" if source.problem else ""
        yield "Source", source.name, f"{source.kind}, {read}{stale}{problem}"


def _frameworks(snapshot: Snapshot, _rows: Rows) -> Iterator[tuple[Cell, ...]]:
    for one in snapshot.frameworks:
        counts = [
            one.count(state)
            for state in ("pass", "fail", "cannot-tell", "not-applicable", "not-covered")
        ]
        yield (
            one.key, one.name, one.version, one.publisher, one.kind, sum(counts), *counts,
            one.meaning_of_pass, one.published, one.source, one.licence, _yes(one.is_own),
        )  # fmt: skip


def _controls(snapshot: Snapshot, _rows: Rows) -> Iterator[tuple[Cell, ...]]:
    for framework in snapshot.frameworks:
        for one in framework.controls:
            if one.is_heading:
                continue
            yield (
                framework.key, one.control_id, one.title, one.parent, one.kind, answer(one.state),
                one.reason, one.weight_known, one.weight_passed,
                ", ".join(f"{each.check_id} ({each.strength})" for each in one.mapped),
                len(one.attestations), one.conditional, one.not_covered_why,
                _yes(one.title_official), _yes(not one.local_id),
            )  # fmt: skip


def _mappings(snapshot: Snapshot, _rows: Rows) -> Iterator[tuple[Cell, ...]]:
    for framework in snapshot.frameworks:
        for control in framework.controls:
            for one in control.mapped:
                yield (
                    framework.key, control.control_id, one.check_id, one.strength,
                    answer(one.state), one.why, one.limits,
                )  # fmt: skip


def _attestations(snapshot: Snapshot, _rows: Rows) -> Iterator[tuple[Cell, ...]]:
    for framework in snapshot.frameworks:
        for control in framework.controls:
            for one in control.attestations:
                yield (
                    framework.key, control.control_id, one.statement, one.author, one.made_at,
                    one.ends_on, one.link, one.file_name, one.file_sha256,
                )  # fmt: skip


def _checks(snapshot: Snapshot, _rows: Rows) -> Iterator[tuple[Cell, ...]]:
    for one in snapshot.checks:
        yield (
            one.check_id, one.title, one.severity, answer(one.state), one.population, one.passed,
            one.failed, one.unknown, one.accepted, one.at, one.said, one.connect, one.version,
            _pairs(one.parameters), one.why, one.fix,
        )  # fmt: skip


def _evidence(_snapshot: Snapshot, rows: Rows) -> Iterator[tuple[Cell, ...]]:
    for one in rows.evidence():
        yield (
            one.check_id, one.subject, one.name, one.identity, one.verdict, one.severity,
            one.status, one.since, one.until, _pairs(one.evidence),
        )  # fmt: skip


def _identities(_snapshot: Snapshot, rows: Rows) -> Iterator[tuple[Cell, ...]]:
    for one in rows.identities():
        yield (
            one.name, one.kind, one.environment, one.lifecycle, one.owner, one.team,
            one.declared_tier, one.spiffe_id, one.source, one.findings,
        )  # fmt: skip


def _grants(_snapshot: Snapshot, rows: Rows) -> Iterator[tuple[Cell, ...]]:
    for one in rows.grants():
        yield (
            one.identity, one.entitlement, one.system, one.risk, one.kind, one.starts_at,
            one.expires_at, one.granted_by, one.reason,
        )  # fmt: skip


def _sources(snapshot: Snapshot, _rows: Rows) -> Iterator[tuple[Cell, ...]]:
    for one in snapshot.sources:
        yield one.name, one.kind, one.read_at, _yes(one.is_stale), one.problem, one.identities


def _changes(snapshot: Snapshot, _rows: Rows) -> Iterator[tuple[Cell, ...]]:
    for one in snapshot.changes:
        yield one.framework, one.control_id, one.title, answer(one.before), answer(one.after)


TABLES = (
    Table("summary", "Summary", _columns("Part", "What", Column("Value", width=80)), _summary),
    Table(
        "frameworks", "Frameworks",
        _columns(
            "Framework", Column("Name", width=44), "Version", "Publisher", "Kind",
            _number("Controls"), _number("Pass"), _number("Fail"), _number("Cannot tell"),
            _number("Not applicable"), _number("Not covered"), Column("What a pass means", width=60),
            "Published", "Source", "Licence", "Own framework",
        ), _frameworks,
    ),
    Table(
        "controls", "Controls",
        _columns(
            "Framework", "Control", Column("Title", width=44), "Under", "Kind", "Answer",
            Column("Why", width=60), Column("Weight known", "share", 14),
            Column("Weight passed", "share", 14), Column("Checks", width=60),
            _number("Attestations"), "Applies when", "Why not covered", "Publisher's title",
            "Publisher's id",
        ), _controls,
    ),
    Table(
        "mappings", "Mappings",
        _columns(
            "Framework", "Control", "Check", "Strength", "Answer", Column("Why", width=60),
            Column("What it cannot show", width=60),
        ), _mappings,
    ),
    Table(
        "attestations", "Attestations",
        _columns(
            "Framework", "Control", Column("Statement", width=60), "Author", _time("Made"),
            Column("Ends on", "day", 12), "Link", "File", Column("SHA-256 of the file", width=66),
        ), _attestations,
    ),
    Table(
        "checks", "Checks",
        _columns(
            "Check", Column("Title", width=60), "Severity", "Answer", _number("Population"),
            _number("Passed"), _number("Failed"), _number("Cannot tell"), _number("Accepted"),
            _time("Run at"), "Why it cannot tell", "What to connect", _number("Version"),
            "Parameters", Column("Why it matters", width=60), Column("How to fix it", width=60),
        ), _checks,
    ),
    Table(
        "evidence", "Evidence",
        _columns(
            "Check", "Subject", Column("Name", width=36), "Identity", "Verdict", "Severity",
            "Status", _time("Since"), _time("Exception until"), Column("Evidence", width=60),
        ), _evidence,
    ),
    Table(
        "identities", "Identities",
        _columns(
            Column("Name", width=36), "Kind", "Environment", "Lifecycle", "Owner", "Team",
            "Declared tier", Column("SPIFFE ID", width=44), "Source", _number("Findings"),
        ), _identities,
    ),
    Table(
        "grants", "Grants",
        _columns(
            Column("Identity", width=36), Column("Entitlement", width=36), "System", "Risk", "Kind",
            _time("Starts"), _time("Expires"), "Granted by", Column("Reason", width=44),
        ), _grants,
    ),
    Table(
        "sources", "Sources",
        _columns(
            "Source", "Kind", _time("Read whole"), "Too old", Column("Problem", width=60),
            _number("Identities"),
        ), _sources,
    ),
    Table(
        "changes", "Changes",
        _columns("Framework", "Control", Column("Title", width=60), "Before", "After"), _changes,
    ),
)  # fmt: skip


def _stamp(value: datetime) -> str:
    return value.isoformat(timespec="seconds")


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _pairs(values: object) -> str:
    """Facts of any depth as one text that a program can read again."""
    return orjson.dumps(values, option=orjson.OPT_SORT_KEYS, default=_plain).decode()


def _plain(value: object) -> object:
    return dict(value) if hasattr(value, "keys") else str(value)  # type: ignore[call-overload]  # has keys
