"""The frameworks in a report to read: each with its controls, their answers, and what people attested."""

from frameworks.reports.document import Bar, Block, Bullets, Chart, Facts, Grid, Head, Section, Text
from frameworks.reports.text import moment
from frameworks.snapshot import ControlState, FrameworkState, Snapshot

_STATES = ("pass", "fail", "cannot-tell", "not-applicable", "not-covered")
_HEADS = (
    Head("Id", "code", 1.2), Head("Control", share=3), Head("Answer", "answer", 1.3),
    Head("Why", share=3.4), Head("Known", "number", 0.8), Head("Passed", "number", 0.8),
)  # fmt: skip
_SHARES = (
    "Known: the share of the mapped weight that could be told. Passed: the share of it that passes."
    " Primary checks weigh more than supporting ones."
)


def section(snapshot: Snapshot) -> Section:
    if not snapshot.frameworks:
        return Section("Frameworks", (Text("No framework was assessed."),))
    return Section(
        "Frameworks", (Text(_SHARES),), tuple(_framework(one) for one in snapshot.frameworks)
    )


def attestations(snapshot: Snapshot) -> Section:
    rows = tuple(
        (
            f"{framework.key} {control.control_id}", said.statement, said.author,
            moment(said.made_at), moment(said.ends_on), said.link or said.file_name,
        )
        for framework in snapshot.frameworks
        for control in framework.controls
        for said in control.attestations
    )  # fmt: skip
    if not rows:
        return Section("Attestations", (Text("Nobody attested anything."),))
    heads = (
        Head("Control", "code", 1.4), Head("Statement", share=3), Head("By"), Head("Made", share=1.3),
        Head("Ends"), Head("Link or file", share=1.4),
    )  # fmt: skip
    apart = Text(
        "What people say of controls. It was not measured, and changes no answer in this report."
    )
    return Section("Attestations", (apart, Grid("Statements", heads, rows)))


def _framework(framework: FrameworkState) -> Section:
    facts = (
        ("Version", framework.version),
        ("Publisher", "this organisation" if framework.is_own else framework.publisher),
        ("Published", framework.published),
        ("Licence", framework.licence),
        ("Source", framework.source),
    )
    bar = Bar("Controls", tuple((state, framework.count(state)) for state in _STATES))
    blocks: list[Block] = [
        Text(framework.meaning_of_pass), Facts(facts), Chart("Controls by their answer", (bar,)),
        Grid(f"Controls of {framework.name}", _HEADS, _rows(framework), _ids(framework)),
    ]  # fmt: skip
    if framework.notes:
        blocks.append(Bullets(framework.notes))
    return Section(f"{framework.name} {framework.version}".strip(), tuple(blocks))


def _rows(framework: FrameworkState) -> tuple[tuple[str, ...] | str, ...]:
    return tuple(
        _band(control)
        if control.is_heading
        else (
            control.control_id, control.title, control.state, _why(control),
            f"{control.weight_known:.0%}" if control.mapped else "",
            f"{control.weight_passed:.0%}" if control.mapped else "",
        )
        for control in framework.controls
    )  # fmt: skip


def _band(control: ControlState) -> str:
    if control.local_id or control.title == control.control_id:
        return control.title
    return f"{control.control_id} {control.title}"


def _why(control: ControlState) -> str:
    said = [control.reason]
    if control.not_covered_why and control.not_covered_why != control.reason:
        said.append(control.not_covered_why)
    if control.conditional:
        said.append(f"Applies when: {control.conditional}")
    if control.attestations:
        said.append("Somebody attested it; see Attestations.")
    return " ".join(part for part in said if part)


def _ids(framework: FrameworkState) -> str:
    ours = any(one.local_id for one in framework.controls)
    titles = any(not one.title_official for one in framework.controls)
    said = []
    if ours:
        said.append("The publisher gives no ids to some of these; those ids are ours.")
    if titles:
        said.append("The publisher gives no titles to some of these; those labels are ours.")
    if not framework.shows_text:
        said.append("The licence lets us show ids and titles only.")
    return " ".join(said)
