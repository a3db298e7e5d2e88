"""The checks in a report to read: what each asks, what it counted, and the first of what it found."""

from collections.abc import Sequence

from frameworks.reports.document import Bar, Block, Chart, Facts, Grid, Head, Section, Text
from frameworks.reports.samples import Samples
from frameworks.reports.text import answer, moment
from frameworks.snapshot import CheckState, EvidenceRow, Snapshot

_HEADS = (
    Head("Name", share=2.4), Head("Subject", "code", 1.4), Head("Verdict", "answer", 1.1),
    Head("Since", share=1.3), Head("Status"), Head("Facts", share=3),
)  # fmt: skip
_VERDICTS = {"unknown": "cannot-tell"}


def section(snapshot: Snapshot, samples: Samples) -> Section:
    if not snapshot.checks:
        return Section("Checks", (Text("No check was run."),))
    parts = tuple(_check(one, samples.of_check.get(one.check_id, ())) for one in snapshot.checks)
    return Section("Checks", (), parts)


def silence(check: CheckState) -> str:
    """Why a check gives no answer."""
    return (
        check.said or f"Data is missing or too old for {check.unknown:,} of {check.population:,}."
    )


def _check(check: CheckState, rows: Sequence[EvidenceRow]) -> Section:
    counted = (("pass", check.passed), ("fail", check.failed), ("cannot-tell", check.unknown))
    facts = [
        ("Answer", answer(check.state)), ("Severity", check.severity),
        ("Check", f"{check.check_id}, version {check.version}"),
        ("Run", moment(check.at) or "never"), ("How to fix it", check.fix),
    ]  # fmt: skip
    if check.parameters:
        told = ", ".join(f"{name} = {value}" for name, value in sorted(check.parameters.items()))
        facts.append(("Parameters", told))
    if check.accepted:
        facts.append(("Accepted", f"{check.accepted:,} of the failures are under an exception."))
    if check.connect:
        facts.append(("What would tell", check.connect))
    blocks: list[Block] = [Text(check.why), Facts(tuple(facts))]
    if check.said:
        blocks.append(Text(check.said))
    if check.population:
        blocks.append(Chart("What it counted", (Bar("Judged", counted),)))
    if rows:
        blocks.append(_found(check, rows))
    return Section(check.title, tuple(blocks))


def _found(check: CheckState, rows: Sequence[EvidenceRow]) -> Grid:
    told = tuple(
        (
            row.name, row.subject, _VERDICTS.get(row.verdict, row.verdict), moment(row.since),
            row.status.replace("_", " "), _facts(row),
        )
        for row in rows
    )  # fmt: skip
    known = check.failed + check.unknown
    more = f"The first {len(rows):,} of {known:,}. All are in the workbook, the CSV files and the bundle."
    return Grid("What it found", _HEADS, told, more if known > len(rows) else "")


def _facts(row: EvidenceRow) -> str:
    return "; ".join(
        f"{name.replace('_', ' ')}: {'–' if value is None else value}"
        for name, value in row.evidence.items()
    )
