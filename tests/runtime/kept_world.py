"""A small world with every way to a permit, and everything that can happen to it, one change after the other."""

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError
from django.db.models import F

from inventory.models import (
    Delegation,
    DelegationScope,
    Entitlement,
    Grant,
    Identity,
    Person,
    Resource,
    Task,
    Tool,
)
from runtime.models import CallTally, ObservedTier, PolicyEntity, PolicySet
from runtime.tier_rule import Evidence
from tests.factories import (
    a_binding,
    a_delegation,
    a_grant,
    a_person,
    a_resource,
    a_task,
    a_tool,
    an_entitlement,
    an_identity,
)
from tests.runtime import todo
from tests.runtime.factories import PERMIT_ALL, a_version, an_observed_tier

CAREFUL = f"""{PERMIT_ALL}
@id("no-actors") forbid(principal, action, resource) when {{ context has tierAfter && context.tierAfter >= 3 }};
"""
NO_WRITES = (
    f'{PERMIT_ALL}@id("no-writes") forbid(principal, action, resource) when {{ context.writes }};'
)
MINUTE = timedelta(minutes=1)
EVIDENCE = [
    asdict(one)
    for one in (Evidence(calls=1), Evidence(calls=9, tools=2, alone=9), Evidence(handed=1))
]
COUNTS = ("writes", "accompanied", "alone", "alone_writes", "late", "handed", "decided", "covered",
          "failed", "denied")  # fmt: skip


@dataclass
class World:
    """`questions`: AuthZEN requests, each of which is permitted at first."""

    now: datetime
    draw: random.Random
    agent: Identity
    tool: Tool
    questions: dict[str, dict[str, Any]] = field(default_factory=dict)

    def soon(self) -> datetime:
        return self.now + MINUTE * self.draw.choice([-10, 2, 8, 40])

    def never_or_soon(self) -> datetime | None:
        return None if self.draw.random() < 0.7 else self.soon()

    def gone(self) -> datetime | None:
        return None if self.draw.random() < 0.7 else self.now

    def one(self, model: Any) -> Any:
        """One row of the table, to be changed."""
        keys = list(model.objects.order_by("pk").values_list("pk", flat=True))
        return model.objects.filter(pk=self.draw.choice(keys))

    def change(self, model: Any, **values: Callable[[], Any]) -> None:
        """Sets one of the columns of one of the rows; what the table refuses does not happen."""
        name = self.draw.choice(sorted(values))
        with suppress(IntegrityError):
            self.one(model).update(**{name: values[name]()})

    def ask(self, name: str, action: str, what: tuple[str, Any], **context: Any) -> None:
        agent = self.agent
        self.questions[name] = {
            "subject": {"type": "identity", "id": f"{agent.namespace}/{agent.external_id}"},
            "action": {"name": action},
            "resource": {"type": what[0], "id": str(what[1])},
            "context": context,
        }


def build(now: datetime, draw: random.Random) -> World:
    a_version(CAREFUL)
    todo.the_application()
    person = a_person()
    agent, other, caller = (
        an_identity(owner=a_person(), name=name) for name in ("agent", "other", "caller")
    )
    own, through, at_work = a_resource(), a_resource(), a_resource()
    world = World(now, draw, agent, a_tool(state="approved", writes=True))
    task = a_task(
        identity=agent, on_behalf_of=person, opened_at=now, deadline=now + 360 * MINUTE,
        reference="T-1",
    )  # fmt: skip
    for identity, resource, extra in (
        (agent, own, {}),
        (other, through, {}),
        (agent, at_work, {"task": task, "expires_at": now + 300 * MINUTE}),
    ):
        held = an_entitlement(system=resource.system, resource=resource, name="read", writes=False)
        a_grant(identity=identity, entitlement=held, **extra)
    a_binding(agent, world.tool)
    a_delegation(delegator_identity=other, delegate=agent, how="assume_role")
    a_delegation(delegator_identity=caller, delegate=agent, how="orchestrate")
    a_delegation(delegator_person=person, delegate=caller, how="on_behalf_of")
    an_observed_tier(identity=agent, evidence=EVIDENCE[0], tier=0)
    world.ask("own", "read", ("resource", own.pk))
    world.ask("through", "read", ("resource", through.pk))
    world.ask("task", "read", ("resource", at_work.pk), task="T-1")
    world.ask("becomes", "assume_role", ("identity", other.pk))
    world.ask("tool", "call", ("tool", f"{world.tool.provider}/{world.tool.name}"))
    world.ask("tool there", "call", ("tool", world.tool.pk), dataset=own.pk)
    chain = {"chain": [caller.pk], "on_behalf_of": person.email}
    world.ask("chain", "read", ("resource", own.pk), **chain)
    world.questions["app"] = {
        "subject": {"type": "user", "id": sorted(todo.PEOPLE)[1]},
        "action": {"name": "can_create_todo"},
        "resource": {"type": "todo", "id": "1"},
    }
    return world


