"""The crosswalk read backwards: from a check to controls, and from one framework to another."""

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import QuerySet

from frameworks.models import Framework, Mapping


@dataclass(frozen=True)
class Shared:
    """A check that is evidence in two frameworks."""

    check_id: str
    title: str
    first: tuple[Mapping, ...]
    second: tuple[Mapping, ...]


def mappings_of(check_id: str) -> QuerySet[Mapping]:
    """To the frameworks that are shown, in their order; primary ones first in each."""
    rows = Mapping.objects.filter(check_id=check_id, control__framework__is_current=True)
    return rows.select_related("control__framework").order_by(
        "control__framework__name", "strength", "control__order"
    )


def shared(first: Framework, second: Framework) -> list[Shared]:
    """The checks that both are mapped to, with the controls on each side; two queries."""
    ones, others = _by_check(first), _by_check(second)
    return [
        Shared(
            check_id, ones[check_id][0].check_title, tuple(ones[check_id]), tuple(others[check_id])
        )
        for check_id in sorted(ones.keys() & others.keys())
    ]


def _by_check(framework: Framework) -> dict[str, list[Mapping]]:
    found: dict[str, list[Mapping]] = defaultdict(list)
    rows = Mapping.objects.filter(control__framework=framework).select_related("control")
    for mapping in rows.order_by("control__order"):
        found[mapping.check_id].append(mapping)
    return found
