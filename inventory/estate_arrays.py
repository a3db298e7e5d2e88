"""Answers about a whole graph of delegations, on arrays alone: cycles and roots. No database, no clock.

Nodes are numbers from 0. A hop says that its taker may act as its giver. A path is hops one after the other; what a
middle holds by a hop that is not passable it may not hand further, and hops bound to a task must all be of one task.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]

NO_LIMIT = -1
# Beyond so many places within tasks, paths that are bound to a task are not followed further, so that memory stays
# bounded: thousands of tasks, each over thousands of nodes that tasks concern. What is found then is true, but not all.
MOST_PLACES = 3_000_000


@dataclass(frozen=True)
class Hops:
    """Hops, a place in every array. `task` is 0 for none; `limit` numbers the scope of a hop, or is NO_LIMIT."""

    taker: Numbers
    giver: Numbers
    passable: Flags
    certain: Flags
    task: Numbers
    limit: Numbers

    def only(self, which: Flags | Numbers) -> "Hops":
        return Hops(
            self.taker[which],
            self.giver[which],
            self.passable[which],
            self.certain[which],
            self.task[which],
            self.limit[which],
        )


@dataclass(frozen=True)
class Graph:
    """Hops between places. The first `nodes` places are the nodes; a further place is a node within a task.

    Entering a hop that is bound to a task leads to the place of the giver within that task, where only hops of this
    task or of none go on. So every walk over places is a path, and no other rule about tasks is left.
    """

    hops: Hops
    nodes: int
    node_of: Numbers
    task_of: Numbers
    cut: bool = False  # there would have been more than MOST_PLACES

    @property
    def places(self) -> int:
        return len(self.node_of)

    @property
    def onward(self) -> Hops:
        """The hops that may stand second or later."""
        return self.hops.only(self.hops.passable)

    @property
    def first(self) -> Hops:
        """The hops that a path of a node may begin with."""
        return self.hops.only(self.hops.taker < self.nodes)


def cycles(hops: Hops, nodes: int) -> Numbers:
    """For each node the smallest node that it can reach and that can reach it, if that is another; else -1."""
    _, label = connected_components(matrix(hops, nodes), directed=True, connection="strong")
    _, smallest, size = np.unique(label, return_index=True, return_counts=True)
    return np.where(size[label] > 1, smallest[label], -1)


def unfold(hops: Hops, nodes: int, holds_for_task: Flags) -> Graph:
    """The graph of places. A node gets places of its own only where a task makes a difference behind it.

    `holds_for_task`: the nodes that hold something only for a task.
    """
    bound = hops.task > 0
    if not bound.any():
        return Graph(hops, nodes, np.arange(nodes), np.zeros(nodes, np.int64))
    differs = holds_for_task.copy()
    differs[hops.taker[bound]] = True
    differs = leading_to(differs, hops.only(hops.passable))
    tasks, task = np.unique(
        hops.task, return_inverse=True
    )  # tasks[0] is 0, for none, unless all are bound
    if tasks[0] != 0:
        tasks, task = np.append(0, tasks), task + 1
    target = np.where(bound & differs[hops.giver], task * nodes, 0) + hops.giver
    found, parts = target, [(hops.taker, target, np.arange(len(target)))]
    known = frontier = np.unique(found[found >= nodes])
    order, starts = _by_taker(hops, nodes)
    while len(frontier) and len(known) <= MOST_PLACES:
        source, hop = spread(frontier, frontier % nodes, order, starts)
        within = source // nodes
        kept = hops.passable[hop] & (~bound[hop] | (task[hop] == within))
        source, hop, within = source[kept], hop[kept], within[kept]
        target = np.where(differs[hops.giver[hop]], within * nodes, 0) + hops.giver[hop]
        parts.append((source, target, hop))
        frontier = np.setdiff1d(target[target >= nodes], known)
        known = np.union1d(known, frontier)
    return replace(_numbered(hops, nodes, parts, known, tasks), cut=len(frontier) > 0)


def _numbered(
    hops: Hops, nodes: int, parts: Sequence[tuple[Numbers, ...]], known: Numbers, tasks: Numbers
) -> Graph:

    def place(key: Numbers) -> Numbers:
        return np.where(key < nodes, key, nodes + np.searchsorted(known, key))

    taker, giver, hop = (np.concatenate(one) for one in zip(*parts, strict=True))
    unfolded = replace(hops.only(hop), taker=place(taker), giver=place(giver))
    node_of = np.concatenate((np.arange(nodes), known % nodes))
    task_of = np.concatenate((np.zeros(nodes, np.int64), tasks[known // nodes]))
    return Graph(unfolded, nodes, node_of, task_of)


def leading_to(targets: Flags, hops: Hops) -> Flags:
    """Which places are targets, or lead to one over any number of the hops."""
    # Backwards from one more place, from which all targets are one step away.
    ends, start = np.flatnonzero(targets), len(targets)
    giver = np.concatenate((hops.giver, np.full(len(ends), start)))
    taker = np.concatenate((hops.taker, ends))
    backwards = csr_array((np.ones(len(giver), np.int8), (giver, taker)), shape=(start + 1,) * 2)
    reached = np.zeros(start + 1, np.bool_)
    reached[breadth_first_order(backwards, start, return_predecessors=False)] = True
    return reached[:start]


def rooted(graph: Graph, answers: Flags) -> Flags:
    """For each node whether a path of at least one hop, however long, leads to a node that answers.

    Where it only leads back to the node itself, in a circle, that counts: somebody answers for the circle.
    """
    up = leading_to(answers[graph.node_of], graph.onward)
    first = graph.first
    found = np.zeros(graph.nodes, np.bool_)
    found[first.taker[up[first.giver]]] = True
    return found


def matrix(hops: Hops, size: int) -> csr_array:
    one = csr_array(
        (np.ones(len(hops.taker), np.bool_), (hops.taker, hops.giver)), shape=(size, size)
    )
    one.sum_duplicates()
    return one


def _by_taker(hops: Hops, nodes: int) -> tuple[Numbers, Numbers]:
    order = np.argsort(hops.taker, kind="stable")
    return order, np.searchsorted(hops.taker[order], np.arange(nodes + 1))


def spread(what: Numbers, key: Numbers, order: Numbers, starts: Numbers) -> tuple[Numbers, Numbers]:
    """Each of `what` beside each member of the group that its key names; groups are runs of `order`."""
    counts = starts[key + 1] - starts[key]
    ends = np.cumsum(counts)
    inside = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)
    return np.repeat(what, counts), order[np.repeat(starts[key], counts) + inside]
