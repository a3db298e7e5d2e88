"""The list of stops and drills: its filters and columns, for page, export and API."""

import django_filters
from django.db.models import Q

from inventory import markup
from inventory.columns import Column
from inventory.filters import Filters, KeyFilter, Rows, choice
from inventory.listing import Empty, Listing
from inventory.models import Identity, KillSwitchUse
from inventory.noun_columns import IDENTITY
from inventory.search import holds

STATES = {
    "stopped": "Stopped",
    "unseen": "Not seen yet",
    "lifted": "Lifted",
    "drill": "Drill",
}


class StopFilter(Filters):
    q = django_filters.CharFilter(method="search", label="Search", help_text="Identity")
    state = choice(tuple(STATES.items()), "by_state", label="State")
    identity = KeyFilter(label="Identity")

    class Meta:
        model = KillSwitchUse
        fields: list[str] = []

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        named = Identity.objects.filter(holds(value, "name", "external_id"))
        return rows.filter(identity__in=named.values("pk"))

    def by_state(self, rows: Rows, name: str, value: str) -> Rows:
        """The same rule as `state_of`."""
        real = Q(drill=False)
        meaning = {
            "stopped": real & Q(stopped_at__isnull=False, lifted_at=None),
            "unseen": real & Q(stopped_at=None, lifted_at=None),
            "lifted": real & Q(lifted_at__isnull=False),
            "drill": Q(drill=True),
        }
        return rows.filter(meaning[value])


def state_of(use: KillSwitchUse) -> str:
    if use.drill:
        return STATES["drill"]
    if use.lifted_at is not None:
        return STATES["lifted"]
    return STATES["stopped" if use.stopped_at is not None else "unseen"]


def took(use: KillSwitchUse) -> str:
    """How long it took, in words; empty as long as nobody has seen the end."""
    return markup.span(use.took) if use.took is not None else ""


STOPS = Listing(
    title="Stops and drills",
    singular="use of the kill switch",
    plural="uses of the kill switch",
    intro="Who was stopped, how far that reached, and how long it took until nothing was effective any more.",
    columns=(
        Column(
            "identity", "Identity", "identity", kind="link", url=IDENTITY, key_path="identity_id"
        ),
        Column("state", "State", state_of, kind="badge"),
        Column("asked", "Pressed", "asked_at", kind="time", sort="pk"),
        Column("took", "Took", took, empty="Not seen yet"),
        Column("grants", "Grants", "grants", kind="number"),
        Column("tasks", "Tasks", "tasks", kind="number"),
        Column("delegations", "Delegations", "delegations", kind="number"),
        Column("reached", "Reached", "reached", kind="number"),
        Column("left", "Credentials left", "left_over", kind="number", shown=False),
        Column("by", "By", "author", wide=True),
        Column("reason", "Reason", "reason", wide=True),
        Column("stopped", "Nothing left", "stopped_at", kind="time", shown=False),
        Column("lifted", "Lifted", "lifted_at", kind="time", shown=False),
    ),
    order="-asked",
    empty=Empty(
        "The kill switch was never used",
        "Open an agent and run a drill: it goes the whole way and stops nothing.",
        icon="octagon-x",
    ),
)
