"""One import: read a connector's files into staging, then load everything in one transaction (law 5).

`manage.py import`, the upload page and the API all call `run`. A preview is the same load, rolled back.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from django.db import DatabaseError, connection

from inventory import audit, ownership, signals
from inventory.importers import files as uploads
from inventory.importers import read_back, resolving, server_tools, staging, touched
from inventory.importers.base import Connector, SourceFile, WrongFile
from inventory.importers.load import Load
from inventory.importers.plans import IDENTITIES, PLANS
from inventory.importers.upsert import mark_gone, upsert
from inventory.models import ImportRun, Source, User
from inventory.rules import RuleBroken

log = structlog.get_logger()

_KEY = re.compile(r"[A-Za-z0-9_-]{1,100}")


class _Undo(Exception):
    """Ends a preview's transaction."""


def source_for(connector: type[Connector], key: str) -> Source:
    """The source with this key, made on first use. A key of another kind is refused."""
    if key and not _KEY.fullmatch(key):
        raise RuleBroken(
            "A source is named by up to 100 letters, digits, hyphens and underscores. Choose such a name."
        )
    source, _ = Source.objects.get_or_create(
        key=key or connector.key,
        defaults={
            "kind": connector.key,
            "namespace": connector.namespace,
            "label": _label(connector, key),
        },
    )
    if source.kind != connector.key:
        raise RuleBroken(
            f"The source {source.key} is read as {source.kind}, not as {connector.key}."
            " Choose another source name."
        )
    return source


def start(source: Source, file_names: Sequence[str], *, by: User | str, at: datetime) -> ImportRun:
    """The record of a run that is about to read."""
    return ImportRun.objects.create(
        source=source,
        status=ImportRun.Status.RUNNING,
        file_names=list(file_names),
        author=by if isinstance(by, str) else by.get_username(),
        user=None if isinstance(by, str) else by,
        created_at=at,
        started_at=at,
    )


def run(
    record: ImportRun,
    opened: Sequence[SourceFile],
    *,
    at: datetime,
    write: bool = True,
    partial: bool = False,
) -> ImportRun:
    """Reads and loads; the record tells the outcome. With `write=False` nothing but the record changes (preview).

    A file that cannot be read at all, or a broken connection, leaves the inventory as it was and the record failed,
    with a sentence. Repeating a run changes nothing.
    """
    try:
        reading = _read(record, opened, partial=partial)
        _load(record, reading, at=at, write=write)
        record.status = ImportRun.Status.APPLIED if write else ImportRun.Status.PREVIEWED
    except (WrongFile, RuleBroken) as refused:
        record.status, record.error = ImportRun.Status.FAILED, str(refused)
    except DatabaseError as broken:
        _give_up(record, broken)
    finally:
        if record.status == ImportRun.Status.RUNNING:  # an error that nobody expected goes on up
            record.status = ImportRun.Status.FAILED
            record.error = "The import stopped unexpectedly; nothing was changed. The log says why."
        _end(record, at)
    return record


def _read(record: ImportRun, opened: Sequence[SourceFile], *, partial: bool) -> staging.Reading:
    connector = Connector.registry[record.source.kind]()
    connector.source = record.source.key
    for one in opened:
        uploads.refuse_other_kind(one, connector.key)
    staging.create_tables()
    reading = staging.read(connector.rows(opened), lambda rows: _tell(record, rows))
    if partial:
        reading.incomplete.append("The import was started as a part of the source.")
    if not reading.rows:
        record.rejected, record.rejected_count = reading.rejected, reading.rejected_count
        raise WrongFile(
            "No row could be read, for the reasons given. Nothing was imported."
            if reading.rejected_count
            else "The file holds no rows. Nothing was imported."
        )
    if reading.hidden:
        reading.incomplete.append(
            f"{reading.hidden:,} {'row' if reading.hidden == 1 else 'rows'} could not be read,"
            " so nothing was taken for gone. Correct the file and import it again."
        )
    record.file_digest = _digest(opened)
    return reading


