"""A small world for tokens: a trusted domain, an agent with a task and access, and who asks about tokens."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from inventory import api_tokens
from inventory.models import Delegation, Grant, Identity, Person, Resource, Task, User
from runtime import trust
from runtime.models import TrustBundle
from tests.factories import (
    a_delegation,
    a_grant,
    a_person,
    a_resource,
    a_task,
    a_user,
    an_entitlement,
    an_identity,
)
from tests.runtime.factories import a_version
from tests.runtime.workload import Domain, Key, Wire, a_key

AGENT = "spiffe://example.org/ns/prod/agent"


@dataclass
class Office:
    domain: Domain
    bundle: TrustBundle
    person: Person
    agent: Identity
    task: Task
    resource: Resource
    grant: Grant
    security: User
    secret: str
    key: Key
    wire: Wire

    @property
    def scope(self) -> str:
        return f"read@resource:{self.resource.pk}"

    def svid(self, **claims: Any) -> str:
        return self.domain.jwt_svid(claims.pop("spiffe_id", AGENT), **claims)

    def exchange(self, **form: Any) -> Any:
        """A good request for a token, but for what the test says."""
        given = {
            "subject_token": self.svid(),
            "audience": "https://crm.example.com",
            "task": str(self.task.pk),
            "scope": self.scope,
            "key": self.key,
        }
        return self.wire.exchange(**{**given, **form})

    def token(self, **form: Any) -> str:
        answer = self.exchange(**form)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def introspect(self, token: str) -> dict[str, Any]:
        return self.wire.introspect(token, self.secret)

    def helper(self, name: str = "helper", **fields: Any) -> Identity:
        """Another workload, to which the agent has delegated everything."""
        helper = an_identity(
            name=name, kind="assistant", spiffe_id=f"spiffe://example.org/ns/prod/{name}"
        )
        self.delegate(self.agent, helper, **fields)
        return helper

    def delegate(self, giver: Identity, taker: Identity, **fields: Any) -> Delegation:
        return a_delegation(delegator_identity=giver, delegate=taker, how="orchestrate", **fields)

    def read(self, resource: Resource, identity: Identity) -> Grant:
        held = an_entitlement(
            system=resource.system, resource=resource, name="read", actions=["read"]
        )
        return a_grant(identity=identity, entitlement=held)


def build(at: datetime | None = None) -> Office:
    at = at or timezone.now()
    domain, security = Domain(), a_user("security")
    a_version()
    bundle = trust.give_bundle(domain.name, json.dumps(domain.bundle()), by=security, at=at)
    person = a_person()
    agent = an_identity(name="agent", kind="autonomous_agent", spiffe_id=AGENT)
    task = a_task(
        identity=agent,
        on_behalf_of=person,
        opened_at=at - timedelta(hours=1),
        deadline=at + timedelta(hours=1),
    )
    resource = a_resource()
    _, secret = api_tokens.create(
        security, name="crm", scopes=["read", "write", "decide"], until=at + timedelta(days=1),
        by=security, at=at,
    )  # fmt: skip
    office = Office(
        domain=domain,
        bundle=bundle,
        person=person,
        agent=agent,
        task=task,
        resource=resource,
        grant=Grant(),
        security=security,
        secret=secret,
        key=a_key(),
        wire=Wire(),
    )
    office.grant = office.read(resource, agent)
    return office
