"""A person's whole portfolio: what they own, sponsor, and would take over."""

from dataclasses import dataclass

from django.db.models import QuerySet

from inventory import access
from inventory.models import Identity, Person, User


@dataclass(frozen=True)
class Portfolio:
    """Querysets, narrowed to what the asking user may see; nothing is read yet."""

    owned: QuerySet[Identity]
    sponsored: QuerySet[Identity]
    succeeds: QuerySet[Identity]


def portfolio(person: Person, *, seen_by: User) -> Portfolio:
    rows = access.visible_to(seen_by, Identity.objects.select_related("owner", "source"))
    return Portfolio(
        owned=rows.filter(owner=person).order_by("name", "pk"),
        sponsored=rows.filter(sponsor=person).order_by("name", "pk"),
        succeeds=rows.filter(successors__person=person).order_by("name", "pk"),
    )
