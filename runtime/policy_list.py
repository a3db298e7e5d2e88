"""The list of policy versions: its filters and columns, for page and export."""

import django_filters

from inventory.columns import Column, labelled
from inventory.filter_bar import ManyFilter
from inventory.filters import Filters, Rows
from inventory.listing import Empty, Listing
from inventory.models import Environment
from inventory.search import holds
from runtime.models import PolicySet, PolicySetVersion

ENVIRONMENTS = dict(Environment.choices)


def mode_words(policy_set: PolicySet) -> str:
    """Where the set is enforced, in words."""
    watched = [str(ENVIRONMENTS.get(name, name)) for name in policy_set.monitored]
    if not watched:
        return "Enforced everywhere"
    if len(watched) == len(ENVIRONMENTS):
        return "Monitor only in every environment"
    return f"Monitor only in {', '.join(watched).lower()}"


def named(version: PolicySetVersion) -> str:
    return f"{version.policy_set.name}, version {version.number}"


class VersionFilter(Filters):
    q = django_filters.CharFilter(
        method="search", label="Search", help_text="Set, note or policy text"
    )
    policy_set = django_filters.ModelChoiceFilter(label="Set", queryset=PolicySet.objects.all())
    state = ManyFilter(choices=PolicySetVersion.State.choices)

    class Meta:
        model = PolicySetVersion
        fields: list[str] = []

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(holds(value, "policy_set__name", "note", "text"))


VERSIONS = Listing(
    title="Policies",
    singular="version",
    plural="versions",
    template="runtime/policy_list.html",
    export_name="policy-versions",
    intro="The rules that narrow what the facts allow. Each set has one live version; every change is a new one.",
    columns=(
        Column("version", "Version", named, kind="link", url="runtime:policy-version"),
        Column("state", "State", labelled("state", PolicySetVersion.State), kind="badge"),
        Column("note", "What changes", "note", wide=True),
        Column("author", "Author", "author"),
        Column("changed", "Last changed", "changed_at", kind="time", sort="changed_at"),
        Column("activated", "Went live", "activated_at", kind="time", sort="activated_at"),
        Column("activated_by", "Put live by", "activated_by", shown=False),
        Column("retired", "Retired", "retired_at", kind="time", shown=False),
        Column("mode", "Mode", lambda row: mode_words(row.policy_set), shown=False),
        Column("number", "Number", "number", kind="number", shown=False),
    ),
    order="-changed",
    empty=Empty(
        "No policies yet",
        "Until a set is live, every request about the inventory is denied. Start from the starter policies.",
        "New policy set",
        "runtime:policyset-new",
        icon="scale",
        for_security=True,
    ),
)
