"""Rows for tests: say what matters for the sentence, the rest is made up. Everything is healthy by
default."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import factory

from inventory.models import (
    Credential,
    Delegation,
    Entitlement,
    Exposure,
    Grant,
    Identity,
    Person,
    Resource,
    Source,
    Successor,
    System,
    Task,
    Team,
    Tool,
    ToolBinding,
    ToolServer,
    User,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=400)
_number = count(1)


def days(number: float) -> timedelta:
    return timedelta(days=number)


def ago(number: float) -> datetime:
    return NOW - days(number)


class SourceFactory(factory.django.DjangoModelFactory):  # type: ignore[misc]  # no types
    class Meta:
        model = Source

    key = factory.Sequence(lambda n: f"source-{n}")
    kind = "csv"
    namespace = factory.SelfAttribute("key")
    label = factory.SelfAttribute("key")
    last_complete_at = NOW - timedelta(hours=1)
    last_run_at = NOW - timedelta(hours=1)


class SourcedFactory(factory.django.DjangoModelFactory):  # type: ignore[misc]  # no types
    class Meta:
        abstract = True

    source = factory.SubFactory(SourceFactory)
    namespace = factory.SelfAttribute("source.namespace")
    external_id = factory.LazyFunction(lambda: f"row-{next(_number)}")
    first_seen_at = LONG_AGO


class PersonFactory(SourcedFactory):
    class Meta:
        model = Person

    name = factory.Sequence(lambda n: f"Person {n}")
    email = factory.Sequence(lambda n: f"person{n}@example.org")


class TeamFactory(SourcedFactory):
    class Meta:
        model = Team

    name = factory.Sequence(lambda n: f"team-{n}")


class IdentityFactory(SourcedFactory):
    class Meta:
        model = Identity

    name = factory.Sequence(lambda n: f"identity-{n}")
    kind = Identity.Kind.SERVICE_ACCOUNT
    owner = factory.SubFactory(PersonFactory)


class CredentialFactory(SourcedFactory):
    class Meta:
        model = Credential

    identity = factory.SubFactory(IdentityFactory)
    source = factory.SelfAttribute("identity.source")
    kind = Credential.Kind.ACCESS_KEY
    key_id = factory.Sequence(lambda n: f"KEY{n}")


class SystemFactory(SourcedFactory):
    class Meta:
        model = System

    name = factory.Sequence(lambda n: f"system-{n}")


class ResourceFactory(SourcedFactory):
    class Meta:
        model = Resource

    system = factory.SubFactory(SystemFactory)
    name = factory.Sequence(lambda n: f"resource-{n}")


class EntitlementFactory(SourcedFactory):
    class Meta:
        model = Entitlement

    system = factory.SubFactory(SystemFactory)
    name = factory.Sequence(lambda n: f"read-{n}")


class GrantFactory(SourcedFactory):
    class Meta:
        model = Grant

    identity = factory.SubFactory(IdentityFactory)
    source = factory.SelfAttribute("identity.source")
    entitlement = factory.SubFactory(EntitlementFactory)
    task = None
    just_in_time = factory.LazyAttribute(lambda row: row.task is not None)


class ToolFactory(SourcedFactory):
    class Meta:
        model = Tool


class ToolBindingFactory(SourcedFactory):
    class Meta:
        model = ToolBinding

    origin = ToolBinding.Origin.DECLARED


class ToolServerFactory(SourcedFactory):
    class Meta:
        model = ToolServer

    provider = "ledger-mcp"
    origin = ToolServer.Origin.CONFIGURED
    transport = ToolServer.Transport.STDIO


class ExposureFactory(SourcedFactory):
    class Meta:
        model = Exposure

    setting = "env.LEDGER_TOKEN"
    found_in = "desk, server ledger-mcp"
    kind = "Looks like a live secret"
    fingerprint = "e" * 64


def a_source(**fields: Any) -> Source:
    return SourceFactory(**fields)  # type: ignore[no-any-return]


def a_person(**fields: Any) -> Person:
    return PersonFactory(**fields)  # type: ignore[no-any-return]


def a_team(**fields: Any) -> Team:
    return TeamFactory(**fields)  # type: ignore[no-any-return]


def an_identity(**fields: Any) -> Identity:
    return IdentityFactory(**fields)  # type: ignore[no-any-return]


def a_credential(**fields: Any) -> Credential:
    return CredentialFactory(**fields)  # type: ignore[no-any-return]


def a_system(**fields: Any) -> System:
    return SystemFactory(**fields)  # type: ignore[no-any-return]


def a_resource(**fields: Any) -> Resource:
    return ResourceFactory(**fields)  # type: ignore[no-any-return]


def an_entitlement(**fields: Any) -> Entitlement:
    return EntitlementFactory(**fields)  # type: ignore[no-any-return]


def a_grant(**fields: Any) -> Grant:
    return GrantFactory(**fields)  # type: ignore[no-any-return]


def a_delegation(**fields: Any) -> Delegation:
    delegate = fields.pop("delegate", None) or an_identity()
    given = {
        "delegator_identity": None if "delegator_person" in fields else an_identity(),
        "how": Delegation.How.ON_BEHALF_OF,
        "source": delegate.source,
        "namespace": delegate.namespace,
        "external_id": f"row-{next(_number)}",
        "first_seen_at": LONG_AGO,
    }
    return Delegation.objects.create(delegate=delegate, **{**given, **fields})


def a_successor(**fields: Any) -> Successor:
    identity, person = fields.pop("identity", None), fields.pop("person", None)
    return Successor.objects.create(
        identity=identity or an_identity(), person=person or a_person(), **{"rank": 1, **fields}
    )


def a_task(**fields: Any) -> Task:
    identity = fields.pop("identity", None) or an_identity()
    given = {"purpose": "Close the month", "opened_at": ago(1), "deadline": NOW + days(1)}
    return Task.objects.create(identity=identity, **{**given, **fields})


def a_user(role: str = User.Role.SECURITY, **fields: Any) -> User:
    name = fields.pop("username", f"{role}{next(_number)}")
    return User.objects.create_user(username=name, role=role, **fields)


def a_tool(provider: str = "ledger-mcp", name: str = "post_invoice", **fields: Any) -> Tool:
    """Described, and nobody has decided on it; `state="approved"` approves it as it is."""
    described = {"name": name, "description": "Posts an invoice"}
    fields = {"descriptor": described, "descriptor_digest": "a" * 64, **fields}
    if fields.get("state") == Tool.State.APPROVED:
        approved = {"digest": fields["descriptor_digest"], "descriptor": fields["descriptor"]}
        fields = {**{f"approved_{key}": value for key, value in approved.items()}, **fields}
    return ToolFactory.create(provider=provider, name=name, **fields)  # type: ignore[no-any-return]


def a_binding(identity: Identity, tool: Tool, **fields: Any) -> ToolBinding:
    return ToolBindingFactory.create(identity=identity, tool=tool, **fields)  # type: ignore[no-any-return]


def a_server(**fields: Any) -> ToolServer:
    return ToolServerFactory.create(**fields)  # type: ignore[no-any-return]


def an_exposure(identity: Identity, **fields: Any) -> Exposure:
    return ExposureFactory.create(identity=identity, **fields)  # type: ignore[no-any-return]
