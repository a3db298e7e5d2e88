"""`python -m benchmarks.decisions`: decisions over HTTP at 16 clients, recorded, with 1,000 policies of which 50 apply.

On the data of `make bench-data`: 2,000 questions about as many grants, asked over and over, with the same context and with
another trace each time; and questions about other grants, each asked once.
Compared in the same run with Cedar alone in this process, with a Django that only says
hello, and with the Cerbos server where it is (benchmarks/cerbos.py). The load comes from the same machine, and takes its
share of it.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks import cerbos, database
from benchmarks.http_load import Load, request_bytes, run
from benchmarks.serving import serving
from benchmarks.timing import machine

CLIENTS = 16
POLICIES, RELEVANT = 1_000, 50
BATCH = 50
WARM = 15  # seconds until each process keeps each answer
OFTEN, ONCE = 2_000, 30_000  # questions
RESULTS = Path(__file__).parent / "results"
_SERVE = "from mandate.programs import web; web('127.0.0.1', {port})()"
_BARE = (
    "from granian.server import Server; from granian.constants import Interfaces; from granian.log import LogLevels;"
    "Server('benchmarks.bare_wsgi:application', address='127.0.0.1', port={port}, interface=Interfaces.WSGI,"
    " workers=2, blocking_threads=8, websockets=False, log_level=LogLevels.warning).serve()"
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decisions")
    parser.add_argument("--seconds", type=float, default=8, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with database.ready(fresh=False):
        report = measure(asked.seconds, asked.rounds)
    print("\n".join(text(report)))
    RESULTS.mkdir(exist_ok=True)
    name = f"decisions-{datetime.now(UTC):%Y-%m-%d}"
    (RESULTS / f"{name}.md").write_text("\n".join(text(report)) + "\n", encoding="utf-8")
    (RESULTS / f"{name}.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def measure(seconds: float, rounds: int) -> dict[str, object]:
    all_questions, token = prepare()
    questions, once = all_questions[:OFTEN], all_questions[OFTEN:]
    singles = [
        request_bytes("/access/v1/evaluation", json.dumps(one).encode(), token) for one in questions
    ]
    batches = [
        request_bytes(
            "/access/v1/evaluations",
            json.dumps({"evaluations": questions[n : n + BATCH]}).encode(), token,
        )
        for n in range(0, len(questions) - BATCH, BATCH)
    ]  # fmt: skip
    found: dict[str, list[Load]] = {
        "single": [], "traced": [], "new": [], "batch": [], "bare": []
    }  # fmt: skip
    cedar: list[float] = []
    with ExitStack() as servers:
        ours = servers.enter_context(serving(_python(_SERVE)))
        bare = servers.enter_context(serving(_python(_BARE)))
        peer = _cerbos(servers)
        for asked in (batches, singles):  # policies are parsed, plans made, answers kept
            run(ours, asked, clients=CLIENTS, seconds=WARM)
        for nth in range(rounds):
            found["single"].append(run(ours, singles, clients=CLIENTS, seconds=seconds))
            found["traced"].append(
                run(ours, traced(questions, token), clients=CLIENTS, seconds=seconds)
            )
            unasked = [
                request_bytes("/access/v1/evaluation", json.dumps(one).encode(), token)
                for one in once[nth::rounds]
            ]
            found["new"].append(run(ours, unasked, clients=CLIENTS, seconds=seconds))
            hello = [request_bytes("/hello", b"")]
            found["bare"].append(run(bare, hello, clients=CLIENTS, seconds=seconds / 2))
            found["batch"].append(run(ours, batches, clients=CLIENTS, seconds=seconds))
            cedar.append(cedar_alone(seconds / 4))
            if peer is None:
                continue
            for name, number in (("cerbos", 1), ("cerbos batch", BATCH)):
                asked = [cerbos.question(each, number) for each in range(200)]
                found.setdefault(name, []).append(
                    run(peer, asked, clients=CLIENTS, seconds=seconds / 2)
                )
        found["one client"] = [run(ours, singles, clients=1, seconds=seconds / 2)]
    from runtime.models import Decision

    best = {
        name: sorted(loads, key=lambda load: load.rate)[len(loads) // 2]
        for name, loads in found.items()
    }
    return {
        "machine": machine(), "load_average": os.getloadavg()[0], "questions": len(questions),
        "recorded": Decision.objects.count(), "cedar": sorted(cedar)[len(cedar) // 2],
        **{name: vars(load) for name, load in best.items()},
    }  # fmt: skip


def traced(questions: list[dict[str, object]], token: str) -> list[bytes]:
    """The same questions, each time with another trace in the context, as agents send them."""
    return [
        request_bytes(
            "/access/v1/evaluation",
            json.dumps({**one, "context": {"trace_id": f"{time.time_ns()}-{n}"}}).encode(), token,
        )
        for n, one in enumerate(questions * 10)
    ]  # fmt: skip


def _python(program: str) -> Callable[[int], list[str]]:
    return lambda port: [sys.executable, "-c", program.format(port=port)]


def _cerbos(servers: ExitStack) -> int | None:
    program = cerbos.binary()
    if program is None:
        return None
    return servers.enter_context(cerbos.running(program, relevant=RELEVANT, policies=POLICIES))


def prepare() -> tuple[list[dict[str, object]], str]:
    """The policies, a token, and questions that the facts allow, about different identities."""
    from django.utils import timezone

    from inventory import api_tokens
    from inventory.models import Entitlement, Grant, Identity, User
    from inventory.models.person import can_answer
    from runtime import decision_days, default_policies, policies
    from runtime.models import PolicySet
    from runtime.policies import Written

    now = timezone.now()
    decision_days.make_ahead(now)
    default_policies.install(now)
    inventory = PolicySet.objects.get(domain="inventory")
    version = policies.draft(inventory, Written(policy_text()), by="bench", at=now)
    policies.activate(version, by="bench", reason="To measure.", at=now)
    user, _ = User.objects.get_or_create(username="bench", defaults={"role": "security"})
    _, token = api_tokens.create(
        user, name="bench", scopes=["decide"], until=now + timedelta(days=1), by="bench", at=now
    )
    rows = (
        Grant.objects.effective(now)
        .filter(
            can_answer(now, "identity__owner__"), identity__owner__isnull=False, caveats=[], task=None,
            entitlement__caveats=[], entitlement__conditions={}, entitlement__effect="allow",
        )
        .order_by("-pk")
        .values_list("identity", "entitlement__name", "entitlement__actions", "entitlement__system")
    )  # fmt: skip
    questions = [
        {
            "subject": {"type": "identity", "id": str(identity)},
            "action": {"name": actions[0].replace("*", "Anything") if actions else name},
            "resource": {"type": "system", "id": str(system)},
        }
        for identity, name, actions, system in rows[: OFTEN + ONCE]
    ]
    if not questions:
        raise SystemExit("There is nothing to measure on. Run make bench-data first.")
    print(f"{Identity.objects.count():,} identities, {Grant.objects.count():,} grants,"
          f" {Entitlement.objects.count():,} entitlements")  # fmt: skip
    return questions, token


def policy_text() -> str:
    """One permit and 49 forbids that are looked at for every request, and 950 about single identities."""
    lines = ['@id("all") permit(principal, action, resource);']
    lines += [
        f'@id("rule-{n}") forbid(principal, action in Mandate::Action::"group:write", resource)\n'
        f' when {{ context.risk == "critical" && context.hops > {n} && principal.environment == "sandbox" }};'
        for n in range(1, RELEVANT)
    ]
    lines += [
        f'@id("own-{n}") permit(principal == Mandate::Identity::"{10**9 + n}", action, resource)'
        " when { context.justInTime };"
        for n in range(POLICIES - RELEVANT)
    ]
    return "\n".join(lines)


def cedar_alone(seconds: float) -> float:
    """Decisions a second of the engine on one core, with the 50 policies that apply, nothing around it."""
    import cedarpy

    relevant = cedarpy.PolicySet.from_str("\n".join(policy_text().split('@id("own-0')[0:1]))
    request = {
        "principal": {"type": "Mandate::Identity", "id": "1"},
        "action": {"type": "Mandate::Action", "id": "read"},
        "resource": {"type": "Mandate::System", "id": "1"},
        "context": {"risk": "low", "hops": 0},
    }
    entities = json.dumps([
        {"uid": request["principal"], "attrs": {"environment": "production"}, "parents": []},
        {"uid": request["action"], "attrs": {}, "parents": [{"type": "Mandate::Action", "id": "group:write"}]},
    ])  # fmt: skip
    began, number = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        for _ in range(50):
            cedarpy.is_authorized(request, relevant, entities)
        number += 50
    return number / (time.perf_counter() - began)


def text(report: dict[str, object]) -> list[str]:
    """The report as markdown."""
    single, batch, bare, one = (report[name] for name in ("single", "batch", "bare", "one client"))
    first, traced = report["new"], report["traced"]
    decisions = batch["rate"] * BATCH  # type: ignore[index]
    rows = [
        ("single evaluations asked before, 16 clients", single["rate"], single),  # type: ignore[index]
        ("the same with another trace each time, 16 clients", traced["rate"], traced),  # type: ignore[index]
        ("single evaluations never asked before, 16 clients", first["rate"], first),  # type: ignore[index]
        (f"batches of {BATCH}, 16 clients, decisions", decisions, batch),
        ("single evaluations, 1 client", one["rate"], one),  # type: ignore[index]
        ("a Django that says hello, 16 clients", bare["rate"], bare),  # type: ignore[index]
    ]
    lines = [
        "# Decisions",
        "",
        f"{report['machine']}; load average at the end {report['load_average']:.1f}. {POLICIES:,} policies, {RELEVANT}"
        " of them looked at; every decision is by the facts of its moment, and recorded before it is answered.",
        "",
        "| what | a second | p50 ms | p99 ms | not 200 |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {name} | {rate:,.0f} | {load['p50']:.1f} | {load['p99']:.1f} | {load['wrong']} |"  # type: ignore[index]
        for name, rate, load in rows
    ]
    return [
        *lines,
        *_of_cerbos(report),
        "",
        f"Cedar alone in process, one core, {RELEVANT} policies: {report['cedar']:,.0f} a second. Ratio of single"
        f" evaluations to it {single['rate'] / report['cedar']:.2f}, to hello {single['rate'] / bare['rate']:.2f}.",  # type: ignore[index,operator]
        _against_cerbos(report),
    ]


def _of_cerbos(report: dict[str, Any]) -> list[str]:
    """Its lines of the table."""
    rows = [
        ("Cerbos, 1 resource, 16 clients", "cerbos", 1),
        (f"Cerbos, {BATCH} resources, decisions", "cerbos batch", BATCH),
    ]
    return [
        f"| {name} | {report[key]['rate'] * each:,.0f} | {report[key]['p50']:.1f} | {report[key]['p99']:.1f} |"
        f" {report[key]['wrong']} |"
        for name, key, each in rows
        if key in report
    ]


def _against_cerbos(report: dict[str, Any]) -> str:
    if "cerbos" not in report:
        return "Cerbos was not measured: MANDATE_CERBOS names no program of the npm package cerbos."
    single = report["single"]["rate"] / report["cerbos"]["rate"]
    batch = report["batch"]["rate"] / report["cerbos batch"]["rate"]
    return (
        f"Ratio to Cerbos with as many rules, in the same run: single {single:.2f}, batches {batch:.2f}. It keeps no"
        " inventory: the facts come with the question, and its log need not last."
    )


if __name__ == "__main__":
    main()
