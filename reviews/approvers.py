"""Who is asked to approve: the line of people for each part, and the separation of duties that passes people over."""

from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from datetime import datetime

from inventory.models import Entitlement, Identity, Person, Successor, User
from inventory.rules import RuleBroken


@dataclass(frozen=True)
class Duties:
    """Who asks and who benefits; neither may approve."""

    requester: User
    beneficiary: Person | None = None

    def against(self, person: Person) -> str:
        """Why this person may not approve; empty when they may."""
        if self.requester.person_id == person.pk:
            return f"{person.name} asked for it."
        if self.beneficiary is not None and self.beneficiary.pk == person.pk:
            return f"{person.name} benefits from it."
        return ""


@dataclass
class Line:
    """People in order, each with the reason why they stand there; and who was passed over, and why."""

    people: list[tuple[Person, str]] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)


def owner_line(identity: Identity, duties: Duties, at: datetime) -> Line:
    """The owner, their deputy while they are away, the successors in order, the owner's manager."""
    owner = identity.owner
    named: list[tuple[Person, str]] = []
    if owner is not None:
        named.append((owner, ""))
        if owner.is_away(at) and owner.deputy is not None:
            named.append((owner.deputy, f"Deputy of {owner.name}."))
    backups = Successor.objects.filter(identity=identity).select_related("person").order_by("rank")
    named += [(each.person, "Backup owner.") for each in backups]
    if owner is not None and owner.manager is not None:
        named.append((owner.manager, f"Manager of {owner.name}."))
    line = _sift(named, duties, at)
    if owner is None:
        line.passed_over.insert(0, f"{identity.name} has no owner.")
    return line


def resource_lines(
    entitlements: Iterable[Entitlement], duties: Duties, at: datetime, *, taken: Set[int]
) -> list[Line]:
    """One line for each owner of a resource or system that is asked about; whoever approves as owner already is passed
    over, because two approvals are two people."""
    owners: dict[int, Person] = {}
    nobody: list[str] = []
    for entitlement in entitlements:
        resource, system = entitlement.resource, entitlement.system
        owner = (resource.owner if resource else None) or system.owner
        if owner is None:
            nobody.append(f"{resource or system} has no owner.")
        else:
            owners.setdefault(owner.pk, owner)
    lines = [
        _sift(_resource_people(owner, at), duties, at, taken=taken) for owner in owners.values()
    ]
    if nobody:
        lines.append(Line(passed_over=list(dict.fromkeys(nobody))))
    return lines


def require_may_answer(user: User, duties: Duties) -> None:
    """Raises RuleBroken with the rule that stands against it. What a program is asked it cannot approve."""
    if user.is_service:
        raise RuleBroken("A program cannot approve anything. A person has to sign in and decide.")
    if user.pk == duties.requester.pk:
        raise RuleBroken("You asked for it yourself. Somebody else has to decide.")
    if user.person is not None and (why := duties.against(user.person)):
        raise RuleBroken(f"{why} Somebody else has to decide.")


def _resource_people(owner: Person, at: datetime) -> list[tuple[Person, str]]:
    people = [(owner, "")]
    if owner.is_away(at) and owner.deputy is not None:
        people.append((owner.deputy, f"Deputy of {owner.name}."))
    if owner.manager is not None:
        people.append((owner.manager, f"Manager of {owner.name}."))
    return people


def _sift(
    named: list[tuple[Person, str]], duties: Duties, at: datetime, *, taken: Set[int] = frozenset()
) -> Line:
    line, seen = Line(), set[int]()
    for person, why in named:
        if person.pk in seen:
            continue
        seen.add(person.pk)
        against = _not_here(person, at) or duties.against(person)
        if not against and person.pk in taken:
            against = f"{person.name} approves as the owner already."
        if against:
            line.passed_over.append(against)
        else:
            line.people.append((person, why))
    return line


def _not_here(person: Person, at: datetime) -> str:
    if not person.can_answer(at):
        return f"{person.name} has left."
    if person.status == Person.Status.LEAVING:
        return f"{person.name} is leaving."
    if person.is_away(at):
        return f"{person.name} is away until {person.away_until:%d %b %Y}."
    return ""
