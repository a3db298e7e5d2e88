"""The list of proposed cuts: its filters and columns."""

import django_filters
from django.db.models import Q
from django.utils import timezone

from inventory.columns import Column
from inventory.filter_bar import ManyFilter
from inventory.filters import Filters, KeyFilter, Rows
from inventory.listing import Empty, Listing
from inventory.models import Entitlement, Identity
from inventory.search import holds
from reviews.models import PathCut

IDENTITY = "inventory:identity-detail"
LAPSED = "lapsed"
STATES = {**dict(PathCut.Status.choices), LAPSED: "Lapsed"}


def state_of(cut: PathCut) -> str:
    return str(STATES[cut.state(timezone.now())])


class CutStateFilter(ManyFilter):
    """By the state at this moment."""

    def filter(self, qs: Rows, value: list[str]) -> Rows:
        if not value:
            return qs
        at, found = timezone.now(), Q(pk__in=[])
        for state in value:
            if state == LAPSED:
                found |= Q(status=PathCut.Status.WAITING, expires_at__lte=at)
            elif state == PathCut.Status.WAITING:
                found |= Q(status=state, expires_at__gt=at)
            else:
                found |= Q(status=state)
        return qs.filter(found)


class CutFilter(Filters):
    q = django_filters.CharFilter(
        method="search", label="Search", help_text="Identity or what it should not reach"
    )
    state = CutStateFilter(label="State", choices=list(STATES.items()))
    identity = KeyFilter(label="Identity")

    class Meta:
        model = PathCut
        fields: list[str] = []

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        named = Identity.objects.filter(holds(value, "name", "external_id")).values("pk")
        reached = Entitlement.objects.filter(holds(value, "name")).values("pk")
        return rows.filter(
            Q(identity__in=named) | Q(target_identity__in=named) | Q(target_entitlement__in=reached)
        )


CUTS = Listing(
    title="Cuts",
    singular="cut",
    plural="cuts",
    intro="Delegations and grants that are to end, so that an identity no longer reaches what it should not.",
    columns=(
        Column("target", "Cut off from", "target", kind="link", url="reviews:cut-detail"),
        Column(
            "identity", "Identity", "identity", kind="link", url=IDENTITY, key_path="identity_id"
        ),
        Column("state", "State", state_of, kind="badge"),
        Column("ends", "Ends", lambda row: len(row.delegations) + len(row.grants), kind="number"),
        Column("reason", "Reason", "reason", wide=True),
        Column("asked_by", "Proposed by", "asked_by.username"),
        Column("asked", "Proposed", "asked_at", kind="time", sort="pk"),
        Column("until", "Answer by", "expires_at", kind="time", wide=True),
    ),
    order="-asked",
    empty=Empty(
        "No cuts yet",
        "On the page of an identity, “Cut off” finds the smallest set of delegations and grants to end.",
        icon="scissors",
    ),
)
