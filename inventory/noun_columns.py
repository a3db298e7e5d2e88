"""The lists of the inventory: their columns, declared once for page and export."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from inventory import markup
from inventory.columns import Column, labelled
from inventory.governed import word
from inventory.listing import BulkAction, Empty, Listing
from inventory.models import (
    Change,
    Credential,
    Delegation,
    EndCause,
    Environment,
    Grant,
    Identity,
    ImportRun,
    Person,
    Risk,
    Severity,
    Source,
    Tier,
)

IDENTITY, PERSON = "inventory:identity-detail", "inventory:person-detail"
IMPORT_FIRST = "Import a source to fill the inventory."


def state_of(row: Credential | Grant | Delegation) -> str:
    return row.state(timezone.now()).capitalize()


def _lifecycle(row: Identity) -> str:
    return "Gone" if row.gone_at else row.get_lifecycle_display()


def _worst(row: Identity) -> SafeString | None:
    """How bad, and how many."""
    if not row.open_findings:
        return None
    return format_html("{} ({})", markup.severity(row.worst_severity), f"{row.open_findings:,}")


def _delegator(row: Delegation) -> SafeString:
    if row.delegator_identity_id:
        return markup.link(
            markup.address(IDENTITY)(row.delegator_identity_id), row.delegator_identity
        )
    return markup.link(markup.address(PERSON)(row.delegator_person_id), row.delegator_person)


def _delegator_name(row: Delegation) -> str:
    return str(row.delegator_identity or row.delegator_person)


def _scope(row: Delegation) -> str:
    return "All of the delegator" if row.scope_all else "Named entitlements"


def _risk_tone(row: Any) -> str | None:  # Any: a grant
    return {"critical": "bad", "high": "warn"}.get(row.entitlement.risk)


def _reach(row: Grant) -> str:
    flags = [
        ("Admin", row.entitlement.admin),
        ("Wildcard", row.entitlement.wildcard),
        ("Writes", row.entitlement.writes),
    ]
    return ", ".join(word for word, holds in flags if holds)


def every(span: timedelta) -> str:
    """An interval between imports, in days."""
    return "1 day" if span.days == 1 else f"{span.days} days"


def total(run: ImportRun, kind: str) -> int:
    """New, changed, unchanged or gone rows of a run, over all nouns."""
    return sum(int(counts.get(kind, 0)) for counts in run.counts.values())


def _freshness(row: Source) -> str:
    if row.kind == Source.MANUAL:
        return "Kept here"
    return "Stale" if row.is_stale(timezone.now()) else "Fresh"


def _end(row: Any) -> SafeString | str:  # Any: a grant or a credential
    return markup.when(row.expires_at, timezone.now()) if row.expires_at else "No end"


REVOCATION = (
    Column("revoked", "Revocation asked", "revoked_at", kind="time", shown=False),
    Column(
        "confirmed",
        "Revocation confirmed",
        "revocation_confirmed_at",
        kind="time",
        shown=False,
    ),
    Column("proof", "Proof", "revocation_proof", shown=False),
)

IDENTITIES = Listing(
    title="Identities",
    singular="identity",
    plural="identities",
    columns=(
        Column("name", "Name", "name", kind="link", url=IDENTITY, sort="name"),
        Column("kind", "Kind", labelled("kind", Identity.Kind)),
        Column("lifecycle", "State", _lifecycle, kind="badge"),
        Column(
            "owner",
            "Owner",
            "owner",
            kind="person",
            url=PERSON,
            key_path="owner_id",
            empty="No owner",
        ),
        Column(
            "worst",
            "Worst finding",
            _worst,
            kind="severity",
            sort="worst_severity",
            csv=labelled("worst_severity", Severity),
        ),
        Column("findings", "Findings", "open_findings", kind="number", shown=False),
        Column("environment", "Environment", labelled("environment", Environment), wide=True),
        Column("tier", "Tier", labelled("declared_tier", Tier), wide=True, empty="Not set"),
        Column(
            "active", "Last active", "last_active_at", kind="time", sort="last_active_at", wide=True
        ),
        Column("source", "Source", "source.label", wide=True),
        Column("team", "Team", "team.name", shown=False),
        Column("purpose", "Purpose", "purpose", shown=False),
        Column("risk", "Risk", labelled("risk", Risk), kind="badge", shown=False),
        Column("spiffe", "SPIFFE ID", "spiffe_id", kind="code", shown=False),
        Column("external", "External ID", "external_id", kind="code", shown=False),
        Column("seen", "First seen", "first_seen_at", kind="time", shown=False),
        Column("compromised", "Flagged as compromised", "compromised_at", kind="time", shown=False),
    ),
    order="name",
    bulk_actions=(
        BulkAction(
            "Assign owner", "inventory:identities-owner", "user-check", action="assign_owner"
        ),
        BulkAction("Suspend", "inventory:identities-suspend", "octagon-x", True, "suspend"),
        BulkAction("Retire", "inventory:identities-retire", "archive", True, "retire"),
    ),
    empty=Empty("No identities yet", IMPORT_FIRST, icon="bot"),
)

PEOPLE = Listing(
    title="People",
    singular="person",
    plural="people",
    intro="Who can answer for an identity.",
    columns=(
        Column("name", "Name", "name", kind="link", url=PERSON, sort="name"),
        Column("email", "E-mail", "email"),
        Column("status", "Status", labelled("status", Person.Status), kind="badge"),
        Column("owns", "Owns", "owned_count", kind="number"),
        Column("team", "Team", "team.name", wide=True),
        Column(
            "manager",
            "Manager",
            "manager",
            kind="person",
            url=PERSON,
            key_path="manager_id",
            wide=True,
        ),
        Column("leaves", "Last day", "leaves_at", kind="time", wide=True),
        Column("left", "Left", "left_at", kind="time", shown=False),
        Column("source", "Source", "source.label", shown=False),
    ),
    order="name",
    empty=Empty("No people yet", IMPORT_FIRST, icon="users"),
)

CREDENTIALS = Listing(
    title="Credentials",
    singular="credential",
    plural="credentials",
    intro="What identities prove themselves with. Public IDs and fingerprints, never a secret.",
    columns=(
        Column("key", "Credential", str, kind="link", url="inventory:credential-detail"),
        Column("kind", "Kind", labelled("kind", Credential.Kind)),
        Column(
            "identity", "Identity", "identity", kind="link", url=IDENTITY, key_path="identity_id"
        ),
        Column("state", "State", state_of, kind="badge"),
        Column("expires", "Expires", "expires_at", kind="time", sort="ends_at", empty="No end"),
        Column("used", "Last used", "last_used_at", kind="time", sort="used_at"),
        Column("rotated", "Rotated", "rotated_at", kind="time", wide=True),
        Column("issued", "Issued", "issued_at", kind="time", wide=True),
        Column("owner", "Owner", "identity.owner", kind="person", wide=True, empty="No owner"),
        Column("source", "Source", "source.label", shown=False),
        Column("fingerprint", "Fingerprint", "fingerprint", kind="code", shown=False),
        Column("compromised", "Flagged as compromised", "compromised_at", kind="time", shown=False),
        *REVOCATION,
    ),
    order="-used",
    bulk_actions=(BulkAction("Revoke", "inventory:credentials-revoke", "ban", True, "revoke"),),
    empty=Empty("No credentials yet", IMPORT_FIRST, icon="key-round"),
)

GRANTS = Listing(
    title="Grants",
    singular="grant",
    plural="grants",
    intro="What identities may do, and until when.",
    columns=(
        Column(
            "entitlement", "Entitlement", "entitlement", kind="link", url="inventory:grant-detail"
        ),
        Column(
            "identity", "Identity", "identity", kind="link", url=IDENTITY, key_path="identity_id"
        ),
        Column("system", "System", "entitlement.system", wide=True),
        Column("state", "State", state_of, kind="badge"),
        Column("risk", "Risk", labelled("entitlement.risk", Risk), tone=_risk_tone),
        Column("reach", "Reach", _reach),
        Column("expires", "Ends", "expires_at", kind="time", sort="ends_at", empty="No end"),
        Column("used", "Last used", "last_used_at", kind="time", sort="used_at"),
        Column("via", "Via", "via", wide=True),
        Column("effect", "Effect", "entitlement.effect", shown=False),
        Column("owner", "Owner", "identity.owner", kind="person", shown=False, empty="No owner"),
        Column("source", "Source", "source.label", shown=False),
        Column("why", "Ended because", labelled("end_cause", EndCause), shown=False),
        *REVOCATION,
    ),
    order="-used",
    bulk_actions=(
        BulkAction("Set end", "inventory:grants-end", "calendar-clock", action="narrow"),
        BulkAction("Extend", "inventory:grants-extend", "calendar-plus", action="extend"),
        BulkAction("Expire now", "inventory:grants-expire", "timer-off", action="expire"),
        BulkAction("Revoke", "inventory:grants-revoke", "ban", True, "revoke"),
    ),
    empty=Empty("No grants yet", IMPORT_FIRST, icon="shield-check"),
)

DELEGATIONS = Listing(
    title="Delegations",
    singular="delegation",
    plural="delegations",
    intro="Who may act as, or for, whom.",
    columns=(
        Column(
            "delegate", "Delegate", "delegate", kind="link", url=IDENTITY, key_path="delegate_id"
        ),
        Column("how", "How", labelled("how", Delegation.How), sort="how"),
        Column("delegator", "Delegator", _delegator, csv=_delegator_name),
        Column("scope", "Scope", _scope),
        Column("state", "State", state_of, kind="badge", url="inventory:delegation-detail"),
        Column("expires", "Ends", "expires_at", kind="time", sort="ends_at", empty="No end"),
        Column(
            "again",
            "May re-delegate",
            lambda row: {True: "Yes", False: "No"}.get(row.may_redelegate),
            wide=True,
        ),
        Column("source", "Source", "source.label", wide=True),
        Column("why", "Ended because", labelled("end_cause", EndCause), shown=False),
        *REVOCATION,
    ),
    order="expires",
    empty=Empty("No delegations yet", IMPORT_FIRST, icon="waypoints"),
)

SOURCES = Listing(
    title="Sources",
    singular="source",
    plural="sources",
    intro="Where rows come from, and how fresh they are. "
    "What a stale source says counts as unknown, never as fine.",
    columns=(
        Column(
            "label", "Source", "label", kind="link", url="inventory:source-detail", sort="label"
        ),
        Column("kind", "Kind", "kind"),
        Column("fresh", "Freshness", _freshness, kind="badge"),
        Column(
            "complete",
            "Last complete import",
            "last_complete_at",
            kind="time",
            sort="last_complete_at",
            empty="Never",
        ),
        Column("run", "Last import", "last_run_at", kind="time", sort="last_run_at", empty="Never"),
        Column("every", "Expected every", lambda row: every(row.expected_every), wide=True),
        Column("namespace", "Namespace", "namespace", shown=False),
    ),
    order="label",
    empty=Empty("No sources yet", "Import a file to add the first one.", icon="database"),
)

IMPORTS = Listing(
    title="Imports",
    singular="import",
    plural="imports",
    intro="Every reading of a source: what it said, what changed, and what was refused.",
    columns=(
        Column("when", "Received", "created_at", kind="time", sort="id"),
        Column(
            "source",
            "Source",
            "source",
            kind="link",
            url="inventory:import-detail",
        ),
        Column("status", "Status", labelled("status", ImportRun.Status), kind="badge"),
        Column("complete", "Complete", lambda row: "Yes" if row.complete else "Part"),
        Column("rows", "Rows", "rows_read", kind="number"),
        Column("new", "New", lambda row: total(row, "new"), kind="number"),
        Column("changed", "Changed", lambda row: total(row, "changed"), kind="number"),
        Column("gone", "Gone", lambda row: total(row, "gone"), kind="number"),
        Column("rejected", "Rejected", "rejected_count", kind="number"),
        Column("by", "By", "author", wide=True),
        Column("files", "Files", lambda row: ", ".join(row.file_names), wide=True),
        Column("error", "Error", "error", shown=False),
    ),
    order="-when",
    empty=Empty(
        "Nothing has been imported yet",
        "An import is shown before it is applied.",
        icon="upload",
    ),
)

CHANGES = Listing(
    title="Audit",
    singular="change",
    plural="changes",
    intro="Every change of every governed row: when, who, in which act, and why; written by the database itself. "
    "And every page that an auditor looked at or took away.",
    columns=(
        Column("when", "When", "at", kind="time", sort="id"),
        Column("actor", "Who", "actor"),
        Column("verb", "Act", "verb", kind="code"),
        Column("operation", "Operation", labelled("operation", Change.Operation)),
        Column(
            "noun",
            "Row",
            lambda row: f"{word(row.noun).capitalize()} {row.row_id}",
            kind="link",
            url="inventory:change-detail",
        ),
        Column("reason", "Reason", "reason"),
        Column(
            "identity",
            "Identity",
            "identity_id",
            kind="link",
            url=IDENTITY,
            key_path="identity_id",
            shown=False,
        ),
        Column("transaction", "Transaction", "transaction", kind="code", shown=False),
    ),
    order="-when",
    export_name="audit",
    empty=Empty("No changes yet", icon="scroll-text"),
)
