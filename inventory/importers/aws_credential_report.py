"""Reads the IAM credential report: each user's passwords, access keys and certificates, and when
they were used.

Meaning of the columns: AWS IAM User Guide, "Generate credential reports for your AWS account".
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from inventory.importers.aws_arns import Arn, BadItem, parse_arn
from inventory.importers.base import Connector, SourceFile, WrongFile
from inventory.importers.cells import BadValue, moment, refuse_formula
from inventory.importers.records import CredentialRow, IdentityRow, Rejected, Said, Tally

_USE = ("last_used_date", "last_used_region", "last_used_service")
COLUMNS = (
    "user", "arn", "user_creation_time", "password_enabled", "password_last_used",
    "password_last_changed", "password_next_rotation", "mfa_active",
    *(f"access_key_{slot}_{name}" for slot in (1, 2) for name in ("active", "last_rotated", *_USE)),
    *(f"cert_{slot}_{name}" for slot in (1, 2) for name in ("active", "last_rotated")),
)  # fmt: skip
_DATES = tuple(
    name
    for name in COLUMNS
    if name.endswith(("_time", "_last_used", "_changed", "_rotation", "_rotated", "_date"))
)

# AWS records the use of passwords and of keys from these days on; before, it knows nothing.
_PASSWORDS_TRACKED = datetime(2014, 10, 20, tzinfo=UTC)
_KEYS_TRACKED = datetime(2015, 4, 22, tzinfo=UTC)

_NO_DATE = frozenset({"n/a", "no_information", "no information", "not_supported", ""})
_NO_INFORMATION = frozenset({"no_information", "no information"})
_YES_NO = {"true": True, "false": False, "not_supported": None, "n/a": None}
_NO_KEY_ID = (
    "The credential report names no key id; the key is known by its place, first or second."
)
_EARLIER_KEY_USE = "AWS records the use of access keys since 22 April 2015; earlier use is unknown."
_ROOT_SIGN_IN = "The report does not say whether the root user has a password."
_NO_CERTIFICATE_END = (
    "The credential report does not say when the certificate ends, or when it was used."
)
_REGION_OR_SERVICE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_LONGEST_LINE = 65_536  # characters

Cells = Mapping[str, str]


class AwsCredentialReport(Connector):
    """Users of an AWS account with their passwords, access keys and certificates.

    The second access key of a user that has only one is no credential. A deactivated one is,
    disabled.
    """

    key = "aws-credential-report"
    label = "AWS credential report"
    namespace = "aws"
    help = (
        "Run `aws iam generate-credential-report`, then `aws iam get-credential-report --query "
        "Content --output text | base64 --decode > report.csv`, and upload the file."
    )
    suffixes = (".csv",)

    def rows(self, files: Sequence[SourceFile]) -> Iterator[Said]:
        reading = _Reading()
        for file in files:
            yield from reading.users(file, f"{file.name} " if len(files) > 1 else "")
        yield from reading.tallies()


class _Reading:
    """One run over all reports: a user stands in it once."""

    def __init__(self) -> None:
        self._places: dict[str, str] = {}
        self._counts: Counter[str] = Counter()

    def users(self, file: SourceFile, before: str) -> Iterator[Said]:
        with _lines(file) as lines:
            reader = csv.reader(_bounded(lines, file.name))
            header = [name.strip() for name in next(reader, [])]
            missing = [name for name in COLUMNS if name not in header]
            if missing:
                raise WrongFile(
                    f"{file.name} is no IAM credential report: the column {missing[0]} is missing. "
                    "Upload the report as AWS writes it."
                )
            for cells in reader:
                if any(cells):
                    yield from self._row(header, cells, f"{before}line {reader.line_num}")

    def tallies(self) -> Iterator[Tally]:
        for what in (
            "users", "access keys", "access keys never used", "inactive access keys", "passwords",
            "certificates",
        ):  # fmt: skip
            yield Tally(what, self._counts[what])

    def _row(self, header: list[str], cells: list[str], place: str) -> Iterator[Said]:
        self._counts["users"] += 1
        try:
            if len(cells) != len(header):
                raise BadItem(
                    "",
                    f"The line has {len(cells)} cells for {len(header)} columns. Export it again.",
                )
            yield from self._user(dict(zip(header, cells, strict=True)), place)
        except BadItem as bad:
            yield Rejected(place, bad.name, str(bad))

    def _user(self, cells: Cells, place: str) -> Iterator[Said]:
        arn = _arn(cells)
        if arn.text in self._places:
            raise BadItem(
                "arn",
                f"The user stands in {self._places[arn.text]} already. Remove one of the two.",
            )
        for name in _DATES:  # also those of a slot that holds nothing: a bad date is always said
            _date(cells, name)
        credentials = list(_credentials(cells, arn, place))
        yield _identity(cells, arn, place, credentials)
        self._places[arn.text] = place
        for credential in credentials:
            self._count(credential)
            yield credential

    def _count(self, credential: CredentialRow) -> None:
        if not credential.enabled:
            if credential.kind == "access_key":
                self._counts["inactive access keys"] += 1
            return
        words = {"access_key": "access keys", "password": "passwords", "x509": "certificates"}
        self._counts[words[credential.kind]] += 1
        if credential.kind == "access_key" and credential.last_used_at is None:
            self._counts["access keys never used"] += 1


def _identity(
    cells: Cells, arn: Arn, place: str, credentials: Sequence[CredentialRow]
) -> IdentityRow:
    is_root = arn.resource == "root"
    created_at, signed_in_at = (
        _date(cells, "user_creation_time"),
        _date(cells, "password_last_used"),
    )
    uses = [each.last_used_at for each in credentials if each.last_used_at]
    sign_in_is_known = _sign_in_is_known(cells, tracked_from=created_at)
    return IdentityRow(
        external_id=arn.text, place=place, scope=arn.account, kind="service_account",
        name=f"<root_account> {arn.account}" if is_root else arn.tail, source_state="enabled",
        created_at=created_at,
        last_active_at=max([*uses, *([signed_in_at] if signed_in_at else [])], default=None),
        activity_known=bool(uses) or sign_in_is_known,
        interactive_at=signed_in_at, interactive_known=sign_in_is_known,
        attributes={
            "root": is_root, "mfa": _yes_no(cells, "mfa_active"),
            "password_enabled": _yes_no(cells, "password_enabled"),
        },
        caveats=(_ROOT_SIGN_IN,) if is_root else (),
    )  # fmt: skip


def _sign_in_is_known(cells: Cells, *, tracked_from: datetime | None) -> bool:
    """Whether a missing date means "never". no_information means never, or not since AWS began to
    record sign-ins: it is "never" only for what is younger than the records. N/A means that there
    is no password.
    """
    if cells["password_last_used"].strip().lower() not in _NO_INFORMATION:
        return True
    return tracked_from is not None and tracked_from >= _PASSWORDS_TRACKED


def _credentials(cells: Cells, arn: Arn, place: str) -> Iterator[CredentialRow]:
    if _yes_no(cells, "password_enabled"):
        yield _password(cells, arn, place)
    for slot in (1, 2):
        if _exists(cells, f"access_key_{slot}"):
            yield _access_key(cells, arn, place, f"access_key_{slot}")
        if _exists(cells, f"cert_{slot}"):
            yield _certificate(cells, arn, place, f"cert_{slot}")


def _exists(cells: Cells, slot: str) -> bool:
    """A key or certificate that is inactive but has a date exists, deactivated."""
    return (
        bool(_yes_no(cells, f"{slot}_active")) or _date(cells, f"{slot}_last_rotated") is not None
    )


def _password(cells: Cells, arn: Arn, place: str) -> CredentialRow:
    """Passwords end only where the account has a policy for it: then there is a next rotation."""
    changed_at = _date(cells, "password_last_changed")
    return CredentialRow(
        external_id=f"{arn.text}#password", place=place, scope=arn.account, identity=arn.text,
        kind="password", issued_at=changed_at, rotated_at=changed_at,
        expires_at=_end(changed_at, _date(cells, "password_next_rotation")), expiry_known=True,
        last_used_at=_date(cells, "password_last_used"),
        use_known=_sign_in_is_known(cells, tracked_from=changed_at),
        attributes={"interactive": True},
    )  # fmt: skip


def _access_key(cells: Cells, arn: Arn, place: str, slot: str) -> CredentialRow:
    """Access keys never expire. N/A as last use means never, or not since April 2015: for every
    question about use that is "never", so use counts as known; keys older than that carry a caveat.
    """
    rotated_at, used_at = (
        _date(cells, f"{slot}_last_rotated"),
        _date(cells, f"{slot}_last_used_date"),
    )
    caveats = [_NO_KEY_ID]
    if used_at is None and (rotated_at is None or rotated_at < _KEYS_TRACKED):
        caveats.append(_EARLIER_KEY_USE)
    return CredentialRow(
        external_id=f"{arn.text}#{slot}", place=place, scope=arn.account, identity=arn.text,
        kind="access_key", issued_at=rotated_at, rotated_at=rotated_at, expiry_known=True,
        last_used_at=used_at,
        use_known=cells[f"{slot}_last_used_date"].strip().lower() not in _NO_INFORMATION,
        enabled=bool(_yes_no(cells, f"{slot}_active")),
        attributes={
            "slot": slot, "last_used_region": _word(cells, f"{slot}_last_used_region"),
            "last_used_service": _word(cells, f"{slot}_last_used_service"),
        },
        caveats=tuple(caveats),
    )  # fmt: skip


def _certificate(cells: Cells, arn: Arn, place: str, slot: str) -> CredentialRow:
    rotated_at = _date(cells, f"{slot}_last_rotated")
    return CredentialRow(
        external_id=f"{arn.text}#{slot}", place=place, scope=arn.account, identity=arn.text,
        kind="x509", issued_at=rotated_at, rotated_at=rotated_at,
        enabled=bool(_yes_no(cells, f"{slot}_active")), attributes={"slot": slot},
        caveats=(_NO_CERTIFICATE_END,),
    )  # fmt: skip


def _end(start: datetime | None, end: datetime | None) -> datetime | None:
    """An end that is not after the start is no end: the password must be changed at the next
    sign-in.
    """
    return end if end is None or start is None or end > start else None


def _arn(cells: Cells) -> Arn:
    """The user's ARN, which must name the user: so no other text of the line is ever stored."""
    for name, cell in cells.items():
        try:
            refuse_formula(cell)
        except BadValue as bad:
            raise BadItem(name, str(bad)) from None
    arn = parse_arn(cells["arn"].strip())
    if arn is None or arn.service != "iam" or arn.kind not in {"user", "root"} or not arn.account:
        raise BadItem("arn", "The value is not the ARN of a user. Export the report again.")
    if arn.tail != cells["user"].strip() and arn.resource != "root":
        raise BadItem("user", "The name is another than in the ARN. Export the report again.")
    return arn


