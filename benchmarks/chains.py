"""The questions about the delegations of the whole estate, against the same arithmetic written as tersely as possible.

Runs in processes of its own (`python -m benchmarks.chains times 5`), so that the peak of memory is ours alone.
"""

import json
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from benchmarks.timing import measure, side_by_side

if TYPE_CHECKING:
    from datetime import datetime

    from inventory.estate_graph import Estate

# The same rules by hand, without what the made-up data do not hold (derived delegations, just-in-time grants).
DELEGATIONS = """
SELECT string_agg(int8send(d.delegate_id << 32 | COALESCE(d.delegator_identity_id, d.delegator_person_id)), ''),
    string_agg(int8send((d.delegator_person_id IS NOT NULL)::int + 2 * (d.may_redelegate IS NOT FALSE)::int
        + 4 * (d.conditions = '{}' AND d.caveats = '{}')::int + 8 * (NOT d.scope_all)::int
        + 16 * COALESCE(d.task_id, 0)), '')
FROM inventory_delegation d JOIN inventory_identity t ON t.id = d.delegate_id
LEFT JOIN inventory_identity g ON g.id = d.delegator_identity_id
LEFT JOIN inventory_person p ON p.id = d.delegator_person_id
LEFT JOIN inventory_task w ON w.id = d.task_id
WHERE (d.starts_at IS NULL OR d.starts_at <= %(at)s) AND (d.expires_at IS NULL OR d.expires_at > %(at)s)
    AND (d.revoked_at IS NULL OR d.revoked_at > %(at)s) AND d.gone_at IS NULL
    AND t.lifecycle = 'active' AND t.gone_at IS NULL AND (g.id IS NULL OR g.lifecycle = 'active' AND g.gone_at IS NULL)
    AND (p.id IS NULL OR p.status <> 'left' AND (p.left_at IS NULL OR p.left_at > %(at)s)
        AND (p.leaves_at IS NULL OR p.leaves_at > %(at)s) AND p.gone_at IS NULL)
    AND (w.id IS NULL OR w.status = 'open' AND w.opened_at <= %(at)s AND w.deadline > %(at)s
        AND (w.silent_at IS NULL OR w.silent_at > %(at)s))
"""
GRANTS = """
SELECT string_agg(int8send(g.identity_id << 32 | g.entitlement_id), ''),
    string_agg(int8send((e.risk = 'critical')::int
        + 2 * (g.caveats = '{}' AND e.caveats = '{}' AND e.conditions = '{}')::int), '')
FROM inventory_grant g JOIN inventory_identity i ON i.id = g.identity_id
JOIN inventory_entitlement e ON e.id = g.entitlement_id
WHERE (e.risk IN ('high', 'critical') OR e.admin OR e.wildcard) AND e.effect = 'allow' AND i.lifecycle = 'active' AND i.gone_at IS NULL
    AND (g.starts_at IS NULL OR g.starts_at <= %(at)s) AND (g.expires_at IS NULL OR g.expires_at > %(at)s)
    AND (g.revoked_at IS NULL OR g.revoked_at > %(at)s) AND g.gone_at IS NULL
    AND (g.idle_limit IS NULL OR COALESCE(g.last_used_at, g.starts_at, g.first_seen_at) + g.idle_limit > %(at)s)
"""


def against_bare(rounds: int) -> dict[str, object]:
    """Times side by side, and the peak of memory of one refresh; each from a process of its own."""
    return {**_process("times", rounds), **_process("memory", 1)}


def lines(report: dict[str, object]) -> list[str]:
    """The report as markdown."""
    return [
        "## Delegations of the whole estate",
        "",
        f"{report['delegations']:,} effective delegations between {report['identities']:,} identities, "
        f"{report['places']:,} places with tasks; {report['grants']:,} grants of {report['entitlements']:,} entitlements "
        f"of high risk, administration or wildcards. {report['in_cycles']:,} in cycles, {report['relaying']:,} relay.",
        "",
        "| step | ours | bare | ratio |",
        "| --- | --- | --- | --- |",
        *(
            f"| {name} | {report[key][0]:.0f} | {report[key][1]:.0f} | {report[key][0] / report[key][1]:.2f} |"  # type: ignore[index]
            for name, key in (
                ("copy-out", "read"),
                ("relay and cycles", "answers"),
                ("both", "both"),
            )
        ),
        "",
        f"With depth and roots, without writing: {report['all']:.0f} ms; a refresh that changes nothing: "
        f"{report['refresh']:.0f} ms. Peak memory {report['peak_mib']:.0f} MiB, of which {report['before_mib']:.0f} MiB before.",
        "",
    ]  # fmt: skip


def _process(what: str, rounds: int) -> dict[str, object]:
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.chains", what, str(rounds)],
        stdout=subprocess.PIPE,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    found: dict[str, object] = json.loads(ran.stdout)
    return found


