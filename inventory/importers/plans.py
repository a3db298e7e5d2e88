"""How each record becomes a row: which columns, which references, and who wins when a value is known already.

The loader is generated from these declarations, so that all nouns are loaded by one set-based code path.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Literal

from inventory.importers import records

# own: the source's word counts. govern: the file's word counts where it says something; what a platform says counts
# only where nothing is known. fact: as govern, but what a mere mention said is forgotten. first: taken over when the
# row is new. latest: the later of the two moments. either: true once any source said so. shared: each source's part is
# kept beside those of the others (`sharing.py`).
# decided: the source's word, but never later than what was decided here.
Mode = Literal["own", "govern", "fact", "first", "latest", "either", "shared", "decided"]


@dataclass(frozen=True)
class Col:
    """A column of the target table, staged under the record's field of the same name."""

    name: str
    type: str = "text"
    mode: Mode = "own"
    default: str = ""  # SQL for a NOT NULL column where the file says nothing
    staged: str = ""  # field of the record, where it is called otherwise

    @property
    def field(self) -> str:
        return self.staged or self.name


@dataclass(frozen=True)
class Ref:
    """A foreign key: `field` of the record names a row of `table` by external id, e-mail, or team name."""

    column: str
    field: str
    table: str
    by: Literal["external_id", "email", "team"] = "external_id"
    required: bool = True
    mode: Mode = "own"
    noun: str = "row"


@dataclass(frozen=True)
class Plan:
    """All that the loader needs to know of one noun."""

    noun: str
    row: type[records.Row]
    table: str
    columns: tuple[Col, ...]
    refs: tuple[Ref, ...] = ()
    extra: tuple[Col, ...] = ()  # staged only, for the follow-up statements
    interval: tuple[str, str] | None = None
    label: str = "external_id"  # what previews show

    @property
    def staged(self) -> tuple[tuple[str, str], ...]:
        """(field, SQL type) of the staging table, in order."""
        named = {c.field: c.type for c in (*self.columns, *self.extra)}
        named.update({r.field: "text" for r in self.refs})
        return tuple(named.items())


TEXT = "''"
PEOPLE = "inventory_person"
IDENTITIES = "inventory_identity"
NO_LIST = "'{}'::text[]"
NO_JSON = "'{}'::jsonb"
CAVEATS = Col("caveats", "text[]", default=NO_LIST)


def moment(name: str, mode: Mode = "own", staged: str = "") -> Col:
    return Col(name, "timestamptz", mode, staged=staged)


def flag(name: str, mode: Mode = "own", default: str = "false") -> Col:
    return Col(name, "boolean", mode, default)


def identity_ref(column: str, field: str, *, required: bool = True) -> Ref:
    return Ref(column, field, IDENTITIES, required=required, noun="identity")