def _date(cells: Cells, name: str) -> datetime | None:
    cell = cells[name].strip()
    if cell.lower() in _NO_DATE:
        return None
    try:
        return moment(cell)
    except BadValue as bad:
        raise BadItem(name, str(bad)) from None


def _yes_no(cells: Cells, name: str) -> bool | None:
    """None for what the report does not support, as the root user's password."""
    cell = cells[name].strip().lower()
    if cell not in _YES_NO:
        raise BadItem(name, "The value is neither true nor false. Export the report again.")
    return _YES_NO[cell]


def _word(cells: Cells, name: str) -> str | None:
    cell = cells[name].strip()
    return cell if cell.lower() not in _NO_DATE and _REGION_OR_SERVICE.fullmatch(cell) else None


@contextmanager
def _lines(file: SourceFile) -> Iterator[io.TextIOWrapper]:
    file.content.seek(0)
    lines = io.TextIOWrapper(file.content, encoding="utf-8-sig", newline="")
    try:
        yield lines
    except UnicodeDecodeError:
        raise WrongFile(f"{file.name} is not UTF-8 text. Save the file as UTF-8.") from None
    except csv.Error as error:
        raise WrongFile(
            f"{file.name} is not a well-formed CSV file: {error}. Export it again."
        ) from None
    finally:
        lines.detach()


def _bounded(lines: io.TextIOWrapper, name: str) -> Iterator[str]:
    """The lines, none of them longer than a report's can be: one endless line would fill the
    memory.
    """
    while line := lines.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise WrongFile(f"{name} has a line that no credential report has. Export it again.")
        yield line
