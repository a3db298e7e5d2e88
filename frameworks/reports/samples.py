"""The first rows behind the numbers, for reports that people read; all of them are in the workbook and the bundle."""

from dataclasses import dataclass, field

from frameworks.snapshot import EvidenceRow, Rows

OF_A_CHECK = 20
EXCEPTIONS = 200


@dataclass
class Samples:
    """Of each check the first that do not pass; of the accepted failures the first, and how many there are."""

    of_check: dict[str, list[EvidenceRow]] = field(default_factory=dict)
    exceptions: list[EvidenceRow] = field(default_factory=list)
    accepted: int = 0


def read(rows: Rows) -> Samples:
    """Reads all evidence once and keeps a bounded part of it."""
    samples = Samples()
    for row in rows.evidence():
        if row.verdict == "pass":
            continue
        kept = samples.of_check.setdefault(row.check_id, [])
        if len(kept) < OF_A_CHECK:
            kept.append(row)
        if row.verdict == "fail" and row.status == "accepted":
            samples.accepted += 1
            if len(samples.exceptions) < EXCEPTIONS:
                samples.exceptions.append(row)
    return samples
