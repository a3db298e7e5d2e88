"""Identities and grants as they were at a moment: who there was, who answered for it, and what each could do."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from frameworks.as_of import Moment, Values, moment_of, record, stream
from frameworks.snapshot import GrantRow, IdentityRow
from inventory.models import Identity, Tier

LIVE = "i.row ->> 'lifecycle' <> 'retired' AND i.row ->> 'gone_at' IS NULL"
_ACTIVE = "i.row ->> 'lifecycle' = 'active' AND i.row ->> 'gone_at' IS NULL"
_IN_FORCE = """
    (g.row ->> 'starts_at' IS NULL OR (g.row ->> 'starts_at')::timestamptz <= %(at)s)
    AND (g.row ->> 'expires_at' IS NULL OR (g.row ->> 'expires_at')::timestamptz > %(at)s)
    AND (g.row ->> 'revoked_at' IS NULL OR (g.row ->> 'revoked_at')::timestamptz > %(at)s)
    AND g.row ->> 'gone_at' IS NULL
    AND (g.row ->> 'idle_limit' IS NULL OR COALESCE(
        (g.row ->> 'last_used_at')::timestamptz, (g.row ->> 'starts_at')::timestamptz,
        (g.row ->> 'first_seen_at')::timestamptz) + (g.row ->> 'idle_limit')::interval > %(at)s)
"""
_HERE = """
    ({alias}.row ->> 'status' <> 'left'
    AND ({alias}.row ->> 'left_at' IS NULL OR ({alias}.row ->> 'left_at')::timestamptz > %(at)s)
    AND ({alias}.row ->> 'leaves_at' IS NULL OR ({alias}.row ->> 'leaves_at')::timestamptz > %(at)s)
    AND {alias}.row ->> 'gone_at' IS NULL)
"""
# What just-in-time access hangs on: an owner who can answer, an open task, and whoever the task is for.
_CARRIED = (
    "((g.row ->> 'just_in_time')::boolean IS NOT TRUE OR ("
    f" {_HERE.format(alias='o')} AND (g.row ->> 'task_id' IS NULL OR ("
    " t.row ->> 'status' = 'open' AND (t.row ->> 'opened_at')::timestamptz <= %(at)s"
    " AND (t.row ->> 'deadline')::timestamptz > %(at)s"
    " AND (t.row ->> 'silent_at' IS NULL OR (t.row ->> 'silent_at')::timestamptz > %(at)s)"
    f" AND (t.row ->> 'on_behalf_of_id' IS NULL OR {_HERE.format(alias='b')})))))"
)


@dataclass(frozen=True)
class Within:
    """Which identities; empty values mean all. `name` is a part of a name, or of its owner's."""

    team: int | None = None
    environment: str = ""
    tier: int | None = None
    name: str = ""
    identity: int | None = None

    def condition(self) -> tuple[str, dict[str, Any]]:  # Any: values of many types
        parts, values = ["true"], dict[str, Any]()
        for column, value in (
            ("team_id", self.team),
            ("environment", self.environment),
            ("declared_tier", self.tier),
        ):
            if value not in (None, ""):
                parts.append(f"i.row ->> '{column}' = %({column})s")
                values[column] = str(value)
        if self.name:
            parts.append("i.row ->> 'name' ILIKE %(name)s")
            values["name"] = f"%{_plain(self.name)}%"
        if self.identity is not None:
            parts.append("i.row_id = %(identity)s")
            values["identity"] = self.identity
        return " AND ".join(parts), values


def identities(
    moment: Moment, within: Within, *, findings: dict[int, int] | None = None
) -> Iterator[IdentityRow]:
    """Live identities in the order of their numbers."""
    names = {key: str(label) for key, label in Identity.Kind.choices}
    counted = findings or {}
    for key, text, owner, team, source in stream(*_identities_sql(moment, within)):
        row = record(text)
        yield IdentityRow(
            name=row["name"], kind=names.get(row["kind"], row["kind"]),
            environment=row["environment"], lifecycle=row["lifecycle"], owner=owner or "",
            team=team or "", declared_tier=_tier(row["declared_tier"]),
            spiffe_id=row["spiffe_id"] or "", source=source or "", findings=counted.get(key, 0),
        )  # fmt: skip


