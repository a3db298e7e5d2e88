"""The files that the demo's own systems export: personnel, agent registry, platforms, SaaS."""

import csv
import io
import json
from collections.abc import Iterable, Sequence

from inventory.importers.own_format import COLUMNS
from inventory.models import Grant
from mandate.demo.access import entitlement_of, grants_of
from mandate.demo.content import address, document, table
from mandate.demo.credentials import credentials_of
from mandate.demo.day import Day, digest
from mandate.demo.people import people, teams

File = tuple[str, bytes]
Rows = Iterable[dict[str, object]]
YEAR = 365
_FOLLOW = ("booking-intake", "care-copilot", "edi-gateway", "tracking-api")


def directory(day: Day) -> list[File]:
    return [
        ("teams.csv", _csv("teams", teams(day))),
        ("people.csv", _csv("people", people(day))),
    ]


def registry(day: Day) -> list[File]:
    rows = _known("agents", day)
    said = {
        "complete": True,
        "identities": [_identity(row, day) for row in rows],
        "credentials": [each for row in rows for each in credentials_of(row, day)],
        "grants": _still_there((each for row in rows for each in grants_of(row, day)), day),
        "delegations": list(_delegations(day)),
        "tools": list(_tools()),
    }
    return [("agent-registry.json", json.dumps(said).encode())]


def platforms(day: Day) -> list[File]:
    rows = _known("platform", day)
    grants = _still_there((each for row in rows for each in grants_of(row, day)), day)
    if day.ago < 1:
        grants += _strays(day)
    return [
        ("identities.csv", _csv("identities", (_identity(row, day) for row in rows))),
        ("credentials.csv", _csv("credentials", _each_credential(rows, day))),
        ("grants.csv", _csv("grants", grants)),
    ]


def saas(day: Day) -> list[File]:
    """A spreadsheet that somebody keeps; it has a column too many."""
    rows = _known("saas", day)
    return [
        ("identities.csv", _csv("identities", (_identity(row, day) for row in rows))),
        ("credentials.csv", _csv("credentials", _each_credential(rows, day), more=("password",))),
        ("grants.csv", _csv("grants", (each for row in rows for each in grants_of(row, day)))),
    ]


def _still_there(rows: Rows, day: Day) -> list[dict[str, object]]:
    """Without what was revoked in Mandate, where the people at the platform follow within a day."""
    revoked = Grant.objects.filter(revoked_at__lte=day.at(day.ago + 1), identity__name__in=_FOLLOW)
    taken = set(
        revoked.values_list("identity__name", "entitlement__system__name", "entitlement__name")
    )
    return [row for row in rows if (row["identity"], row["system"], row["action"]) not in taken]


def _each_credential(rows: Sequence[dict[str, str]], day: Day) -> Rows:
    return (each for row in rows for each in credentials_of(row, day))


def _known(source: str, day: Day) -> list[dict[str, str]]:
    return [
        row
        for row in table("identities")
        if row["source"] == source and day.has_seen(float(row["age"]))
    ]


def _identity(row: dict[str, str], day: Day) -> dict[str, object]:
    """The owner only once: afterwards, ownership is decided in Mandate."""
    is_news = day.is_news(float(row["age"]))
    return {
        "name": row["name"],
        "kind": row["kind"],
        "environment": row["environment"],
        "purpose": row["purpose"],
        "owner": address(row["owner"]) if is_news else "",
        "sponsor": address(row["sponsor"]),
        "successors": ";".join(address(name) for name in row["successors"].split()),
        "team": row["team"],
        "tier": row["tier"],
        "risk": row["risk"],
        "risk_assessed": _assessed(row, day),
        "third_party": row["third_party"],
        "supplier": row["supplier"],
        "supplier_reviewed": _recurring(row["reviewed"], row["age"], day),
        "lifecycle": row["lifecycle"],
        "enabled": _enabled(row),
        "created": day.text(float(row["age"])),
        "last_active": _active(row, day),
        "last_signed_in": _signed_in(row["signed_in"], day),
        "model": row["model"],
    }


def _enabled(row: dict[str, str]) -> str:
    """The spreadsheet does not say."""
    if row["source"] == "saas":
        return ""
    return "no" if row["lifecycle"] == "retired" else "yes"


def _assessed(row: dict[str, str], day: Day) -> str:
    return _recurring(row["assessed"], row["age"], day)


def _recurring(ago: str, age: str, day: Day) -> str:
    """The last yearly review as known on the day: before this one there was one a little over a year earlier."""
    if not ago:
        return ""
    if day.has_seen(float(ago)):
        return day.text(float(ago))
    earlier = float(ago) + YEAR + 20
    return day.text(earlier) if earlier <= float(age) else ""


def _active(row: dict[str, str], day: Day) -> str:
    if not row["active"]:
        return ""
    return day.text(min(day.last(float(row["active"]), row["name"]), float(row["age"])))


def _signed_in(said: str, day: Day) -> str:
    if said in ("", "never"):
        return said
    return day.text(float(said)) if day.has_seen(float(said)) else "never"


def _delegations(day: Day) -> Rows:
    known = document("agents")
    for delegator, delegate, how, terms in known["delegations"]:
        yield from _delegation(delegator, delegate, how, terms, day)
    for delegate, terms in known["people"].items():
        for person in terms["people"]:
            yield from _delegation(address(person), delegate, "on_behalf_of", terms, day)


def _delegation(
    delegator: str, delegate: str, how: str, terms: dict[str, object], day: Day
) -> Rows:
    since, until = -float(str(terms["since"])), terms.get("until")
    may, scope = terms.get("redelegate"), str(terms.get("scope", ""))
    if day.has_seen(since):
        yield {
            "delegator": delegator,
            "delegate": delegate,
            "how": how,
            "scope": ";".join(entitlement_of(one) for one in scope.split(";") if one),
            "may_redelegate": "" if may is None else "yes" if may else "no",
            "starts": day.text(since),
            "expires": "" if until is None else day.text(-float(str(until))),
            "condition": terms.get("condition", ""),
        }


def _tools() -> Rows:
    for provider, name, description, writes, risk, holders, _ in document("agents")["tools"]:
        yield {
            "provider": provider,
            "name": name,
            "description": description,
            "descriptor_digest": digest(f"{provider} {name}"),
            "writes": "yes" if writes else "no",
            "risk": risk,
            "identities": ";".join(holders),
            "origin": "declared",
        }


def _strays(day: Day) -> list[dict[str, object]]:
    """Rows that cannot be taken, as real exports have some."""
    return [
        {"identity": "orders-replica-old", "system": "Orders DB", "action": "select"},
        {"identity": "booking-api", "system": "Orders DB", "action": "select", "expires": "31.12."},
        {"identity": "log-shipper", "system": "Kubernetes", "action": "get", "reason": "=A4&B4"},
    ]


def _csv(noun: str, rows: Rows, more: tuple[str, ...] = ()) -> bytes:
    written = io.StringIO()
    names = [column.name for column in COLUMNS[noun]] + list(more)
    writer = csv.DictWriter(written, names, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue().encode()