def _times(rounds: int) -> dict[str, object]:
    from django.utils import timezone

    from inventory import estate_graph

    at = timezone.now()
    estate = estate_graph.read(at)
    facts = estate_graph.compute(estate)
    assert _ours(estate) == _bare(estate), "The two ways of asking answer differently."
    taken = _taken(at)
    assert taken[0] == len(estate.plain.taker), "The two statements read different delegations."
    kept = (len(estate.held.node), len(estate.marks.serious))
    mine, theirs = side_by_side(lambda: estate_graph.read(at), lambda: _taken(at), rounds)
    answers, bare = side_by_side(lambda: _ours(estate), lambda: _bare(estate), rounds)
    estate_graph.refresh(at)
    return {
        "identities": len(facts.identity), "delegations": taken[0], "places": estate.graph.places,
        "grants": kept[0], "entitlements": kept[1],
        "in_cycles": int((facts.cycle >= 0).sum()), "relaying": int((facts.relayed.every > 0).sum()),
        "read": (mine.median, theirs.median), "answers": (answers.median, bare.median),
        "both": (mine.median + answers.median, theirs.median + bare.median),
        "all": measure(lambda: estate_graph.compute(estate_graph.read(at)), rounds).median,
        "refresh": measure(lambda: estate_graph.refresh(at), rounds).median,
    }  # fmt: skip


def _memory() -> dict[str, object]:
    from django.utils import timezone

    from inventory import estate_graph

    before = _peak()
    estate_graph.refresh(timezone.now())
    return {"before_mib": before, "peak_mib": _peak()}


def _peak() -> float:
    with Path("/proc/self/status").open(encoding="utf-8") as file:
        line = next(one for one in file if one.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _ours(estate: "Estate") -> tuple[int, ...]:
    from inventory import estate_arrays, estate_graph, estate_relay

    circles = estate_arrays.cycles(estate.plain, estate.graph.nodes)
    reached = estate_relay.relayed(
        estate.graph, estate.held, estate.limits, estate.marks, estate_graph.PATH
    )
    return (
        int((circles >= 0).sum()),
        *(
            int(one.sum())
            for one in (
                reached.every,
                reached.critical,
                reached.certain,
                reached.admin,
                reached.wildcard,
            )
        ),
    )


def _taken(at: "datetime") -> tuple[int, int]:
    """The bare copy-out: how many delegations and grants."""
    from django.db import connection

    found = []
    with connection.cursor() as cursor:
        for statement in (DELEGATIONS, GRANTS):
            cursor.execute(statement, {"at": at})
            pairs, flags = (np.frombuffer(one, ">i8").astype("i8") for one in cursor.fetchone())
            found.append(len(pairs >> 32) + 0 * len(flags))
    return found[0], found[1]


def _bare(estate: "Estate") -> tuple[int, ...]:
    """Cycles and relay on the same arrays, as tersely as we can: what numpy and scipy cost, and little else."""
    from inventory.estate_graph import PATH
    from inventory.estate_relay import at_places

    graph, hops, limits = estate.graph, estate.graph.hops, estate.limits
    marks = estate.marks
    size, count = graph.places, len(marks.serious)
    links = csr_array(
        (np.ones(len(estate.plain.taker), "?"), (estate.plain.taker, estate.plain.giver)),
        (graph.nodes,) * 2,
    )
    label = connected_components(links, connection="strong")[1]
    result = np.array([(np.bincount(label)[label] > 1).sum(), 0, 0, 0])
    powers = np.zeros((2, 2, graph.nodes), "?")
    row, held, sure = at_places(graph, estate.held)
    ways = []
    for kept, having in ((hops.taker >= 0, sure | True), (hops.certain, sure)):
        steps = []
        for which in (kept & hops.passable, kept & (hops.taker < graph.nodes)):
            order = np.flatnonzero(which)[np.argsort(hops.taker[which], kind="stable")]
            taker, starts = np.unique(hops.taker[order], return_index=True)
            limited = np.flatnonzero(hops.limit[order] >= 0)
            steps.append((hops.giver[order], taker, starts, limited, hops.limit[order][limited]))
        ways.append((steps, row[having], held[having]))
    for first in range(0, count, 64):
        words = []
        for rows, bits, number in (*((size, r, h) for _, r, h in ways), (limits.count, limits.limit, limits.entitlement),
                                   (4, *np.nonzero((marks.serious, marks.critical, marks.admin, marks.wildcard)))):  # fmt: skip
            inside = (number >= first) & (number < first + 64)
            word = np.zeros(rows, np.uint64)
            np.bitwise_or.at(
                word, bits[inside], np.uint64(1) << (number[inside] - first).astype(np.uint64)
            )
            words.append(word)
        gained = []
        for own, (steps, _, _) in zip(words[:2], ways, strict=True):
            have = own.copy()
            for hop in range(PATH):
                giver, taker, starts, limited, limit = steps[hop == PATH - 1]
                handed = have[giver]
                handed[limited] &= words[2][limit]
                have = own.copy() if hop < PATH - 1 else np.zeros(size, np.uint64)
                have[taker] |= np.bitwise_or.reduceat(handed, starts)
            gained.append(have & ~words[0])
        result[1:] += [
            int(np.bitwise_count(one & words[3][mark]).sum())
            for one, mark in ((gained[0], 0), (gained[0], 1), (gained[1], 0))
        ]
        for way, mark in product((0, 1), (0, 1)):
            powers[way, mark] |= gained[way][: graph.nodes] & words[3][2 + mark] != 0
    return (*(int(one) for one in result), *(int(one) for one in powers.sum(axis=(0, 2))))


if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps(_memory() if sys.argv[1] == "memory" else _times(int(sys.argv[2]))))
