"""What the organisation decided once for all: each setting, its choices and its default, declared here."""

from dataclasses import dataclass
from datetime import datetime

from inventory import access, audit, ownership
from inventory.models import Setting, User
from inventory.rules import RuleBroken


@dataclass(frozen=True)
class Policy:
    """A setting with a few choices; the first is the default. `choices`: value, label, what it means."""

    key: str
    title: str
    choices: tuple[tuple[str, str, str], ...]

    def decided(self) -> str:
        stored = Setting.objects.filter(key=self.key).values_list("value", flat=True).first()
        return str(stored) if stored in self.values else self.choices[0][0]

    @property
    def values(self) -> list[str]:
        return [value for value, _, _ in self.choices]

    def label(self, value: str) -> str:
        return next(label for known, label, _ in self.choices if known == value)


LEAVING = Policy(
    ownership.ON_LEAVING,
    "When an owner leaves",
    (
        (
            "propose",
            "Propose who is next",
            "What they owned is orphaned until somebody confirms the next in line.",
        ),
        (
            ownership.TAKE_OVER,
            "The next in line takes over",
            "The next active successor, else the manager, becomes the owner at once.",
        ),
    ),
)


def decide(policy: Policy, value: str, *, by: User, reason: str, at: datetime) -> bool:
    """Writes the decision down; whether anything is different now."""
    access.require_security(by)
    if value not in policy.values:
        raise RuleBroken(f"“{value}” is no choice. Use one of {', '.join(policy.values)}.")
    if policy.decided() == value:
        return False
    with audit.acting(by, "setting.decided", reason):
        Setting.objects.update_or_create(key=policy.key, defaults={"value": value})
    return True
