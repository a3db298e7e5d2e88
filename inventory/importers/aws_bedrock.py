"""Reads Amazon Bedrock agents: what they are, as which role they act, and which action groups they
hold.

Shapes: Amazon Bedrock API Reference, ListAgents, GetAgent, GetAgentVersion, GetAgentActionGroup,
ListAgentActionGroups, ListAgentCollaborators.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from inventory.importers.aws_action_groups import ActionGroup, Item, read_group
from inventory.importers.aws_arns import (
    Arn,
    BadItem,
    clean,
    joined_id,
    name_of,
    parse_arn,
    sha256,
    time_of,
)
from inventory.importers.aws_documents import Documents
from inventory.importers.base import Connector, SourceFile, WrongFile
from inventory.importers.records import (
    DelegationRow,
    IdentityRow,
    Incomplete,
    Rejected,
    Said,
    Tally,
    ToolBindingRow,
    Untold,
)

_ENABLED = frozenset({"PREPARED", "PREPARING", "UPDATING", "VERSIONING"})
_SUPERVISES = ("SUPERVISOR", "SUPERVISOR_ROUTER")
_NO_GROUPS = "Its action groups are not in the files; what it can do by itself is unknown."
_LISTED_ONLY = "It is only listed in the files: its role, model and action groups are unknown."
_EXECUTOR_UNKNOWN = (
    "How its action groups are carried out is not in the files; they count as its own acts."
)
_COPIED = {
    "agentArn": "arn", "agentStatus": "status", "foundationModel": "model",
    "agentVersion": "version", "agentCollaboration": "collaboration",
    "orchestrationType": "orchestration", "customerEncryptionKeyArn": "encryption_key",
    "idleSessionTTLInSeconds": "idle_session_seconds",
}  # fmt: skip


class AwsBedrock(Connector):
    """Bedrock agents with their roles and action groups, from `aws bedrock-agent`."""

    key = "aws-bedrock"
    label = "AWS Bedrock agents"
    namespace = "aws"
    help = (
        "Upload together what `aws bedrock-agent list-agents` and, for each agent, `get-agent` and "
        "`get-agent-action-group` write."
    )
    suffixes = (".json",)

    def rows(self, files: Sequence[SourceFile]) -> Iterator[Said]:
        reading = _Reading()
        for file in files:
            yield from reading.answers(file, f"{file.name} " if len(files) > 1 else "")
        yield from reading.agents()


@dataclass(slots=True)
class _Agent:
    """What all answers together say about one agent; only what is stored is kept."""

    agent_id: str
    place: str
    name: str = ""
    arn: Arn | None = None
    role: Arn | None = None
    purpose: str | None = None
    status: str = ""
    created_at: datetime | None = None
    is_listed: bool = False
    is_detailed: bool = False
    supervises: bool = False
    attributes: dict[str, object] = field(default_factory=dict)
    groups: dict[str, ActionGroup] = field(default_factory=dict)
    collaborators: dict[str, str] = field(default_factory=dict)

    @property
    def external_id(self) -> str:
        """Its id and not its ARN, which a list does not name."""
        return f"bedrock-agent/{self.agent_id}"

    @property
    def is_only_mentioned(self) -> bool:
        """By another agent, or by an action group: it is not counted, and others may know it
        better.
        """
        return not self.is_listed and not self.is_detailed

    @property
    def scope(self) -> str:
        return self.arn.account if self.arn else ""

    @property
    def kind(self) -> str:
        """An agent that gives work to others orchestrates; one whose action groups run without a
        person confirming acts by itself; any other assists.
        """
        if self.supervises:
            return "orchestrator"
        acts = any(group.acts for group in self.groups.values())
        return "autonomous_agent" if acts else "assistant"


class _Reading:
    """One run: answers in any order, then one identity for each agent."""

    def __init__(self) -> None:
        self._agents: dict[str, _Agent] = {}
        self._has_list = False
        self._takers: dict[str, Callable[[Item, str], None]] = {
            "agent": self._take_details,
            "agentVersion": self._take_details,
            "agentActionGroup": self._take_group,
        }
        self._item_takers: dict[str, Callable[[Item, str], None]] = {
            "agentSummaries": self._take_summary,
            "agentCollaboratorSummaries": self._take_collaborator,
        }

    def answers(self, file: SourceFile, before: str) -> Iterator[Said]:
        """Reads one file: an answer, a list of them, or a recording with one under "data"."""
        is_known = False
        documents = Documents(file, holds_document=lambda key: key == "data")
        for place, key in documents:
            at = f"{before}{place}{'.' if place else ''}{key}"
            is_known = is_known or key in self._takers or key in self._item_takers
            if key in self._takers:
                yield from _refusals(self._takers[key], documents.value(), at)
            elif key in self._item_takers:
                self._has_list = self._has_list or key == "agentSummaries"
                for number, item in enumerate(documents.items()):
                    yield from _refusals(self._item_takers[key], item, f"{at}[{number}]")
            elif key == "actionGroupSummaries":
                is_known = True
                yield from _nobodys_groups(documents, at)
            elif key == "nextToken" and documents.value():
                yield Incomplete(f"{file.name} is one page of several. Export all pages.")
        if not is_known:
            raise WrongFile(
                f"{file.name} is no answer about Bedrock agents. Upload what list-agents, "
                "get-agent or get-agent-action-group write."
            )

    def agents(self) -> Iterator[Said]:
        yield from self._gaps()
        roles = {agent.role.text: agent for agent in self._agents.values() if agent.role}
        yield from (_role(agent, arn) for arn, agent in roles.items())
        for agent in self._agents.values():
            yield _identity(agent)
            if agent.role is not None:
                yield _run_as(agent, agent.role)
            for group in agent.groups.values():
                yield group.tool(agent.scope)
                yield ToolBindingRow(
                    external_id=joined_id(agent.external_id, group.external_id),
                    place=group.place, scope=agent.scope, identity=agent.external_id,
                    tool=group.external_id,
                )  # fmt: skip
            yield from _gives_work(agent, self._agents)
        yield Tally("agents", sum(not each.is_only_mentioned for each in self._agents.values()))
        yield Tally("action groups", sum(len(agent.groups) for agent in self._agents.values()))

    def _gaps(self) -> Iterator[Incomplete | Untold]:
        """A run without all agents, or without their details, must not make the rest look gone."""
        listed_only = sum(not agent.is_detailed for agent in self._agents.values())
        if listed_only:
            yield Incomplete(
                f"{listed_only:,} of {len(self._agents):,} agents are only listed or "
                "named. Add the answers of get-agent for them."
            )
        if not self._has_list:
            yield Incomplete("There may be more agents. Add the answer of list-agents.")
        silent = sum(each.is_detailed and not each.groups for each in self._agents.values())
        if silent:
            # No answer says that an agent has no action groups; only that it has one.
            yield Untold(
                f"Agents without action groups in the files: {silent:,}. No tool was taken for gone; add the answers"
                " of get-agent-action-group, if there are any.",
                ("tool", "tool_binding"),
            )

    def _agent(self, item: Item, place: str) -> _Agent:
        agent_id = name_of(item.get("agentId"))[:64]
        if not agent_id:
            raise BadItem("agentId", "The agent's id is missing. Export the answer again.")
        return self._agents.setdefault(agent_id, _Agent(agent_id, place))

    def _take_summary(self, item: Item, place: str) -> None:
        agent = self._agent(item, place)
        agent.is_listed = True
        if not agent.is_detailed:
            _take_common(agent, item)

    def _take_details(self, item: Item, place: str) -> None:
        role, arn = item.get("agentResourceRoleArn"), item.get("agentArn")
        if role is not None and parse_arn(role) is None:
            raise BadItem("agentResourceRoleArn", "The value is no ARN. Export the answer again.")
        created_at = time_of(item, "createdAt")
        agent = self._agent(item, place)
        _take_common(agent, item)
        agent.is_detailed, agent.place = True, place
        agent.role, agent.arn, agent.created_at = parse_arn(role), parse_arn(arn), created_at
        agent.supervises = item.get("agentCollaboration") in _SUPERVISES
        instruction = item.get("instruction")
        if isinstance(instruction, str):
            # Never its text: people write keys and customer data into instructions.
            agent.attributes["instruction_sha256"] = sha256(instruction)
            agent.attributes["instruction_length"] = len(instruction)
        guardrail = item.get("guardrailConfiguration")
        if isinstance(guardrail, dict):
            agent.attributes["guardrail"] = name_of(guardrail.get("guardrailIdentifier"))

    def _take_group(self, item: Item, place: str) -> None:
        agent = self._agent(item, place)
        group = read_group(item, agent.agent_id, place)
        present = agent.groups.get(group.external_id)
        if present is None or group.rank > present.rank:
            agent.groups[group.external_id] = group

    def _take_collaborator(self, item: Item, place: str) -> None:
        """The collaborator is known by an alias: .../agent-alias/AGENT/ALIAS."""
        descriptor = item.get("agentDescriptor")
        alias = parse_arn(descriptor.get("aliasArn") if isinstance(descriptor, dict) else None)
        parts = alias.resource.split("/") if alias else []
        if len(parts) != 3 or parts[0] != "agent-alias":
            raise BadItem(
                "agentDescriptor", "The collaborator's alias is no ARN. Export the answer again."
            )
        self._agent(item, place).collaborators[parts[1]] = place
        self._agents.setdefault(parts[1], _Agent(parts[1], place))


def _refusals(take: Callable[[Item, str], None], value: object, place: str) -> Iterator[Rejected]:
    """Takes the value; says why not where that fails."""
    try:
        if not isinstance(value, dict):
            raise BadItem("", "The value is not a JSON object. Export the answer again.")
        take(value, place)
    except BadItem as bad:
        yield Rejected(place, bad.name, str(bad))


def _nobodys_groups(documents: Documents, place: str) -> Iterator[Rejected]:
    """What list-agent-action-groups writes names no agent, so the groups cannot be placed."""
    for number, _ in enumerate(documents.items()):
        yield Rejected(
            f"{place}[{number}]", "agentId",
            "A list of action groups does not say whose they are. Upload the answers of "
            "get-agent-action-group instead.",
        )  # fmt: skip


def _take_common(agent: _Agent, item: Item) -> None:
    agent.name = name_of(item.get("agentName")) or agent.name
    agent.purpose = clean(item.get("description"), 2000) or agent.purpose
    agent.status = clean(item.get("agentStatus"), 40) or agent.status
    for name, attribute in _COPIED.items():
        value = item.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool):
            agent.attributes[attribute] = name_of(value) if isinstance(value, str) else value


def _identity(agent: _Agent) -> IdentityRow:
    return IdentityRow(
        external_id=agent.external_id, place=agent.place, scope=agent.scope, kind=agent.kind,
        name=agent.name or agent.agent_id, stub=agent.is_only_mentioned, purpose=agent.purpose,
        created_at=agent.created_at,
        source_state="enabled" if agent.status in _ENABLED else "unknown",
        attributes={"agent_id": agent.agent_id} | agent.attributes,
        caveats=tuple(_caveats(agent)),
    )  # fmt: skip


def _caveats(agent: _Agent) -> Iterator[str]:
    if not agent.is_detailed:
        yield _LISTED_ONLY
    elif not agent.groups:
        yield _NO_GROUPS
    if any(not group.executor_known for group in agent.groups.values()):
        yield _EXECUTOR_UNKNOWN


def _role(agent: _Agent, arn: str) -> IdentityRow:
    """What the answers know of the role: that it exists."""
    return IdentityRow(
        external_id=arn, place=agent.place, scope=agent.scope, kind="role",
        name=arn.rpartition("/")[2], stub=True,
    )  # fmt: skip


def _run_as(agent: _Agent, role: Arn) -> DelegationRow:
    return DelegationRow(
        external_id=joined_id(role.text, agent.external_id, "run_as"), place=agent.place,
        scope=agent.scope, delegator_identity=role.text, delegate=agent.external_id, how="run_as",
    )  # fmt: skip


def _gives_work(agent: _Agent, agents: dict[str, _Agent]) -> Iterator[DelegationRow]:
    for agent_id, place in agent.collaborators.items():
        if agent_id != agent.agent_id:
            delegate = agents[agent_id].external_id
            yield DelegationRow(
                external_id=joined_id(agent.external_id, delegate, "orchestrate"),
                place=place, scope=agent.scope, delegator_identity=agent.external_id,
                delegate=delegate, how="orchestrate",
            )  # fmt: skip
