"""The table of a chain as a file: CSV for people, JSON for programs."""

import csv
import io
from typing import Any

from inventory.columns import csv_value
from runtime.call_chains import Chain, Link

COLUMNS = (
    "started_at", "actor", "actor_kind", "kind", "target", "provider", "place", "outcome", "on_behalf_of",
    "task", "trace_id", "decision_id", "arguments_digest", "known", "id",
)  # fmt: skip


def as_csv(chain: Chain) -> str:
    """One line for each call; safe to open in a spreadsheet."""
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow(COLUMNS)
    for row in map(_row, chain.links):
        lines.writerow([csv_value(row[name]) for name in COLUMNS])
    return out.getvalue()


def as_json(chain: Chain) -> dict[str, Any]:  # Any: JSON
    """The parties, the steps between them, and the calls in order."""
    return {
        "parties": [
            {"id": "/".join(map(str, party.key)), "name": party.name, "kind": party.words}
            for party in chain.parties.values()
        ],
        "steps": [
            {
                "from": "/".join(map(str, edge.source)),
                "to": "/".join(map(str, edge.target)),
                "calls": edge.calls,
                "denied": edge.denied,
                "flagged": edge.flagged,
                "rests_on": edge.step,
            }
            for edge in chain.edges.values()
        ],
        "calls": [_row(link) for link in chain.links],
        "complete": not chain.more,
    }


def _row(link: Link) -> dict[str, Any]:  # Any: JSON
    call = link.call
    return {
        "started_at": call.started_at.isoformat(),
        "actor": link.actor.name,
        "actor_kind": link.actor.words,
        "kind": call.kind,
        "target": link.target.name,
        "provider": call.provider,
        "place": link.place,
        "outcome": call.outcome,
        "on_behalf_of": link.person,
        "task": call.task_id,
        "trace_id": call.trace_id,
        "decision_id": str(call.decision_id) if call.decision_id else "",
        "arguments_digest": call.arguments_digest,
        "known": "; ".join(f"{mark.label}: {mark.text}" for mark in link.marks),
        "id": str(call.pk),
    }
