"""Tasks of the demo's agents, with the access that they hold only for them."""

from dataclasses import dataclass
from datetime import timedelta

from inventory import audit
from inventory.models import Delegation, Entitlement, Grant, Identity, Person, Source, Task
from mandate.demo.access import entitlement_of
from mandate.demo.content import address, document
from mandate.demo.events import Scene
from reviews import issuing


@dataclass(frozen=True)
class Planned:
    """One task: hours from its opening to its deadline, and how it stands."""

    agent: str
    purpose: str
    person: str
    entitlement: str
    opened: float  # hours ago
    lasts: float  # hours
    status: str
    beats: float = 0  # minutes between two signs of life
    approval: str = "owner"  # or self (whoever gains by it), or none

    @property
    def key(self) -> str:
        return f"task|{self.agent}|{self.purpose}"


def open_tasks(scene: Scene) -> None:
    """Finished and running ones; a running one may be overdue, or silent."""
    planned = [Planned(*terms) for terms in document("tasks")["tasks"]]
    names = {
        row.name: row
        for row in Identity.objects.filter(namespace="mandate").select_related("owner__manager")
    }
    people = {person.email: person for person in Person.objects.all()}
    with audit.acting("demo", "task.opened", "Asked for by a person"):
        tasks = Task.objects.bulk_create(
            _task(each, names[each.agent], people.get(address(each.person)), scene)
            for each in planned
        )
        source = issuing.own_source()
        held = {row.external_id: row for row in Entitlement.objects.filter(namespace="mandate")}
        pairs = list(zip(planned, tasks, strict=True))
        Grant.objects.bulk_create(
            _grant(each, task, held[entitlement_of(each.entitlement)], source)
            for each, task in pairs
        )
        Delegation.objects.bulk_create(
            _delegation(each, task, source) for each, task in pairs if task.on_behalf_of
        )


def _task(planned: Planned, agent: Identity, person: Person | None, scene: Scene) -> Task:
    opened = scene.at - timedelta(hours=planned.opened)
    deadline = opened + timedelta(hours=planned.lasts)
    ended = None
    if planned.status != Task.Status.OPEN:
        ended = min(scene.at - timedelta(minutes=20), opened + (deadline - opened) * 0.7)
    beat = timedelta(minutes=planned.beats) if planned.beats else None
    return Task(
        identity=agent,
        purpose=planned.purpose,
        on_behalf_of=person,
        risk=planned_risk(planned),
        status=planned.status,
        opened_at=opened,
        deadline=deadline,
        heartbeat_every=beat,
        silent_at=opened + 6 * beat if beat else None,
        ended_at=ended,
    )


def planned_risk(planned: Planned) -> str:
    """The risk of what it is for."""
    name = planned.entitlement.rpartition("|")[2]
    return "critical" if name in ("submit", "create", "*") else "medium"


def _grant(planned: Planned, task: Task, entitlement: Entitlement, source: Source) -> Grant:
    return Grant(
        source=source,
        namespace="mandate",
        external_id=planned.key,
        identity=task.identity,
        entitlement=entitlement,
        task=task,
        just_in_time=True,
        via="just in time",
        starts_at=task.opened_at,
        expires_at=task.deadline,
        revoked_at=task.ended_at,
        revocation_confirmed_at=task.ended_at,
        granted_by="agent-platform",
        approved_by=_approver(task, planned.approval),
        approved_at=None if planned.approval == "none" else task.opened_at,
        reason=planned.purpose,
        last_used_at=task.opened_at + timedelta(minutes=4),
        use_known=True,
        first_seen_at=task.opened_at,
    )


def _approver(task: Task, approval: str) -> Person | None:
    """The owner, or their manager where the owner gains by it; or as it should not be."""
    if approval != "owner":
        return task.on_behalf_of if approval == "self" else None
    owner = task.identity.owner
    return owner.manager if owner and owner == task.on_behalf_of else owner


def _delegation(planned: Planned, task: Task, source: Source) -> Delegation:
    return Delegation(
        source=source,
        namespace="mandate",
        external_id=f"{planned.key}|for",
        delegator_person=task.on_behalf_of,
        delegate=task.identity,
        how=Delegation.How.ON_BEHALF_OF,
        task=task,
        may_redelegate=False,
        starts_at=task.opened_at,
        expires_at=task.deadline,
        revoked_at=task.ended_at,
        first_seen_at=task.opened_at,
    )
