"""MCP: what servers answer, what registries list, and what clients are configured with."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inventory.models import Exposure, Identity, Tool, ToolBinding, ToolServer
from tests.inventory.importers.loading import is_unchanged, run
from tests.samples import sample

pytestmark = pytest.mark.django_db

Write = Callable[[str, Any], Path]
TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(name: str, content: Any) -> Path:
        path = tmp_path / name
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    return written


def a_tool_of(name: str, **more: object) -> dict[str, object]:
    return {"name": name, "description": f"Does {name}", "inputSchema": {"type": "object"}, **more}


def answer(*tools: dict[str, object], **result: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "result": {"tools": list(tools), **result}}


def client(**servers: object) -> dict[str, object]:
    return {"mcpServers": servers}


def test_an_answer_in_its_envelope_and_one_without_say_the_same(write: Write) -> None:
    tool = a_tool_of("create_issue", annotations={"readOnlyHint": False, "destructiveHint": False})

    run("mcp", write("github.json", answer(tool)))
    bare = run("mcp", write("github.json", {"tools": [tool]}))

    assert is_unchanged(bare)
    (found,) = Tool.objects.all()
    assert (found.provider, found.name, found.state) == ("github", "create_issue", "unset")
    assert (found.hinted_risk, found.judged_risk, found.writes) == ("medium", "medium", True)
    assert len(found.descriptor_digest) == 64


def test_the_server_names_itself_where_it_does(write: Write) -> None:
    hello = {
        "jsonrpc": "2.0", "id": 0,
        "result": {"protocolVersion": "2025-11-25", "serverInfo": {"name": "ledger", "version": "2"}},
    }  # fmt: skip

    run("mcp", write("recorded.json", [hello, answer(a_tool_of("post_invoice"))]))

    assert Tool.objects.get().provider == "ledger"
    server = ToolServer.objects.get()
    assert (server.release, server.attributes["protocol"]) == ("2", "2025-11-25")


def test_a_page_that_goes_on_leaves_the_rest_alone(write: Write) -> None:
    run("mcp", write("github.json", answer(a_tool_of("one"), a_tool_of("two"))))

    half = run("mcp", write("github.json", answer(a_tool_of("one"), nextCursor="2")))

    assert not half["complete"]
    assert Tool.objects.filter(gone_at=None).count() == 2


def test_all_pages_together_are_the_whole_list(write: Write) -> None:
    run("mcp", write("github.json", answer(a_tool_of("one"), a_tool_of("two"))))
    pages = [
        write("github-page-1.json", answer(a_tool_of("one"), nextCursor="2")),
        write("github-page-2.json", answer(a_tool_of("three"))),
    ]

    whole = run("mcp", *pages)

    assert whole["complete"]
    assert set(Tool.objects.filter(gone_at=None).values_list("name", flat=True)) == {"one", "three"}


def test_one_server_says_nothing_of_another(write: Write) -> None:
    run("mcp", write("github.json", answer(a_tool_of("one"))))

    run("mcp", write("ledger.json", answer(a_tool_of("two"))))

    assert Tool.objects.filter(gone_at=None).count() == 2


def test_a_changed_description_ends_the_approval(write: Write) -> None:
    run("mcp", write("github.json", answer(a_tool_of("one"))))
    tool = Tool.objects.get()
    Tool.objects.update(
        state="approved",
        approved_digest=tool.descriptor_digest,
        approved_descriptor=tool.descriptor,
    )

    run("mcp", write("github.json", answer(a_tool_of("one", description="Now it mails them too"))))

    changed = Tool.objects.get()
    assert changed.is_changed
    assert changed.approved_descriptor["description"] == "Does one"
    assert changed.descriptor["description"] == "Now it mails them too"


@pytest.mark.parametrize("first", ["client", "server"])
def test_a_client_holds_the_tools_of_its_servers_in_whichever_order_they_come(
    write: Write, first: str
) -> None:
    files = [
        write("desk.json", client(github={"command": "npx", "args": ["-y", "server-github"]})),
        write("github.json", answer(a_tool_of("one"), a_tool_of("two"))),
    ]

    for file in files if first == "client" else reversed(files):
        run("mcp", file)

    held = ToolBinding.objects.filter(gone_at=None, identity__name="desk", origin="declared")
    assert set(held.values_list("tool__name", flat=True)) == {"one", "two"}


def test_a_client_holds_only_what_its_configuration_lets_it(write: Write) -> None:
    limited = {"command": "x", "includeTools": ["one", "two"], "excludeTools": ["two"]}

    run(
        "mcp",
        write("desk.json", client(github=limited)),
        write("github.json", answer(a_tool_of("one"), a_tool_of("two"), a_tool_of("three"))),
    )

    assert ToolBinding.objects.get().tool.name == "one"


def test_a_secret_in_a_configuration_leaves_only_its_fingerprint(write: Write) -> None:
    servers = {
        "github": {"command": "docker", "args": ["run"], "env": {"GITHUB_TOKEN": TOKEN}},
        "wiki": {"url": f"https://wiki.example/mcp?api_key={TOKEN}"},
        "shop": {"url": "https://shop.example", "headers": {"Authorization": f"Bearer {TOKEN}"}},
        "mail": {"command": "mail", "args": ["--password", "correct-horse-battery"]},
    }

    outcome = run("mcp", write("desk.json", client(**servers)))

    found = Exposure.objects.order_by("setting")
    assert [(one.setting, one.found_in) for one in found] == [
        ("args[1]", "desk, server mail"),
        ("env.GITHUB_TOKEN", "desk, server github"),
        ("headers.Authorization", "desk, server shop"),
        ("url?api_key", "desk, server wiki"),
    ]
    assert len({one.fingerprint for one in found}) == 2
    assert {one.identity.name for one in found} == {"desk"}
    assert TOKEN not in everything_stored()
    assert "correct-horse" not in everything_stored()
    assert TOKEN not in json.dumps(outcome)


def test_an_exposed_secret_is_gone_once_the_configuration_refers_to_it(write: Write) -> None:
    run("mcp", write("desk.json", client(github={"command": "x", "env": {"TOKEN": TOKEN}})))

    run("mcp", write("desk.json", client(github={"command": "x", "env": {"TOKEN": "${TOKEN}"}})))

    assert not Exposure.objects.filter(gone_at=None).exists()
    assert ToolServer.objects.get().wants_secrets == ["TOKEN"]


def test_addresses_are_kept_without_what_they_carry(write: Write) -> None:
    address = "http://bot:hunter2hunter@tools.example:8080/mcp?session=abc#top"

    run("mcp", write("desk.json", client(far={"url": address}, near={"url": "http://[::1]:3000"})))

    far = ToolServer.objects.get(provider="far")
    assert (far.endpoint, far.encrypted) == ("http://tools.example:8080/mcp", False)
    assert ToolServer.objects.get(provider="near").encrypted is None


def test_what_is_nothing_of_it_is_named_and_the_rest_is_read(write: Write) -> None:
    mixed = [answer(a_tool_of("one"), {"name": ""}), {"hello": 1}, {"jsonrpc": "2.0", "error": {}}]

    outcome = run("mcp", write("github.json", mixed))

    assert [row["place"] for row in outcome["rejections"]] == ["[0] tools[1]", "[1]", "[2]"]
    assert not outcome["complete"]
    assert Tool.objects.count() == 1


@pytest.mark.parametrize(
    "entry",
    [
        {
            "name": "io.example/ledger", "description": "Ledger", "version": "1.2.0",
            "packages": [{
                "registryType": "npm", "identifier": "@example/ledger", "version": "1.2.0",
                "transport": {"type": "stdio"},
                "environmentVariables": [
                    {"name": "LEDGER_LOGIN", "isSecret": True, "default": TOKEN},
                    {"name": "REGION"},
                ],
            }],
        },
        {
            "name": "io.example/ledger", "description": "Ledger",
            "version_detail": {"version": "1.2.0", "is_latest": True},
            "packages": [{
                "registry_name": "npm", "name": "@example/ledger", "version": "1.2.0",
                "environment_variables": [{"name": "LEDGER_TOKEN", "value": TOKEN}],
            }],
        },
    ],
)  # fmt: skip
def test_registry_entries_of_either_schema(write: Write, entry: dict[str, object]) -> None:
    run("mcp", write("server.json", entry))

    server = ToolServer.objects.get()
    assert (server.provider, server.release, server.transport) == ("io.example/ledger", "1.2.0", "stdio")  # fmt: skip
    assert server.package == "npm:@example/ledger@1.2.0"
    assert len(server.wants_secrets) == 1
    assert TOKEN not in everything_stored()


def test_of_a_registry_s_versions_the_latest_stands_for_the_server(write: Write) -> None:
    def version(number: str, *, latest: bool) -> dict[str, object]:
        official = {"io.modelcontextprotocol.registry/official": {"isLatest": latest}}
        server = {"name": "io.example/ledger", "version": number, "remotes": []}
        return {"server": server, "_meta": official}

    versions = [version("1", latest=False), version("3", latest=True), version("2", latest=False)]

    run("mcp", write("list.json", {"servers": versions, "metadata": {"count": 3}}))

    assert ToolServer.objects.get().release == "3"


def test_the_seed_of_the_registry_is_read_whole_and_without_secrets() -> None:
    seed = sample("mcp/registry-seed.json")
    entries = json.loads(seed.read_text(encoding="utf-8"))
    named = {entry["name"] for entry in entries if entry["name"]}

    outcome = run("mcp", seed)
    again = run("mcp", seed)

    assert outcome["complete"]
    assert outcome["rejected"] == len(entries) - len(named) == 7
    assert ToolServer.objects.count() == len(named) == 464
    wanted = ToolServer.objects.exclude(wants_secrets=[])
    assert wanted.count() == outcome["file"]["servers that want a secret"] > 150
    assert not Exposure.objects.exists()
    assert is_unchanged(again)


def test_every_configuration_of_a_server_s_handbook_is_understood(write: Write) -> None:
    """Of fifteen clients, each with its own words; all of them only say where to put the token."""
    shown = json.loads(sample("mcp/github_mcp_server_docs.json").read_text(encoding="utf-8"))
    files = [write(f"client-{number}.json", one["config"]) for number, one in enumerate(shown)]

    outcome = run("mcp", *files)

    assert outcome["rejected"] == 0
    assert Identity.objects.count() == ToolServer.objects.count() == len(shown)
    assert set(ToolServer.objects.values_list("provider", flat=True)) == {"github"}
    assert set(ToolServer.objects.values_list("transport", flat=True)) == {"stdio", "http"}
    assert not Exposure.objects.exists()


def test_a_governed_desktop_has_two_local_servers() -> None:
    run("mcp", sample("mcp/ms_agt_claude_desktop_config.example.json"))

    found = ToolServer.objects.values_list("provider", "transport")
    assert set(found) == {("filesystem-governed", "stdio"), ("shell-governed", "stdio")}


def everything_stored() -> str:
    rows = [
        *ToolServer.objects.values(), *Exposure.objects.values(), *Identity.objects.values(),
        *Tool.objects.values(),
    ]  # fmt: skip
    return repr(rows)
