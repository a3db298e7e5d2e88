"""The answers on arrays are those of a slow reference, which walks every path one by one, on small random graphs."""

from collections.abc import Iterator
from dataclasses import dataclass
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from inventory import estate_arrays as arrays
from inventory import estate_depth as depth
from inventory import estate_relay as relay

ENTITLEMENTS = 70  # more than one word of 64
NUMBERS = (0, 1, 63, 64, 69)
SERIOUS, CRITICAL = {0, 1, 64, 69}, {1, 64}
ADMIN, WILDCARD = {1, 63}, {63, 69}


@dataclass(frozen=True)
class Hop:
    taker: int
    giver: int
    passable: bool = True
    certain: bool = True
    task: int = 0
    scope: frozenset[int] | None = None


@dataclass(frozen=True)
class Grant:
    node: int
    entitlement: int
    task: int = 0
    certain: bool = True


@dataclass(frozen=True)
class World:
    nodes: int
    hops: list[Hop]
    grants: list[Grant]

    # --- the slow and obvious way -----------------------------------------------------------------
    def paths(self, start: int, length: int) -> Iterator[list[Hop]]:
        """Every path from `start` of 1 to `length` hops that comes to no giver twice; it may come back to `start`."""
        waiting = [[hop] for hop in self.hops if hop.taker == start]
        while waiting:
            path = waiting.pop()
            if len(path) > length or len({hop.task for hop in path if hop.task}) > 1:
                continue
            if not all(hop.passable for hop in path[1:]):
                continue
            yield path
            been = {hop.giver for hop in path}
            waiting += [
                [*path, hop]
                for hop in self.hops
                if hop.taker == path[-1].giver and hop.giver not in been
            ]

    def gained(self, start: int, length: int, *, certainly: bool) -> set[int]:
        found = set()
        for path in self.paths(start, length):
            tasks = {hop.task for hop in path if hop.task}
            for grant in self.grants:
                if grant.node != path[-1].giver or (grant.task and tasks - {grant.task}):
                    continue
                if any(
                    hop.scope is not None and grant.entitlement not in hop.scope for hop in path
                ):
                    continue
                if certainly and not (grant.certain and all(hop.certain for hop in path)):
                    continue
                found.add(grant.entitlement)
        return found - {grant.entitlement for grant in self.grants if grant.node == start}

    def depth_of(self, start: int, length: int) -> int:
        shortest: dict[int, int] = {}
        for path in self.paths(start, length):
            end = path[-1].giver
            if end != start:
                shortest[end] = min(len(path), shortest.get(end, length))
        return max(shortest.values(), default=0)

    def reaches(self, start: int) -> set[int]:
        """Over any hops, whether they may stand together or not."""
        found: set[int] = set()
        waiting = [start]
        while waiting:
            node = waiting.pop()
            more = {hop.giver for hop in self.hops if hop.taker == node} - found
            found |= more
            waiting += more
        return found

    # --- as arrays --------------------------------------------------------------------------------
    @property
    def limited(self) -> list[Hop]:
        return [hop for hop in self.hops if hop.scope is not None]

    def edges(self) -> arrays.Hops:
        numbers = iter(range(len(self.hops)))
        return arrays.Hops(
            _ints(hop.taker for hop in self.hops),
            _ints(hop.giver for hop in self.hops),
            _flags(hop.passable for hop in self.hops),
            _flags(hop.certain for hop in self.hops),
            _ints(hop.task for hop in self.hops),
            _ints(arrays.NO_LIMIT if hop.scope is None else next(numbers) for hop in self.hops),
        )

    def graph(self) -> arrays.Graph:
        for_task = np.zeros(self.nodes, np.bool_)
        for_task[[grant.node for grant in self.grants if grant.task]] = True
        return arrays.unfold(self.edges(), self.nodes, for_task)

    def relayed(self, length: int) -> relay.Relayed:
        held = relay.Held(
            _ints(grant.node for grant in self.grants),
            _ints(grant.entitlement for grant in self.grants),
            _ints(grant.task for grant in self.grants),
            _flags(grant.certain for grant in self.grants),
        )
        pairs = [(n, one) for n, hop in enumerate(self.limited) for one in hop.scope or ()]
        limits = relay.Limits(
            _ints(n for n, _ in pairs), _ints(one for _, one in pairs), len(self.limited)
        )
        marks = relay.Marks(*(_among(one) for one in (SERIOUS, CRITICAL, ADMIN, WILDCARD)))
        return relay.relayed(self.graph(), held, limits, marks, length)


def _among(numbers: set[int]) -> arrays.Flags:
    flags = np.zeros(ENTITLEMENTS, np.bool_)
    flags[list(numbers)] = True
    return flags


def _power(marked: set[int], every: set[int], certain: set[int]) -> int:
    return relay.SURELY if certain & marked else relay.MAY if every & marked else relay.NO


def _ints(values: object) -> arrays.Numbers:
    return np.array(list(values), dtype=np.int64)  # type: ignore[call-overload]


