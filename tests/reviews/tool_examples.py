"""The smallest rows of each answer for the checks of tools."""

from typing import Any

from inventory import tool_likeness
from inventory.models import Identity, Tool, ToolBinding, ToolServer
from tests.factories import (
    a_binding,
    a_credential,
    a_server,
    a_source,
    a_tool,
    ago,
    an_exposure,
    an_identity,
)

OUT = "not applicable"
_names = iter(range(1_000_000))


def held(identity: dict[str, Any] | None = None, **tool: Any) -> ToolBinding:
    tool = {"name": f"tool_{next(_names)}_of_its_own", **tool}
    return a_binding(an_identity(**(identity or {})), a_tool(**tool))


def second(name: str, *, like: str, provider: str = "other-mcp", **fields: Any) -> Tool:
    """A tool beside an approved one."""
    a_tool(name=like, state="approved")
    tool = a_tool(provider=provider, name=name, **fields)
    tool_likeness.refresh()
    return tool


def configured(**fields: Any) -> ToolServer:
    return a_server(identity=an_identity(), **fields)


def reached(
    endpoint: str, *, encrypted: bool | None, auth: str = "static", **more: Any
) -> ToolServer:
    return configured(transport="http", endpoint=endpoint, encrypted=encrypted, auth=auth, **more)


def an_agent(*, exposed: bool = False, read: bool = False, **fields: Any) -> Identity:
    agent = an_identity(**{"kind": Identity.Kind.ASSISTANT, **fields})
    if read:
        a_server(identity=agent)
    if exposed:
        an_exposure(agent)
    return agent


def with_leaked_key(**key: Any) -> Identity:
    agent = an_agent(read=True)
    a_credential(identity=agent, compromised_at=ago(1), **key)
    return agent


TOOLS = [
    ("tool-descriptor-pinned", "fail", "changed", lambda: held(
        state="approved", descriptor_digest="b" * 64, approved_digest="a" * 64
    )),
    ("tool-descriptor-pinned", "pass", "as approved", lambda: held(state="approved")),
    ("tool-descriptor-pinned", "unknown", "nobody decided", held),
    ("tool-descriptor-pinned", OUT, "disabled", lambda: held(state="disabled")),
    ("tool-descriptor-pinned", OUT, "retired", lambda: held(
        {"lifecycle": "retired", "retired_at": ago(1)}, state="approved"
    )),
    ("new-tool-unapproved", "fail", "nobody decided", held),
    ("new-tool-unapproved", "fail", "disabled and held", lambda: held(state="disabled")),
    ("new-tool-unapproved", "pass", "approved", lambda: held(state="approved")),
    ("new-tool-unapproved", OUT, "gone", lambda: held(gone_at=ago(1))),
    ("tool-name-collision", "fail", "same name", lambda: second("send_invoice", like="send_invoice")),
    ("tool-name-collision", "fail", "written otherwise", lambda: second("sendReminder", like="send-reminder")),
    ("tool-name-collision", "pass", "both approved", lambda: second(
        "archive_case", like="archive_case", state="approved"
    )),
    ("tool-name-collision", "pass", "one provider", lambda: second(
        "getTicket", like="get_ticket", provider="ledger-mcp"
    )),
    ("tool-name-collision", OUT, "disabled", lambda: second("close_book", like="close_book", state="disabled")),
    ("tool-look-alike", "fail", "two letters", lambda: second("transfer_fundss", like="transfer_funds")),
    ("tool-look-alike", "fail", "Cyrillic letters", lambda: second("re\u0430d_mailbox", like="read_mailbox")),
    ("tool-look-alike", "pass", "three letters", lambda: second("approve_claimxyz", like="approve_claim")),
    ("tool-look-alike", "pass", "short", lambda: second("get_x", like="get_y")),
    ("tool-look-alike", "pass", "one provider", lambda: second(
        "list_orders", like="list_order", provider="ledger-mcp"
    )),
    ("tool-look-alike", OUT, "disabled", lambda: second("merge_branchs", like="merge_branch", state="disabled")),
    ("tool-server-transport", "fail", "in the clear", lambda: reached("http://tools.example", encrypted=False)),
    ("tool-server-transport", "fail", "asks nobody", lambda: reached(
        "https://tools.example", encrypted=True, auth="none", origin="card"
    )),
    ("tool-server-transport", "pass", "encrypted", lambda: reached("https://tools.example", encrypted=True)),
    ("tool-server-transport", "pass", "local process", lambda: configured(transport="stdio")),
    ("tool-server-transport", "pass", "own machine", lambda: reached("http://localhost", encrypted=None, auth="")),
    ("tool-server-transport", "unknown", "no authentication said", lambda: reached(
        "https://tools.example", encrypted=True, auth=""
    )),
    ("tool-server-transport", "unknown", "no address", lambda: configured(transport="")),
    ("tool-server-transport", OUT, "registry", lambda: configured(origin="registry", transport="stdio")),
    ("no-exposed-secret", "fail", "in a configuration", lambda: an_agent(exposed=True, read=True)),
    ("no-exposed-secret", "fail", "leaked and alive", with_leaked_key),
    ("no-exposed-secret", "fail", "of no agent", lambda: an_agent(exposed=True, kind="service_account")),
    ("no-exposed-secret", "pass", "read and clean", lambda: an_agent(read=True)),
    ("no-exposed-secret", "pass", "leaked and revoked", lambda: with_leaked_key(revoked_at=ago(0.5))),
    ("no-exposed-secret", "unknown", "no configuration", an_agent),
    ("no-exposed-secret", "unknown", "silent source", lambda: an_agent(
        read=True, source=a_source(last_complete_at=ago(15), last_run_at=ago(15))
    )),
    ("no-exposed-secret", OUT, "no agent", lambda: an_agent(kind="service_account")),
]  # fmt: skip
