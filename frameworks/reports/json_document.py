"""JSON: everything there is, exactly as it was, in the form that `report.schema.json` describes. Streams."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import orjson

from frameworks.reports.text import instant
from frameworks.snapshot import CheckState, FrameworkState, Rows, Snapshot

FORMAT = "mandate-assessment/1"
SCHEMA = Path(__file__).with_name("report.schema.json")
_COUNTED = ("pass", "fail", "cannot-tell", "not-applicable", "not-covered")


def write(snapshot: Snapshot, rows: Rows, out: IO[bytes]) -> None:
    out.write(b'{"format":' + _json(FORMAT) + b',\n"assessment":' + _json(plain(snapshot)))
    for name, ones in (
        ("evidence", rows.evidence()),
        ("identities", rows.identities()),
        ("grants", rows.grants()),
    ):
        out.write(b",\n" + _json(name) + b":[")
        _write_rows(ones, out)
        out.write(b"]")
    out.write(b"}\n")


def plain(snapshot: Snapshot) -> dict[str, Any]:
    """The snapshot with what is worked out from it: populations, states and counts."""
    told = asdict(snapshot)
    told["scope"]["label"] = snapshot.scope.label
    told["checks"] = [_check(one) for one in snapshot.checks]
    told["frameworks"] = [_framework(one) for one in snapshot.frameworks]
    return told


def _check(check: CheckState) -> dict[str, Any]:
    return {**asdict(check), "population": check.population, "state": check.state}


def _framework(framework: FrameworkState) -> dict[str, Any]:
    counts = {state: framework.count(state) for state in _COUNTED}
    return {**asdict(framework), "counts": counts}


def _write_rows(rows: Iterator[object], out: IO[bytes]) -> None:
    between = b"\n"
    for row in rows:
        out.write(between + _json(row))
        between = b",\n"


def _json(value: object) -> bytes:
    return orjson.dumps(
        value, option=orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME, default=_other
    )


def _other(value: object) -> object:
    if isinstance(value, datetime):
        return instant(value)
    return dict(value) if hasattr(value, "keys") else str(value)  # type: ignore[call-overload]  # has keys