PLANS: tuple[Plan, ...] = (
    Plan("team", records.TeamRow, "inventory_team", (Col("name"),), label="name"),
    Plan(
        "person",
        records.PersonRow,
        PEOPLE,
        (
            Col("email"),
            Col("name"),
            Col("status", default="'active'", mode="govern"),
            moment("leaves_at", "govern"),
            moment("left_at", "govern"),
        ),
        refs=(Ref("team_id", "team", "inventory_team", "team", required=False, noun="team"),),
        extra=(Col("manager_email"),),
        label="name",
    ),
    Plan(
        "identity",
        records.IdentityRow,
        IDENTITIES,
        (
            Col("kind"),
            Col("name"),
            Col("lifecycle", mode="first", default="'active'"),
            Col("environment", mode="govern", default=TEXT),
            Col("purpose", mode="govern", default=TEXT),
            Col("spiffe_id", mode="govern"),
            Col("declared_tier", "smallint", "govern"),
            Col("risk", mode="govern", default=TEXT),
            moment("risk_assessed_at", "govern"),
            Col("third_party", "boolean", "fact"),
            Col("supplier", mode="govern", default=TEXT),
            moment("supplier_reviewed_at", "govern"),
            flag("platform_managed"),
            Col("source_state", default="'unknown'"),
            moment("created_at", "govern"),
            moment("last_active_at", "latest"),
            flag("activity_known", "either"),
            moment("interactive_at", "latest"),
            flag("interactive_known", "either"),
            Col("attributes", "jsonb", "shared", NO_JSON),
            Col("caveats", "text[]", "shared", NO_LIST),
            flag("stub"),
        ),
        refs=(
            Ref(
                "owner_id",
                "owner_email",
                PEOPLE,
                "email",
                required=False,
                mode="govern",
                noun="person",
            ),
            Ref(
                "sponsor_id",
                "sponsor_email",
                PEOPLE,
                "email",
                required=False,
                mode="govern",
                noun="person",
            ),
            Ref(
                "team_id",
                "team",
                "inventory_team",
                "team",
                required=False,
                mode="govern",
                noun="team",
            ),
        ),
        extra=(Col("successor_emails", "text[]"),),
        label="name",
    ),
    Plan(
        "system",
        records.SystemRow,
        "inventory_system",
        (Col("name"), Col("kind", default=TEXT), Col("environment", mode="govern", default=TEXT)),
        label="name",
    ),
    Plan(
        "resource",
        records.ResourceRow,
        "inventory_resource",
        (
            Col("name"),
            Col("kind", default=TEXT),
            Col("sensitivity", mode="govern", default=TEXT),
            Col("environment", mode="govern", default=TEXT),
        ),
        refs=(Ref("system_id", "system", "inventory_system", noun="system"),),
        label="name",
    ),
    Plan(
        "entitlement",
        records.EntitlementRow,
        "inventory_entitlement",
        (
            Col("name"),
            Col("effect"),
            Col("actions", "text[]"),
            Col("not_actions", "text[]"),
            Col("resources", "text[]"),
            Col("not_resources", "text[]"),
            Col("conditions", "jsonb"),
            Col("policy"),
            Col("risk"),
            Col("writes", "boolean"),
            flag("wildcard"),
            flag("admin"),
            CAVEATS,
        ),
        refs=(
            Ref("system_id", "system", "inventory_system", noun="system"),
            Ref("resource_id", "resource", "inventory_resource", required=False, noun="resource"),
        ),
        label="name",
    ),
    Plan(
        "credential",
        records.CredentialRow,
        "inventory_credential",
        (
            Col("kind"),
            Col("key_id"),
            Col("fingerprint"),
            Col("bound_to"),
            flag("binding_known"),
            Col("environment", mode="govern", default=TEXT),
            moment("issued_at"),
            moment("rotated_at"),
            moment("expires_at"),
            flag("expiry_known"),
            Col("lifetime_seconds", "integer"),
            moment("last_used_at", "latest"),
            flag("use_known"),
            flag("enabled"),
            Col("attributes", "jsonb"),
            CAVEATS,
        ),
        refs=(identity_ref("identity_id", "identity"),),
        interval=("issued_at", "expires_at"),
    ),
    Plan(
        "grant",
        records.GrantRow,
        "inventory_grant",
        (
            Col("via"),
            moment("starts_at"),
            moment("expires_at", "decided"),
            moment("last_used_at", "latest"),
            flag("use_known"),
            Col("granted_by"),
            Col("reason"),
            CAVEATS,
        ),
        refs=(
            identity_ref("identity_id", "identity"),
            Ref("entitlement_id", "entitlement", "inventory_entitlement", noun="entitlement"),
        ),
        interval=("starts_at", "expires_at"),
    ),
    Plan(
        "delegation",
        records.DelegationRow,
        "inventory_delegation",
        (
            Col("how"),
            Col("may_redelegate", "boolean"),
            moment("starts_at"),
            moment("expires_at"),
            Col("conditions", "jsonb"),
            CAVEATS,
            Col("method"),
            flag("scope_all"),
            flag("derived"),
        ),
        refs=(
            identity_ref("delegate_id", "delegate"),
            identity_ref("delegator_identity_id", "delegator_identity", required=False),
            Ref(
                "delegator_person_id",
                "delegator_email",
                PEOPLE,
                "email",
                required=False,
                noun="person",
            ),
        ),
        extra=(Col("scope_entitlements", "text[]"), Col("rests_on", "jsonb")),
        interval=("starts_at", "expires_at"),
    ),
    Plan(
        "tool",
        records.ToolRow,
        "inventory_tool",
        (
            Col("provider"),
            Col("name"),
            Col("description"),
            Col("descriptor", "jsonb"),
            Col("descriptor_digest"),
            Col("writes", "boolean"),
            Col("risk", mode="govern", default=TEXT),
            Col("hinted_risk"),
            Col("hinted_why", "text[]"),
            Col("judged_risk"),
            Col("judged_why", "text[]"),
            Col("attributes", "jsonb"),
        ),
        label="name",
    ),
    Plan(
        "tool_binding",
        records.ToolBindingRow,
        "inventory_toolbinding",
        (Col("origin"),),
        refs=(
            identity_ref("identity_id", "identity"),
            Ref("tool_id", "tool", "inventory_tool", noun="tool"),
        ),
    ),
    Plan(
        "tool_server",
        records.ToolServerRow,
        "inventory_toolserver",
        (
            Col("provider"),
            Col("origin"),
            Col("title"),
            Col("description"),
            Col("release"),
            Col("transport"),
            Col("endpoint"),
            Col("encrypted", "boolean"),
            Col("auth"),
            Col("package"),
            Col("wants_secrets", "text[]"),
            Col("attributes", "jsonb"),
        ),
        refs=(identity_ref("identity_id", "identity", required=False),),
        label="provider",
    ),
    Plan(
        "exposure",
        records.ExposureRow,
        "inventory_exposure",
        (Col("setting"), Col("found_in"), Col("kind"), Col("fingerprint")),
        refs=(identity_ref("identity_id", "identity"),),
        label="setting",
    ),
)
PLAN_OF: Mapping[type[records.Row], Plan] = {plan.row: plan for plan in PLANS}


