"""How often everything is assessed by itself, and what the organisation is called; both decided by security."""

from datetime import datetime, timedelta

from frameworks import assessments
from frameworks.assessment_words import ORGANISATION, organisation
from frameworks.models import Assessment
from inventory import access, audit
from inventory.models import Identity, Setting, User
from inventory.rules import RuleBroken

EVERY = "assess-every-days"
LONGEST = 366


def every_days() -> int:
    """0 means never by itself."""
    stored = Setting.objects.filter(key=EVERY).values_list("value", flat=True).first()
    return stored if isinstance(stored, int) else 30


def decide(*, days: int, name: str, by: User, reason: str) -> bool:
    """Writes both decisions down; whether anything is different now."""
    access.require_security(by)
    if not 0 <= days <= LONGEST:
        raise RuleBroken(f"Every {days} days is not possible. Choose 0 (never) to {LONGEST}.")
    if (days, name) == (every_days(), organisation()):
        return False
    with audit.acting(by, "setting.decided", reason):
        for key, value in ((EVERY, days), (ORGANISATION, name)):
            Setting.objects.update_or_create(key=key, defaults={"value": value})
    return True


def due(at: datetime) -> bool:
    """Whether the last assessment of everything is older than it should be. One that waits counts as made."""
    days = every_days()
    if not days or not Identity.objects.exists():  # of nothing, nothing can be said
        return False
    whole = Assessment.objects.filter(team=None, environment="", tier=None)
    recent = whole.exclude(status=Assessment.Status.FAILED).filter(
        asked_at__gt=at - timedelta(days=days)
    )
    return not recent.exists()


def look_after(at: datetime, *, by: str) -> Assessment | None:
    """Marks what no worker finished as failed, and assesses everything when that is due."""
    assessments.tidy(at)
    if not due(at):
        return None
    asked = assessments.ask(title="", team=None, environment="", tier=None, by=by, at=at)
    return assessments.make(asked, at=at)
