"""Frameworks that the organisation wrote itself: each upload is a version, the newest is shown; none is rewritten."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime

from frameworks import mapping
from frameworks.catalogues import read_all
from frameworks.models import Control, Framework, Mapping
from frameworks.own_files import OwnFramework
from inventory import access, audit
from inventory.audit import Actor
from inventory.models import User
from inventory.rules import RuleBroken
from reviews.checks import CHECKS

OURS = "Made by this organisation"
# First parts of addresses below /frameworks/ that are pages of their own.
TAKEN = frozenset(
    {
        "assessments", "attestations", "checks", "comments", "coverage", "difference", "findings",
        "new", "past", "reports", "requests", "shared",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Added:
    """The framework, and whether the upload said anything new."""

    framework: Framework
    is_new: bool


def known_checks() -> dict[str, tuple[str, str]]:
    """Title and limits of every check that can be mapped: those that exist, and those the crosswalk knows."""
    found = {check_id: (check.title, "") for check_id, check in CHECKS.items()}
    for entry in mapping.read(read_all()).mappings:
        title = found.get(entry.check_id, (entry.check_title, ""))[0]
        found[entry.check_id] = (title, entry.limits)
    return found


def add(read: OwnFramework, *, by: Actor, at: datetime) -> Added:
    """Keeps the version and shows it from now on. The same version with the same content again changes nothing."""
    access.require_security(by)
    _refuse_name(read)
    digest = hashlib.sha256(json.dumps(asdict(read), sort_keys=True).encode()).hexdigest()
    there = Framework.objects.filter(key=read.key, version=read.version).first()
    if there is not None and there.digest == digest:
        return Added(there, is_new=False)
    if there is not None:
        raise RuleBroken(
            f"Version “{read.version}” of {read.key} is there already and says something else."
            " Give the changed framework a new version."
        )
    checks = known_checks()
    with audit.acting(by, "framework.added"):
        Framework.objects.filter(key=read.key, is_current=True).update(is_current=False)
        framework = _write(read, digest, by=by, at=at)
        _write_controls(framework, read, checks)
    return Added(framework, is_new=True)


def withdraw(framework: Framework, *, by: User, reason: str) -> None:
    """It is shown and assessed no more; its versions stay for the assessments that used them."""
    access.require_security(by)
    if not framework.is_own:
        raise RuleBroken("A published framework comes with the product and stays.")
    with audit.acting(by, "framework.withdrawn", reason):
        Framework.objects.filter(pk=framework.pk).update(is_current=False)


def _refuse_name(read: OwnFramework) -> None:
    if read.key in TAKEN:
        raise RuleBroken(f"“{read.key}” cannot be the id of a framework. Choose another.")
    if Framework.objects.filter(key=read.key, is_own=False).exists():
        raise RuleBroken(f"“{read.key}” is a published framework. Choose another id for yours.")


def _write(read: OwnFramework, digest: str, *, by: Actor, at: datetime) -> Framework:
    return Framework.objects.create(
        key=read.key, name=read.name, version=read.version, kind=read.kind,
        publisher=read.publisher or OURS, published=f"{at:%Y-%m-%d}", source=read.source,
        licence=read.licence or OURS, notes=list(read.notes), is_own=True, is_current=True,
        digest=digest, loaded_by=by if isinstance(by, str) else by.display_name, loaded_at=at,
    )  # fmt: skip


def _write_controls(
    framework: Framework, read: OwnFramework, checks: dict[str, tuple[str, str]]
) -> None:
    made = Control.objects.bulk_create(
        Control(
            framework=framework, control_id=one.control_id, title=one.title, summary=one.summary,
            kind=one.kind, order=order,
            not_covered_why="" if one.mappings else "No check was mapped to it.",
        )
        for order, one in enumerate(read.controls, start=1)
    )  # fmt: skip
    rows = {row.control_id: row for row in made}
    below = [one for one in read.controls if one.parent]
    for one in below:
        rows[one.control_id].parent = rows[one.parent]
    Control.objects.bulk_update([rows[one.control_id] for one in below], ["parent"])
    Mapping.objects.bulk_create(
        Mapping(
            check_id=line.check_id, check_title=checks[line.check_id][0],
            limits=checks[line.check_id][1], control=rows[one.control_id],
            strength=line.strength, why=line.why,
        )
        for one in read.controls
        for line in one.mappings
    )  # fmt: skip
