"""Attestations: what a person says of a control, with what, and until when."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from frameworks.models import Attestation, Control
from inventory import access, audit
from inventory.models import User
from inventory.rules import RuleBroken

LARGEST = 5 * 1024 * 1024
LONGEST = timedelta(days=731)


@dataclass(frozen=True)
class File:
    """What was handed in with it."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Said:
    """The statement and what goes with it."""

    statement: str
    ends_on: date
    link: str = ""
    file: File | None = None


def attest(control: Control, said: Said, *, by: User, at: datetime) -> Attestation:
    """Adds the statement to the control. It stands beside what was measured and changes no answer."""
    access.require_security(by)
    if not said.statement.strip():
        raise RuleBroken("There is no statement. Say what is so, and how you know.")
    if control.kind in Control.HEADINGS:
        raise RuleBroken(f"{control.control_id} is a heading. Attest to one of those below it.")
    if said.ends_on < at.date():
        raise RuleBroken(f"{said.ends_on} is past. Choose a later day.")
    if said.ends_on - at.date() > LONGEST:
        raise RuleBroken(f"{said.ends_on} is more than two years away. Choose an earlier day.")
    file = said.file
    if file is not None and len(file.content) > LARGEST:
        raise RuleBroken("The file is larger than 5 MB. Link to it instead.")
    with audit.acting(by, "attestation.made"):
        return Attestation.objects.create(
            framework_key=control.framework.key, control_id=control.control_id,
            statement=said.statement.strip(), link=said.link, ends_on=said.ends_on,
            file_name=file.name[:200] if file else "",
            file_sha256=hashlib.sha256(file.content).hexdigest() if file else "",
            file_content=file.content if file else None, author=by, made_at=at,
        )  # fmt: skip


def withdraw(attestation: Attestation, *, reason: str, by: User, at: datetime) -> None:
    """It counts no more from now on; the row and its file stay. The first withdrawal holds."""
    access.require_security(by)
    if not reason.strip():
        raise RuleBroken("There is no reason. Say why it holds no longer.")
    with audit.acting(by, "attestation.withdrawn", reason):
        Attestation.objects.filter(pk=attestation.pk, withdrawn_at=None).update(
            withdrawn_at=at, withdrawn_by=by.display_name, withdrawn_why=reason.strip()
        )
    attestation.refresh_from_db()
