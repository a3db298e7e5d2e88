"""Small situations with a name, each complete in itself: the demo shows them, and tests prove things about them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from inventory.models import (
    Credential,
    Delegation,
    Entitlement,
    Environment,
    Grant,
    Identity,
    Person,
    Risk,
    Source,
    System,
    Task,
    Tier,
    Tool,
    ToolBinding,
)
from mandate.demo.content import address
from mandate.demo.day import digest

Kind = Identity.Kind


@dataclass
class World:
    """The rows of a situation, by name."""

    at: datetime
    people: dict[str, Person] = field(default_factory=dict)
    identities: dict[str, Identity] = field(default_factory=dict)


def entered() -> Source:
    """The source of what people type in; each installation has it."""
    return Source.objects.get(key="manual")


def departed_owner(at: datetime) -> World:
    """Somebody left five days ago; three agents of theirs still run, each with a key that works."""
    world = World(at)
    left = at - timedelta(days=5)
    owner = _person(world, "Stefan Roth", status=Person.Status.LEFT, left_at=left)
    for name, purpose in (
        ("dock-scheduler", "Gives trucks their dock and time"),
        ("yard-dispatcher", "Sends trailers to the doors"),
        ("late-truck-notifier", "Tells the hall which trucks are late"),
    ):
        agent = _identity(
            world, name, kind=Kind.AUTONOMOUS_AGENT, owner=owner, purpose=purpose, risk=Risk.HIGH
        )
        _key(agent, at, age=130)
        _grant(agent, at, "Freight Planner", "bookings update", Risk.HIGH)
    return world


def shared_key(at: datetime) -> World:
    """One key, copied from staging to production: it works in both, and no log says who used it."""
    world = World(at)
    owner = _person(world, "Birgit Lang")
    for name, environment in (
        ("label-printer-service", Environment.PRODUCTION),
        ("label-printer-service-staging", Environment.STAGING),
    ):
        service = _identity(world, name, owner=owner, environment=environment)
        _key(service, at, age=75, fingerprint=digest("label printer"))
    return world


def assistant_became_actor(at: datetime) -> World:
    """Declared as an assistant; by now it holds standing access to three systems and tools that write."""
    world = World(at)
    owner = _person(world, "Naomi Fields")
    agent = _identity(
        world,
        "sales-desk-helper",
        kind=Kind.ASSISTANT,
        owner=owner,
        purpose="Drafts offers for the sales desk",
        declared_tier=Tier.ASSISTANT,
        risk=Risk.MEDIUM,
    )
    _key(agent, at, age=160)
    for system, action in (
        ("CRM", "contracts update"),
        ("Payments", "refunds create"),
        ("Freight Planner", "bookings update"),
    ):
        _grant(agent, at, system, action, Risk.CRITICAL)
    for name in ("change_contract", "give_discount"):
        _tool(agent, at, "sales-mcp", name)
    _delegation(agent, at, delegator_person=owner, how=Delegation.How.ON_BEHALF_OF)
    return world


def unreviewed_vendor_app(at: datetime) -> World:
    """An app that somebody connected with one click: nobody knows whose it is, and it reads customers."""
    world = World(at)
    app = _identity(world, "Clipmerge", kind=Kind.OAUTH_APP, owner=None, third_party=True)
    _grant(app, at, "CRM", "contacts.*", Risk.HIGH, wildcard=True)
    return world


def widening_chain(at: datetime) -> World:
    """A person asks an assistant that may only read; two hops later somebody may delete."""
    world = World(at)
    person = _person(world, "Tara Quinn")
    asked = _identity(world, "archive-helper", kind=Kind.ASSISTANT, owner=person)
    between = _identity(world, "archive-orchestrator", kind=Kind.ORCHESTRATOR, owner=person)
    last = _identity(world, "archive-cleaner", kind=Kind.AUTONOMOUS_AGENT, owner=person)
    for agent, action, risk in (
        (asked, "policies read", Risk.LOW),
        (between, "policies read", Risk.LOW),
        (last, "policies delete", Risk.CRITICAL),
    ):
        _grant(agent, at, "Document Store", action, risk)
    _delegation(asked, at, delegator_person=person, how=Delegation.How.ON_BEHALF_OF)
    for delegator, delegate in ((asked, between), (between, last)):
        _delegation(delegate, at, delegator_identity=delegator, how=Delegation.How.ORCHESTRATE)
    return world


def retired_but_alive(at: datetime) -> World:
    """Retired two weeks ago, but its key was never revoked and its access never taken."""
    world = World(at)
    agent = _identity(
        world,
        "load-planner-v1",
        kind=Kind.AUTONOMOUS_AGENT,
        owner=_person(world, "Erik Solberg"),
        purpose="Planned loads until the planner did it itself",
        lifecycle=Identity.Lifecycle.RETIRED,
        retired_at=at - timedelta(days=14),
    )
    _key(agent, at, age=80)
    _grant(agent, at, "Freight Planner", "capacity update", Risk.MEDIUM)
    return world


def finished_task(at: datetime) -> World:
    """The task is done; what was granted for it is dead, although its own end is still to come."""
    world = World(at)
    agent = _identity(
        world,
        "damage-assessor",
        kind=Kind.AUTONOMOUS_AGENT,
        owner=_person(world, "Paula Reyes"),
        purpose="Estimates damage from photographs",
        risk=Risk.MEDIUM,
        risk_assessed_at=at - timedelta(days=9),
    )
    task = Task.objects.create(
        identity=agent,
        purpose="Assess the damage of shipment NM-20417",
        status=Task.Status.DONE,
        opened_at=at - timedelta(hours=5),
        deadline=at + timedelta(hours=3),
        ended_at=at - timedelta(hours=1),
    )
    end = at + timedelta(hours=3)
    _grant(
        agent,
        at,
        "Payments",
        "refunds propose",
        Risk.HIGH,
        task=task,
        just_in_time=True,
        expires_at=end,
    )
    return world


ALL = (
    departed_owner,
    shared_key,
    assistant_became_actor,
    unreviewed_vendor_app,
    widening_chain,
    retired_but_alive,
    finished_task,
)


def _sourced(at: datetime, key: str) -> dict[str, object]:
    seen = at - timedelta(days=200)
    return {
        "source": entered(),
        "namespace": "mandate",
        "external_id": key,
        "first_seen_at": seen,
    }


def _person(world: World, name: str, **fields: object) -> Person:
    given = {"name": name, "email": address(name), **fields}
    person = Person.objects.create(**_sourced(world.at, address(name)), **given)
    world.people[name] = person
    return person


def _identity(world: World, name: str, **fields: object) -> Identity:
    given: dict[str, object] = {
        "kind": Kind.SERVICE_ACCOUNT,
        "environment": Environment.PRODUCTION,
        "source_state": Identity.SourceState.ENABLED,
        "created_at": world.at - timedelta(days=200),
        "last_active_at": world.at - timedelta(hours=7),
        "activity_known": True,
        "interactive_known": True,
    }
    identity = Identity.objects.create(**_sourced(world.at, name), name=name, **(given | fields))
    world.identities[name] = identity
    return identity


def _key(identity: Identity, at: datetime, *, age: int, fingerprint: str = "") -> Credential:
    return Credential.objects.create(
        **_sourced(at, f"{identity.name}/key"),
        identity=identity,
        kind=Credential.Kind.API_KEY,
        key_id=f"key-{identity.name}",
        fingerprint=fingerprint or digest(identity.name),
        environment=identity.environment,
        issued_at=at - timedelta(days=age),
        expiry_known=True,
        last_used_at=at - timedelta(hours=7),
        use_known=True,
    )


def _entitlement(at: datetime, system: str, action: str, risk: str, wildcard: bool) -> Entitlement:
    place, _ = System.objects.get_or_create(
        namespace="mandate",
        external_id=system,
        defaults={
            **_sourced(at, system),
            "name": system,
            "environment": Environment.PRODUCTION,
        },
    )
    key = f"{system}|{action}"
    entitlement, _ = Entitlement.objects.get_or_create(
        namespace="mandate",
        external_id=key,
        defaults={
            **_sourced(at, key),
            "system": place,
            "name": action,
            "actions": [action],
            "risk": risk,
            "writes": not action.endswith("read"),
            "wildcard": wildcard,
        },
    )
    return entitlement


def _grant(
    identity: Identity, at: datetime, system: str, action: str, risk: str, **fields: object
) -> Grant:
    held = _entitlement(at, system, action, risk, bool(fields.pop("wildcard", False)))
    return Grant.objects.create(
        **_sourced(at, f"{identity.name}|{held.external_id}"),
        identity=identity,
        entitlement=held,
        starts_at=at - timedelta(days=1 if fields.get("task") else 150),
        last_used_at=at - timedelta(hours=7),
        use_known=True,
        **fields,
    )


def _delegation(delegate: Identity, at: datetime, **fields: object) -> Delegation:
    giver = fields.get("delegator_person") or fields.get("delegator_identity")
    key = f"{giver}|{delegate.name}"
    return Delegation.objects.create(**_sourced(at, key), delegate=delegate, **fields)


def _tool(identity: Identity, at: datetime, provider: str, name: str) -> Tool:
    tool = Tool.objects.create(
        **_sourced(at, f"{provider}/{name}"),
        provider=provider,
        name=name,
        descriptor_digest=digest(name),
        writes=True,
        risk=Risk.HIGH,
    )
    ToolBinding.objects.create(
        **_sourced(at, f"{identity.name}|{provider}/{name}"),
        identity=identity,
        tool=tool,
        origin=ToolBinding.Origin.OBSERVED,
    )
    return tool
