"""What two days differ in: who came and went, who answers for what, and what could be done that could not before."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from frameworks import past_rows
from frameworks.as_of import Moment, stream
from frameworks.past_rows import LIVE, named


@dataclass(frozen=True)
class Part:
    """One kind of difference; `more` says that there are others."""

    title: str
    head: tuple[str, ...]
    rows: list[tuple[object, ...]]
    more: bool


def between(first: Moment, second: Moment, *, limit: int) -> list[Part]:
    """The differences from one moment to a later one."""
    return [
        _part("New identities", ("Identity", "Owner"), _come(first, second), limit),
        _part("Identities that are gone", ("Identity", "Owner"), _come(second, first), limit),
        _part("Changed owner", ("Identity", "From", "To"), _owners(first, second), limit),
        _part("New grants", _GRANT, _granted(first, second), limit),
        _part("Grants that ended", _GRANT, _granted(second, first), limit),
    ]


_GRANT = ("Identity", "May", "System", "Risk")


def _part(
    title: str, head: tuple[str, ...], rows: Iterator[tuple[object, ...]], limit: int
) -> Part:
    found = list(islice(rows, limit + 1))
    return Part(title, head, found[:limit], len(found) > limit)


def _come(before: Moment, after: Moment) -> Iterator[tuple[object, ...]]:
    """Identities that live at one moment and not at the other."""
    sql, values = named(
        "SELECT i.row ->> 'name', COALESCE(p.row ->> 'name', 'No owner') FROM ",
        after.rows("inventory_identity"), " AS i ",
        after.one("inventory_person", "(i.row ->> 'owner_id')::bigint", "p"),
        " LEFT JOIN (SELECT i.row_id AS key FROM ",
        before.rows("inventory_identity"), f" AS i WHERE {LIVE}) AS other ON other.key = i.row_id"
        f" WHERE {LIVE} AND other.key IS NULL ORDER BY 1, i.row_id",
        at=after, values={},
    )  # fmt: skip
    yield from stream(sql, values)


def _owners(first: Moment, second: Moment) -> Iterator[tuple[object, ...]]:
    sql, values = named(
        "SELECT b.row ->> 'name', COALESCE(p.row ->> 'name', 'Nobody'),"
        " COALESCE(q.row ->> 'name', 'Nobody') FROM ",
        first.rows("inventory_identity"), " AS a JOIN ",
        second.rows("inventory_identity"), " AS b USING (row_id) ",
        first.one("inventory_person", "(a.row ->> 'owner_id')::bigint", "p"), " ",
        second.one("inventory_person", "(b.row ->> 'owner_id')::bigint", "q"),
        " WHERE a.row -> 'owner_id' IS DISTINCT FROM b.row -> 'owner_id' ORDER BY 1, row_id",
        at=second, values={},
    )  # fmt: skip
    yield from stream(sql, values)


def _granted(before: Moment, after: Moment) -> Iterator[tuple[object, ...]]:
    """Grants that work at one moment and did not at the other."""
    sql, values = past_rows.working(after)
    other, others = past_rows.working(before)
    for name, value in others.items():
        other = other.replace(f"%({name})s", f"%(other_{name})s")
        values[f"other_{name}"] = value
    told = (
        f"SELECT a.identity, a.entitlement, a.system, a.risk FROM ({sql}) AS a"  # noqa: S608
        f" LEFT JOIN ({other}) AS b USING (key) WHERE b.key IS NULL ORDER BY 1, 2, a.key"
    )
    yield from stream(told, values)