def values_of(plan: Plan) -> Callable[[Any], list[Any]]:
    """A function from a record to its staged values, in the order of `plan.staged` (Any: the plan's record).

    Written for speed: the fields are fetched at once, and only lists and JSON are looked at one by one.
    """
    known = {f.name for f in fields(plan.row)}
    names = [name for name, _ in plan.staged]
    # A field that is computed below is fetched as something else first.
    fetch = attrgetter(*[name if name in known else "external_id" for name in names])
    as_text = [
        (number, _literal[kind])
        for number, (name, kind) in enumerate(plan.staged)
        if kind in _literal and name in known
    ]
    is_alone = len(names) == 1
    scope_all = names.index("scope_all") if "scope_all" in names else None
    derived = names.index("derived") if "derived" in names else None

    def values(row: Any) -> list[Any]:
        found = [fetch(row)] if is_alone else list(fetch(row))
        for number, literal in as_text:
            found[number] = literal(found[number])
        if scope_all is not None:
            found[scope_all] = not row.scope_entitlements
        if derived is not None:
            found[derived] = bool(row.rests_on)
        return found

    return values


_encode = json.JSONEncoder(default=str, ensure_ascii=False).encode


def _as_json(found: Any) -> str:
    """Objects, or (what a delegation rests on) lists."""
    if not found:
        return "{}"
    return _encode(found if isinstance(found, tuple) else dict(found))


def _as_list(found: Any) -> str | list[str] | None:
    return list(found) if found else None if found is None else "{}"


_literal: Mapping[str, Callable[[Any], Any]] = {"jsonb": _as_json, "text[]": _as_list}
