"""The sources of the demo, and their imports: through the importer wherever something changed."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from inventory.importers import apply, files
from inventory.importers.base import Connector
from inventory.models import ImportRun, Source, User
from inventory.rules import RuleBroken
from mandate.demo import cloud, reports, tool_servers
from mandate.demo.day import Day

Reports = Callable[[Day], list[reports.File]]


@dataclass(frozen=True)
class Feed:
    """One source: how it is read, and how often (days). After `ends` days before now it fell silent."""

    key: str
    kind: str
    label: str
    every: float
    report: Reports
    days: tuple[float, ...]  # when something had changed, so that it is read for real
    ends: float = 0


FEEDS = (
    Feed("people-directory", "csv", "People directory", 1, reports.directory, (65, 39, 20, 8, 0.3)),
    Feed("platform-accounts", "csv", "Platform accounts", 7, reports.platforms, (92, 50, 15, 0.4)),
    Feed("saas-review", "csv", "SaaS review (spreadsheet)", 14, reports.saas, (92, 38), 38),
    Feed("agent-registry", "json", "Agent registry", 1, reports.registry, (92, 52, 17, 0.1)),
    Feed("aws-freight", "aws-iam", "AWS account 444455556666", 1, cloud.authorization_details, (92, 21)),
    Feed("aws-freight-keys", "aws-credential-report", "AWS credential report", 7, cloud.credential_report, (92, 5)),
    Feed("aws-freight-agents", "aws-bedrock", "Bedrock agents", 7, cloud.bedrock, (92, 19), 19),
    Feed("spire-freight", "spire", "SPIRE server", 1, cloud.spire, (92, 40)),
    Feed("dispatch-desk", "mcp", "MCP servers of the dispatch desk", 7, tool_servers.servers, (64, 15, 12, 9)),
)  # fmt: skip


def add_sources() -> None:
    Source.objects.bulk_create(
        Source(
            key=feed.key,
            kind=feed.kind,
            namespace=Connector.registry[feed.kind].namespace,
            label=feed.label,
            expected_every=timedelta(days=feed.every),
        )
        for feed in FEEDS
    )


def read(feed: Feed, day: float, *, now: datetime, by: User) -> None:
    """One import as any other, on a past day."""
    said = Day(now, day, _previous(feed, day))
    source = Source.objects.get(key=feed.key)
    uploads = [(name, io.BytesIO(content)) for name, content in feed.report(said)]
    with files.open_files(uploads) as opened:
        run = apply.start(source, [one.name for one in opened], by=by, at=said.moment)
        run = apply.run(run, opened, at=said.moment)
    if run.status != ImportRun.Status.APPLIED:
        raise RuleBroken(f"The demo's file for {feed.label} was not imported: {run.error}")


def repeat(day: float, *, now: datetime, by: User) -> None:
    """The imports until the day that found everything as it was."""
    runs: list[ImportRun] = []
    for source in Source.objects.exclude(kind=Source.MANUAL):
        feed = next(feed for feed in FEEDS if feed.key == source.key)
        more = _repeated(feed, source, Day(now, day), by)
        if more:
            source.last_run_at = source.last_complete_at = more[-1].finished_at
            source.save(update_fields=["last_run_at", "last_complete_at"])
            runs += more
    ImportRun.objects.bulk_create(sorted(runs, key=lambda run: run.created_at))


def _repeated(feed: Feed, source: Source, day: Day, by: User) -> list[ImportRun]:
    last = source.runs.first()
    if last is None or last.finished_at is None:
        return []
    end = min(day.moment, day.at(feed.ends) if feed.ends else day.moment)
    count = int((end - last.finished_at) / source.expected_every)
    return [
        _unchanged(last, last.finished_at + source.expected_every * number, by)
        for number in range(1, count + 1)
    ]


def _unchanged(last: ImportRun, moment: datetime, by: User) -> ImportRun:
    counts = {
        noun: {"new": 0, "changed": 0, "unchanged": sum(of.values()) - of["gone"], "gone": 0}
        for noun, of in last.counts.items()
    }
    return ImportRun(
        source_id=last.source_id,
        status=ImportRun.Status.APPLIED,
        file_names=last.file_names,
        file_digest=last.file_digest,
        author=by.get_username(),
        user=by,
        created_at=moment,
        started_at=moment,
        finished_at=moment,
        rows_read=last.rows_read,
        counts=counts,
        tallies=last.tallies,
        rejected=last.rejected,
        rejected_count=last.rejected_count,
    )


def _previous(feed: Feed, day: float) -> float:
    return min((each for each in feed.days if each > day), default=10_000)
