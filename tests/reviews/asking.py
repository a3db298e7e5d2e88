"""What the tests of requests share: a small organisation, and requests in it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from inventory import task_life
from inventory.models import Entitlement, Identity, Person, Task, User
from inventory.task_life import Work
from reviews import requests
from reviews.models import AccessRequest
from reviews.requests import Wish
from tests.factories import NOW, a_person, a_system, a_user, an_entitlement, an_identity

HOUR = timedelta(hours=1)


@dataclass
class Office:
    """An agent with an owner, whose manager and backup are there too; a platform asks; a ledger belongs to somebody."""

    manager: Person = field(default_factory=lambda: a_person(name="Mara"))
    owner: Person = field(init=False)
    keeper: Person = field(default_factory=lambda: a_person(name="Kim"))
    agent: Identity = field(init=False)
    platform: User = field(init=False)
    security: User = field(default_factory=lambda: a_user("security"))

    def __post_init__(self) -> None:
        self.owner = a_person(name="Ona", manager=self.manager)
        self.agent = an_identity(owner=self.owner, kind="autonomous_agent", name="invoice-bot")
        self.platform = a_user("security", is_service=True)

    def login(self, person: Person) -> User:
        known = User.objects.filter(person=person).first()
        return known or a_user("owner", person=person)

    def can(self, risk: str = "medium", **terms: Any) -> Entitlement:
        system = terms.pop("system", None) or a_system(owner=self.keeper)
        return an_entitlement(risk=risk, system=system, **terms)

    def task(self, **terms: Any) -> Task:
        work = Work(**{"purpose": "Match invoices", "deadline": NOW + 8 * HOUR, **terms})
        return task_life.open_task(self.agent, work=work, by=self.platform, at=NOW)

    def ask(
        self, *entitlements: Entitlement, by: User | None = None, at: datetime = NOW, **wish: Any
    ) -> AccessRequest:
        return requests.ask(
            self.agent,
            entitlements=entitlements or [self.can()],
            wish=Wish(**{"reason": "The month closes.", **wish}),
            by=by or self.platform,
            at=at,
        )


def people_asked(request: AccessRequest) -> list[Person | None]:
    return [each.person for each in request.approvals.order_by("pk")]
