"""Timing two things alternately, so that what disturbs the machine disturbs both."""

import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Times:
    """Milliseconds of one thing, one for each round."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def p95(self) -> float:
        ordered = sorted(self.values)
        return ordered[min(int(len(ordered) * 0.95), len(ordered) - 1)]


def measure(do: Callable[[], object], rounds: int) -> Times:
    do()  # once for caches and plans
    return Times(tuple(once(do) for _ in range(rounds)))


def side_by_side(
    ours: Callable[[], object], theirs: Callable[[], object], rounds: int
) -> tuple[Times, Times]:
    """Each round runs both, in turns first."""
    first, second = [], []
    for turn in range(rounds):
        pair = ((ours, first), (theirs, second))
        for do, into in pair if turn % 2 == 0 else reversed(pair):
            into.append(once(do))
    return Times(tuple(first)), Times(tuple(second))


def machine() -> str:
    model = next(
        (line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")),
        "unknown",
    )
    return (
        f"{os.cpu_count()} cores ({model}), {platform.system()}, Python {platform.python_version()}"
    )


def once(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return (time.perf_counter() - began) * 1000


def _cpuinfo() -> list[str]:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as file:
            return file.read().splitlines()
    except OSError:
        return []