def _give_up(record: ImportRun, broken: Exception) -> None:
    """The driver's message may quote a value of the file, so only its class is kept."""
    log.warning("import.failed", run=record.pk, error=type(broken).__name__)
    record.status = ImportRun.Status.FAILED
    record.error = (
        f"The database refused the import ({type(broken).__name__}); nothing was changed."
        " Check the file against the template and try again."
    )
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def _end(record: ImportRun, at: datetime) -> None:
    if not connection.needs_rollback:
        staging.drop_tables()
    record.finished_at = max(at, record.started_at or at)
    record.progress = ""
    record.save()


def _load(record: ImportRun, reading: staging.Reading, *, at: datetime, write: bool) -> None:
    connector = Connector.registry[record.source.kind]
    load = Load(
        source_id=record.source_id,
        namespace=connector.namespace,
        run_id=record.pk,
        at=at,
        governs=connector.namespace == "mandate",
        reading=reading,
    )
    counts: dict[str, dict[str, Any]] = {}
    try:
        with audit.acting(
            f"import {record.source.key} #{record.pk} by {record.author}", "import.applied"
        ):
            _lock(record.source)
            counts = _load_nouns(load)
            if not write:
                raise _Undo
            _stamp(record.source, load)
            signals.announce_changed(touched.identities())
            if counts.get("person", {}).get("changed") or counts.get("person", {}).get("gone"):
                ownership.succeed(at, by=f"import {record.source.key} #{record.pk}")
    except _Undo:
        pass
    _note(record, reading, counts)


def _load_nouns(load: Load) -> dict[str, dict[str, Any]]:
    """Counts by noun. What is gone goes first, so that a new row may take its key ID or SPIFFE ID."""
    touched.begin()
    server_tools.stage_bindings(load)
    found = [plan for plan in PLANS if plan.noun in load.reading.nouns]
    for plan in found:
        resolving.drop_doubles(plan, load)
    gone = {
        plan.noun: mark_gone(plan, load, stubs=False)
        for plan in reversed(PLANS)
        if load.knows_all(plan)
    }
    counts = {plan.noun: upsert(plan, load) for plan in found}
    for plan in PLANS:
        if plan.table == IDENTITIES and load.knows_all(plan):
            stubs = mark_gone(plan, load, stubs=True)
            gone[plan.noun]["gone"] += stubs["gone"]
            gone[plan.noun]["gone_samples"] += stubs["gone_samples"]
        read_back.confirm(plan, load)
    for noun, what in gone.items():
        if what["gone"] or noun in counts:
            counts.setdefault(noun, {"new": 0, "changed": 0, "unchanged": 0}).update(what)
    return counts


def _lock(source: Source) -> None:
    """Two imports of one source never load at once; the second is told so. Other sources wait for each other, because
    both may make the same person or the same ARN."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('import'), %s)", [source.pk])
        if not cursor.fetchone()[0]:
            raise RuleBroken(f"Another import of {source.label} is running. Wait until it is done.")
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('import'), 0)")


def _stamp(source: Source, load: Load) -> None:
    stamps = {"last_run_at": load.at}
    if not load.reading.incomplete:
        stamps["last_complete_at"] = load.at
        if source.is_stale(load.at):
            touched.note_all_of(load)
    Source.objects.filter(pk=source.pk).update(**stamps)


def _note(record: ImportRun, reading: staging.Reading, counts: dict[str, dict[str, Any]]) -> None:
    reasons = [*reading.incomplete, *reading.untold_reasons]
    record.complete = not reasons
    record.incomplete_reasons = reasons[:100]
    record.rows_read = reading.rows
    record.tallies = reading.tallies
    record.rejected = reading.rejected
    record.rejected_count = reading.rejected_count
    numbers = ("new", "changed", "unchanged", "gone")
    record.counts = {noun: {key: c.get(key, 0) for key in numbers} for noun, c in counts.items()}
    record.preview = {
        noun: {key: value for key, value in c.items() if key.endswith("_samples") and value}
        for noun, c in counts.items()
    }


def _tell(record: ImportRun, rows: int) -> None:
    ImportRun.objects.filter(pk=record.pk).update(progress=f"{rows:,} rows read")


def _digest(opened: Sequence[SourceFile]) -> str:
    total = hashlib.sha256()
    for one in opened:
        one.content.seek(0)
        while block := one.content.read(1024 * 1024):
            total.update(block)
    return total.hexdigest()


def _label(connector: type[Connector], key: str) -> str:
    return connector.label if key in ("", connector.key) else f"{connector.label}: {key}"
