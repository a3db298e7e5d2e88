"""Memory does not grow with the number of rows: each size is written by a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

SLACK = 12  # MB; the rows that are not held would take 60


@pytest.mark.slow
def test_fifty_times_the_rows_take_no_more_memory(tmp_path: Path) -> None:
    few, many = (most_memory("xlsx", number, tmp_path / "report") for number in (1_000, 50_000))

    assert many - few < SLACK


def most_memory(kind: str, number: int, path: Path) -> int:
    command = [
        sys.executable,
        "-m",
        "tests.frameworks.reports.memory_of",
        kind,
        str(number),
        str(path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout)
