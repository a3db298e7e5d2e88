"""`make bench`: measures on the data of `make bench-data`, and writes what came out to benchmarks/results/."""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import chains, database
from benchmarks.timing import Times, machine

RESULTS = Path(__file__).parent / "results"
LIST_LIMIT, DETAIL_LIMIT = 30.0, 50.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--quick", action="store_true", help="few rounds, for a first look")
    parser.add_argument("--only", default="", help="sweep, assess, pages, import, reach or chains")
    asked = parser.parse_args()
    with database.ready(fresh=False):
        report = measure(rounds=5 if asked.quick else 25, only=asked.only)
    lines = text(report)
    print("\n".join(lines))
    RESULTS.mkdir(exist_ok=True)
    if not asked.only:
        name = f"{datetime.now(UTC):%Y-%m-%d}"
        (RESULTS / f"{name}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (RESULTS / f"{name}.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def measure(*, rounds: int, only: str) -> dict[str, object]:
    from django.db import connection

    from benchmarks import assessments, imports, pages, reach, sweeps
    from inventory.models import Credential, Delegation, Grant, Identity

    if not Identity.objects.exists():
        raise SystemExit("There is nothing to measure on. Run make bench-data first.")
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        version = cursor.fetchone()[0]
    report: dict[str, object] = {
        "machine": f"{machine()}, PostgreSQL {version}",
        "rows": {
            model._meta.model_name: model._default_manager.count()
            for model in (Identity, Grant, Credential, Delegation)
        },
        "rounds": rounds,
    }
    if only in ("", "sweep"):
        hand = sweeps.against_hand(max(rounds // 5, 3))
        report["sweep_by_hand"] = [
            {
                "check": check,
                "ours": mine.median,
                "hand": theirs.median,
                "ratio": mine.median / theirs.median,
                "counts": counts,
            }
            for check, mine, theirs, counts in hand
        ]
        report["sweep_whole"] = _times(sweeps.whole(3))
        one, database_ms = sweeps.one_identity(rounds)
        report["one_identity"] = {**_times(one), "database": database_ms}
    if only in ("", "assess"):
        times, read = assessments.whole(3)
        report["assess"] = {**_times(times), "read": read}
    if only in ("", "pages"):
        report["bare"] = _times(pages.bare(rounds))
        report["lists"] = [_row(one) for one in pages.lists(rounds)]
        report["details"] = [_row(one) for one in [*pages.details(rounds), pages.overview(rounds)]]
    if only in ("", "import"):
        report["import"] = imports.against_copy(100_000)
    if only in ("", "reach"):
        report["reach"] = reach.of_one()
    if only in ("", "chains"):
        report["chains"] = chains.against_bare(max(rounds // 5, 5))
    return report


def text(report: dict[str, object]) -> list[str]:
    """The report as markdown."""
    lines = [
        "# Benchmark",
        "",
        f"{report['machine']}. {report['rows']}. {report['rounds']} rounds; milliseconds.",
        "",
    ]
    if "sweep_by_hand" in report:
        lines += [
            "## Sweep, repeated, against the same statement by hand",
            "",
            "| check | population, failed | ours | by hand | ratio |",
            "| --- | --- | --- | --- | --- |",
        ]
        lines += [
            f"| {row['check']} | {row['counts']} | {row['ours']:.0f} | {row['hand']:.0f} | {row['ratio']:.2f} |"
            for row in report["sweep_by_hand"]
        ]  # type: ignore[attr-defined]
        whole, one = report["sweep_whole"], report["one_identity"]
        lines += [
            "",
            f"Full sweep of all checks: {whole['median']:.0f} ms.",
            f"One changed identity, all checks: {one['median']:.1f} ms, of which the database {one['database']:.1f} ms.",
            "",
        ]  # type: ignore[index]
    if "assess" in report:
        made = report["assess"]
        lines += ["## Assessment of everything", "", f"Made: {made['median']:.0f} ms.", ""]  # type: ignore[index]
        lines += [f"- {name}: {value:,.1f}" for name, value in made["read"].items()]  # type: ignore[index]
        lines += [""]
    if "lists" in report:
        lines += [
            "## List pages",
            "",
            f"A bare keyset page of 50: median {report['bare']['median']:.1f}, p95 {report['bare']['p95']:.1f}.",
            "",
            *_table(report["lists"], LIST_LIMIT),
            "",
            "## Detail pages",
            "",
            *_table(report["details"], DETAIL_LIMIT),
            "",
        ]  # type: ignore[index,arg-type]
    if "reach" in report:
        lines += [
            "## Reach of one identity: a sample and the worst hubs",
            "",
            "| question | median | p99 | worst |",
            "| --- | --- | --- | --- |",
        ]
        lines += [
            f"| {name} | {row['median']:.1f} | {row['p99']:.1f} | {row['worst']:.1f} |"
            for name, row in report["reach"].items()  # type: ignore[attr-defined]
        ]
        lines += [""]
    if "import" in report:
        rates = report["import"]
        lines += [
            "## CSV import of 100,000 identities, rows a second",
            "",
            f"First import {rates['first']:,.0f}; the same again {rates['again']:,.0f}; bare COPY {rates['copy']:,.0f} (ratio {rates['copy'] / rates['first']:.1f}).",
            "",
        ]  # type: ignore[index]
    if "chains" in report:
        lines += chains.lines(report["chains"])  # type: ignore[arg-type]
    return lines


def _table(rows: list[dict[str, object]], limit: float) -> list[str]:
    lines = ["| page | asked | median | p95 | |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        late = "over" if row["p95"] > limit else ""  # type: ignore[operator]
        lines.append(
            f"| {row['page']} | {row['query'] or 'first page'} | {row['median']:.1f} | {row['p95']:.1f} | {late} |"
        )
    return lines


def _times(times: Times) -> dict[str, float]:
    return {"median": times.median, "p95": times.p95}


def _row(one: object) -> dict[str, object]:
    return {"page": one.page, "query": one.query, **_times(one.times)}  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
