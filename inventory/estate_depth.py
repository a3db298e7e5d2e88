"""How far away the farthest node is that a node can act as, by shortest path, on arrays alone.

Pairs of nodes are followed level by level, which is quick where chains are thin. Where they are so dense that there
would be billions of pairs, the rest is asked sixty-four goals at a time by bitsets, whose time does not depend on that.
"""

import numpy as np
from scipy.sparse import csr_array

from inventory.estate_arrays import Graph, Numbers, matrix
from inventory.estate_relay import Step

# So many pairs of (from, to) are looked at together; more are shared out, so that memory stays bounded.
PAIRS = 2_000_000
# And so many altogether, before bitsets take over.
BUDGET = 30_000_000
# So many goals are tried on the rest at first: in a dense graph they show most nodes to be as deep as is counted.
TRIED = 1_024
_BITS = 64


def depths(graph: Graph, limit: int) -> Numbers:
    """For each node, counted up to limit + 1; 0 for those that can act as nobody."""
    found = np.zeros(graph.nodes, np.int64)
    rows = np.unique(graph.first.taker)
    found[rows] = 1
    left = _by_pairs(graph, rows, limit + 1, found)
    if len(left):
        _by_bits(graph, left, limit + 1, found, goals=TRIED)
        left = _by_pairs(graph, left[found[left] <= limit], limit + 1, found)
    if len(left):
        _by_bits(graph, left, limit + 1, found, goals=graph.nodes)
    return found


def _by_pairs(graph: Graph, rows: Numbers, longest: int, found: Numbers) -> Numbers:
    """Writes the answers of the rows into `found`; gives the rows that the budget did not suffice for."""
    onward, first = matrix(graph.onward, graph.places), matrix(graph.first, graph.places)[rows]
    to_node = _ones(np.arange(graph.places), graph.node_of, (graph.places, graph.nodes))
    fanout = np.diff(onward.indptr).astype(np.int64)
    # A place may be new where its node is not: only a new node is farther, but both lead on.
    seen = first + _ones(np.arange(len(rows)), rows, (len(rows), graph.places))
    waiting, spent = [(rows, 2, first, seen, seen @ to_node)], 0
    while waiting and spent <= BUDGET:
        rows, level, frontier, seen, met = waiting.pop()
        if level > longest or not len(rows):
            continue
        pairs = int(fanout[frontier.indices].sum()) + seen.nnz
        if len(rows) > 1 and pairs > PAIRS:
            half = len(rows) // 2
            waiting += [
                (rows[part], level, frontier[part], seen[part], met[part])
                for part in (slice(half, None), slice(half))
            ]
            continue
        spent += pairs
        fresh = (frontier @ onward) > seen
        nodes = (fresh @ to_node) > met
        deeper = rows[np.diff(nodes.indptr) > 0]
        found[deeper] = np.maximum(found[deeper], level)
        alive = np.flatnonzero(np.diff(fresh.indptr))
        waiting.append(
            (rows[alive], level + 1, fresh[alive], (seen + fresh)[alive], (met + nodes)[alive])
        )
    return np.concatenate([np.zeros(0, np.int64), *(one[0] for one in waiting)])


def _by_bits(graph: Graph, rows: Numbers, longest: int, found: Numbers, *, goals: int) -> None:
    """The same for these rows, with the first so many nodes as goals."""
    asked = np.zeros(graph.places, np.bool_)
    asked[rows] = True
    first, onward = Step.of(graph.hops.only(asked[graph.hops.taker])), Step.of(graph.onward)
    scopes = np.ones(graph.hops.limit.max(initial=-1) + 1, np.uint64) * ~np.uint64(0)  # none limits
    for start in range(0, min(goals, graph.nodes), _BITS):
        here = np.flatnonzero((graph.node_of >= start) & (graph.node_of < start + _BITS))
        words = np.zeros(graph.places, np.uint64)
        words[here] = np.uint64(1) << (graph.node_of[here] - start).astype(np.uint64)
        reached = words[first.taker]  # itself is no goal
        for level in range(1, longest + 1):
            further = reached | first.hand_on(words, scopes)
            deeper = first.taker[further != reached]
            found[deeper] = np.maximum(found[deeper], level)
            reached = further
            words[onward.taker] |= onward.hand_on(words, scopes)


def _ones(rows: Numbers, columns: Numbers, shape: tuple[int, int]) -> csr_array:
    return csr_array((np.ones(len(rows), np.bool_), (rows, columns)), shape=shape)
