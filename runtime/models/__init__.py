"""What happens: policies and decisions, tokens, tool calls, seals."""

from runtime.models.agent_name import AgentName
from runtime.models.call_tally import CallTally, TallyMark
from runtime.models.decision import Decision, new_decision_id
from runtime.models.deviation import Deviation
from runtime.models.event_stream import EventStream, SecurityEvent
from runtime.models.observed_tier import ObservedTier
from runtime.models.policy_set import (
    INVENTORY_TYPES,
    PolicyEntity,
    PolicySet,
    PolicySetVersion,
    PolicyTest,
    live_versions,
    next_number,
)
from runtime.models.replay import Replay, ReplayRow
from runtime.models.seal import Log, Seal, SealMark, Verification
from runtime.models.signing_key import SigningKey
from runtime.models.token import Token, TokenActor, TokenAncestor
from runtime.models.tool_call import CallKey, ToolCall
from runtime.models.trace import OpenTrace, SpanLink
from runtime.models.trust import OAuthClient, OidcIssuer, TrustBundle, UsedProof

__all__ = [
    "INVENTORY_TYPES",
    "AgentName",
    "CallKey",
    "CallTally",
    "Decision",
    "Deviation",
    "EventStream",
    "Log",
    "OAuthClient",
    "ObservedTier",
    "OidcIssuer",
    "OpenTrace",
    "PolicyEntity",
    "PolicySet",
    "PolicySetVersion",
    "PolicyTest",
    "Replay",
    "ReplayRow",
    "Seal",
    "SealMark",
    "SecurityEvent",
    "SigningKey",
    "SpanLink",
    "TallyMark",
    "Token",
    "TokenActor",
    "TokenAncestor",
    "ToolCall",
    "TrustBundle",
    "UsedProof",
    "Verification",
    "live_versions",
    "new_decision_id",
    "next_number",
]