def _grant(world: World) -> None:
    soon = world.never_or_soon
    world.change(Grant, starts_at=soon, revoked_at=soon, gone_at=world.gone, expires_at=world.soon)


def _grant_given(world: World) -> None:
    held = world.one(Grant).get().entitlement
    a_grant(identity=world.agent, entitlement=held, expires_at=world.soon() + 11 * MINUTE)


def _grant_to_another(world: World) -> None:
    world.one(Grant).update(identity=world.one(Identity).get())


def _grant_taken(world: World) -> None:
    world.one(Grant).filter(task=None).delete()


def _entitlement(world: World) -> None:
    choice = world.draw.choice
    world.one(Entitlement).update(
        name=choice(["read", "write"]), effect=choice(["allow", "allow", "deny"])
    )


def _identity(world: World) -> None:
    states = ["active", "active", "suspended"]
    world.change(Identity, lifecycle=lambda: world.draw.choice(states), gone_at=world.gone)


def _owner(world: World) -> None:
    owner = world.draw.choice([None, world.one(Person).get(), world.one(Person).get()])
    world.one(Identity).update(owner=owner)


def _environment(world: World) -> None:
    where = world.draw.choice(["production", "sandbox"])
    Identity.objects.filter(pk=world.agent.pk).update(environment=where)


def _person(world: World) -> None:
    here = {"status": "active", "leaves_at": world.never_or_soon()}
    left = {"status": "left", "leaves_at": None}
    world.one(Person).update(**world.draw.choice([here, here, left]))


def _delegation(world: World) -> None:
    soon = world.never_or_soon
    world.change(Delegation, revoked_at=soon, starts_at=soon, expires_at=soon)


def _scope(world: World) -> None:
    delegation, entitlement = world.one(Delegation).get(), world.one(Entitlement).get()
    limited = DelegationScope.objects.filter(delegation=delegation).delete()[0] > 0
    Delegation.objects.filter(pk=delegation.pk).update(scope_all=limited)
    if not limited:
        DelegationScope.objects.create(delegation=delegation, entitlement=entitlement)


def _task(world: World) -> None:
    over = {"status": "silent", "ended_at": world.now}
    again = {"status": "open", "ended_at": None}
    Task.objects.update(**world.draw.choice([over, again, again]))
    world.change(Task, silent_at=world.never_or_soon, opened_at=world.soon)


def _tool(world: World) -> None:
    choice = world.draw.choice
    Tool.objects.update(
        state=choice(["approved", "approved", "disabled"]), risk=choice(["low", "critical"]),
        approved_digest=choice(["a" * 64, "a" * 64, "b" * 64]),
    )  # fmt: skip


def _binding(world: World) -> None:
    world.tool.bindings.update(ended_at=world.gone())


def _tally(world: World) -> None:
    if not CallTally.objects.all().delete()[0]:
        CallTally.objects.create(
            day=world.now.date(), identity=world.agent, provider=world.tool.provider,
            tool_name=world.draw.choice([world.tool.name, "else"]), calls=1, first_at=world.now,
            last_at=world.now, **dict.fromkeys(COUNTS, 0),
        )  # fmt: skip


def _evidence(world: World) -> None:
    ObservedTier.objects.update(evidence=world.draw.choice(EVIDENCE))


def _resource(world: World) -> None:
    world.one(Resource).update(gone_at=world.gone())


def _policies(world: World) -> None:
    a_version(world.draw.choice([CAREFUL, NO_WRITES, PERMIT_ALL]))


def _watching(world: World) -> None:
    where = world.draw.choice([[], ["production"]])
    PolicySet.objects.filter(domain="inventory").update(monitored=where)


def _application(world: World) -> None:
    role = world.draw.choice(["editor", "viewer", "admin"])
    groups = [{"type": "role", "id": role}]
    PolicyEntity.objects.filter(type="user").update(parents=groups)


def no_fact(world: World) -> None:
    """Use and bookkeeping, on which no answer rests."""
    Grant.objects.update(last_used_at=world.now)
    Identity.objects.update(open_findings=F("open_findings") + 1, last_active_at=world.now)


def _time(world: World) -> None:
    world.now += MINUTE * world.draw.choice([1, 5, 30])


CHANGES: tuple[Callable[[World], None], ...] = (
    _grant, _grant_given, _grant_to_another, _grant_taken, _entitlement, _identity, _owner,
    _environment, _person, _delegation, _scope, _task, _tool, _binding, _tally, _evidence,
    _resource, _policies, _watching, _application, no_fact, _time,
)  # fmt: skip
