"""What the demo's organisation consists of, written for it: people, identities, access, the cloud."""

import csv
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_HERE = Path(__file__).parent
DOMAIN = "northmere.example"


@cache
def table(name: str) -> tuple[dict[str, str], ...]:
    """The rows of a CSV file of this folder."""
    with (_HERE / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return tuple(csv.DictReader(lines, delimiter=";"))


@cache
def document(name: str) -> dict[str, Any]:  # Any: each document has a shape of its own
    """A YAML file of this folder."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C one is ten times as fast
    text = (_HERE / f"{name}.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.load(text, Loader=loader)  # noqa: S506  both are safe loaders
    return found


def address(name: str) -> str:
    """The e-mail address of a person's name, or of its first part; nothing for nobody."""
    return f"{name.lower().replace(' ', '.')}@{DOMAIN}" if name else ""
