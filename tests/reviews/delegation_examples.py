"""The smallest rows of each answer for the checks of delegations, of whom they trust, and of combinations."""

from datetime import datetime
from typing import Any

from inventory.models import (
    ChainComputation,
    ChainFacts,
    Delegation,
    DelegationScope,
    Entitlement,
    Identity,
    Tool,
    ToolBinding,
)
from tests.factories import (
    NOW,
    a_credential,
    a_delegation,
    a_grant,
    a_person,
    a_resource,
    a_system,
    a_task,
    ago,
    an_entitlement,
    an_identity,
    days,
)

Kind = Identity.Kind
PROVIDER = "token.actions.example.org"
Json = dict[str, Any]  # Any: conditions as AWS writes them


def limited(*entitlements: Entitlement, **fields: Any) -> Delegation:
    """A delegation of these entitlements only."""
    made = a_delegation(scope_all=False, **fields)
    for each in entitlements:
        DelegationScope.objects.create(delegation=made, entitlement=each)
    return made


def of_held(*, held: bool = True, **fields: Any) -> Delegation:
    """It names one entitlement, and its delegator holds it, or another one."""
    grant = a_grant()
    named = grant.entitlement if held else an_entitlement()
    return limited(named, delegator_identity=grant.identity, **fields)


def passed_on(**parent: Any) -> Delegation:
    """It names one entitlement, which its delegator has by a delegation only."""
    grant = a_grant()
    above = a_delegation(delegator_identity=grant.identity, **parent)
    return limited(grant.entitlement, delegator_identity=above.delegate, expires_at=NOW + days(9))


def below(*, ends: Any = None, **parent: Any) -> Delegation:
    """All of somebody who has nothing but what was delegated to them."""
    above = a_delegation(delegator_identity=a_grant().identity, **parent)
    return a_delegation(delegator_identity=above.delegate, expires_at=ends)


def by_pattern() -> Delegation:
    system = a_system()
    grant = a_grant(entitlement=an_entitlement(system=system, wildcard=True))
    return limited(an_entitlement(system=system), delegator_identity=grant.identity)


def unowned(**fields: Any) -> Identity:
    return an_identity(owner=None, **fields)


def chain(*, of: int, **root: Any) -> Delegation:
    """So many hops of identities that nobody owns; the first one is delegated to by `root`."""
    made = a_delegation(delegate=unowned(), **root)
    for _ in range(of - 1):
        made = a_delegation(delegator_identity=made.delegate, delegate=unowned())
    return made


def principal(kind: str, **fields: Any) -> Identity:
    """A principal that a trust policy of AWS names."""
    given = {"kind": Kind.EXTERNAL_ACCOUNT, "stub": True, "owner": None, **fields}
    attributes = {"principal_type": kind, **given.pop("attributes", {})}
    return an_identity(attributes=attributes, **given)


def for_task(*, ends: Any, task: Json | None = None, **fields: Any) -> Delegation:
    return a_delegation(
        delegator_person=a_person(), task=a_task(**(task or {})), expires_at=ends, **fields
    )


def for_person(**fields: Any) -> Delegation:
    return a_delegation(
        delegator_person=a_person(), delegate=an_identity(kind=Kind.ASSISTANT), **fields
    )


def onward(*, flag: bool | None = False, **fields: Any) -> Delegation:
    """What somebody passes on who was given something with a flag."""
    above = a_delegation(delegator_identity=a_grant().identity, may_redelegate=flag)
    return a_delegation(delegator_identity=above.delegate, **fields)


def onward_named(*, kept: bool = True, person: bool = False) -> Delegation:
    """A limited onward delegation, of what was lent or of something else."""
    grant = a_grant()
    giver = {"delegator_person": a_person()} if person else {"delegator_identity": grant.identity}
    above = a_delegation(may_redelegate=False, **giver)
    named = grant.entitlement if kept else a_grant(identity=above.delegate).entitlement
    return limited(named, delegator_identity=above.delegate)


