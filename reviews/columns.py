"""The list of findings: its columns, declared once for page and export."""

from django.utils import timezone

from inventory.columns import Column
from inventory.listing import BulkAction, Empty, Listing
from reviews.checks import CHECKS
from reviews.evidence import label
from reviews.models import Finding

IDENTITY = "inventory:identity-detail"
STATES = dict(Finding.Status.choices)


def title_of(finding: Finding) -> str:
    """What is wrong, in a few words; a check that is no more has only its id."""
    check = CHECKS.get(finding.check_id)
    return check.problem if check else finding.check_id


def state_of(finding: Finding) -> str:
    return STATES[finding.state(timezone.now())]


def _proof(finding: Finding) -> str:
    return ", ".join(f"{label(name)}: {value}" for name, value in finding.evidence.items() if value)


FINDINGS = Listing(
    title="Findings",
    singular="finding",
    plural="findings",
    intro="What the checks found wrong. A finding closes by itself when its cause is gone.",
    columns=(
        Column("check", "Finding", title_of, kind="link", url="reviews:finding-detail"),
        Column("severity", "Severity", "severity", kind="severity", sort="severity"),
        Column(
            "identity",
            "Identity",
            "identity",
            kind="link",
            url=IDENTITY,
            key_path="identity_id",
        ),
        Column("subject", "Subject", "subject", kind="code", wide=True),
        Column("state", "State", state_of, kind="badge"),
        Column("opened", "Opened", "opened_at", kind="time"),
        Column("assignee", "Assigned to", "assignee.display_name", wide=True, empty="Nobody"),
        Column("owner", "Owner", "identity.owner", kind="person", wide=True, empty="No owner"),
        Column("until", "Until", "until", kind="time", shown=False),
        Column("first", "First seen", "first_seen_at", kind="time", shown=False),
        Column("resolved", "Resolved", "resolved_at", kind="time", shown=False),
        Column("check_id", "Check", "check_id", kind="code", shown=False),
        Column("evidence", "Evidence", _proof, shown=False),
    ),
    order="-severity",
    bulk_actions=(
        BulkAction("Accept risk", "reviews:finding-accept", icon="shield-check"),
        BulkAction("Snooze", "reviews:finding-snooze", icon="alarm-clock"),
        BulkAction("False positive", "reviews:finding-false-positive", icon="ban"),
        BulkAction("Assign", "reviews:finding-assign", icon="user-check"),
        BulkAction("Reopen", "reviews:finding-reopen", icon="rotate-ccw"),
    ),
    empty=Empty(
        "No findings here", "Nothing is wrong as far as the checks can tell.", icon="siren"
    ),
)
