"""`python -m benchmarks.activity [MILLIONS]`: pages of tool calls with ten million of them, over the last thirty days.

On the data of `make bench-data`. The calls are made in SQL, a fifth of them the busiest fiftieth of the identities, five to a trace.
Pages go through Django's test client, signed in; each is asked twenty times with other values.
"""

import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from benchmarks import database
from benchmarks.timing import machine

DAYS, ROUNDS = 30, 20
# One statement for each day. A call's key begins with its time, as ours do (UUID version 7).
_FILL = """
INSERT INTO runtime_toolcall (id, started_at, duration_us, received_at, identity_id, tool_id, task_id, on_behalf_of_id,
    kind, outcome, trace_id, span_id, parent_span_id, conversation, agent_name, service_name, spiffe_id, tool_name,
    provider, system, resource, error, arguments_digest, summary, attributes)
SELECT (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3) || '8'
        || substr(md5(n::text), 4, 15))::uuid, at, 40000, at + interval '1 second', who, t.id, NULL,
    CASE WHEN n %% 3 = 0 THEN (SELECT id FROM inventory_person ORDER BY id LIMIT 1) + n %% 500 END,
    'tool', CASE WHEN n %% 97 = 0 THEN 'error' WHEN n %% 131 = 0 THEN 'denied' ELSE 'ok' END,
    md5(%(day)s::text || (n / 5)::text), substr(md5(n::text), 1, 16), '', 'conv-' || md5(%(day)s::text || (n / 25)::text),
    'agent-' || who, 'service-' || n %% 40, '', t.name, t.provider, '', '', '', md5(n::text),
    jsonb_build_object('arguments', jsonb_build_object('number', n)), '{}'
FROM (
    SELECT n, %(begins)s + n * (interval '1 day' / %(calls)s) AS at,
        %(first)s + CASE WHEN n / 5 %% 5 = 0 THEN n / 5 %% (%(identities)s / 50) ELSE n / 5 * 7919 %% %(identities)s END AS who,
        n * 31 %% %(tools)s AS nth
    FROM generate_series(0, %(calls)s - 1) n
) made
JOIN (SELECT *, row_number() OVER (ORDER BY id) - 1 AS nth FROM inventory_tool) t USING (nth)
"""


@dataclass(frozen=True)
class Page:
    """Milliseconds of one page over the rounds."""

    name: str
    p50: float
    p95: float


def main(millions: float) -> None:
    with database.ready(fresh=False):
        from django.core.management import call_command
        from django.utils import timezone

        from runtime.models import ToolCall

        call_command("migrate", verbosity=0)
        wanted = int(millions * 1_000_000)
        there = ToolCall.objects.count()
        if there < wanted * 0.9:
            print(f"{there:,} calls are there; making {wanted:,}.", flush=True)
            fill(wanted, timezone.now())
        print(f"{machine()}; {ToolCall.objects.count():,} tool calls in {DAYS} days.")
        print("| page | p50 ms | p95 ms |\n| --- | --- | --- |")
        for page in pages():
            print(f"| {page.name} | {page.p50:.0f} | {page.p95:.0f} |", flush=True)


def fill(calls: int, now: Any) -> None:  # Any: a moment
    from django.db import connection

    from inventory.models import Identity, Tool
    from runtime import partitions

    began = time.monotonic()
    days = [(now - timedelta(days=ago)).date() for ago in range(1, DAYS + 1)]
    partitions.ensure(days)
    known = {
        "calls": calls // DAYS, "identities": Identity.objects.count(), "tools": Tool.objects.count(),
        "first": Identity.objects.order_by("pk").values_list("pk", flat=True).first(),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for day in days:
            cursor.execute(_FILL, {**known, "day": day, "begins": partitions.bounds(day)[0]})
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM ANALYZE runtime_toolcall")
    print(f"Made in {time.monotonic() - began:.0f} s.", flush=True)


def pages() -> Iterator[Page]:
    from django.urls import reverse

    from benchmarks.pages import client
    from runtime.models import ToolCall

    drawn, browser = random.Random(5), client()
    calls = reverse("runtime:call-list")
    some = list(ToolCall.objects.order_by("-started_at")[:400_000:1_999])
    # The moment of each, as people narrow a list to days.
    asked: dict[str, Callable[[ToolCall], str]] = {
        "list, newest first": lambda one: calls,
        "search by tool": lambda one: f"{calls}?q={one.tool_name}",
        "search by trace": lambda one: f"{calls}?q={one.trace_id}",
        "search, nothing found": lambda one: f"{calls}?q=zz{one.span_id}",
        "of an identity": lambda one: f"{calls}?identity={one.identity_id}",
        "denied": lambda one: f"{calls}?outcome=denied",
        "of a day": lambda one: (
            f"{calls}?started_after={one.started_at:%Y-%m-%d}&started_before={one.started_at:%Y-%m-%d}"
        ),
        "one call": lambda one: reverse("runtime:call-detail", args=[one.pk]),
        "chain of a trace": lambda one: reverse("runtime:trace-chain", args=[one.trace_id]),
        "chain of a conversation": lambda one: (
            f"{reverse('runtime:conversation-chain')}?id={one.conversation}"
        ),
    }
    for name, address in asked.items():
        times = []
        for one in drawn.sample(some, ROUNDS):
            began = time.perf_counter()
            answer = browser.get(address(one), HTTP_HOST="localhost")
            times.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200, (address(one), answer.status_code)
        times.sort()
        yield Page(name, times[len(times) // 2], times[int(len(times) * 0.95) - 1])


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10)