def grants(moment: Moment, within: Within) -> Iterator[GrantRow]:
    """Grants that worked at the moment, and allow something, in the order of their numbers."""
    sql, values = working(moment, within)
    for _, identity, entitlement, system, risk, text in stream(f"{sql} ORDER BY key", values):
        row = record(text)
        yield GrantRow(
            identity=identity, entitlement=entitlement, system=system or "", risk=risk,
            kind="just-in-time" if row["just_in_time"] else "standing",
            starts_at=moment_of(row["starts_at"]), expires_at=moment_of(row["expires_at"]),
            granted_by=row["granted_by"], reason=row["reason"],
        )  # fmt: skip


def _identities_sql(moment: Moment, within: Within) -> tuple[str, dict[str, Any]]:
    only, values = within.condition()
    return named(
        "SELECT i.row_id, i.row, p.row ->> 'name', team.row ->> 'name', s.label FROM ",
        moment.rows("inventory_identity"), " AS i ",
        moment.one("inventory_person", "(i.row ->> 'owner_id')::bigint", "p"), " ",
        moment.one("inventory_team", "(i.row ->> 'team_id')::bigint", "team"),
        " LEFT JOIN inventory_source s ON s.id = (i.row ->> 'source_id')::bigint"
        f" WHERE {LIVE} AND {only} ORDER BY i.row_id",
        at=moment, values=values,
    )  # fmt: skip


def working(moment: Moment, within: Within | None = None) -> tuple[str, dict[str, Any]]:
    """SQL of the grants that work at the moment and allow something: key, identity, entitlement, system, risk, row."""
    only, values = (within or Within()).condition()
    return named(
        "SELECT g.row_id AS key, i.row ->> 'name' AS identity, e.row ->> 'name' AS entitlement,"
        " s.row ->> 'name' AS system, e.row ->> 'risk' AS risk, g.row AS row FROM ",
        moment.rows("inventory_grant"), " AS g JOIN ",
        moment.rows("inventory_identity"), " AS i ON i.row_id = g.identity_id JOIN ",
        moment.rows("inventory_entitlement"),
        " AS e ON e.row_id = (g.row ->> 'entitlement_id')::bigint LEFT JOIN ",
        moment.rows("inventory_system"), " AS s ON s.row_id = (e.row ->> 'system_id')::bigint"
        " LEFT JOIN ",
        moment.rows("inventory_task"), " AS t ON t.row_id = (g.row ->> 'task_id')::bigint"
        " LEFT JOIN ",
        moment.rows("inventory_person"), " AS o ON o.row_id = (i.row ->> 'owner_id')::bigint"
        " LEFT JOIN ",
        moment.rows("inventory_person"),
        " AS b ON b.row_id = (t.row ->> 'on_behalf_of_id')::bigint"
        f" WHERE {_ACTIVE} AND {_IN_FORCE} AND {_CARRIED} AND e.row ->> 'effect' = 'allow'"
        f" AND {only}",
        at=moment, values=values,
    )  # fmt: skip


def named(
    *parts: str | tuple[str, Values], at: Moment, values: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    """One statement of parts, each with its own parameters, which get names."""
    given, said = {"at": at.at, **values}, []
    for part in parts:
        if isinstance(part, str):
            said.append(part)
            continue
        sql, params = part
        for value in params:
            name = f"p{len(given)}"
            given[name] = value
            sql = sql.replace("%s", f"%({name})s", 1)
        said.append(sql)
    return "".join(said), given


def _plain(text: str) -> str:
    """Without the meaning that ILIKE gives to some characters."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _tier(value: object) -> str:
    return "" if value is None else str(Tier(int(str(value))).label)


def owners(moment: Moment, within: Within) -> Iterator[tuple[Any, ...]]:
    """Name, e-mail and state of everybody who owned something in scope, and how many; most first."""
    only, values = within.condition()
    sql, given = named(
        "SELECT p.row ->> 'name', p.row ->> 'email', p.row ->> 'status', count(*) FROM ",
        moment.rows("inventory_identity"), " AS i JOIN ",
        moment.rows("inventory_person"), " AS p ON p.row_id = (i.row ->> 'owner_id')::bigint"
        f" WHERE {LIVE} AND {only} GROUP BY 1, 2, 3, p.row_id ORDER BY 4 DESC, p.row_id",
        at=moment, values=values,
    )  # fmt: skip
    yield from stream(sql, given)
