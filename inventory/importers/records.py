"""What a connector may say: one frozen record for every noun of the inventory.

A connector reads files and yields these records; `apply.py` does everything else. No field of any record can
carry a secret (law 3 by type): a credential is its key id and its fingerprint.

Rows refer to each other by `external_id`, which is unique in a *namespace* ("aws", "spiffe", ...): two sources of
one namespace that name the same ARN mean the same identity. `place` is where the row stands in the file
("line 12", "UserDetailList[3]") and is shown when the row is refused. All datetimes are timezone-aware UTC.
`None` means "the file does not say", which is never the same as "no".
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

# Any: attributes and conditions hold whatever JSON the platform gives.
Json = Mapping[str, Any]
NOTHING: Json = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What all rows share. `scope` is the part of the source the row belongs to (an AWS account id, a trust domain):
    a complete run marks rows as gone only within the scopes it has seen."""

    external_id: str
    place: str
    scope: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamRow(Row):
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow(Row):
    """external_id: the HR or directory id where there is one, else the e-mail address in lower case."""

    email: str
    name: str
    manager_email: str | None = None
    team: str | None = None  # external id of a TeamRow, or a team's name
    status: str | None = None  # active, leaving, left
    leaves_at: datetime | None = None  # announced last day
    left_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityRow(Row):
    """One non-human identity. A `stub` is one that the file only mentions (another account, a service principal, the
    role of an agent): it is created where missing and never overwrites what is known."""

    kind: str  # Identity.Kind value
    name: str
    stub: bool = False
    environment: str | None = None  # production, staging, development, sandbox
    purpose: str | None = None
    owner_email: str | None = None
    sponsor_email: str | None = None
    successor_emails: tuple[str, ...] | None = None  # in order
    team: str | None = None  # external id or name
    spiffe_id: str | None = None
    declared_tier: int | None = None  # 0 to 4
    risk: str | None = None  # low, medium, high, critical
    risk_assessed_at: datetime | None = None
    third_party: bool | None = None  # operated by somebody outside the organisation
    supplier: str | None = None
    supplier_reviewed_at: datetime | None = None
    platform_managed: bool = (
        False  # operated by the platform itself (AWS service principal): nobody here can own it
    )
    lifecycle: str | None = (
        None  # only Mandate's own CSV and JSON say this; taken over at creation only
    )
    source_state: str = "unknown"  # enabled, disabled, unknown: what the platform says
    created_at: datetime | None = None  # at the platform
    last_active_at: datetime | None = None
    activity_known: bool = (
        False  # True: the platform reports activity, so that last_active_at None means "never"
    )
    interactive_at: datetime | None = None  # last sign-in by a person (console password)
    interactive_known: bool = False  # True: the platform reports interactive sign-ins
    attributes: Json = field(
        default_factory=lambda: NOTHING
    )  # model, tags, path, ...: shown, never decided on
    caveats: tuple[str, ...] = ()  # where this record only approximates the platform, in words


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialRow(Row):
    identity: str  # external id
    kind: str  # Credential.Kind value
    key_id: str = ""  # the public identifier, never the secret
    fingerprint: str = ""  # lower-case hex SHA-256
    bound_to: str = (
        ""  # SPIFFE ID, selectors, certificate or key thumbprint; "" = bound to nothing known
    )
    binding_known: bool = (
        False  # True: the platform reports bindings, so that "" means "bound to nothing"
    )
    environment: str | None = None
    issued_at: datetime | None = None
    rotated_at: datetime | None = None
    expires_at: datetime | None = None
    expiry_known: bool = False  # True: expires_at None means "never expires"
    lifetime_seconds: int | None = (
        None  # for credentials issued again and again (SVIDs): life of each
    )
    last_used_at: datetime | None = None
    use_known: bool = False  # True: last_used_at None means "never used"
    enabled: bool = True
    attributes: Json = field(default_factory=lambda: NOTHING)
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemRow(Row):
    name: str
    kind: str = ""  # aws_account, kubernetes_cluster, saas, database, ...
    environment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRow(Row):
    system: str  # external id
    name: str
    kind: str = ""  # bucket, dataset, repository, ...
    sensitivity: str | None = None  # public, internal, confidential, restricted
    environment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntitlementRow(Row):
    """One statement or rule of a policy, kept as patterns; or one named role or action of a system."""

    system: str  # external id
    name: str
    resource: str | None = None  # external id of a ResourceRow, where it is about exactly one
    effect: str = "allow"  # allow, deny
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    conditions: Json = field(default_factory=lambda: NOTHING)
    policy: str = ""  # the policy's ARN or name
    risk: str = "low"  # low, medium, high, critical
    writes: bool | None = None
    wildcard: bool = False  # some action or service is a wildcard that covers more than reading
    admin: bool = False  # everything on everything
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRow(Row):
    identity: str  # external id
    entitlement: str  # external id
    via: str = ""  # the way in: "group admins > policy arn:...", "" = directly
    starts_at: datetime | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    use_known: bool = False
    granted_by: str = ""
    reason: str = ""
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DelegationRow(Row):
    """Delegator -> delegate: the delegate may act as (or for) the delegator. Exactly one delegator is set.

    AWS trust policy of role R naming principal P: delegator_identity=R, delegate=P, how=assume_role.
    """

    delegate: str  # external id of an identity
    how: str  # assume_role, impersonate, run_as, on_behalf_of, orchestrate, take_over
    delegator_identity: str | None = None  # external id
    delegator_email: str | None = None
    scope_entitlements: tuple[str, ...] = ()  # external ids; () = all that the delegator may do
    may_redelegate: bool | None = None
    method: str = ""  # id of a method in delegation_methods.py
    # External ids of grants of the delegate that make it possible: of each part one must work. () = it was set up.
    rests_on: tuple[tuple[str, ...], ...] = ()
    starts_at: datetime | None = None
    expires_at: datetime | None = None
    conditions: Json = field(default_factory=lambda: NOTHING)
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRow(Row):
    provider: str
    name: str
    description: str = ""
    descriptor: Json = field(default_factory=lambda: NOTHING)  # without secrets
    descriptor_digest: str = ""  # lower-case hex SHA-256 of the canonical descriptor
    writes: bool | None = None
    risk: str | None = None  # as people rated it
    hinted_risk: str = ""  # by its own annotations
    hinted_why: tuple[str, ...] = ()
    judged_risk: str = ""  # by its name and its input
    judged_why: tuple[str, ...] = ()
    attributes: Json = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolBindingRow(Row):
    identity: str  # external id
    tool: str  # external id
    origin: str = "declared"  # declared, observed


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolServerRow(Row):
    """A provider of tools as the file knows it. Nothing of how it is given its secrets but their settings' names."""

    provider: str
    origin: str  # ToolServer.Origin value
    identity: str | None = (
        None  # external id: whose configuration it stands in, or which agent it is
    )
    title: str = ""
    description: str = ""
    release: str = ""
    transport: str = ""  # ToolServer.Transport value; "" = not said
    endpoint: str = ""  # without user, password, query and fragment
    encrypted: bool | None = None
    auth: str = ""  # ToolServer.Auth value; "" = not said
    package: str = ""
    wants_secrets: tuple[str, ...] = ()
    attributes: Json = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureRow(Row):
    """A secret that stands in plain text in a configuration. Its value exists nowhere but in the file."""

    identity: str  # external id
    setting: str
    found_in: str
    kind: str
    fingerprint: str  # lower-case hex SHA-256


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that could not be read: where, which field, and a sentence that says what to do. Never holds the value of
    a secret field. `hides_a_row`: which row it was is unknown, so the run cannot tell what is gone; False for a second
    row of one key, or for a column that was left out on purpose."""

    place: str
    field: str
    reason: str
    hides_a_row: bool = dataclasses.field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class Incomplete:
    """The file does not hold everything it should (a list is missing, a page is truncated): the run is partial and
    marks nothing as gone. `scope` "" means the whole run."""

    reason: str
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Untold:
    """The files may say nothing, or not everything, of some nouns ("tool"): the run is partial for these alone."""

    reason: str
    nouns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted in the file, in the file's own words ("users", "policies", "access keys never used")."""

    what: str
    count: int


Said = Row | Rejected | Incomplete | Untold | Tally
