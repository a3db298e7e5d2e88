"""The list of a framework's controls: its columns, declared once for page and export."""

from collections.abc import Callable, Mapping

from django.urls import reverse
from django.utils.safestring import SafeString

from frameworks.models import Control, Framework
from frameworks.standing import MappedCheck, Standing
from inventory import markup
from inventory.columns import Column
from inventory.listing import Empty, Listing


def heading_over(control: Control) -> Control | None:
    """The heading on top: a function, a layer, a group."""
    parent = control.parent
    return (parent.parent or parent) if parent else None


def controls_listing(framework: Framework, standings: Mapping[int, Standing]) -> Listing:
    """The list for one framework; `standings` holds the answer of each of its controls."""
    noun = framework.noun
    grouped = any(one.control.parent_id for one in standings.values())

    def of(tell: Callable[[Standing], object]) -> Callable[[Control], object]:
        return lambda control: tell(standings[control.pk])

    return Listing(
        title=framework.name, singular=noun, plural=f"{noun}s",
        template="frameworks/framework_detail.html",
        export_name=f"{framework.key}-{framework.version.split(' ')[0]}",
        columns=(
            Column(
                "control", "ID", lambda row: _link(framework, row), sort="order",
                csv=lambda row: row.control_id,
            ),
            Column("title", "Title", "title"),
            Column("group", "Group", _group, wide=True, shown=grouped),
            Column("state", "State", of(_badge), csv=of(_label)),
            Column("reason", "Why", of(_reason)),
            Column("checks", "Checks", of(lambda one: len(one.checks)), kind="number", wide=True),
            Column("failed", "Failures", of(_failed), kind="number", wide=True),
            Column("unknown", "Cannot tell", of(_unknown), kind="number", shown=False),
            Column("summary", "Summary", "summary", shown=False),
            Column("mapped", "Mapped checks", of(_mapped), shown=False),
        ),
        order="control",
        empty=Empty(f"No {noun}s here", "Remove a filter to see more.", icon="library"),
    )  # fmt: skip


def _link(framework: Framework, control: Control) -> SafeString:
    address = reverse("frameworks:control-detail", args=[framework.key, control.control_id])
    return markup.link(address, control.control_id)


def _group(control: Control) -> str:
    heading = control.parent
    if heading is None:
        return ""
    if heading.title == heading.control_id or heading.local_id:
        return heading.title
    return f"{heading.control_id} {heading.title}"


def _label(one: Standing) -> str:
    return one.verdict.state.label_in(one.control.framework.kind)


def _badge(one: Standing) -> SafeString:
    return markup.badge(_label(one), one.verdict.state.tone)


def _reason(one: Standing) -> str:
    return one.control.not_covered_why or one.verdict.reason


def _failed(one: Standing) -> int | None:
    return _sum(one, lambda check: check.evidence.result.failed if check.evidence.result else None)


def _unknown(one: Standing) -> int | None:
    return _sum(one, lambda check: check.evidence.result.unknown if check.evidence.result else None)


def _sum(one: Standing, number: Callable[[MappedCheck], int | None]) -> int | None:
    """Over the checks that have a result; without any there is no number, and no zero either."""
    numbers = [found for check in one.checks if (found := number(check)) is not None]
    return sum(numbers) if numbers else None


def _mapped(one: Standing) -> str:
    return ", ".join(f"{check.mapping.check_id} ({check.mapping.strength})" for check in one.checks)
