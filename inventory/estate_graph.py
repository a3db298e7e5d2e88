"""Questions about the delegations of the whole estate: cycles, depth, roots, and who reaches what through others.

Everything effective is copied out as arrays, answered there, and kept as `ChainFacts`, which checks use as a queryset.
Reading is several statements: what changes in between is only seen by the next computation.
"""

import time
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import structlog
from django.db import connection, transaction

from inventory import estate_arrays as arrays
from inventory import estate_depth as depth
from inventory import estate_reading as reading
from inventory import estate_relay as relay
from inventory.estate_arrays import Flags, Numbers
from inventory.models import ChainComputation

log = structlog.get_logger(__name__)

PATH = 4  # hops for what is reached through others
DEPTH = 8  # hops of the longest path of one identity; depth is counted up to one more

# Any fixed number: whoever holds this advisory lock writes the facts.
_LOCK = 0x6D616E64_63686169
_NONE = -1
_COLUMNS = (
    "identity_id", "hops", "takers", "cycle", "rooted", "relayed", "relayed_critical", "relayed_certain",
    "reaches_admin", "reaches_wildcard",
)  # fmt: skip
_STAGE = """
CREATE TEMPORARY TABLE staged_chain (
    identity_id bigint, hops bigint, takers bigint, cycle bigint, rooted bigint,
    relayed bigint, relayed_critical bigint, relayed_certain bigint, reaches_admin bigint, reaches_wildcard bigint
) ON COMMIT DROP
"""
_COPY = f"COPY staged_chain ({', '.join(_COLUMNS)}) FROM STDIN (FORMAT binary)"
_WRITE = """
INSERT INTO inventory_chainfacts AS f (
    identity_id, hops, takers, cycle, rooted, relayed, relayed_critical, relayed_certain,
    reaches_admin, reaches_wildcard)
SELECT identity_id, hops, takers, NULLIF(cycle, -1), NULLIF(rooted, -1)::int::boolean,
    relayed, relayed_critical, relayed_certain, reaches_admin, reaches_wildcard
FROM staged_chain
ON CONFLICT (identity_id) DO UPDATE SET
    hops = excluded.hops, takers = excluded.takers, cycle = excluded.cycle, rooted = excluded.rooted,
    relayed = excluded.relayed, relayed_critical = excluded.relayed_critical,
    relayed_certain = excluded.relayed_certain,
    reaches_admin = excluded.reaches_admin, reaches_wildcard = excluded.reaches_wildcard
WHERE (f.hops, f.takers, f.cycle, f.rooted, f.relayed, f.relayed_critical, f.relayed_certain,
        f.reaches_admin, f.reaches_wildcard)
    IS DISTINCT FROM (excluded.hops, excluded.takers, excluded.cycle, excluded.rooted, excluded.relayed,
        excluded.relayed_critical, excluded.relayed_certain, excluded.reaches_admin, excluded.reaches_wildcard)
"""
# Not a NOT EXISTS, which becomes a nested loop on a table without statistics (reviews/sweep.py).
_FORGET = """
DELETE FROM inventory_chainfacts WHERE identity_id IN (
    SELECT identity_id FROM inventory_chainfacts EXCEPT SELECT identity_id FROM staged_chain)
"""
# The binary format of COPY: a header, for each row its number of fields and each with its length, and a trailer.
_HEADER, _TRAILER = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"


@dataclass(frozen=True)
class Estate:
    """The delegations and the access of everybody in them, as arrays. `identities`: the id of each node, ascending;
    people are the nodes after them."""

    identities: Numbers
    graph: arrays.Graph
    plain: arrays.Hops  # not unfolded by tasks
    answers: Flags
    held: relay.Held
    limits: relay.Limits
    marks: relay.Marks


@dataclass(frozen=True)
class Facts:
    """One place in every array for each identity that takes or gives a delegation; -1 stands for NULL."""

    identity: Numbers
    hops: Numbers
    takers: Numbers
    cycle: Numbers
    rooted: Numbers
    relayed: relay.Relayed


@dataclass(frozen=True)
class Refreshed:
    """What a refresh found, and how many rows it wrote and removed. `cut`: not every path for a task was followed."""

    at: datetime
    identities: int
    delegations: int
    in_cycles: int
    relaying: int
    cut: bool
    written: int
    removed: int
    seconds: float


def refresh(at: datetime) -> Refreshed:
    """Computes the facts as of the moment and keeps them, in one transaction; a second time writes the moment only."""
    began = time.monotonic()
    estate = read(at)
    facts = compute(estate)
    written, removed = write(facts, at)
    if estate.graph.cut:
        log.warning("chains.cut", places=estate.graph.places, most=arrays.MOST_PLACES)
    return Refreshed(
        at=at,
        identities=len(facts.identity),
        delegations=len(estate.plain.taker),
        in_cycles=int((facts.cycle != _NONE).sum()),
        relaying=int((facts.relayed.every > 0).sum()),
        cut=estate.graph.cut,
        written=written,
        removed=removed,
        seconds=time.monotonic() - began,
    )


