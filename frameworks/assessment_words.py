"""What an assessment says about itself: how it was made, and what it cannot show."""

from collections.abc import Iterable

from frameworks.models import Mapping
from frameworks.snapshot import CheckState, Scope
from inventory.models import Setting

ORGANISATION = "organisation"
METHOD = [
    "Every check is one question to a whole population: each row passes, fails, cannot be told, or is not asked.",
    "All checks read the inventory as it was at one moment, in one database transaction; rows and counts come from the"
    " same reading.",
    "A pass that rests on a source which has gone silent counts as cannot tell. Cannot tell never counts as a pass.",
    "A control fails when a primary check fails; it passes only when each of its primary checks passes.",
    "Coverage weighs a primary check three times a supporting one, over the checks that apply.",
    "Failures under an exception that somebody granted still count as failures; how many they are is shown beside.",
    "What people attest is listed apart and changes no answer.",
]
_ALWAYS = [
    "Rows that passed are counted, not listed; failing and unclear rows are kept one by one.",
    "When something was last used is not part of the row history: what is shown as of the past knows it only as of the"
    " row's last other change.",
    "A check is evidence for a control, not proof that it is met; for lists of risks a pass is evidence of mitigation.",
]


def limits(checks: Iterable[CheckState], scope: Scope) -> list[str]:
    """What this assessment cannot show."""
    silent = [one for one in checks if one.said]
    said = [f"{len(silent)} checks gave no answer; each says why."] if silent else []
    unclear = sum(one.unknown for one in checks if not one.said)
    if unclear:
        said.append(
            f"{unclear:,} answers could not be told, for lack of data or because of old data."
        )
    if scope.label != "everything":
        said.append(f"Only {scope.label} was assessed; nothing is said of the rest.")
    return [*said, *_ALWAYS]


def not_built(mapping: Mapping, said: str, connect: str) -> CheckState:
    """A check that only the crosswalk knows."""
    return CheckState(
        check_id=mapping.check_id, title=mapping.check_title, why=mapping.limits, fix="",
        severity="medium", version=1, parameters={}, at=None, passed=0, failed=0, unknown=0,
        accepted=0, said=said, connect=connect,
    )  # fmt: skip


def organisation() -> str:
    stored = Setting.objects.filter(key=ORGANISATION).values_list("value", flat=True).first()
    return str(stored or "")
