"""Makes one row of what a tool says of itself: its digest, its risk by two readings, and no secret."""

import json
from collections.abc import Mapping
from typing import Any

from inventory import tool_descriptors, tool_risk
from inventory.importers.records import Json, ToolRow
from inventory.importers.secrets import redact

LONGEST_NAME = 300
_LONGEST_TEXT = 10_000
_LARGEST_KEPT = 64 * 1024


def tool_row(
    descriptor: Mapping[str, Any],  # Any: JSON
    *,
    external_id: str,
    place: str,
    provider: str,
    scope: str = "",
    attributes: Json | None = None,
) -> ToolRow:
    """The row of a descriptor with a name, a description, an input schema and annotations, as far as there are."""
    said = {key: value for key, value in tool_descriptors.pinned(descriptor).items() if value}
    hint = tool_risk.hinted(said.get(tool_descriptors.HINTS))
    reading = tool_risk.judged(
        str(said.get(tool_descriptors.NAME, "")), said.get(tool_descriptors.INPUT)
    )
    hints = said.get(tool_descriptors.HINTS)
    return ToolRow(
        external_id=external_id, place=place, scope=scope, provider=provider,
        name=plain(said.get(tool_descriptors.NAME), LONGEST_NAME),
        description=plain(said.get(tool_descriptors.DESCRIPTION), 2_000),
        descriptor=kept(said), descriptor_digest=tool_descriptors.digest(said),
        writes=tool_risk.changes_something(hint, reading),
        hinted_risk=hint.risk, hinted_why=hint.why,
        judged_risk=reading.risk, judged_why=reading.why,
        attributes={
            **(attributes or {}),
            **({"annotations": _told(hints)} if isinstance(hints, dict) else {}),
        },
    )  # fmt: skip


def kept(descriptor: Mapping[str, Any]) -> dict[str, Any]:  # Any: JSON
    """The descriptor fit to store: without secrets, and within bounds."""
    clean: dict[str, Any] = {key: _without_secrets(value) for key, value in descriptor.items()}
    if len(json.dumps(clean)) > _LARGEST_KEPT:
        clean = {
            key: clean[key]
            for key in (tool_descriptors.NAME, tool_descriptors.DESCRIPTION)
            if key in clean
        }
        clean["left_out"] = "Its input is too large to keep; the digest covers all of it."
    return clean


def plain(value: object, limit: int) -> str:
    """Text fit to store: no secret, no NUL, not too long; "" for what is no text."""
    if not isinstance(value, str):
        return ""
    text = redact(value.replace("\0", ""))
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def _told(hints: Mapping[str, Any]) -> dict[str, bool]:
    return {key[:100]: value for key, value in hints.items() if isinstance(value, bool)}


def _without_secrets(value: object) -> object:
    if isinstance(value, str):
        return plain(value, _LONGEST_TEXT)
    if isinstance(value, list):
        return [_without_secrets(each) for each in value]
    if isinstance(value, dict):
        return {plain(key, LONGEST_NAME): _without_secrets(each) for key, each in value.items()}
    return value