@reading.whole_tables()
def read(at: datetime) -> Estate:
    """Everything that counts at the moment."""
    rows = reading.read_delegations(at)
    identities = np.unique(np.concatenate((rows.taker, rows.giver[~rows.by_person])))
    people = np.unique(rows.giver[rows.by_person])
    giver = np.where(
        rows.by_person,
        len(identities) + np.searchsorted(people, rows.giver),
        np.searchsorted(identities, rows.giver),
    )
    limited = np.unique(rows.key[rows.limited])
    hops = arrays.Hops(
        taker=np.searchsorted(identities, rows.taker),
        giver=giver,
        passable=rows.passable,
        certain=rows.certain,
        task=rows.task,
        limit=np.where(rows.limited, np.searchsorted(limited, rows.key), arrays.NO_LIMIT),
    )
    nodes = len(identities) + len(people)
    # Whoever delegates and is a person can answer, or the delegation would not be effective.
    answers = np.ones(nodes, np.bool_)
    answers[: len(identities)] = np.isin(identities, reading.read_owned(at))
    gives = np.zeros(nodes + 1, np.bool_)  # one more, so that it is never empty
    gives[giver] = True
    held, entitlements, marks = _held(at, identities, gives)
    for_task = np.zeros(nodes, np.bool_)
    for_task[held.node[held.task > 0]] = True
    return Estate(
        identities=identities,
        graph=arrays.unfold(hops, nodes, for_task),
        plain=hops,
        answers=answers,
        held=held,
        limits=_limits(at, limited, entitlements),
        marks=marks,
    )


def compute(estate: Estate) -> Facts:
    """All answers for all identities of it."""
    graph, identities, hops = estate.graph, estate.identities, estate.plain
    count = len(identities)
    smallest = arrays.cycles(hops, graph.nodes)[:count]
    pairs = np.unique(hops.taker * graph.nodes + hops.giver)
    holds = np.zeros(graph.nodes, np.bool_)
    holds[hops.taker] = True
    rooted = np.where(holds, arrays.rooted(graph, estate.answers), _NONE)
    reached = relay.relayed(graph, estate.held, estate.limits, estate.marks, PATH)
    return Facts(
        identity=identities,
        hops=depth.depths(graph, DEPTH)[:count],
        takers=np.bincount(pairs % max(graph.nodes, 1), minlength=graph.nodes)[:count],
        cycle=np.where(smallest >= 0, identities[smallest], _NONE),
        rooted=rooted[:count],
        relayed=relay.Relayed(
            reached.every[:count],
            reached.critical[:count],
            reached.certain[:count],
            reached.admin[:count],
            reached.wildcard[:count],
        ),
    )


@transaction.atomic
def write(facts: Facts, at: datetime) -> tuple[int, int]:
    """Brings the kept facts up to date; how many rows that wrote and removed. What is unchanged is left alone."""
    columns = (
        facts.identity, facts.hops, facts.takers, facts.cycle, facts.rooted,
        facts.relayed.every, facts.relayed.critical, facts.relayed.certain,
        facts.relayed.admin, facts.relayed.wildcard,
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        cursor.execute(_STAGE)
        with connection.wrap_database_errors, cursor.copy(_COPY) as copy:
            copy.write(_packed(columns))
        cursor.execute("ANALYZE staged_chain")
        cursor.execute(_WRITE)
        written = cursor.rowcount
        cursor.execute(_FORGET)
        removed = cursor.rowcount
        if written or removed:
            cursor.execute("ANALYZE inventory_chainfacts")
        cursor.execute("DROP TABLE staged_chain")
    ChainComputation.objects.update_or_create(pk=1, defaults={"computed_at": at})
    return written, removed


def _held(
    at: datetime, identities: Numbers, gives: Flags
) -> tuple[relay.Held, Numbers, relay.Marks]:
    """Who of the nodes holds which entitlement of those that anybody gives on; their ids, and what is said of them."""
    known, grants = reading.read_entitlements(), reading.read_grants(at)
    node, inside = _numbered(grants.identity, identities)
    number, there = _numbered(grants.entitlement, known.key)  # it may have changed in between
    given = np.unique(number[inside & there & gives[node]])
    kept = inside & there & np.isin(number, given)
    number = number[kept]
    held = relay.Held(
        node=node[kept],
        entitlement=np.searchsorted(given, number),
        task=grants.task[kept],
        certain=grants.certain[kept] & known.certain[number],
    )
    marks = relay.Marks(
        known.serious[given], known.critical[given], known.admin[given], known.wildcard[given]
    )
    return held, known.key[given], marks


def _limits(at: datetime, limited: Numbers, entitlements: Numbers) -> relay.Limits:
    """The scopes by number, without what nobody gives on anyway."""
    scopes = reading.read_scopes(at)
    delegation, there = _numbered(scopes.delegation, limited)
    entitlement, given = _numbered(scopes.entitlement, entitlements)
    kept = there & given
    return relay.Limits(delegation[kept], entitlement[kept], len(limited))


def _numbered(keys: Numbers, known: Numbers) -> tuple[Numbers, Flags]:
    """The place of each key among the known ones, which ascend, and whether it is there; 0 where it is not."""
    if not len(known):
        return np.zeros(len(keys), np.int64), np.zeros(len(keys), np.bool_)
    place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    there = known[place] == keys
    return np.where(there, place, 0), there


def _packed(columns: tuple[Numbers, ...]) -> bytes:
    """Rows of eight-byte numbers in the binary format of COPY, without a loop over them."""
    kind = [("fields", ">i2")]
    for number in range(len(columns)):
        kind += [(f"length{number}", ">i4"), (f"value{number}", ">i8")]
    rows = np.zeros(len(columns[0]), dtype=kind)
    rows["fields"] = len(columns)
    for number, column in enumerate(columns):
        rows[f"length{number}"], rows[f"value{number}"] = 8, column
    return _HEADER + rows.tobytes() + _TRAILER
