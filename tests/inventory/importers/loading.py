"""What the tests of the loader share: files written for the purpose, and imports through the command."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.management import call_command

from inventory.models import Change

ACCOUNT, OTHER_ACCOUNT = "111122223333", "444455556666"

REPORT_HEADER = (
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,"
    "password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,"
    "access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,"
    "access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,"
    "access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,"
    "cert_1_last_rotated,cert_2_active,cert_2_last_rotated"
)


def run(kind: str, *paths: Path, **options: Any) -> dict[str, Any]:
    """The outcome of `manage.py import KIND FILE... --json`; all that it writes to stdout is JSON."""
    written = io.StringIO()
    call_command("import", kind, *map(str, paths), json=True, stdout=written, **options)
    outcome: dict[str, Any] = json.loads(written.getvalue())
    return outcome


def counts(outcome: Mapping[str, Any], noun: str) -> tuple[int, int, int, int]:
    """New, changed, unchanged, gone."""
    found = outcome["counts"].get(noun, {})
    new, changed, unchanged, gone = (
        found.get(k, 0) for k in ("new", "changed", "unchanged", "gone")
    )
    return new, changed, unchanged, gone


def is_unchanged(outcome: Mapping[str, Any]) -> bool:
    return all(
        not each[key] for each in outcome["counts"].values() for key in ("new", "changed", "gone")
    )


def history() -> int:
    return Change.objects.count()


class Files:
    """Writes files into a folder; a file of one name replaces the earlier one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def csv(self, noun: str, *rows: Mapping[str, str]) -> Path:
        path = self.folder / f"{noun}.csv"
        columns = list(dict.fromkeys(name for row in rows for name in row))
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(rows)
        return path

    def text(self, name: str, content: str) -> Path:
        path = self.folder / name
        path.write_text(content, encoding="utf-8")
        return path

    def json(self, name: str, content: object) -> Path:
        return self.text(f"{name}.json", json.dumps(content))

    def account(self, name: str, **lists: Sequence[Mapping[str, Any]]) -> Path:
        """An answer of get-account-authorization-details: users, roles; all four lists are there."""
        return self.json(
            name,
            {
                "UserDetailList": list(lists.get("users", ())),
                "GroupDetailList": [],
                "RoleDetailList": list(lists.get("roles", ())),
                "Policies": list(lists.get("policies", ())),
                "IsTruncated": False,
            },
        )

    def report(self, *names: str, **cells: str) -> Path:
        """A credential report in which each user has one access key."""
        lines = [REPORT_HEADER]
        for name in names:
            arn = f"arn:aws:iam::{ACCOUNT}:user/{name}"
            lines.append(
                f"{name},{arn},2024-01-02T00:00:00+00:00,false,N/A,N/A,N/A,{cells.get('mfa', 'true')},true,"
                f"2024-02-03T00:00:00+00:00,{cells.get('used', 'N/A')},N/A,N/A,"
                "false,N/A,N/A,N/A,N/A,false,N/A,false,N/A"
            )
        return self.text("report.csv", "\n".join(lines) + "\n")


def aws_user(name: str, account: str = ACCOUNT, **more: Any) -> dict[str, Any]:
    return {
        "Path": "/", "UserName": name, "UserId": f"AIDA{name.upper():0<17}"[:21],
        "Arn": f"arn:aws:iam::{account}:user/{name}", "CreateDate": "2024-01-02T00:00:00+00:00",
        "GroupList": [], "AttachedManagedPolicies": [], "Tags": [], **more,
    }  # fmt: skip


def aws_role(name: str, *trusted: Any, account: str = ACCOUNT, **more: Any) -> dict[str, Any]:
    """A role that the named principals (ARNs, or service names) may assume."""
    statements = [
        {
            "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"Service" if each.endswith("amazonaws.com") else "AWS": each},
        }
        for each in trusted
    ]  # fmt: skip
    return {
        "Path": "/", "RoleName": name, "RoleId": f"AROA{name.upper():0<17}"[:21],
        "Arn": f"arn:aws:iam::{account}:role/{name}", "CreateDate": "2024-01-02T00:00:00+00:00",
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": statements},
        "InstanceProfileList": [], "RolePolicyList": [], "AttachedManagedPolicies": [], "Tags": [], **more,
    }  # fmt: skip


def arn_of(kind: str, name: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:iam::{account}:{kind}/{name}"
