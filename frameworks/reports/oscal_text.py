"""What OSCAL asks of texts and ids: tokens, single lines, Markdown in which a name is only a name."""

import re
from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid5

from frameworks.reports.text import instant, one_line, printable
from frameworks.snapshot import FrameworkState, Snapshot

VERSION = "1.2.1"
NAMESPACE = "https://mandate.example/ns/oscal"
_NOT_IN_TOKENS = re.compile(r"[^a-z0-9._-]+")
_ACTS_IN_MARKDOWN = re.compile(r"([\\`*<>\[\]{}!|#~$^&])")
Json = dict[str, Any]


def token(text: str) -> str:
    """The text as an id of OSCAL: a letter first, then letters, digits, dots and dashes."""
    made = _NOT_IN_TOKENS.sub("-", text.lower()).strip("-._") or "x"
    return made if made[0].isalpha() else f"c-{made}"


def tokens(framework: FrameworkState) -> dict[str, str]:
    """A token for each control of a framework; two ids that would become one are told apart by a number."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for control in framework.controls:
        plain, number = token(control.control_id), 1
        made = plain
        while made in taken:
            number += 1
            made = f"{plain}-{number}"
        taken.add(made)
        found[control.control_id] = made
    return found


def objective(control_token: str) -> str:
    """The id of a control's objective, which findings are about."""
    return f"{control_token}_obj"


def line(text: str) -> str:
    """One line in which nothing is markup."""
    return _ACTS_IN_MARKDOWN.sub(r"\\\1", one_line(text))


def prose(text: str) -> str:
    """Lines in which nothing is markup; a dash when there is nothing."""
    return _ACTS_IN_MARKDOWN.sub(r"\\\1", printable(text)).strip() or "-"


def bullets(texts: Iterable[str]) -> str:
    return "\n".join(f"- {line(text)}" for text in texts) or "-"


def prop(name: str, value: object, *, remarks: str = "") -> Json:
    """A property in our own namespace."""
    made = {"name": name, "ns": NAMESPACE, "value": one_line(str(value))}
    return {**made, "remarks": prose(remarks)} if remarks else made


def uuid(snapshot: Snapshot, name: str) -> str:
    """The same id each time that the same thing of the same assessment is written."""
    return str(uuid5(UUID(snapshot.uid), f"oscal:{name}"))


def metadata(snapshot: Snapshot, title: str, *, remarks: str = "") -> Json:
    made = {
        "title": line(title),
        "last-modified": instant(snapshot.made_at),
        "version": str(snapshot.number),
        "oscal-version": VERSION,
        "props": [prop("product-version", snapshot.product_version)],
        "parties": [
            {
                "uuid": uuid(snapshot, "party:organisation"),
                "type": "organization",
                "name": one_line(snapshot.organisation),
            }
        ],
    }
    return {**made, "remarks": prose(remarks)} if remarks else made
