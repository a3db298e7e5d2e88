"""Copies what the whole-estate questions need out of the database, as arrays: few statements, few columns, no row loop.

The database packs each column of the rows into one byte string (`string_agg(int8send(...))`), five times quicker than
fetching rows. Which delegations and grants count is said by their querysets alone.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.db.models import Case, Expression, F, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from numpy.typing import NDArray

from inventory.models import Delegation, DelegationScope, Entitlement, Grant, Identity, Risk
from inventory.models.person import can_answer

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]

# One byte string stays far below the 1 GB that PostgreSQL allows: so many identities share one.
_SHARED = 65_536
# The rules' subqueries, which almost no row needs, look so dear that the planner takes ways of joining whole tables for
# equal that are not: it loses half of the time in cached nested loops. Both settings end with the transaction.
_WHOLE_TABLES = "SET LOCAL enable_memoize = off; SET LOCAL work_mem = '32MB'"
_SERIOUS = Q(risk__in=(Risk.HIGH, Risk.CRITICAL))
_PACKED = "SELECT {packed} FROM ({rows}) AS r({columns}) GROUP BY c0 / %s"


@dataclass(frozen=True)
class Delegations:
    """Each effective delegation, in every array; `task` is 0 for none, `giver` is a person where `by_person`."""

    key: Numbers
    taker: Numbers
    giver: Numbers
    task: Numbers
    by_person: Flags
    passable: Flags
    certain: Flags
    limited: Flags


@dataclass(frozen=True)
class Grants:
    """Each effective grant of something that can do harm; `task` is 0 for none."""

    identity: Numbers
    entitlement: Numbers
    task: Numbers
    certain: Flags


@dataclass(frozen=True)
class Entitlements:
    """Those that can do harm; the keys ascend. `serious`: high or critical."""

    key: Numbers
    certain: Flags
    serious: Flags
    critical: Flags
    admin: Flags
    wildcard: Flags


@dataclass(frozen=True)
class Scopes:
    """What limited delegations cover: pairs of delegation and entitlement."""

    delegation: Numbers
    entitlement: Numbers


@contextmanager
def whole_tables() -> Iterator[None]:
    """A transaction for statements that read most of a table."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_WHOLE_TABLES)
        yield


def read_delegations(at: datetime) -> Delegations:
    """In force at the moment, with both ends able to act: the rule is the queryset's."""
    by_person, certain = Q(delegator_person__isnull=False), Q(conditions={}, caveats=[])
    rows = Delegation.objects.effective(at).order_by()
    key, taker, giver, task, *flags = _columns(
        rows,
        F("pk"),
        F("delegate"),
        Coalesce("delegator_person", "delegator_identity"),
        Coalesce("task", Value(0)),
        _flag(by_person),
        _flag(~Q(may_redelegate=False) | Q(may_redelegate=None)),
        _flag(certain),
        _flag(Q(scope_all=False)),
    )
    return Delegations(key, taker, giver, task, *(flag.astype(bool) for flag in flags))


def read_owned(at: datetime) -> Numbers:
    """Identities whose owner can answer. A statement of its own: joined to delegations it would cost more."""
    rows = Identity.objects.filter(can_answer(at, "owner__"), owner__isnull=False)
    return _columns(rows.order_by(), F("pk"))[0]


def read_entitlements() -> Entitlements:
    key, *flags = _columns(
        _harmful().order_by(),
        F("pk"),
        _flag(Q(conditions={}, caveats=[])),
        _flag(_SERIOUS),
        _flag(Q(risk=Risk.CRITICAL)),
        _flag(Q(admin=True)),
        _flag(Q(wildcard=True)),
    )
    order = np.argsort(key)
    return Entitlements(key[order], *(flag[order].astype(bool) for flag in flags))


def read_grants(at: datetime) -> Grants:
    """Of these entitlements; `certain` is about the grant alone."""
    rows = Grant.objects.effective(at).filter(entitlement__in=_harmful().order_by())
    identity, entitlement, task, certain = _columns(
        rows.order_by(),
        F("identity"),
        F("entitlement"),
        Coalesce("task", Value(0)),
        _flag(Q(caveats=[])),
    )
    return Grants(identity, entitlement, task, certain.astype(bool))


def read_scopes(at: datetime) -> Scopes:
    """Of the delegations that do not pass on everything."""
    limited = Delegation.objects.effective(at).filter(scope_all=False).order_by().values("pk")
    rows = DelegationScope.objects.filter(delegation__in=limited).order_by()
    return Scopes(*_columns(rows, F("delegation"), F("entitlement")))


def _harmful() -> QuerySet[Entitlement]:
    """What somebody must not reach unnoticed: of high risk, administration, wildcards."""
    return Entitlement.objects.filter(
        _SERIOUS | Q(admin=True) | Q(wildcard=True), effect=Entitlement.Effect.ALLOW
    )


def _flag(condition: Q) -> Case:
    return Case(When(condition, then=Value(1)), default=Value(0))


def _columns(rows: QuerySet[Any], *wanted: F | Expression) -> Sequence[Numbers]:
    """The wanted columns as arrays that go together, in no order; the first shares the rows out over byte strings."""
    named = {f"c{number}": one for number, one in enumerate(wanted)}
    sql, params = rows.values_list(*named.values()).query.sql_with_params()
    packed = ", ".join(f"string_agg(int8send({name}::bigint), '')" for name in named)
    with connection.cursor() as cursor:
        cursor.execute(
            _PACKED.format(packed=packed, rows=sql, columns=", ".join(named)), [*params, _SHARED]
        )
        strings = cursor.fetchall()
    columns = zip(*strings, strict=True) if strings else [()] * len(named)
    return [np.frombuffer(b"".join(parts), dtype=">i8").astype(np.int64) for parts in columns]
