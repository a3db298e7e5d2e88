"""What the inventory knows now about the requests of a batch, and which policies are live: one statement.

Each part is a queryset of the inventory, so that its meaning is written where it belongs; they are compiled once, put
together as far as the requests need them, and asked as one prepared statement. So a request costs one round trip, and
sees a revocation at once.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

import orjson
from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    BooleanField,
    DateField,
    DateTimeField,
    Exists,
    ExpressionWrapper,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Value,
)
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast

from inventory import prepared, tools
from inventory.models import (
    Delegation,
    Entitlement,
    Grant,
    Identity,
    Resource,
    System,
    Task,
    Tool,
    ToolBinding,
)
from inventory.models.grant import effective_if_active_q
from inventory.models.identity import active_q
from inventory.models.person import can_answer
from inventory.models.task import open_task_q
from inventory.prepared import THEN, Slot, Statement
from runtime import decision_names
from runtime.decision_keys import Keys
from runtime.decision_names import Shape, among, asks_for
from runtime.kept_answers import KEPT
from runtime.models import CallTally
from runtime.tier_rule import WINDOW, after_sql

Row = dict[str, Any]  # Any: JSON


@dataclass(slots=True)
class Facts:
    """Rows as dictionaries; `versions`: live policies as (key, domain, monitored environments). `mark`: whether what is
    concluded may be kept (runtime/kept_answers.py)."""

    versions: list[tuple[int, str, list[str]]]
    token: Row | None
    identities: dict[int, Row]
    resources: dict[int, Row]
    systems: dict[int, Row]
    tools: dict[int, Row]
    tasks: dict[int, Row]
    grants: dict[int, list[Row]]
    held: dict[tuple[int, int], Row]
    mark: int | None = None


def read(keys: Keys, *, at: datetime, token_digest: str = "") -> Facts:
    """The facts about what the keys name, and the API token with this digest."""
    mark = KEPT.mark()
    shape, arrays = decision_names.given(keys)
    row = _statement(shape).texts(at, *arrays, token_digest)
    parts = [orjson.loads(part) if part else [] for part in row]
    versions, token, identities, resources, systems, tools, tasks, held, bindings = parts
    grants: dict[int, list[Row]] = {}
    for grant in held:
        grants.setdefault(grant["identity_id"], []).append(grant)
    return Facts(
        versions=[(one["id"], one["domain"], one["monitored"]) for one in versions],
        token=token[0] if token else None,
        identities=_by_id(identities), resources=_by_id(resources), systems=_by_id(systems),
        tools=_by_id(tools), tasks=_by_id(tasks), grants=grants,
        held={(one["identity_id"], one["tool_id"]): one for one in bindings},
        mark=mark,
    )  # fmt: skip


def grants_in(system: int, identities: Collection[int], *, at: datetime) -> list[Row]:
    """Grants and denials that count in the system, of a few identities."""
    (found,) = _grants_alone().texts(at, prepared.array(identities), str(system))
    rows: list[Row] = orjson.loads(found or "[]")
    return rows


@cache
def _grants_alone() -> Statement:
    rows = _grants(
        RawSQL("inventory_identity.id = ANY(%s)", [Slot(2, "bigint[]")], BooleanField()),
        RawSQL("inventory_entitlement.system_id = %s", [Slot(3, "bigint")], BooleanField()),
    )
    sql, given = rows.order_by().query.sql_with_params()
    parameters = [prepared.slotted(value) for value in given]
    return prepared.numbered("SELECT " + _as_json(sql), parameters, given=3, one_plan=True)


def _by_id(rows: list[Row]) -> dict[int, Row]:
    return {row["id"]: row for row in rows}


_VERSIONS = """(SELECT json_agg(json_build_object('id', v.id, 'domain', s.domain, 'monitored', s.monitored))::text
FROM runtime_policysetversion v JOIN runtime_policyset s ON s.id = v.policy_set_id WHERE v.state = 'live')"""
_CALLER = """(SELECT json_agg(t)::text FROM (
SELECT k.id, k.scopes, k.revoked_at, extract(epoch FROM k.expires_at) AS expires,
extract(epoch FROM k.last_used_at) AS used, u.is_active, u.username
FROM inventory_apitoken k JOIN inventory_user u ON u.id = k.user_id WHERE k.digest = %s) t)"""


@lru_cache(maxsize=200)
def _statement(shape: Shape) -> Statement:
    """The moment is its first parameter, the keys and the token are those after it."""
    parts, parameters = [_VERSIONS, _CALLER], []
    for rows in _parts(shape):
        if rows is None:
            parts.append("NULL")
            continue
        sql, given = rows.order_by().query.sql_with_params()
        parts.append(_as_json(sql))
        parameters += [prepared.slotted(value) for value in given]
    text = decision_names.text(shape) + "\nSELECT " + ",\n".join(parts)
    keys = text.count("%s") - len(parameters)
    slots = [Slot(number) for number in range(2, keys + 2)]
    return prepared.numbered(text, [*slots, *parameters], given=keys + 1, one_plan=True)


def _as_json(sql: str) -> str:
    return f"(SELECT json_agg(t)::text FROM ({sql}) t)"  # noqa: S608  Django's own


def _parts(shape: Shape) -> list[QuerySet[Any, Any] | None]:
    """The rows that a batch of this shape is about; None where there can be none."""
    who, means = asks_for(shape, "who"), asks_for(shape, "means")
    what, place = asks_for(shape, "what"), asks_for(shape, "what", "asked_place")
    return [
        _identities(calls=means) if who else None,
        _resources() if what else None,
        _systems() if place else None,
        _tools() if means else None,
        _tasks() if asks_for(shape, "work") else None,
        _held() if who and place else None,
        _bindings() if who and means else None,
    ]


def _among(column: str, kind: str) -> RawSQL:
    """Whether the column holds one of the ids of the kind; both are our own words."""
    return RawSQL(among(column, kind), [], BooleanField())  # noqa: S611


def _flag(
    condition: Q,
) -> Any:  # Any: an expression that django-stubs makes generic and Django does not
    return ExpressionWrapper(condition, output_field=BooleanField())


_AFTER = after_sql("""COALESCE((
    SELECT evidence FROM runtime_observedtier WHERE identity_id = inventory_identity.id AND ended_at IS NULL), '{}')""")


def _identities(*, calls: bool) -> QuerySet[Any, Any]:
    """Only a call of a tool is evidence of a tier, so it is asked only where a request names one."""
    after = RawSQL(_AFTER if calls else "NULL::int[]", [], ArrayField(IntegerField()))  # noqa: S611
    acts = Delegation.objects.in_force(THEN).filter(
        delegator_identity__isnull=False, delegate=OuterRef("pk")
    )
    return Identity.objects.filter(_among("inventory_identity.id", "who")).values(
        "id", "spiffe_id", "namespace", "external_id", "name", "kind", "lifecycle", "environment",
        "declared_tier", "observed_tier", "risk", "third_party", "team_id", "owner_id",
        gone=_flag(Q(gone_at__isnull=False)), compromised=_flag(Q(compromised_at__isnull=False)),
        owner_email=F("owner__email"), owner_name=F("owner__name"),
        owner_here=_flag(can_answer(THEN, "owner__")),
        acts_as_others=Exists(acts), tiers_after=after,
    )  # fmt: skip


def _resources() -> QuerySet[Any, Any]:
    return Resource.objects.filter(
        _among("inventory_resource.id", "what"), gone_at=None
    ).values(
        "id", "namespace", "external_id", "name", "kind", "sensitivity", "environment", "system_id"
    )  # fmt: skip


def _systems() -> QuerySet[Any, Any]:
    return System.objects.filter(_among("inventory_system.id", "place"), gone_at=None).values(
        "id", "namespace", "external_id", "name", "kind", "environment"
    )


def _tools() -> QuerySet[Any, Any]:
    return Tool.objects.filter(_among("inventory_tool.id", "means"), gone_at=None).values(
        "id", "provider", "name", "risk", "writes", approved=_flag(tools.usable_q())
    )


def _tasks() -> QuerySet[Any, Any]:
    return Task.objects.filter(_among("inventory_task.id", "work")).values(
        "id", "identity_id", "reference", "risk", "status", is_open=_flag(open_task_q(THEN)),
        for_person=F("on_behalf_of_id"), for_email=F("on_behalf_of__email"),
        person_here=_flag(can_answer(THEN, "on_behalf_of__")),
    )  # fmt: skip


_GRANT = (
    "id", "identity_id", "entitlement_id", "task_id", "just_in_time", "caveats", "entitlement__effect",
    "entitlement__system_id", "entitlement__resource_id", "entitlement__name", "entitlement__actions",
    "entitlement__not_actions", "entitlement__resources", "entitlement__not_resources",
    "entitlement__conditions", "entitlement__caveats", "entitlement__risk", "entitlement__writes",
)  # fmt: skip


def grant_rows(rows: QuerySet[Grant]) -> QuerySet[Any, Any]:
    """What a decision needs of grants."""
    short = {name.removeprefix("entitlement__"): F(name) for name in _GRANT if "__" in name}
    short["entitlement_caveats"] = short.pop("caveats")
    found: QuerySet[Any, Any] = rows.values(*(name for name in _GRANT if "__" not in name), **short)
    return found


def _held() -> QuerySet[Any, Any]:
    return _grants(
        _among("inventory_identity.id", "who"), _among("inventory_entitlement.system_id", "place")
    )


def _grants(who: RawSQL, where: RawSQL) -> QuerySet[Any, Any]:
    """Grants that work, and denials, which count while their source has them, as in inventory/denials.py.

    Those of identities that are not active are left out: nothing is permitted to these, whatever they hold.
    """
    allows = Q(entitlement__effect=Entitlement.Effect.ALLOW) & effective_if_active_q(THEN)
    denies = Q(entitlement__effect=Entitlement.Effect.DENY, gone_at=None)
    return grant_rows(
        Grant.objects.filter(
            active_q("identity__"),
            who,
            where,
            allows | denies,
        )
    )


def _bindings() -> QuerySet[Any, Any]:
    """Tools that were declared for the identity: having called one once is no permission to. `called`, `reached`: it
    called the tool, or another one of its provider, in the time that counts for its tier."""
    seen = CallTally.objects.filter(
        identity=OuterRef("identity"), provider=OuterRef("tool__provider"),
        day__gt=Cast(Value(THEN, DateTimeField()), DateField()) - Value(WINDOW.days),
    )  # fmt: skip
    return ToolBinding.objects.filter(
        _among("inventory_toolbinding.identity_id", "who"),
        _among("inventory_toolbinding.tool_id", "means"),
        origin=ToolBinding.Origin.DECLARED, gone_at=None, ended_at=None,
    ).values(
        "identity_id", "tool_id", called=Exists(seen.filter(tool_name=OuterRef("tool__name"))), reached=Exists(seen),
    )  # fmt: skip
