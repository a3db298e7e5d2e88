"""The sweep against the same statements by hand, and one changed identity."""

from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from benchmarks.sweep_by_hand import JUDGE, STATEMENT, TABLE
from benchmarks.timing import Times, measure, side_by_side
from inventory.models import Identity
from reviews import sweep
from reviews.checks import CHECKS


def against_hand(rounds: int) -> list[tuple[str, Times, Times, str]]:
    """For each hand-written check: ours, theirs, and what both counted. Repeated sweeps: nothing is written any more.

    The counts have to be the same, or the comparison would mean nothing.
    """
    at = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(TABLE)
    rows = []
    for check_id, judge in JUDGE.items():
        statement = STATEMENT.format(judged=judge, check=check_id)
        told: dict[str, object] = {}

        def ours(check_id: str = check_id, told: dict[str, object] = told) -> None:
            answers = sweep.judge(CHECKS[check_id](), at, by="bench")
            told["ours"] = (answers.population, answers.failed)

        def theirs(statement: str = statement, told: dict[str, object] = told) -> None:
            with connection.cursor() as cursor:
                cursor.execute(statement, {"at": at})
                told["theirs"] = cursor.fetchone()[:2]

        ours()
        theirs()
        assert told["ours"] == told["theirs"], (check_id, told)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE hand_finding")
        mine, hand = side_by_side(ours, theirs, rounds)
        rows.append((check_id, mine, hand, str(told["ours"])))
    return rows


def whole(rounds: int) -> Times:
    """A full sweep of every check, with its records."""
    moments = iter(range(1, 1000))
    return measure(
        lambda: sweep.run(timezone.now() + timedelta(seconds=next(moments)), by="bench"), rounds
    )


def one_identity(rounds: int) -> tuple[Times, float]:
    """One changed identity judged by every check: the time of it all, and the database's share (ms, median)."""
    busy = list(
        Identity.objects.filter(lifecycle="active")
        .order_by("pk")
        .values_list("pk", flat=True)[50 : 50 + rounds]
    )
    database = []

    def judge() -> None:
        with CaptureQueriesContext(connection) as queries:
            sweep.run(timezone.now(), by="bench", identities=[busy[len(database) % len(busy)]])
        database.append(sum(float(query["time"]) for query in queries) * 1000)

    times = measure(judge, rounds)
    return times, sorted(database)[len(database) // 2]
