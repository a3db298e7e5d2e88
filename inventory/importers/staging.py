"""Puts a connector's records into temporary tables by COPY, in chunks, so that any file fits in bounded memory."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from inventory.importers.plans import PLANS, Plan, values_of
from inventory.importers.records import Incomplete, Rejected, Row, Said, Tally, Untold

CHUNK = 5_000
KEPT_REJECTIONS = 1_000
MAX_ID = 1_000

_PLACE = 2  # of the staged values
_ESCAPED_NUL = r"\u0000"  # as JSON writes it
_HALF = re.compile("[\ud800-\udfff]")


@dataclass
class Reading:
    """What was read so far."""

    rows: int = 0
    nouns: set[str] = field(default_factory=set)
    scopes: set[str] = field(default_factory=set)
    incomplete: list[str] = field(default_factory=list)  # reasons, for the whole run
    untold: set[str] = field(default_factory=set)  # nouns that the files need not hold all of
    untold_reasons: list[str] = field(default_factory=list)
    hidden: int = 0  # rows that could not be read, so that nobody knows which they are
    tallies: dict[str, int] = field(default_factory=dict)
    rejected: list[tuple[str, str, str]] = field(default_factory=list)
    rejected_count: int = 0

    def reject(self, place: str, name: str, reason: str) -> None:
        self.rejected_count += 1
        if len(self.rejected) < KEPT_REJECTIONS:
            self.rejected.append((place, name, reason))


def create_tables() -> None:
    """Empty staging tables of this session; what an earlier, broken run left in them is gone."""
    with connection.cursor() as cursor:
        for plan in PLANS:
            columns = ", ".join(f'"{name}" {kind}' for name, kind in plan.staged)
            cursor.execute(f"DROP TABLE IF EXISTS staged_{plan.noun}")
            cursor.execute(
                f"CREATE TEMPORARY TABLE staged_{plan.noun}"
                f" (ord bigserial, external_id text, scope text, place text, {columns})"
            )


def drop_tables() -> None:
    with connection.cursor() as cursor:
        for plan in PLANS:
            cursor.execute(f"DROP TABLE IF EXISTS staged_{plan.noun}")


def read(said: Iterable[Said], progress: Callable[[int], None]) -> Reading:
    """Stages every record; what is not a row is noted in the result. `progress` hears the number of rows so far."""
    reading = Reading()
    writers = {plan.row: _Writer(plan) for plan in PLANS}
    for one in said:
        if isinstance(one, Row):
            _stage(one, writers[type(one)], reading, progress)
        else:
            _note(one, reading)
    for writer in writers.values():
        writer.flush(reading)
    with connection.cursor() as cursor:
        for plan in PLANS:
            cursor.execute(f"ANALYZE staged_{plan.noun}")
    return reading


def _note(one: Said, reading: Reading) -> None:
    match one:
        case Rejected():
            reading.reject(one.place, one.field, one.reason)
            reading.hidden += one.hides_a_row
        case Incomplete():
            reading.incomplete.append(one.reason)
        case Untold():
            reading.untold.update(one.nouns)
            reading.untold_reasons.append(one.reason)
        case Tally():
            reading.tallies[one.what] = reading.tallies.get(one.what, 0) + one.count


def _stage(row: Row, writer: "_Writer", reading: Reading, progress: Callable[[int], None]) -> None:
    reading.rows += 1
    reading.nouns.add(writer.plan.noun)
    reading.scopes.add(row.scope)
    if len(row.external_id) > MAX_ID or not row.external_id:
        reading.reject(
            row.place, "id", f"The id has {len(row.external_id)} characters. Use 1 to {MAX_ID}."
        )
        return
    writer.rows.append([row.external_id, row.scope, row.place, *writer.values(row)])
    if len(writer.rows) >= CHUNK:
        writer.flush(reading)
        progress(reading.rows)


def _is_unfit(rows: list[list[Any]]) -> bool:
    """Whether a text holds what the database cannot: a NUL character, or half of a surrogate pair."""
    text = "".join([value for row in rows for value in row if value.__class__ is str])
    text += "".join(
        [text for row in rows for value in row if value.__class__ is list for text in value]
    )
    return "\0" in text or _ESCAPED_NUL in text or bool(not text.isascii() and _HALF.search(text))


class _Writer:
    """Collects the rows of one noun and copies them chunk by chunk."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.values = values_of(plan)
        self.rows: list[list[Any]] = []
        columns = ", ".join(f'"{name}"' for name, _ in plan.staged)
        self.sql = f"COPY staged_{plan.noun} (external_id, scope, place, {columns}) FROM STDIN"

    def flush(self, reading: Reading) -> None:
        if not self.rows:
            return
        if _is_unfit(self.rows):
            self._drop_unfit(reading)
        with (
            connection.cursor() as cursor,
            connection.wrap_database_errors,
            cursor.copy(self.sql) as copy,
        ):
            for row in self.rows:
                copy.write_row(row)
        self.rows.clear()

    def _drop_unfit(self, reading: Reading) -> None:
        fit = []
        for row in self.rows:
            if _is_unfit([row]):
                reason = "A value holds a character that is no text. Remove it."
                reading.reject(row[_PLACE], "", reason)
                reading.hidden += 1
            else:
                fit.append(row)
        self.rows = fit
