"""Whether a text may go live: it parses, each policy has its @id, and the schema knows all that it speaks about."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import cedarpy

from runtime import cedar_schema
from runtime.models import PolicySet
from runtime.policy_text import Parsed, Policy, Problem, locate, parse, unsafe_text

_NAMESPACE = re.compile(r"\bnamespace\s+([A-Za-z_][A-Za-z0-9_:]*)")
INVENTORY, APPLICATION = PolicySet.Domain.INVENTORY, PolicySet.Domain.APPLICATION
ACTION = {INVENTORY: "Mandate::Action", APPLICATION: "App::Action"}


def validate(text: str, *, domain: str, schema: str = "") -> list[Problem]:
    """All that stands against the text, in the order of its lines; nothing when it may go live."""
    parsed = parse(text)
    if parsed.problems:
        return list(parsed.problems)
    if not parsed.policies:
        return [Problem(1, 1, "There is no policy, and without one everything is denied.")]
    if domain == APPLICATION:
        wrong = _schema_problem(schema)
        if wrong:
            return [wrong]
    elif schema.strip():
        return [Problem(1, 1, "The schema of the inventory is made by Mandate. Leave it empty.")]
    else:
        schema = cedar_schema.inventory_schema(named_actions(parsed.policies))
    found = [*_against(text, parsed, schema), *_unknown_values(text, parsed)]
    return sorted(found, key=lambda one: (one.line, one.column))


def named_actions(policies: Iterable[Policy]) -> set[str]:
    """The inventory's actions that the policies name anywhere."""
    found: set[str] = set()
    for policy in policies:
        for entity in _entities(policy.parsed):
            if entity["type"] == ACTION[INVENTORY]:
                found.add(entity["id"])
    return found


def _entities(node: Any) -> Iterator[dict[str, str]]:  # Any: JSON
    if isinstance(node, dict):
        if set(node) == {"type", "id"} and isinstance(node["id"], str):
            yield node
        for inner in node.values():
            yield from _entities(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _entities(inner)


def _unknown_values(text: str, parsed: Parsed) -> Iterator[Problem]:
    """Mandate::Tier::"9" is well-formed, and would match nobody."""
    for policy in parsed.policies:
        for entity in _entities(policy.parsed):
            values = cedar_schema.values_of(entity["type"])
            if values and entity["id"] not in values:
                known = ", ".join(values)
                said = f"There is no {entity['type']} `{entity['id']}`. Those here are: {known}."
                yield locate(text, policy, said)


def _schema_problem(schema: str) -> Problem | None:
    unsafe = unsafe_text(schema)
    if unsafe:
        return Problem(1, 1, f"The schema cannot be read. {unsafe.message}")
    names = set(_NAMESPACE.findall(schema))
    if names != {"App"}:
        return Problem(
            1, 1, "The schema has one namespace, App, with the types of the application."
        )
    try:
        cedarpy.Schema.from_str(schema)
    except ValueError as error:
        return Problem(1, 1, f"The schema cannot be read: {str(error).splitlines()[0]}.")
    return None


def _against(text: str, parsed: Parsed, schema: str) -> Iterator[Problem]:
    result = cedarpy.validate_policies(text, schema)
    if result.validation_passed:
        return
    for error in result.errors:
        number = re.fullmatch(r"policy(\d+)", error.policy_id)
        said = re.sub(r"^for policy `[^`]*`, ", "", error.error)
        said = f"{said[:1].upper()}{said[1:]}".rstrip(".") + "."
        if number and int(number[1]) < len(parsed.policies):
            yield locate(text, parsed.policies[int(number[1])], said)
        else:
            yield Problem(1, 1, said)
