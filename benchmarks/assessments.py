"""An assessment of everything on the data of `make bench-data`: how long it takes, and that its numbers are counts."""

import time

from django.utils import timezone

from benchmarks.timing import Times, measure
from frameworks import assessments, snapshots
from frameworks.models import Assessment
from frameworks.snapshot import Scope

LIMIT = 30_000.0  # milliseconds, for 100,000 identities on two cores


def whole(rounds: int) -> tuple[Times, dict[str, float]]:
    """The time of assessments, and of reading back the last one's pages and rows (seconds)."""
    times = measure(_assess, rounds)
    last = Assessment.objects.done().latest("number")
    began = time.monotonic()
    told, rows = snapshots.read(last)
    read = {"snapshot": time.monotonic() - began}
    for name, lines in (("identities", rows.identities), ("grants", rows.grants)):
        began = time.monotonic()
        count = sum(1 for _ in lines())
        read[f"{name} ({count:,} rows)"] = time.monotonic() - began
    failed = sum(check.failed + check.unknown for check in told.checks)
    read["rows kept"] = float(failed)
    return times, read


def _assess() -> None:
    made = assessments.assess(Scope(), "bench", timezone.now())
    assert made.status == Assessment.Status.DONE, made.error