def _flags(values: object) -> arrays.Flags:
    return np.array(list(values), dtype=np.bool_)  # type: ignore[call-overload]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    nodes = draw(st.integers(2, 6))
    node, task = st.integers(0, nodes - 1), st.sampled_from((0, 0, 0, 7, 9))
    entitlement = st.sampled_from(NUMBERS)
    hop = st.builds(
        Hop,
        node,
        node,
        st.sampled_from((True, True, False)),
        st.booleans(),
        task,
        st.none() | st.frozensets(entitlement, max_size=3),
    ).filter(lambda one: one.taker != one.giver)
    grant = st.builds(Grant, node, entitlement, task, st.booleans())
    return World(nodes, draw(st.lists(hop, max_size=12)), draw(st.lists(grant, max_size=10)))


TWO_TASKS = World(
    4,
    [Hop(0, 1, task=7), Hop(1, 2), Hop(2, 3, task=9), Hop(2, 3, task=7, scope=frozenset({0}))],
    [Grant(3, 0, task=7), Grant(3, 1, task=9), Grant(3, 63)],
)


@example(TWO_TASKS, 4)
@given(worlds(), st.integers(1, 4))
def test_what_is_relayed_is_what_walking_every_path_finds(world: World, length: int) -> None:
    found = world.relayed(length)

    every = [world.gained(node, length, certainly=False) for node in range(world.nodes)]
    certain = [world.gained(node, length, certainly=True) for node in range(world.nodes)]
    assert found.every.tolist() == [len(one & SERIOUS) for one in every]
    assert found.critical.tolist() == [len(one & CRITICAL) for one in every]
    assert found.certain.tolist() == [len(one & SERIOUS) for one in certain]
    both = list(zip(every, certain, strict=True))
    assert found.admin.tolist() == [_power(ADMIN, *one) for one in both]
    assert found.wildcard.tolist() == [_power(WILDCARD, *one) for one in both]


@example(TWO_TASKS, 3)
@given(worlds(), st.integers(1, 4))
def test_depth_is_the_longest_of_the_shortest_paths_up_to_one_beyond_the_limit(
    world: World, limit: int
) -> None:
    found = depth.depths(world.graph(), limit)

    assert found.tolist() == [world.depth_of(node, limit + 1) for node in range(world.nodes)]


@pytest.mark.parametrize(
    ("pairs", "budget", "tried"),
    [(1, 10_000, 0), (1, 20, 1), (10_000, 0, 0), (10_000, -1, 0), (10_000, -1, 64)],
)
@given(world=worlds(), limit=st.integers(1, 4))
def test_depth_is_the_same_when_pairs_are_shared_out_or_bitsets_take_over(
    world: World, limit: int, pairs: int, budget: int, tried: int
) -> None:
    at_once = depth.depths(world.graph(), limit)

    with mock.patch.multiple(depth, PAIRS=pairs, BUDGET=budget, TRIED=tried):
        otherwise = depth.depths(world.graph(), limit)

    assert otherwise.tolist() == at_once.tolist()


@given(worlds())
def test_a_cycle_is_named_by_its_smallest_member(world: World) -> None:
    found = arrays.cycles(world.edges(), world.nodes)

    ways = [world.reaches(node) for node in range(world.nodes)]
    expected = [
        min((other for other in ways[node] if node in ways[other]), default=-1)
        for node in range(world.nodes)
    ]
    assert found.tolist() == expected


@given(worlds(), st.data())
def test_rooted_is_whether_some_path_ends_at_one_who_answers(
    world: World, data: st.DataObject
) -> None:
    answers = data.draw(st.lists(st.booleans(), min_size=world.nodes, max_size=world.nodes))

    found = arrays.rooted(world.graph(), _flags(answers))

    assert found.tolist() == [
        any(answers[path[-1].giver] for path in world.paths(node, world.nodes))
        for node in range(world.nodes)
    ]


@given(worlds())
def test_nothing_widens_with_a_shorter_path_or_with_certainty(world: World) -> None:
    short, long = world.relayed(2), world.relayed(4)

    assert (short.every <= long.every).all()
    assert (long.certain <= long.every).all()
    assert (long.critical <= long.every).all()


def test_too_many_places_within_tasks_are_cut_and_nothing_is_made_up() -> None:
    whole, relayed = TWO_TASKS.graph(), TWO_TASKS.relayed(4)

    with mock.patch.object(arrays, "MOST_PLACES", 0):
        cut, less = TWO_TASKS.graph(), TWO_TASKS.relayed(4)

    assert (whole.cut, cut.cut) == (False, True)
    assert relayed.every.tolist() == [1, 2, 2, 0]  # of three, one is not serious
    assert (less.every <= relayed.every).all()


def test_an_empty_estate_has_no_answers() -> None:
    empty = World(0, [], [])

    assert arrays.cycles(empty.edges(), 0).tolist() == []
    assert depth.depths(empty.graph(), 8).tolist() == []
    assert arrays.rooted(empty.graph(), _flags([])).tolist() == []
    assert empty.relayed(4).every.tolist() == []
