"""What a report to read says of an assessment, section by section; every number comes from the snapshot."""

from frameworks.reports import check_sections, framework_sections
from frameworks.reports.document import (
    Bar,
    Block,
    Bullets,
    Chart,
    Document,
    Facts,
    Grid,
    Head,
    Section,
    Text,
)
from frameworks.reports.samples import Samples, read
from frameworks.reports.text import answer, moment
from frameworks.snapshot import CheckState, Rows, Snapshot

STATES = ("pass", "fail", "cannot-tell", "not-applicable", "not-covered")
_SEVERITIES = ("critical", "high", "medium", "low", "info")
_MEANINGS = (
    ("Pass", "Everything that was looked at is as it should be."),
    ("Fail", "At least one thing is not; each is named in the evidence."),
    ("Cannot tell", "Data is missing or too old. It never counts as a pass."),
    ("Not applicable", "The inventory holds nothing that the question is about."),
    ("Not covered", "No check of an inventory can honestly say anything about it."),
)


def document(snapshot: Snapshot, rows: Rows) -> Document:
    samples = read(rows)
    return Document(
        title=snapshot.title,
        subtitle=snapshot.organisation,
        facts=(
            ("Assessment", f"{snapshot.number} ({snapshot.uid})"),
            ("Scope", snapshot.scope.label),
            ("Facts as of", moment(snapshot.facts_at)),
            ("Made", f"{moment(snapshot.made_at)} by {snapshot.author}"),
            ("Made with", f"Mandate {snapshot.product_version}"),
        ),
        sections=(
            _summary(snapshot),
            _reading(snapshot),
            _sources(snapshot),
            _changes(snapshot),
            framework_sections.section(snapshot),
            check_sections.section(snapshot, samples),
            _exceptions(samples),
            framework_sections.attestations(snapshot),
        ),
        footer=f"Assessment {snapshot.number} of {snapshot.organisation}",
    )


def _summary(snapshot: Snapshot) -> Section:
    counts = tuple(
        (state, sum(one.state == state for one in snapshot.checks)) for state in STATES[:4]
    )
    told = ", ".join(f"{number} {answer(state).lower()}" for state, number in counts)
    bars = tuple(
        Bar(
            f"{one.name} {one.version}".strip(),
            tuple((state, one.count(state)) for state in STATES),
        )
        for one in snapshot.frameworks
    )
    blocks: list[Block] = [
        Facts(tuple((_words(name), f"{number:,}") for name, number in snapshot.totals.items())),
        Text(f"Of {len(snapshot.checks)} checks: {told}."),
    ]
    if bars:
        blocks.append(Chart("Controls by their answer", bars))
        blocks.append(
            Text(
                "For a list of risks a pass is evidence of mitigation, never a proof that the risk is absent."
            )
        )
    return Section("Summary", (*blocks, *_attention(snapshot)))


def _attention(snapshot: Snapshot) -> tuple[Block, ...]:
    """What fails, worst first, and what cannot be told."""
    failing = sorted(
        (one for one in snapshot.checks if one.state == "fail"),
        key=lambda one: (_rank(one), -one.failed, one.check_id),
    )
    silent = [one for one in snapshot.checks if one.state == "cannot-tell"]
    blocks: list[Block] = []
    if failing:
        heads = (
            Head("Check", share=4), Head("Severity"), Head("Failures", "number"),
            Head("Of", "number"), Head("Accepted", "number"),
        )  # fmt: skip
        rows = tuple(
            (one.title, one.severity, f"{one.failed:,}", f"{one.population:,}", f"{one.accepted:,}")
            for one in failing
        )
        blocks.append(Grid("What fails, worst first", heads, rows))
    if silent:
        silent_heads = (
            Head("Check", share=2),
            Head("Why", share=2),
            Head("What would tell", share=2),
        )
        told = tuple((one.title, check_sections.silence(one), one.connect) for one in silent)
        blocks.append(Grid("What cannot be told", silent_heads, told))
    return tuple(blocks)


def _reading(snapshot: Snapshot) -> Section:
    return Section(
        "Scope, method and limits",
        (Text(f"Looked at: {snapshot.scope.label}."),),
        (
            Section("Method", (Bullets(snapshot.method),)),
            Section("What an answer means", (Facts(_MEANINGS),)),
            Section("Limits", (Bullets(snapshot.limits),)),
        ),
    )


def _sources(snapshot: Snapshot) -> Section:
    if not snapshot.sources:
        return Section(
            "Sources", (Text("No source is connected. Nothing can be told without one."),)
        )
    heads = (
        Head("Source", share=2), Head("Kind", "code", 1.4), Head("Last read whole", share=1.6),
        Head("Freshness", share=1.2), Head("Identities", "number"), Head("Problem", share=2),
    )  # fmt: skip
    rows = tuple(
        (
            one.name, one.kind, moment(one.read_at) or "never",
            "too old" if one.is_stale else "fresh", f"{one.identities:,}", one.problem,
        )
        for one in snapshot.sources
    )  # fmt: skip
    note = "What comes from a source that is too old is not relied on: it counts as cannot tell."
    return Section("Sources", (Grid("Where the facts come from", heads, rows, note),))


def _changes(snapshot: Snapshot) -> Section:
    title = "Changes since the last assessment"
    if not snapshot.before:
        return Section(title, (Text("There is none before it to compare with."),))
    if not snapshot.changes:
        return Section(title, (Text(f"Compared with {snapshot.before}: no answer differs."),))
    heads = (
        Head("Framework"), Head("Control", "code"), Head("Title", share=3),
        Head("Before", "answer"), Head("Now", "answer"),
    )  # fmt: skip
    rows = tuple(
        (one.framework, one.control_id, one.title, one.before, one.after)
        for one in snapshot.changes
    )
    return Section(title, (Grid(f"Compared with {snapshot.before}", heads, rows),))


def _exceptions(samples: Samples) -> Section:
    if not samples.exceptions:
        return Section("Exceptions", (Text("No failure is accepted under an exception."),))
    heads = (Head("Name", share=2), Head("Check", "code", 1.5), Head("Severity"), Head("Until"))
    rows = tuple(
        (one.name, one.check_id, one.severity, moment(one.until) or "no end")
        for one in samples.exceptions
    )
    note = f"{samples.accepted:,} in all; these are the first {len(rows):,}."
    grid = Grid(
        "Failures that somebody accepted", heads, rows, note if samples.accepted > len(rows) else ""
    )
    return Section("Exceptions", (Text("They still count as failures."), grid))


def _rank(check: CheckState) -> int:
    severity = check.severity.lower()
    return _SEVERITIES.index(severity) if severity in _SEVERITIES else len(_SEVERITIES)


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
