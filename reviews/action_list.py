"""The list of single actions that were asked for: its filters and columns, for page, export and API."""

import django_filters
from django.db.models import Q
from django.utils import timezone

from inventory.columns import Column, labelled
from inventory.filter_bar import ManyFilter
from inventory.filters import Filters, KeyFilter, Rows
from inventory.listing import Empty, Listing
from inventory.models import Identity, Risk, Tool
from inventory.search import holds
from reviews.models import ActionApproval

IDENTITY = "inventory:identity-detail"
LAPSED = "lapsed"
STATES = {**dict(ActionApproval.Status.choices), LAPSED: "Lapsed"}


def state_of(approval: ActionApproval) -> str:
    return str(STATES[approval.state(timezone.now())])


class ActionStateFilter(ManyFilter):
    """By the state at this moment."""

    def filter(self, qs: Rows, value: list[str]) -> Rows:
        if not value:
            return qs
        at = timezone.now()
        passing = (ActionApproval.Status.WAITING, ActionApproval.Status.APPROVED)
        found = Q(pk__in=[])
        for state in value:
            if state == LAPSED:
                found |= Q(status__in=passing, expires_at__lte=at)
            elif state in passing:
                found |= Q(status=state, expires_at__gt=at)
            else:
                found |= Q(status=state)
        return qs.filter(found)


class ActionFilter(Filters):
    q = django_filters.CharFilter(
        method="search", label="Search", help_text="Identity, tool or target"
    )
    state = ActionStateFilter(label="State", choices=list(STATES.items()))
    risk = ManyFilter(choices=Risk.choices)
    identity = KeyFilter(label="Identity")

    class Meta:
        model = ActionApproval
        fields: list[str] = []

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        named = Identity.objects.filter(holds(value, "name", "external_id")).values("pk")
        tools = Tool.objects.filter(holds(value, "name")).values("pk")
        return rows.filter(Q(identity__in=named) | Q(tool__in=tools) | Q(target__icontains=value))


ACTIONS = Listing(
    title="Actions",
    singular="action",
    plural="actions",
    intro="Single actions that agents asked a person to approve. An approval holds once, for exactly that.",
    columns=(
        Column("tool", "Tool", "tool.name", kind="link", url="reviews:action-detail"),
        Column(
            "identity", "Identity", "identity", kind="link", url=IDENTITY, key_path="identity_id"
        ),
        Column("target", "Target", "target"),
        Column("state", "State", state_of, kind="badge"),
        Column("risk", "Risk", labelled("risk", Risk)),
        Column("reason", "Reason", "reason", wide=True),
        Column("asked", "Asked", "asked_at", kind="time", sort="pk"),
        Column("until", "Holds until", "expires_at", kind="time", wide=True),
        Column("used", "Used", "used_at", kind="time", shown=False),
        Column("digest", "Digest of the arguments", "arguments_digest", kind="code", shown=False),
    ),
    order="-asked",
    empty=Empty(
        "No actions yet",
        "An agent's platform asks over the API before a high-impact action.",
        icon="shield-question-mark",
    ),
)
