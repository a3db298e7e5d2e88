"""The lists of tools, and of the servers that offer them."""

from inventory.columns import Column, labelled
from inventory.listing import BulkAction, Empty, Listing
from inventory.models import Risk, Tool, ToolServer
from inventory.noun_columns import IDENTITY

IMPORT = (
    "Import what servers answer to tools/list, configurations of clients, or agent cards.",
    "Import",
    "inventory:import-new",
)
RANKS = ("", *Risk.values)
_TONES = {"critical": "bad", "high": "warn"}


def state_of(tool: Tool) -> str:
    return "Changed" if tool.is_changed else tool.get_state_display()


def worst_risk(tool: Tool) -> str:
    """As people rated it; where nobody has, the worse of the two readings."""
    return tool.risk or max(tool.judged_risk, tool.hinted_risk, key=RANKS.index)


def risk_label(risk: str) -> str:
    return str(Risk(risk).label) if risk else ""


TOOLS = Listing(
    title="Tools",
    singular="tool",
    plural="tools",
    intro="What agents can call. Only an approved tool may be called, and only while it still says of itself what was"
    " approved.",
    columns=(
        Column("name", "Tool", "name", kind="link", url="inventory:tool-detail", sort="name"),
        Column("provider", "Provider", "provider"),
        Column("state", "State", state_of, kind="badge"),
        Column(
            "risk", "Risk", lambda row: risk_label(worst_risk(row)), kind="badge",
            tone=lambda row: _TONES.get(worst_risk(row), "plain"), empty="Cannot tell",
        ),
        Column("holders", "Held by", "holder_count", kind="number"),
        Column("observed", "Seen in use by", "observed_count", kind="number", wide=True),
        Column("writes", "Writes", lambda row: {True: "Yes", False: "No"}.get(row.writes), wide=True),
        Column("seen", "First seen", "first_seen_at", kind="time", wide=True),
        Column("hinted", "Risk by its hints", labelled("hinted_risk", Risk), shown=False),
        Column("judged", "Risk by our reading", labelled("judged_risk", Risk), shown=False),
        Column("approved", "Approved", "approved_at", kind="time", shown=False),
        Column("by", "Approved by", "approved_by", shown=False),
        Column("description", "Description", "description", shown=False),
        Column("source", "Source", "source.label", shown=False),
    ),
    order="name",
    bulk_actions=(
        BulkAction("Approve", "inventory:tools-approve", icon="circle-check", action="decide_tool"),
        BulkAction("Disable", "inventory:tools-disable", icon="ban", action="decide_tool"),
        BulkAction("Reset", "inventory:tools-reset", icon="circle-play", action="decide_tool"),
    ),
    empty=Empty("No tools yet", *IMPORT, icon="wrench", for_security=True),
)  # fmt: skip

TOOL_SERVERS = Listing(
    title="Tool servers",
    singular="server",
    plural="servers",
    intro="Who offers tools: servers in configurations, agents with a card, servers that listed their tools, and what"
    " registries list.",
    columns=(
        Column(
            "provider", "Server", "provider", kind="link", url="inventory:server-detail",
            sort="provider",
        ),
        Column("origin", "Known from", labelled("origin", ToolServer.Origin)),
        Column(
            "identity", "Of", "identity", kind="link", url=IDENTITY, key_path="identity_id",
            empty="Nobody in particular",
        ),
        Column("transport", "Transport", labelled("transport", ToolServer.Transport)),
        Column(
            "encrypted", "Encrypted", lambda row: {True: "Yes", False: "No"}.get(row.encrypted),
            tone=lambda row: "bad" if row.encrypted is False else None,
        ),
        Column("auth", "Authentication", labelled("auth", ToolServer.Auth), empty="Not said"),
        Column("endpoint", "Address", "endpoint", kind="code", wide=True),
        Column("package", "Package", "package", kind="code", wide=True),
        Column("version", "Version", "release", shown=False),
        Column("description", "Description", "description", shown=False),
        Column("source", "Source", "source.label", shown=False),
    ),
    order="provider",
    empty=Empty("No tool servers yet", *IMPORT, icon="server", for_security=True),
)  # fmt: skip
