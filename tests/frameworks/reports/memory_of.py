"""Run as a program: writes a report with many grants to a file, and prints the most memory that it took, in MB."""

import resource
import sys
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

from frameworks.reports import csv_files, json_document, xlsx
from frameworks.snapshot import GrantRow
from tests.frameworks.reports.snapshots import FixedRows, a_grant_row, a_snapshot

WRITERS = {"xlsx": xlsx.write, "csv": csv_files.write, "json": json_document.write}


class ManyGrants(FixedRows):
    """As many grants as asked, one after the other."""

    number = 0

    def grants(self) -> Iterator[GrantRow]:
        return (a for a in repeat(a_grant_row(), self.number))


def main(kind: str, number: int, path: Path) -> None:
    rows = ManyGrants()
    object.__setattr__(rows, "number", number)
    with path.open("wb") as file:
        WRITERS[kind](a_snapshot(), rows, file)
    sys.stdout.write(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
