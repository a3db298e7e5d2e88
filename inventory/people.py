"""A person's whole portfolio: what they own, sponsor, and would take over."""

from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet

from inventory import access, audit
from inventory.models import Identity, Person, User
from inventory.rules import RuleBroken


@dataclass(frozen=True)
class Absence:
    """From when until when somebody is away, and who decides meanwhile; all of it empty: nobody is away."""

    start: datetime | None = None
    end: datetime | None = None
    deputy: Person | None = None


@dataclass(frozen=True)
class Portfolio:
    """Querysets, narrowed to what the asking user may see; nothing is read yet."""

    owned: QuerySet[Identity]
    sponsored: QuerySet[Identity]
    succeeds: QuerySet[Identity]


def may_set_absence(user: User, person: Person) -> bool:
    """One's own, and security anybody's."""
    mine = user.is_active and user.role == User.Role.OWNER and user.person_id == person.pk
    return mine or access.changes_all(user)


def set_absence(person: Person, *, absence: Absence, by: User, reason: str, at: datetime) -> Person:
    """Says when somebody is away and who decides for them then. Requests of that time go to the deputy, then to the
    backup owner, then to the manager."""
    if not may_set_absence(by, person):
        raise PermissionDenied("One's own absence, or security anybody's.")
    deputy = absence.deputy
    if deputy is not None and (deputy.pk == person.pk or not deputy.can_answer(at)):
        raise RuleBroken(f"{deputy.name} cannot stand in. Choose somebody else who is still here.")
    if (absence.start is None) != (absence.end is None):
        raise RuleBroken("Say both the first day and the day of return, or neither.")
    if absence.start is not None and absence.end is not None and absence.end <= absence.start:
        raise RuleBroken("The absence ends before it begins. Choose a later day of return.")
    with audit.acting(by, "person.absence_set", reason):
        Person.objects.filter(pk=person.pk).update(
            away_from=absence.start, away_until=absence.end, deputy=deputy
        )
    return Person.objects.get(pk=person.pk)


def portfolio(person: Person, *, seen_by: User) -> Portfolio:
    rows = access.visible_to(seen_by, Identity.objects.select_related("owner", "source"))
    return Portfolio(
        owned=rows.filter(owner=person).order_by("name", "pk"),
        sponsored=rows.filter(sponsor=person).order_by("name", "pk"),
        succeeds=rows.filter(successors__person=person).order_by("name", "pk"),
    )
