"""Replays in words, and the list of what one would have changed."""

import django_filters

from inventory.columns import Column, labelled
from inventory.filter_bar import ManyFilter
from inventory.filters import Filters, Rows
from inventory.listing import Empty, Listing
from inventory.models import Tier
from inventory.search import holds
from runtime.decision_list import resource_of
from runtime.models import Replay, ReplayRow

DENIED, PERMITTED = "denied", "permitted"
CHANGES = {DENIED: "Newly denied", PERMITTED: "Newly permitted"}
TIERS = dict(Tier.choices)


def title_of(replay: Replay) -> str:
    """What was tried."""
    if replay.change == Replay.Change.POLICY and replay.version is not None:
        return f"Replay of {replay.version.policy_set.name}, version {replay.version.number}"
    if replay.change == Replay.Change.GRANT and replay.grant is not None:
        return f"Replay without the grant of {replay.grant.entitlement.name}"
    return f"Replay of {replay.identity} as tier {replay.tier}"


def said_of(replay: Replay) -> str:
    """The result in one sentence."""
    number = (replay.until - replay.since).days
    over = f"{number} day{'' if number == 1 else 's'}"
    if replay.status == Replay.Status.FAILED:
        return f"Over {over}: {replay.error}"
    if replay.status != Replay.Status.DONE:
        return f"Over {over}, not done yet."
    if replay.version is not None and replay.version.digest != replay.text_digest:
        over += ", of an earlier text"
    denied, permitted = (replay.result[key]["times"] for key in (DENIED, PERMITTED))
    if not denied and not permitted:
        return f"Over {over}: nothing would have changed."
    return f"Over {over}: {denied:,} newly denied, {permitted:,} newly permitted."


def change_of(row: ReplayRow) -> str:
    return CHANGES[PERMITTED if row.after else DENIED]


class ReplayRowFilter(Filters):
    q = django_filters.CharFilter(
        method="search", label="Search", help_text="Identity, action, resource or task"
    )
    change = django_filters.ChoiceFilter(
        label="Change", choices=list(CHANGES.items()), method="by_change"
    )
    kind = ManyFilter(label="Record", choices=ReplayRow.Kind.choices)

    class Meta:
        model = ReplayRow
        fields: list[str] = []

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(holds(value, "subject", "action", "resource_id", "task_purpose"))

    def by_change(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(after=value == PERMITTED)


ROWS = Listing(
    title="What would have changed",
    singular="request",
    plural="requests",
    export_name="replay",
    template="runtime/replay_detail.html",
    columns=(
        Column(
            "subject", "Who", "subject", kind="link", url="inventory:identity-detail",
            key_path="identity_id",
        ),
        Column("change", "Change", change_of, kind="badge"),
        Column("action", "Action", "action"),
        Column("resource", "Resource", resource_of),
        Column(
            "task", "Task", "task_purpose", kind="link", url="inventory:task-detail",
            key_path="task_key", wide=True,
        ),
        Column("reason", "Why", "reason", wide=True),
        Column("times", "Times", "times", kind="number", sort="times"),
        Column("last", "Last", "last_at", kind="time", sort="last_at"),
        Column(
            "example", "Newest decision", "example", kind="link", url="runtime:decision-detail",
            key_path="example", shown=False,
        ),
        Column("first", "First", "first_at", kind="time", shown=False),
        Column("kind", "Record", labelled("kind", ReplayRow.Kind), shown=False),
        Column("policies", "Policies", lambda row: ", ".join(row.policies), shown=False),
        Column("resource_type", "Kind of resource", "resource_type", shown=False),
        Column("resource_id", "Resource as asked", "resource_id", kind="code", shown=False),
    ),
    order="-times",
    empty=Empty(
        "Nothing would have changed",
        "Every recorded request would have had the same answer.",
        icon="circle-check",
    ),
)  # fmt: skip