def trusted(delegate: Identity, **fields: Any) -> Delegation:
    role = an_identity(kind=Kind.ROLE, scope="111122223333", source=delegate.source)
    return a_delegation(
        delegator_identity=role, delegate=delegate, how=Delegation.How.ASSUME_ROLE, **fields
    )


def across(delegator: str, delegate: str, **fields: Any) -> Delegation:
    giver = an_identity(environment=delegator)
    return a_delegation(
        delegator_identity=giver, delegate=an_identity(environment=delegate), **fields
    )


def between_agents(*proofs: str) -> Delegation:
    """Both ends prove themselves by a SPIFFE ID, a bound or an unbound credential, or not at all."""
    ends = [an_identity(kind=Kind.AUTONOMOUS_AGENT) for _ in range(2)]
    for end, proof in zip(ends, proofs, strict=True):
        if proof == "spiffe":
            Identity.objects.filter(pk=end.pk).update(spiffe_id=f"spiffe://example.org/{end.pk}")
        elif proof:
            bound = "spiffe://example.org/a" if proof == "bound" else ""
            a_credential(identity=end, bound_to=bound, binding_known=proof != "unreported")
    return a_delegation(
        delegator_identity=ends[0], delegate=ends[1], how=Delegation.How.ORCHESTRATE
    )


def federated(conditions: Json) -> Delegation:
    return trusted(principal("oidc_provider"), conditions=conditions)


def asks(
    subject: str | list[str], *, operator: str = "StringLike", audience: str = "sts.example.org"
) -> Json:
    return {
        operator: {f"{PROVIDER}:sub": subject},
        "StringEquals": {f"{PROVIDER}:aud": audience},
    }


def holds_tool(agent: Identity, name: str, *, provider: str = "mcp", **fields: Any) -> None:
    source = {"source": agent.source, "namespace": agent.namespace, "first_seen_at": ago(9)}
    known = f"{agent.pk}/{provider}/{name}"
    tool = Tool.objects.create(
        external_id=known, provider=provider, name=name, **{"writes": False, **fields}, **source
    )
    ToolBinding.objects.create(
        external_id=known, identity=agent, tool=tool, origin="declared", **source
    )


def open_world(said: bool) -> Json:
    return {"annotations": {"openWorldHint": said}}


def an_agent(*, sensitivity: str = "restricted", **fields: Any) -> Identity:
    """It reads data that is rated so."""
    agent = an_identity(kind=Kind.ASSISTANT, **fields)
    resource = a_resource(sensitivity=sensitivity, system=a_system(kind="database"))
    held = an_entitlement(system=resource.system, resource=resource, writes=False)
    a_grant(identity=agent, entitlement=held)
    return agent


def with_tools(*names: str, said: bool | None = False, **fields: Any) -> Identity:
    agent = an_agent(**fields)
    hints = {} if said is None else open_world(said)
    for name in names:
        holds_tool(agent, name, writes=name.startswith("send"), attributes=hints)
    return agent


def third_party() -> Delegation:
    return trusted(principal("account", third_party=True, attributes={"account": "444455556666"}))


def in_chain(
    *, computed: datetime | None = NOW, facts: Json | None = None, **fields: Any
) -> Identity:
    """It takes a delegation; what that adds up to was computed then, or never."""
    identity = an_identity(**fields)
    a_delegation(delegate=identity)
    if computed:
        plain = {"hops": 1, "takers": 0, "rooted": True, "relayed": 0}
        parts = {"relayed_critical": 0, "relayed_certain": 0}
        ChainFacts.objects.create(identity=identity, **(plain | parts | (facts or {})))
        ChainComputation.objects.update_or_create(defaults={"computed_at": computed})
    return identity


