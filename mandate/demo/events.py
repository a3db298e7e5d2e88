"""What people did in the demo in the last three months, through the same rules as everybody."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from inventory import audit, credentials, grants, identities, ownership, revocations, tools
from inventory.models import (
    Credential,
    Grant,
    Identity,
    Person,
    Source,
    System,
    Tool,
    ToolBinding,
    User,
)
from inventory.revocations import Probe
from mandate.demo.access import environment_of
from mandate.demo.content import address, document, table
from mandate.demo.day import Day, digest
from mandate.demo.worlds import entered
from reviews import findings, parameters
from reviews.checks import CHECKS
from reviews.models import Finding


@dataclass(frozen=True)
class Scene:
    """When something happens, and who may act."""

    day: Day
    users: dict[str, User]

    @property
    def at(self) -> datetime:
        return self.day.moment

    def in_days(self, days: float) -> datetime:
        return self.at + timedelta(days=days)


def describe_systems(scene: Scene) -> None:
    """Environments and owners of systems, which no export names."""
    owners = {person.email: person for person in Person.objects.all()}
    known = document("access")["systems"]
    systems = list(System.objects.filter(owner=None))
    for system in systems:
        about = known.get(system.name.partition(" (")[0], {})
        system.owner = owners.get(address(about.get("owner", "marcus.oyelaran")))
        system.environment = environment_of(system.name) or system.environment
        if system.kind == "aws_account":
            system.environment = "production"
    with audit.acting(scene.users["priya.raman"], "system.described", "From the service catalogue"):
        System.objects.bulk_update(systems, ["owner", "environment"])


def name_kinds(scene: Scene) -> None:
    known = document("access")["systems"]
    systems = [
        system
        for system in System.objects.filter(kind="")
        if system.name.partition(" (")[0] in known
    ]
    for system in systems:
        system.kind = known[system.name.partition(" (")[0]]["kind"]
    with audit.acting(scene.users["priya.raman"], "system.described", "From the service catalogue"):
        System.objects.bulk_update(systems, ["kind"])


def adopt_workloads(scene: Scene) -> None:
    """The SPIRE server knows workloads, not owners; people say whose they are."""
    by = scene.users["priya.raman"]
    people = {person.email: person for person in Person.objects.all()}
    rows = {
        row.name: row for row in Identity.objects.filter(source__key="spire-freight", owner=None)
    }
    for name, _, _, environment, owner in document("cloud")["workloads"]:
        if name in rows and owner:
            reason = "Named by the platform team"
            ownership.assign_owner(
                rows[name], owner=people[address(owner)], by=by, reason=reason, at=scene.at
            )
            identities.describe(
                rows[name], by=by, reason=reason, at=scene.at, environment=environment
            )


def rate_jobs(scene: Scene) -> None:
    """A job that runs once a year is not dormant."""
    with audit.acting(scene.users["jonas.falk"], "identity.described", "Runs once a year"):
        Identity.objects.filter(name="year-end-archive").update(expected_every=timedelta(days=370))


def approve_tools(scene: Scene) -> None:
    tools.approve_all(
        Tool.objects.filter(external_id__in=_tools_that_are("approved", "changed")),
        by=scene.users["jonas.falk"],
        reason="Descriptor read, hints confirmed",
        at=scene.at,
    )


def see_tools_change(scene: Scene) -> None:
    """Their providers changed what some tools say of themselves, after somebody had approved them."""
    with audit.acting("demo", "tool.seen", "An earlier descriptor was approved"):
        for tool in Tool.objects.filter(external_id__in=_tools_that_are("changed")):
            before = {"name": tool.name, "description": f"{tool.description}, and asks first"}
            Tool.objects.filter(pk=tool.pk).update(
                approved_descriptor=before, approved_digest=digest(str(before))
            )


def _tools_that_are(*states: str) -> list[str]:
    listed = document("agents")["tools"]
    return [f"{provider}/{name}" for provider, name, *_, state in listed if state in states]


def observe_tools(scene: Scene) -> None:
    names = {identity.name: identity for identity in Identity.objects.filter(namespace="mandate")}
    known = {tool.external_id: tool for tool in Tool.objects.all()}
    source = entered()
    with audit.acting("demo", "tool.observed", "Seen in traces"):
        ToolBinding.objects.bulk_create(
            ToolBinding(
                source=source,
                namespace="mandate",
                external_id=f"observed|{name}|{tool}",
                identity=names[name],
                tool=known[tool],
                origin=ToolBinding.Origin.OBSERVED,
                first_seen_at=scene.at,
            )
            for name, tool in document("agents")["observed"]
        )


def relax_low_risk(scene: Scene) -> None:
    parameters.change(
        "grant-expires",
        CHECKS["grant-expires"].parameters(),
        {"exempt_risks": ["low"]},
        by=scene.users["security"],
        reason="Read-only access of low risk is recertified yearly instead (policy IAM-7)",
    )


def revoke_forgotten_keys(scene: Scene) -> None:
    keys = list(
        Credential.objects.filter(
            identity__name__in=["cluster-bootstrap", "lake-exporter"], kind="api_key", enabled=True
        )
    )
    for key in keys:
        credentials.revoke(
            key, by=scene.users["jonas.falk"], reason="Nobody knows where it is used", at=scene.at
        )
    later = scene.in_days(1)
    tried = Probe("Sign-in with the old key", later, "401 Unauthorized")
    keys[0].refresh_from_db()
    revocations.confirm(keys[0], proof=tried, by=scene.users["jonas.falk"], at=later)


def revoke_unused_grants(scene: Scene, names: tuple[str, ...]) -> None:
    unused = Grant.objects.filter(
        Q(last_used_at=None) | Q(last_used_at__lt=scene.in_days(-90)),
        use_known=True,
        revoked_at=None,
        starts_at__lt=scene.in_days(-60),
        identity__name__in=names,
    ).order_by("external_id")[:14]  # fmt: skip
    for grant in list(unused):
        grants.revoke(
            grant,
            by=scene.users["priya.raman"],
            reason="Not used for months; ask again when needed",
            at=scene.at,
        )


def narrow_own_grants(scene: Scene) -> None:
    """The owner who signs in gives some standing grants an end."""
    mine = Grant.objects.in_force(scene.at).filter(
        identity__owner__email=address("Tomas Okafor"), expires_at=None, entitlement__risk="high"
    )
    for grant in list(mine.order_by("external_id")[:3]):
        grants.set_end(
            grant,
            until=scene.in_days(60),
            by=scene.users["owner"],
            reason="Until the next review",
            at=scene.at,
        )


def hand_over(scene: Scene, name: str) -> None:
    person = Person.objects.get(email=address(name))
    reason = f"{person.name} has left"
    ownership.hand_over(person, to=None, by=scene.users["security"], reason=reason, at=scene.at)


def assign(scene: Scene, identity: str, person: str) -> None:
    row = Identity.objects.get(name=identity)
    owner = Person.objects.get(email=address(person))
    reason = "Agreed with both"
    ownership.assign_owner(
        row, owner=owner, by=scene.users["jonas.falk"], reason=reason, at=scene.at
    )


def retire(scene: Scene, name: str) -> None:
    row = Identity.objects.get(name=name)
    identities.retire(
        row, by=scene.users["priya.raman"], reason="Its successor has taken over", at=scene.at
    )


def close(scene: Scene, name: str) -> None:
    """Retires it with all that it held."""
    row, by = Identity.objects.get(name=name), scene.users["security"]
    for grant in list(Grant.objects.in_force(scene.at).filter(identity=row)):
        grants.revoke(grant, by=by, reason="The test is over", at=scene.at)
    for key in list(Credential.objects.live(scene.at).filter(identity=row)):
        credentials.revoke(key, by=by, reason="The test is over", at=scene.at)
    identities.retire(row, by=by, reason="The test is over", at=scene.at)


def found(check: str, names: Iterable[str]) -> list[int]:
    rows = Finding.objects.unresolved().filter(check_id=check, identity__name__in=list(names))
    return list(rows.values_list("pk", flat=True))


def decide(scene: Scene) -> None:
    """All decisions about findings that fall on this day."""
    for said in table("decisions"):
        if float(said["day"]) == scene.day.ago:
            _decide(said, scene)


def _decide(said: dict[str, str], scene: Scene) -> None:
    rows, by = found(said["check"], said["identities"].split(",")), scene.users[said["by"]]
    reason, at = said["reason"], scene.at
    until = scene.in_days(float(said["days"] or 1))
    match said["act"]:
        case "accept":
            control = said["control"]
            findings.accept(
                rows, by=by, reason=reason, until=until, at=at, compensating_control=control
            )
        case "snooze":
            findings.snooze(rows, by=by, reason=reason, until=until, at=at)
        case "false positive":
            findings.mark_false_positive(rows, by=by, reason=reason, at=at)
        case "reopen":
            findings.reopen(rows, by=by, reason=reason, at=at)
        case _:
            findings.assign(rows, to=scene.users[said["control"]], by=by, reason=reason, at=at)


def is_empty() -> bool:
    """Nothing governed is there yet: no people, no identities, and no source that was read."""
    read = Source.objects.exclude(kind=Source.MANUAL)
    return not (Identity.objects.exists() or Person.objects.exists() or read.exists())
