"""Copies what the whole-estate questions need out of the database, as arrays: few statements, few columns, no row loop.

The database packs each column of the rows into one byte string (`string_agg(int8send(...))`), five times quicker than
fetching rows. Which delegations and grants count is said by their querysets alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Case, Expression, F, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from numpy.typing import NDArray

from inventory.models import Delegation, DelegationScope, Entitlement, Grant, Risk
from inventory.models.person import can_answer

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]

# One byte string stays far below the 1 GB that PostgreSQL allows: so many identities share one.
_SHARED = 65_536
_PACKED = "SELECT {packed} FROM ({rows}) AS r({columns}) GROUP BY c0 / %s"


@dataclass(frozen=True)
class Delegations:
    """Each effective delegation, a place in every array. `giver` is a person where `by_person`; `task` is 0 for none.

    `answers`: the giver is a person who can answer, or an identity whose owner can.
    """

    key: Numbers
    taker: Numbers
    giver: Numbers
    task: Numbers
    by_person: Flags
    passable: Flags
    certain: Flags
    limited: Flags
    answers: Flags


@dataclass(frozen=True)
class Grants:
    """Each effective grant of something high or critical; `task` is 0 for none."""

    identity: Numbers
    entitlement: Numbers
    task: Numbers
    certain: Flags
    critical: Flags


@dataclass(frozen=True)
class Scopes:
    """What limited delegations cover: pairs of delegation and entitlement."""

    delegation: Numbers
    entitlement: Numbers


def read_delegations(at: datetime) -> Delegations:
    """In force at the moment, with both ends able to act: the rule is the queryset's."""
    by_person, certain = Q(delegator_person__isnull=False), Q(conditions={}, caveats=[])
    answers = by_person | Q(delegator_identity__owner__isnull=False) & can_answer(
        at, "delegator_identity__owner__"
    )
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
        _flag(answers),
    )
    return Delegations(key, taker, giver, task, *(flag.astype(bool) for flag in flags))


def read_grants(at: datetime) -> Grants:
    """What is high or critical and allowed, with the entitlement's own conditions and caveats."""
    certain = Q(caveats=[], entitlement__caveats=[], entitlement__conditions={})
    rows = Grant.objects.effective(at).filter(
        entitlement__risk__in=(Risk.HIGH, Risk.CRITICAL),
        entitlement__effect=Entitlement.Effect.ALLOW,
    )
    identity, entitlement, task, sure, critical = _columns(
        rows.order_by(),
        F("identity"),
        F("entitlement"),
        Coalesce("task", Value(0)),
        _flag(certain),
        _flag(Q(entitlement__risk=Risk.CRITICAL)),
    )
    return Grants(identity, entitlement, task, sure.astype(bool), critical.astype(bool))


def read_scopes(at: datetime) -> Scopes:
    """Of the delegations that do not pass on everything."""
    limited = Delegation.objects.effective(at).filter(scope_all=False).order_by().values("pk")
    rows = DelegationScope.objects.filter(delegation__in=limited).order_by()
    return Scopes(*_columns(rows, F("delegation"), F("entitlement")))


def _flag(condition: Q) -> Case:
    return Case(When(condition, then=Value(1)), default=Value(0))


def _columns(rows: QuerySet[Any], *wanted: F | Expression) -> Sequence[Numbers]:
    """The wanted columns of the rows as arrays of the same order; the first shares the rows out over byte strings."""
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
