"""Mandate's own format: every column of every noun, declared once; template, help page and both
parsers follow from it.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from inventory.importers.cells import (
    FORMULA_STARTS,
    Parser,
    choice,
    email,
    identifier,
    moment,
    moment_or_never,
    nearest,
    refuse_formula,
    several,
    sha256_hex,
    spiffe_id,
    text,
    whole_number,
    yes_no,
)
from inventory.importers.secrets import redact

KINDS = (
    "batch_job", "retrieval_pipeline", "assistant", "autonomous_agent", "orchestrator",
    "service_account", "role", "oauth_app", "api_client", "external_account",
)  # fmt: skip
CREDENTIAL_KINDS = (
    "api_key", "access_key", "client_secret", "oauth_token", "x509", "jwt_svid",
    "ssh_key", "password",
)  # fmt: skip
ENVIRONMENTS = ("production", "staging", "development", "sandbox")
RISKS = ("low", "medium", "high", "critical")
SENSITIVITIES = ("public", "internal", "confidential", "restricted")
LIFECYCLES = ("proposed", "active", "suspended", "retired")
STATUSES = ("active", "leaving", "left")
HOWS = ("assume_role", "impersonate", "run_as", "on_behalf_of", "orchestrate", "take_over")
ORIGINS = ("declared", "observed")

_NAME = text(300)
_REFERENCE = identifier(1000)
_LONG = text(5000)
_ID_HELP = "Your own stable id. Without one, the row is known by {}; changing that makes a new row."
_IDENTITY_HELP = "The identity's id, or its name where it has no id."
_DATES_HELP = "A date means its first moment, UTC."


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    parse: Parser
    help: str
    example: str = ""
    required: bool = False

    def read(self, cell: str) -> object:
        """The value of a cell, None where it is empty; raises BadValue."""
        bare = cell.strip()
        if not bare:
            return None
        if cell[0] in FORMULA_STARTS or bare[0] in FORMULA_STARTS:
            refuse_formula(cell)
            refuse_formula(bare)
        return self.parse(bare)


def _id(known_by: str, example: str) -> Column:
    return Column("id", _REFERENCE, _ID_HELP.format(known_by), example)


COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "people": (
        _id("the e-mail address", "P-1042"),
        Column(
            "email", email,
            "E-mail address; nobody else has it.", "nora.lind@example.org", required=True,
        ),
        Column("name", text(200), "Full name.", "Nora Lind", required=True),
        Column("manager", email, "E-mail address of the manager.", "samir.haddad@example.org"),
        Column("team", text(200), "The team's id or name.", "Billing"),
        Column(
            "status", choice(STATUSES),
            f"{', '.join(STATUSES)}; empty leaves it as it is.", "active",
        ),
        Column(
            "leaves", moment,
            f"Announced end; from then on nobody answers. {_DATES_HELP}", "2026-12-31",
        ),
        Column("left", moment, f"When the person left. {_DATES_HELP}"),
    ),
    "teams": (
        _id("its name", "T-7"),
        Column("name", text(200), "The team's name.", "Billing", required=True),
    ),
    "identities": (
        _id("its name", "agent-17"),
        Column("name", _NAME, "What people call it.", "invoice-matcher", required=True),
        Column(
            "kind", choice(KINDS),
            f"One of: {', '.join(KINDS)}.", "autonomous_agent", required=True,
        ),
        Column(
            "environment", choice(ENVIRONMENTS),
            f"One of: {', '.join(ENVIRONMENTS)}.", "production",
        ),
        Column(
            "purpose", _LONG, "What it is for, in words.", "Matches incoming invoices to orders",
        ),
        Column(
            "owner", email, "E-mail address of the accountable person.", "nora.lind@example.org",
        ),
        Column(
            "sponsor", email,
            "E-mail address of who wants it, on the business side.", "nora.lind@example.org",
        ),
        Column(
            "successors", several(email),
            "Who takes over, in order, separated by ;", "samir.haddad@example.org",
        ),
        Column("team", text(200), "The team's id or name.", "Billing"),
        Column(
            "spiffe_id", spiffe_id,
            "Its SPIFFE ID.", "spiffe://example.org/billing/invoice-matcher",
        ),
        Column(
            "tier", whole_number(0, 4), "Declared control tier, 0 (workload) to 4 (broker).", "3",
        ),
        Column("risk", choice(RISKS), f"One of: {', '.join(RISKS)}.", "medium"),
        Column("risk_assessed", moment, f"When the risk was assessed. {_DATES_HELP}", "2026-02-01"),
        Column("third_party", yes_no, "yes: run by somebody outside the organisation.", "no"),
        Column("supplier", text(200), "Who runs or makes it."),
        Column("supplier_reviewed", moment, f"When the supplier was last reviewed. {_DATES_HELP}"),
        Column(
            "platform_managed", yes_no,
            "yes: run by the platform itself, so that nobody here can own it.", "no",
        ),
        Column(
            "lifecycle", choice(LIFECYCLES),
            f"One of: {', '.join(LIFECYCLES)}. Only for new rows.", "active",
        ),
        Column("enabled", yes_no, "no: switched off at its platform.", "yes"),
        Column(
            "created", moment, f"When it was created at its platform. {_DATES_HELP}", "2025-11-03",
        ),
        Column(
            "last_active", moment_or_never,
            "Date, or never where that is known.", "2026-03-02T08:15:00Z",
        ),
        Column(
            "last_signed_in", moment_or_never,
            "When a person last signed in with it; a date or never.", "never",
        ),
        Column("model", text(200), "The model behind it, for agents.", "our-model-2"),
    ),
    "credentials": (
        _id("identity/key_id", ""),
        Column("identity", _REFERENCE, _IDENTITY_HELP, "agent-17", required=True),
        Column(
            "kind", choice(CREDENTIAL_KINDS),
            f"One of: {', '.join(CREDENTIAL_KINDS)}.", "api_key", required=True,
        ),
        Column("key_id", identifier(300), "The public identifier, never the secret.", "key-2041"),
        Column("fingerprint", sha256_hex, "SHA-256 fingerprint: 64 hexadecimal digits."),
        Column(
            "bound_to", identifier(2048),
            "Workload or key that it is bound to, or none where known.", "none",
        ),
        Column(
            "environment", choice(ENVIRONMENTS),
            f"One of: {', '.join(ENVIRONMENTS)}.", "production",
        ),
        Column("issued", moment, f"When it was issued. {_DATES_HELP}", "2026-01-10"),
        Column("rotated", moment, f"When it was last rotated. {_DATES_HELP}"),
        Column(
            "expires", moment_or_never,
            f"Date, or never where that is known. {_DATES_HELP}", "2026-07-10",
        ),
        Column(
            "lifetime_seconds", whole_number(1, 2_000_000_000),
            "Life of each, where it is issued again and again.",
        ),
        Column("last_used", moment_or_never, "Date, or never where that is known.", "2026-03-01"),
        Column("enabled", yes_no, "no: switched off at its platform. Empty means yes.", "yes"),
    ),
    "grants": (
        _id("identity|system|resource|action", ""),
        Column("identity", _REFERENCE, _IDENTITY_HELP, "agent-17", required=True),
        Column("system", text(250), "The target system's name.", "Ledger", required=True),
        Column(
            "resource", text(300),
            "What in the system: a dataset, a bucket; empty means all of it.", "invoices",
        ),
        Column(
            "sensitivity", choice(SENSITIVITIES),
            f"Of the resource: {', '.join(SENSITIVITIES)}.", "confidential",
        ),
        Column("action", text(300), "The action or role that is granted.", "read", required=True),
        Column(
            "risk", choice(RISKS), f"Of the action: {', '.join(RISKS)}. Empty means low.", "medium",
        ),
        Column("writes", yes_no, "yes: the action changes something.", "no"),
        Column("starts", moment, f"From when on. {_DATES_HELP}", "2026-01-10"),
        Column(
            "expires", moment,
            f"Until when; empty means a standing grant. {_DATES_HELP}", "2026-06-30",
        ),
        Column("last_used", moment_or_never, "Date, or never where that is known.", "2026-03-01"),
        Column("granted_by", text(200), "Who granted it.", "samir.haddad@example.org"),
        Column("reason", _LONG, "Why it was granted.", "Reads open invoices to match them"),
    ),
    "delegations": (
        _id("delegator|delegate|how", ""),
        Column(
            "delegator", _REFERENCE,
            "Who gives: a person's e-mail address, or an identity's id or name.",
            "nora.lind@example.org", required=True,
        ),
        Column(
            "delegator_is", choice(("person", "identity")),
            "person or identity. Empty: an e-mail address is a person, all else an identity.",
            "person",
        ),
        Column("delegate", _REFERENCE, f"Who may act: {_IDENTITY_HELP}", "agent-17", required=True),
        Column("how", choice(HOWS), f"One of: {', '.join(HOWS)}.", "on_behalf_of", required=True),
        Column(
            "scope", several(_REFERENCE),
            "Entitlements as system|resource|action, separated by ; (empty: all that the "
            "delegator may do).",
            "Ledger|invoices|read",
        ),
        Column("may_redelegate", yes_no, "yes: the delegate may pass it on.", "no"),
        Column("starts", moment, f"From when on. {_DATES_HELP}", "2026-01-10"),
        Column("expires", moment, f"Until when. {_DATES_HELP}", "2026-06-30"),
        Column(
            "condition", text(1000), "Under which condition, in words.", "While a ticket is open",
        ),
    ),
    "tools": (
        _id("provider/name", ""),
        Column(
            "provider", _NAME, "The server or plugin that offers it.", "ledger-mcp", required=True,
        ),
        Column("name", _NAME, "The tool's name there.", "post_invoice", required=True),
        Column("description", _LONG, "What it does.", "Posts one invoice to the ledger"),
        Column(
            "descriptor_digest", sha256_hex, "SHA-256 of its descriptor: 64 hexadecimal digits.",
        ),
        Column("writes", yes_no, "yes: it changes something.", "yes"),
        Column("risk", choice(RISKS), f"One of: {', '.join(RISKS)}.", "high"),
        Column(
            "identities", several(_REFERENCE),
            "Who holds it: ids or names, separated by ;", "agent-17",
        ),
        Column(
            "origin", choice(ORIGINS),
            "declared (in a configuration) or observed (in use).", "declared",
        ),
    ),
}  # fmt: skip
NOUNS = tuple(COLUMNS)

_SECRET_NAME = re.compile(
    r""
    r"(?:^|_)(?:secret|secrets|password|passwd|pwd|passphrase|credential_value|bearer|api_?key|access_?key|private_?key"
    r""
    r"|secret_?key|secret_?access_?key|client_?secret|access_?token|refresh_?token|auth_?token|api_?token|token)"
    r"(?:_(?:value|text|plain|plaintext|clear|pem))?(?:$|_[0-9]+$)"
)
_DELIMITERS = (",", ";", "\t")
_SEPARATORS = re.compile(r"[\s_-]+")


def columns_of(noun: str) -> Mapping[str, Column]:
    return {column.name: column for column in COLUMNS[noun]}


def template_csv(noun: str) -> str:
    """The file to download and fill in: a header and one example row."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow([column.name for column in COLUMNS[noun]])
    writer.writerow([column.example for column in COLUMNS[noun]])
    return written.getvalue()


