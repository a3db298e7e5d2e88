"""Pairs of names that may be one or two letters apart, found by what is left of them when letters are taken out.

Two names that far apart become the same when at most as many letters are taken out of each (Bocek, Hunt, Hausheer and
Stiller, "FastSS", 2007). So every name is hashed without each letter and without each two, and names that share a hash
are candidates. None is missed; a few are none, so whoever asks compares the pairs. Unlike shared beginnings or pieces,
which whole families of names have in common, what is left is nearly as telling as the name.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import comb

import numpy as np
from numpy.typing import NDArray

LONGEST = 40  # a name of n letters has n * (n + 1) / 2 + 1 hashes
_AT_ONCE = 4_000_000  # hashes held of either side
_BASE = 0x9E3779B97F4A7C15
Hashes = NDArray[np.uint64]
Numbers = NDArray[np.int64]
Pairs = tuple[Numbers, Numbers]
# The numbers of names of one length, and their sums for each shift.
_Group = tuple[Numbers, list[Hashes]]
_Part = tuple[_Group, int]  # and how many letters are taken out


def candidates(ours: Sequence[str], theirs: Sequence[str], *, long_enough: int) -> Pairs:
    """Numbers of ours and of theirs, each pair once: all different names within one edit, or within two where both have
    `long_enough` letters, and a few more. Names of more than LONGEST letters are left to the caller."""
    mine, yours = _by_length(ours), _by_length(theirs)
    place = {name: number for number, name in enumerate(theirs)}
    same = np.array([place.get(name, -1) for name in ours], dtype=np.int64)
    found = [
        keys
        for left in range(1, LONGEST + 1)
        if (one := _leaving(left, mine, long_enough)) and (other := _leaving(left, yours, long_enough))
        for keys in _joined(one, other, same, len(theirs))
    ]  # fmt: skip
    keys = np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.int64)
    return keys // max(len(theirs), 1), keys % max(len(theirs), 1)


def _leaving(left: int, groups: dict[int, _Group], long_enough: int) -> list[_Part]:
    """The names of which so many letters are left when one or two, or none, are taken out."""
    return [
        (groups[length], length - left)
        for length in range(left, left + 3)
        if length in groups and length - left <= (2 if length >= long_enough else 1)
    ]


def _by_length(names: Sequence[str]) -> dict[int, _Group]:
    numbers: dict[int, list[int]] = defaultdict(list)
    for number, name in enumerate(names):
        if 0 < len(name) <= LONGEST:
            numbers[len(name)].append(number)
    return {
        length: (np.array(found, dtype=np.int64), _sums([names[number] for number in found]))
        for length, found in numbers.items()
    }


def _sums(names: list[str]) -> list[Hashes]:
    """For each name the hash of its first k letters, had they moved none, one or two places to the left."""
    length = len(names[0])
    codes = np.array(names, dtype=f"<U{length}").view(np.uint32).reshape(len(names), length)
    mixed = _mixed(codes.astype(np.uint64))
    found = []
    for shift in range(3):
        powers = np.array(
            [pow(_BASE, place - shift + 2, 2**64) for place in range(length)], dtype=np.uint64
        )
        sums = np.zeros((len(names), length + 1), dtype=np.uint64)
        np.cumsum(mixed * powers, axis=1, out=sums[:, 1:])
        found.append(sums)
    return found


def _mixed(codes: Hashes) -> Hashes:
    """Letters as numbers of 64 bits that look random (the finalizer of SplitMix64)."""
    mixed = codes + np.uint64(_BASE)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _joined(mine: list[_Part], yours: list[_Part], same: Numbers, width: int) -> Iterator[Numbers]:
    """The pairs that share a hash, as `ours * width + theirs`, in as many rounds as memory asks for."""
    rounds = 1 + max(_size(mine), _size(yours)) // _AT_ONCE
    for part in range(rounds):
        hashes, numbers = _hashes(mine, part, rounds)
        others, whose = _hashes(yours, part, rounds)
        kept = _may_be_in(others, hashes)
        others, whose = others[kept], whose[kept]
        kept = _may_be_in(hashes, others)
        hashes, numbers = hashes[kept], numbers[kept]
        order = np.argsort(hashes)
        yield from _pairs(hashes[order], numbers[order], others, whose, same, width)


def _size(parts: list[_Part]) -> int:
    return sum(len(numbers) * comb(sums[0].shape[1] - 1, taken) for (numbers, sums), taken in parts)


def _hashes(parts: list[_Part], part: int, rounds: int) -> tuple[Hashes, Numbers]:
    """Those of one round, each with the number of its name."""
    hashes, numbers = [], []
    for (names, sums), taken in parts:
        wide = comb(sums[0].shape[1] - 1, taken)
        step = max(1, _AT_ONCE // wide)
        for start in range(0, len(names), step):
            made = _without([each[start : start + step] for each in sums], taken)
            whose = np.repeat(names[start : start + step], wide)
            if rounds > 1:
                kept = made % np.uint64(rounds) == np.uint64(part)
                made, whose = made[kept], whose[kept]
            hashes.append(made)
            numbers.append(whose)
    return np.concatenate(hashes), np.concatenate(numbers)


def _without(sums: list[Hashes], taken: int) -> Hashes:
    """The hashes of names without so many letters: what stands behind a letter that is taken out moves up."""
    plain, once, twice = sums
    length = plain.shape[1] - 1
    if taken == 0:
        return plain[:, length]
    if taken == 1:
        at = np.arange(length)
        return (plain[:, at] + once[:, [length]] - once[:, at + 1]).ravel()
    first, second = np.triu_indices(length, 1)
    between = once[:, second] - once[:, first + 1]
    return (plain[:, first] + between + twice[:, [length]] - twice[:, second + 1]).ravel()


def _may_be_in(some: Hashes, others: Hashes) -> NDArray[np.bool_]:
    """Which of some are among others, and a few that are not: a table by their last bits."""
    bits = np.uint64((1 << (8 * max(len(others), 1)).bit_length()) - 1)
    there = np.zeros(int(bits) + 1, dtype=np.bool_)
    there[others & bits] = True
    found: NDArray[np.bool_] = there[some & bits]
    return found


def _pairs(
    hashes: Hashes, numbers: Numbers, others: Hashes, whose: Numbers, same: Numbers, width: int
) -> Iterator[Numbers]:
    """`hashes` are in order. A name is no neighbour of itself."""
    begins = np.searchsorted(hashes, others, "left")
    counts = np.searchsorted(hashes, others, "right") - begins
    ends = np.cumsum(counts)
    start = 0
    while start < len(others):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + _AT_ONCE, "right")))
        much = counts[start:stop]
        total = int(much.sum())
        offsets = np.arange(total) - np.repeat(np.cumsum(much) - much, much)
        ours = numbers[np.repeat(begins[start:stop], much) + offsets]
        theirs = np.repeat(whose[start:stop], much)
        kept = same[ours] != theirs
        yield np.unique(ours[kept] * width + theirs[kept])
        start = stop
