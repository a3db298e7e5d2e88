"""The version is what the changelog says: one place to change it."""

import re
from pathlib import Path

HEADING = re.compile(r"^## (\d+\.\d+\.\d+)", re.MULTILINE)


def read(changelog: Path) -> str:
    """The newest version in the changelog, such as "0.1.0"; "0.0.0" where there is none."""
    found = HEADING.search(changelog.read_text(encoding="utf-8"))
    return found.group(1) if found else "0.0.0"