def column_name(heading: str) -> str:
    """A heading as people write it, in the form of our names: "E-Mail" is email, "Last
    used" is last_used.
    """
    name = _SEPARATORS.sub("_", heading.strip().lower())
    return "email" if name in {"e_mail", "email_address", "e_mail_address"} else name


def header_of(text: str) -> tuple[list[str], str]:
    """The column names of a file's first line, and its delimiter: the one that gives the
    most columns.
    """
    return max(
        ((_split(text, delimiter), delimiter) for delimiter in _DELIMITERS),
        key=lambda split: len(split[0]),
    )


def _split(text: str, delimiter: str) -> list[str]:
    try:
        first = next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:
        return []
    return [column_name(heading) for heading in first]


def holds_secrets(name: str) -> bool:
    """Whether a column of this name, unknown to the noun, looks like it carries secret values."""
    return _SECRET_NAME.search(name) is not None


def noun_of(names: Sequence[str], file_name: str = "") -> str | None:
    """Which noun a header means. The header decides; the file's first word only where the
    header leaves it open.
    """
    found = {name for name in names if not holds_secrets(name)}
    word = re.split(r"[^a-z]+", file_name.lower(), maxsplit=1)[0]
    if word in COLUMNS and found and found <= columns_of(word).keys():
        return word
    whole = [
        noun
        for noun in NOUNS
        if found >= {column.name for column in COLUMNS[noun] if column.required}
    ]
    if whole:
        return max(whole, key=lambda noun: len(found & columns_of(noun).keys()))
    if word in COLUMNS:
        return word
    likely = max(NOUNS, key=lambda noun: len(found & columns_of(noun).keys()))
    return likely if len(found & columns_of(likely).keys()) >= 2 else None


def unknown_column(noun: str, name: str) -> str:
    """The sentence about it. A file without a header puts its first row here, so the name
    is shown without secrets.
    """
    advice = nearest(name[:60], list(columns_of(noun)))
    return f'"{shown_name(name)}" is not a column of {noun}. {advice}'


def shown_name(name: str) -> str:
    return redact("".join(sign if sign.isprintable() else " " for sign in name))[:60]
