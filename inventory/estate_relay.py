"""What identities of a whole graph reach through others and do not hold themselves, by bitsets, on arrays alone.

Sixty-four entitlements at a time are one number for each place; a hop hands numbers on by OR, along edges sorted by
taker. So one word of all places stays in the processor's cache, and memory does not grow with the entitlements.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inventory.estate_arrays import Flags, Graph, Hops, Numbers, spread

_BITS = 64
NO, MAY, SURELY = 0, 1, 2
Words = NDArray[np.uint64]


@dataclass(frozen=True)
class Held:
    """Who holds what: a place in every array for each grant. `task` is 0 for none; entitlements are numbers from 0."""

    node: Numbers
    entitlement: Numbers
    task: Numbers
    certain: Flags


@dataclass(frozen=True)
class Limits:
    """What the scopes that `Hops.limit` numbers cover, as pairs; there are `count` scopes."""

    limit: Numbers
    entitlement: Numbers
    count: int


@dataclass(frozen=True)
class Marks:
    """What is said of each entitlement: high or critical risk, critical, administration, wildcard."""

    serious: Flags
    critical: Flags
    admin: Flags
    wildcard: Flags


@dataclass(frozen=True)
class Relayed:
    """For each node, of what it reaches through others and does not hold itself: how many serious ones, of these the
    critical and the certain ones; and whether administration or a wildcard is among all of it (NO, MAY, SURELY)."""

    every: Numbers
    critical: Numbers
    certain: Numbers
    admin: Numbers
    wildcard: Numbers


@dataclass(frozen=True)
class _Bits:
    """Pairs of a row and an entitlement, by the word of the entitlement."""

    row: Numbers
    bit: Words
    starts: Numbers
    rows: int

    def word(self, number: int) -> Words:
        part = slice(self.starts[number], self.starts[number + 1])
        words = np.zeros(self.rows, np.uint64)
        np.bitwise_or.at(words, self.row[part], self.bit[part])
        return words


@dataclass(frozen=True)
class Step:
    """Hops by taker, ready to hand one word on."""

    giver: Numbers
    taker: Numbers  # each once
    starts: Numbers
    limited: Numbers  # which of the hops
    limit: Numbers

    @classmethod
    def of(cls, hops: Hops) -> "Step":
        hops = hops.only(np.argsort(hops.taker, kind="stable"))
        taker, starts = np.unique(hops.taker, return_index=True)
        limited = np.flatnonzero(hops.limit >= 0)
        return cls(hops.giver, taker, starts, limited, hops.limit[limited])

    def hand_on(self, words: Words, scopes: Words) -> Words:
        """What each taker gets from all its givers."""
        if not len(self.taker):
            return np.zeros(0, np.uint64)
        handed = words[self.giver]
        handed[self.limited] &= scopes[self.limit]
        return np.bitwise_or.reduceat(handed, self.starts)


@dataclass(frozen=True)
class _Way:
    """One of two ways of asking: over everything, or over what is certain only."""

    onward: Step
    first: Step
    own: _Bits

    def reached(self, number: int, scopes: Words, length: int, nodes: int) -> Words:
        """One word of what every node reaches over 1 to `length` hops."""
        own = self.own.word(number)
        words = own.copy()  # what may be passed on: own, or by hops that are passable
        for _ in range(length - 1):
            words[self.onward.taker] = own[self.onward.taker] | self.onward.hand_on(words, scopes)
        found = np.zeros(nodes, np.uint64)
        found[self.first.taker] = self.first.hand_on(words, scopes)
        return found


def relayed(graph: Graph, held: Held, limits: Limits, marks: Marks, length: int) -> Relayed:
    """Over paths of at most `length` hops.

    Exact, also for tasks: a grant bound to a task is passed on over hops of this task or of none.
    """
    words = -(-len(marks.serious) // _BITS)
    place, entitlement, sure = at_places(graph, held)
    ways = [
        _Way(_onward(hops), Step.of(hops.only(hops.taker < graph.nodes)), own)
        for hops, own in (
            (graph.hops, _bits(place, entitlement, graph.places, words)),
            (
                graph.hops.only(graph.hops.certain),
                _bits(place[sure], entitlement[sure], graph.places, words),
            ),
        )
    ]
    scope = _bits(limits.limit, limits.entitlement, limits.count, words)
    marked = _marked((marks.serious, marks.critical, marks.admin, marks.wildcard), words)
    every, worst, certain, admin, wildcard = (np.zeros(graph.nodes, np.int64) for _ in range(5))
    for number in range(words):
        scopes, lacked = scope.word(number), ~ways[0].own.word(number)[: graph.nodes]
        gained, surely = (way.reached(number, scopes, length, graph.nodes) & lacked for way in ways)
        serious, critical, *powers = marked.word(number)
        every += np.bitwise_count(gained & serious)
        worst += np.bitwise_count(gained & critical)
        certain += np.bitwise_count(surely & serious)
        for found, power in zip((admin, wildcard), powers, strict=True):
            if power:
                np.maximum(found, np.where(gained & power, MAY, NO), out=found)
                found[(surely & power) != 0] = SURELY
    return Relayed(every, worst, certain, admin, wildcard)


def _marked(marks: tuple[Flags, ...], words: int) -> _Bits:
    """One row for each mark."""
    row, entitlement = np.nonzero(np.stack(marks))
    return _bits(row, entitlement, len(marks), words)


def at_places(graph: Graph, held: Held) -> tuple[Numbers, Numbers, Flags]:
    """Place, entitlement and certainty of what is held: a node within a task has what it holds for it or for good."""
    order = np.argsort(held.node, kind="stable")
    starts = np.searchsorted(held.node[order], np.arange(graph.nodes + 1))
    within = np.arange(graph.nodes, graph.places)
    place, grant = spread(within, graph.node_of[within], order, starts)
    kept = (held.task[grant] == 0) | (held.task[grant] == graph.task_of[place])
    place, grant = place[kept], grant[kept]
    return (
        np.concatenate((held.node, place)),
        np.concatenate((held.entitlement, held.entitlement[grant])),
        np.concatenate((held.certain, held.certain[grant])),
    )


def _onward(hops: Hops) -> Step:
    """Of the passable hops those whose taker gives something to somebody; nobody asks what the others pass on."""
    gives = np.zeros(max(hops.taker.max(initial=-1), hops.giver.max(initial=-1)) + 1, np.bool_)
    gives[hops.giver] = True
    return Step.of(hops.only(hops.passable & gives[hops.taker]))


def _bits(row: Numbers, entitlement: Numbers, rows: int, words: int) -> _Bits:
    order = np.argsort(entitlement, kind="stable")
    row, entitlement = row[order], entitlement[order]
    bit = np.uint64(1) << (entitlement % _BITS).astype(np.uint64)
    return _Bits(row, bit, np.searchsorted(entitlement, np.arange(words + 1) * _BITS), rows)
