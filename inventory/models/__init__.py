"""The nouns of the inventory."""

from inventory.models.chain import ChainComputation, ChainFacts
from inventory.models.change import Change
from inventory.models.credential import Credential
from inventory.models.delegation import Delegation, DelegationBasis, DelegationScope
from inventory.models.fact_change import FactChange
from inventory.models.grant import EndCause, Grant
from inventory.models.identity import Environment, Identity, Risk, Severity, Successor, Tier
from inventory.models.kill_switch import KillSwitchUse
from inventory.models.person import Person, Team
from inventory.models.setting import Heartbeat, Setting
from inventory.models.source import ImportRun, Source, Sourced
from inventory.models.system import Entitlement, Resource, System
from inventory.models.task import Task, TaskTarget
from inventory.models.tool import Tool, ToolBinding, ToolLikeness
from inventory.models.tool_server import Exposure, ToolServer
from inventory.models.user import ApiToken, User

__all__ = [
    "ApiToken",
    "ChainComputation",
    "ChainFacts",
    "Change",
    "Credential",
    "Delegation",
    "DelegationBasis",
    "DelegationScope",
    "EndCause",
    "Entitlement",
    "Environment",
    "Exposure",
    "FactChange",
    "Grant",
    "Heartbeat",
    "Identity",
    "ImportRun",
    "KillSwitchUse",
    "Person",
    "Resource",
    "Risk",
    "Setting",
    "Severity",
    "Source",
    "Sourced",
    "Successor",
    "System",
    "Task",
    "TaskTarget",
    "Team",
    "Tier",
    "Tool",
    "ToolBinding",
    "ToolLikeness",
    "ToolServer",
    "User",
]