OUT = "not applicable"
# Check, verdict, why, row.
DELEGATIONS = [
    ("delegation-narrows", "fail", "not held", lambda: of_held(held=False)),
    ("delegation-narrows", "fail", "may not be passed on", lambda: passed_on(may_redelegate=False)),
    ("delegation-narrows", "fail", "longer", lambda: passed_on(expires_at=NOW + days(8))),
    ("delegation-narrows", "fail", "no end", lambda: below(expires_at=NOW + days(8))),
    ("delegation-narrows", "pass", "held", of_held),
    ("delegation-narrows", "pass", "passed on", passed_on),
    ("delegation-narrows", "pass", "all", lambda: a_delegation(delegator_identity=a_grant().identity)),
    ("delegation-narrows", "pass", "all, in time", lambda: below(
        ends=NOW + days(7), expires_at=NOW + days(8)
    )),
    ("delegation-narrows", "unknown", "names nothing", limited),
    ("delegation-narrows", "unknown", "a pattern", by_pattern),
    ("delegation-narrows", OUT, "of a person", lambda: limited(delegator_person=a_person())),
    ("delegation-attributable", "fail", "nobody", lambda: a_delegation(delegator_identity=unowned())),
    ("delegation-attributable", "fail", "owner left", lambda: a_delegation(
        delegator_identity=an_identity(owner=a_person(status="left"))
    )),
    ("delegation-attributable", "fail", "anyone", lambda: trusted(principal("anyone"))),
    ("delegation-attributable", "fail", "any of account", lambda: trusted(principal("account"))),
    ("delegation-attributable", "pass", "owner", a_delegation),
    ("delegation-attributable", "pass", "one hop up", lambda: chain(of=2, delegator_person=a_person())),
    ("delegation-attributable", "unknown", "farther", lambda: chain(of=3, delegator_person=a_person())),
    ("delegation-attributable", OUT, "the platform's", lambda: a_delegation(
        delegator_identity=unowned(platform_managed=True)
    )),
    ("delegation-outlives-task", "fail", "later than its task", lambda: for_task(ends=NOW + days(2))),
    ("delegation-outlives-task", "fail", "task done", lambda: for_task(
        ends=NOW + days(1), task={"status": "done", "ended_at": ago(0.1)}
    )),
    ("delegation-outlives-task", "fail", "no end", for_person),
    ("delegation-outlives-task", "pass", "with its task", lambda: for_task(ends=NOW + days(1))),
    ("delegation-outlives-task", "pass", "ends", lambda: for_person(expires_at=NOW + days(9))),
    ("delegation-outlives-task", OUT, "revoked", lambda: for_task(
        ends=NOW + days(2), revoked_at=ago(0.1)
    )),
    ("delegation-outlives-task", OUT, "no agent", lambda: a_delegation(delegator_person=a_person())),
    ("redelegation-against-flag", "fail", "all", onward),
    ("redelegation-against-flag", "fail", "named", onward_named),
    ("redelegation-against-flag", "pass", "allowed", lambda: onward(flag=True)),
    ("redelegation-against-flag", "pass", "its own", lambda: onward_named(kept=False)),
    ("redelegation-against-flag", "unknown", "of a person", lambda: onward_named(person=True)),
    ("redelegation-against-flag", OUT, "nobody said", lambda: onward(flag=None)),
    ("trust-without-conditions", "fail", "outsider", third_party),
    ("trust-without-conditions", "fail", "account", lambda: trusted(
        principal("role", attributes={"account": "444455556666"})
    )),
    ("trust-without-conditions", "fail", "imported account", lambda: trusted(
        an_identity(kind=Kind.ROLE, scope="444455556666")
    )),
    ("trust-without-conditions", "fail", "down", lambda: across("production", "sandbox")),
    ("trust-without-conditions", "pass", "condition", lambda: trusted(
        principal("account", third_party=True), conditions={"StringEquals": {"sts:ExternalId": "7"}}
    )),
    ("trust-without-conditions", "unknown", "whose it is", lambda: trusted(principal("deleted"))),
    ("trust-without-conditions", OUT, "own account", lambda: trusted(
        principal("role", attributes={"account": "111122223333"})
    )),
    ("trust-without-conditions", OUT, "up", lambda: across("sandbox", "production")),
    ("trust-without-conditions", OUT, "platform", lambda: trusted(
        principal("aws_service", platform_managed=True)
    )),
    ("inter-agent-auth", "fail", "one end", lambda: between_agents("spiffe", "loose")),
    ("inter-agent-auth", "fail", "other unknown", lambda: between_agents("loose", "")),
    ("inter-agent-auth", "pass", "both", lambda: between_agents("spiffe", "bound")),
    ("inter-agent-auth", "unknown", "not reported", lambda: between_agents("bound", "unreported")),
    ("inter-agent-auth", "unknown", "no credential", lambda: between_agents("", "bound")),
    ("inter-agent-auth", OUT, "no agents", a_delegation),
    ("ci-federation", "fail", "no conditions", lambda: federated({})),
    ("ci-federation", "fail", "no audience", lambda: federated(
        {"StringEquals": {f"{PROVIDER}:sub": "repo:acme/app:ref:refs/heads/main"}}
    )),
    ("ci-federation", "fail", "no subject", lambda: federated(
        {"StringEquals": {f"{PROVIDER}:aud": "sts.example.org"}}
    )),
    ("ci-federation", "fail", "everybody", lambda: federated(asks("repo:*"))),
    ("ci-federation", "pass", "one repository", lambda: federated(asks("repo:acme/app:*"))),
    ("ci-federation", OUT, "no provider", third_party),
    ("toxic-combination", "fail", "all three", lambda: with_tools("read_mailbox", "send_mail")),
    ("toxic-combination", "fail", "browses", lambda: with_tools("web_fetch")),
    ("toxic-combination", "fail", "open world", lambda: with_tools("look_up", said=True)),
    ("toxic-combination", "pass", "sends nothing", lambda: with_tools("read_mailbox")),
    ("toxic-combination", "pass", "not sensitive", lambda: with_tools(
        "read_mailbox", "send_mail", sensitivity="internal"
    )),
    ("toxic-combination", "unknown", "no hints", lambda: with_tools("send_note", said=None)),
    ("toxic-combination", "unknown", "not rated", lambda: with_tools("web_fetch", sensitivity="")),
    ("toxic-combination", OUT, "no agent", an_identity),
    ("delegation-depth", "fail", "deep", lambda: in_chain(facts={"hops": 4})),
    ("delegation-depth", "fail", "wide", lambda: in_chain(facts={"takers": 26})),
    ("delegation-depth", "fail", "was deep", lambda: in_chain(facts={"hops": 4}, computed=ago(9))),
    ("delegation-depth", "pass", "short", lambda: in_chain(facts={"hops": 3, "takers": 25})),
    ("delegation-depth", "unknown", "never computed", lambda: in_chain(computed=None)),
    ("delegation-depth", "unknown", "long ago", lambda: in_chain(computed=ago(1.1))),
    ("delegation-depth", OUT, "in no chain", an_identity),
    ("delegation-cycle", "fail", "circle", lambda: in_chain(facts={"cycle": 1})),
    ("delegation-cycle", "pass", "straight", in_chain),
    ("delegation-cycle", "unknown", "never computed", lambda: in_chain(computed=None)),
    ("privilege-relay", "fail", "low tier", lambda: in_chain(facts={"relayed": 1})),
    ("privilege-relay", "fail", "outside", lambda: in_chain(
        facts={"relayed": 1}, declared_tier=4, third_party=True
    )),
    ("privilege-relay", "pass", "nothing", in_chain),
    ("privilege-relay", "unknown", "never computed", lambda: in_chain(computed=None)),
    ("privilege-relay", OUT, "an actor", lambda: in_chain(
        facts={"relayed": 1}, kind=Kind.AUTONOMOUS_AGENT
    )),
    ("privilege-relay", OUT, "the platform's", lambda: in_chain(
        facts={"relayed": 1}, platform_managed=True
    )),
]  # fmt: skip
