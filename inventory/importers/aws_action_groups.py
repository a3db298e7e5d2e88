"""Turns a Bedrock agent's action group into a tool: what it offers, and whether a person confirms
it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from inventory import tool_risk
from inventory.importers.aws_arns import BadItem, clean, joined_id, name_of, sha256
from inventory.importers.records import Json, ToolRow

# Any: answers are JSON of the file's making until each field has been checked.
Item = Mapping[str, Any]

_ASKS_BACK = "AMAZON.UserInput"  # the action group by which an agent only asks its user for more
_DESCRIBED_BY = (
    "actionGroupName", "description", "parentActionSignature", "actionGroupExecutor", "apiSchema",
    "functionSchema",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ActionGroup:
    """An action group of one agent. `acts`: the agent carries it out with nobody confirming.

    `rank` puts the versions of one group in order: the latest published one stands for it.
    """

    external_id: str
    agent_id: str
    place: str
    name: str
    description: str
    digest: str
    rank: int
    acts: bool
    executor_known: bool
    attributes: Json

    def tool(self, scope: str) -> ToolRow:
        functions = self.attributes["functions"]
        reading = tool_risk.worst_of([tool_risk.judged(each, None) for each in functions])
        return ToolRow(
            external_id=self.external_id, place=self.place, scope=scope,
            provider=f"bedrock:{self.agent_id}", name=self.name, description=self.description,
            descriptor={
                "name": self.name, "description": self.description,
                "inputSchema": {"functions": functions},
            },
            descriptor_digest=self.digest, writes=reading.writes,
            judged_risk=reading.risk, judged_why=reading.why, attributes=self.attributes,
        )  # fmt: skip


def read_group(item: Item, agent_id: str, place: str) -> ActionGroup:
    """From what get-agent-action-group answers; raises BadItem for one without id or name."""
    group_id, name = name_of(item.get("actionGroupId"))[:64], name_of(item.get("actionGroupName"))
    if not group_id or not name:
        raise BadItem("actionGroupId", "The action group's id or name is missing. Export it again.")
    version = clean(item.get("agentVersion"), 20)
    signature = clean(item.get("parentActionSignature"), 100)
    functions = list(_functions(item))
    executor, returns_control = _executor(item)
    is_on = item.get("actionGroupState") != "DISABLED"
    confirmed = bool(functions) and all(asks for _, asks in functions)
    return ActionGroup(
        external_id=joined_id(f"bedrock-agent/{agent_id}/action-group/{group_id}"),
        agent_id=agent_id, place=place, name=name, description=clean(item.get("description"), 2000),
        # The schemas only as a digest: they are large, and people put example keys into them.
        digest=sha256(json.dumps({key: item.get(key) for key in _DESCRIBED_BY}, sort_keys=True)),
        rank=int(version) if version.isdecimal() else 0,
        acts=is_on and not returns_control and not confirmed and signature != _ASKS_BACK,
        executor_known=bool(executor or returns_control or signature),
        attributes={
            "version": version, "state": clean(item.get("actionGroupState"), 40),
            "executor": executor, "returns_control": returns_control, "signature": signature,
            "functions": [function for function, _ in functions],
            "confirmed_functions": [function for function, asks in functions if asks],
        },
    )  # fmt: skip


def _executor(item: Item) -> tuple[str, bool]:
    """The function that carries the group out, or whether its caller does (customControl)."""
    found = item.get("actionGroupExecutor")
    if not isinstance(found, dict):
        return "", False
    return name_of(found.get("lambda")), found.get("customControl") == "RETURN_CONTROL"


def _functions(item: Item) -> Iterator[tuple[str, bool]]:
    """The functions, and whether a person confirms each before it runs (requireConfirmation)."""
    schema = item.get("functionSchema")
    found = schema.get("functions") if isinstance(schema, dict) else None
    for function in found if isinstance(found, list) else ():
        if isinstance(function, dict):
            yield name_of(function.get("name")), function.get("requireConfirmation") == "ENABLED"
