"""The lists that can be shown as of a past day: each with its columns and the rows that history has of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from frameworks import past_rows
from frameworks.as_of import Moment, record, stream
from frameworks.past_rows import Within
from inventory.models import Person

Lines = Iterator[tuple[object, ...]]


@dataclass(frozen=True)
class Noun:
    """One list."""

    label: str
    head: tuple[str, ...]
    lines: Callable[[Moment, Within], Lines]


def rows(noun: str, moment: Moment, within: Within) -> Lines:
    return NOUNS[noun].lines(moment, within)


def _identities(moment: Moment, within: Within) -> Lines:
    for one in past_rows.identities(moment, within):
        yield (
            one.name, one.kind, one.environment.capitalize(), one.lifecycle.capitalize(),
            one.owner or "No owner", one.team, one.declared_tier, one.source,
        )  # fmt: skip


def _grants(moment: Moment, within: Within) -> Lines:
    for one in past_rows.grants(moment, within):
        yield (
            one.identity, one.entitlement, one.system, one.risk.capitalize(), one.kind.capitalize(),
            one.expires_at or "No end", one.granted_by,
        )  # fmt: skip


def _people(moment: Moment, within: Within) -> Lines:
    """Everybody who answered for something in scope, and for how much."""
    for name, email, status, owned in past_rows.owners(moment, within):
        yield name, email, Person.Status(status).label, owned


def _tools(moment: Moment, within: Within) -> Lines:
    sql, params = moment.rows("inventory_tool")
    told = f"SELECT tool.row FROM {sql} AS tool ORDER BY tool.row ->> 'provider', tool.row_id"  # noqa: S608
    for (text,) in stream(told, params):
        row = record(text)
        approved = row.get("approved_digest") or ""
        state = "Not approved"
        if approved:
            state = "Approved" if approved == row["descriptor_digest"] else "Changed since"
        yield row["provider"], row["name"], state, row["descriptor_digest"][:16]


def _policies(moment: Moment, within: Within) -> Lines:
    """The rules of access requests, and every policy of requests at run time that history has."""
    for table, title in _POLICY_TABLES:
        sql, params = moment.rows(table)
        for (text,) in stream(f"SELECT p.row FROM {sql} AS p ORDER BY p.row_id", params):  # noqa: S608
            row = record(text)
            version = row.get("version") or row.get("number") or ""
            name = row.get("name") or row.get("key") or title
            note = row.get("note") or row.get("status") or row.get("value") or ""
            yield title, str(name), str(version), str(note)[:200]


_POLICY_TABLES = (
    ("reviews_accesspolicy", "Rules of access requests"),
    ("runtime_policyset", "Policy set"),
    ("runtime_policysetversion", "Version of a policy set"),
    ("reviews_checksetting", "Setting of a check"),
    ("inventory_setting", "Setting"),
)
NOUNS = {
    "grants": Noun(
        "Grants", ("Identity", "May", "System", "Risk", "Kind", "Ends", "Granted by"), _grants
    ),
    "identities": Noun(
        "Identities",
        ("Name", "Kind", "Environment", "State", "Owner", "Team", "Tier", "Source"),
        _identities,
    ),
    "people": Noun("Owners", ("Name", "E-mail", "State", "Identities"), _people),
    "tools": Noun("Tools", ("Provider", "Tool", "Approval", "Descriptor"), _tools),
    "policies": Noun("Policies", ("What", "Name", "Version", "Says"), _policies),
}
