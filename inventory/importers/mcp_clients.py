"""Configurations of MCP clients: which servers a client starts or reaches, with which settings, and which of their
tools it may use. The client is an identity; what it holds follows from the servers (`server_tools.py`).
"""

from collections.abc import Iterator, Mapping

from inventory.importers import mcp_secrets
from inventory.importers.endpoints import Endpoint, read_endpoint
from inventory.importers.mcp_secrets import Secret
from inventory.importers.records import ExposureRow, IdentityRow, Rejected, Said, ToolServerRow
from inventory.importers.tool_rows import LONGEST_NAME, plain
from inventory.importers.whole_json import Object, object_at, texts_at

Servers = Mapping[str, Object]

# Where clients keep their servers: Claude, Cursor, Cline and most others; VS Code; VS Code's settings; OpenCode; Zed.
_PLACES = (("mcpServers",), ("servers",), ("mcp", "servers"), ("mcp",), ("context_servers",))
_ADDRESSES = ("url", "serverUrl", "httpUrl")
_RUNNERS = ("npx", "uvx", "bunx", "pnpx")
_ALL = "*"
_MOST_ARGUMENTS = 100


def servers_of(item: Object) -> Servers:
    """The servers that a configuration names; none where it is no configuration."""
    for place in _PLACES:
        found = object_at(item, *place)
        servers = {name: each for name, each in found.items() if isinstance(each, dict)}
        if any(_is_server(each) for each in servers.values()):
            return servers
    return {}


def client(servers: Servers, file_name: str, source: str, place: str) -> Iterator[Said]:
    """The client as an identity, its servers, and every secret that stands open in the file."""
    name = plain(file_name, 200) or "client"
    key = f"client/{source}/{name}" if source else f"client/{name}"
    yield IdentityRow(
        external_id=key, place=place, scope=key, kind="assistant",
        name=f"{name} ({source})" if source else name,
        attributes={"servers": sorted(plain(each, LONGEST_NAME) for each in servers)},
        caveats=("Known only from its configuration: who uses it, and how, is not in the file.",),
    )  # fmt: skip
    for said, server in servers.items():
        provider, at = plain(said, LONGEST_NAME), f"{place} {plain(said, 100)}".strip()
        if not _is_server(server):
            yield Rejected(at, "command", "The server has neither a command nor an address.")
            continue
        found = list(_secrets(server))
        yield _server(server, provider, key, at, secrets=bool(found))
        for secret in {each.setting: each for each in found}.values():
            setting = plain(secret.setting, LONGEST_NAME)
            yield ExposureRow(
                external_id=f"{key}|{provider}|{setting}"[:900], place=at, scope=key, identity=key,
                setting=setting, found_in=f"{name}, server {provider}"[:LONGEST_NAME],
                kind=secret.kind, fingerprint=secret.fingerprint,
            )  # fmt: skip


def _is_server(item: Object) -> bool:
    return bool(_command(item)) or any(isinstance(item.get(key), str) for key in _ADDRESSES)


def _server(item: Object, provider: str, key: str, place: str, *, secrets: bool) -> ToolServerRow:
    command = _command(item)
    reached = Endpoint("stdio") if command else _address(item)
    return ToolServerRow(
        external_id=f"{key}|{provider}"[:900], place=place, scope=key, provider=provider,
        origin="configured", identity=key, transport=reached.transport,
        endpoint=reached.address, encrypted=reached.encrypted,
        auth=_auth(item, secrets=secrets), package=_package(command),
        wants_secrets=tuple(name for name in _settings(item) if mcp_secrets.is_secret_name(name)),
        attributes=_attributes(item, command),
    )  # fmt: skip


def _address(item: Object) -> Endpoint:
    url = next((item[key] for key in _ADDRESSES if isinstance(item.get(key), str)), None)
    return read_endpoint(url, kind=item.get("type") or item.get("transport"))


def _command(item: Object) -> list[str]:
    """Program and arguments: some clients write a list, some a text and a list."""
    command = item.get("command")
    if isinstance(command, dict):  # Zed: {"path": ..., "args": [...]}
        return [str(command.get("path", "")), *texts_at(command.get("args"))]
    first = [command] if isinstance(command, str) and command else texts_at(command)
    return [*first, *texts_at(item.get("args"))] if first else []


def _environment(item: Object) -> Object:
    return (
        object_at(item, "env")
        or object_at(item, "environment")
        or object_at(item, "command", "env")
    )


def _headers(item: Object) -> Object:
    return object_at(item, "headers") or object_at(item, "requestInit", "headers")


def _settings(item: Object) -> list[str]:
    return [plain(name, 200) for name in (*_environment(item), *_headers(item))]


def _secrets(item: Object) -> Iterator[Secret]:
    yield from mcp_secrets.in_settings(_environment(item), "env")
    yield from mcp_secrets.in_settings(_headers(item), "headers")
    yield from mcp_secrets.in_arguments(_command(item)[1:], "args")
    for key in _ADDRESSES:
        yield from mcp_secrets.in_address(item.get(key), key)


def _auth(item: Object, *, secrets: bool) -> str:
    """How the client proves itself; "" where the file does not say: a server may ask for OAuth when it is reached."""
    if object_at(item, "oauth") or object_at(item, "auth"):
        return "oauth"
    named = any(mcp_secrets.is_secret_name(name) for name in _settings(item))
    return "static" if secrets or named else ""


def _package(command: list[str]) -> str:
    """The package that a runner fetches, or the image; "" for a program of the machine itself."""
    program = command[0].rpartition("/")[2] if command else ""
    words = [word for word in command[1:] if not word.startswith("-")]
    if program in _RUNNERS and words:
        return plain(words[0], 300)
    if program in ("docker", "podman") and "run" in words:
        images = [word for word in words if "/" in word and not word.startswith((".", "/"))]
        return plain(images[0], 300) if images else ""
    return ""


def _attributes(item: Object, command: list[str]) -> dict[str, object]:
    """What is shown. Arguments are left out: only their number is kept, because people put secrets into them."""
    allowed = [*texts_at(item.get("tools")), *texts_at(item.get("includeTools"))]
    denied = [*texts_at(item.get("excludeTools")), *texts_at(item.get("disabledTools"))]
    unasked = [*texts_at(item.get("autoApprove")), *texts_at(item.get("alwaysAllow"))]
    off = item.get("disabled") is True or item.get("enabled") is False
    return {
        **({"program": plain(command[0], 200)} if command else {}),
        **({"arguments": min(len(command) - 1, _MOST_ARGUMENTS)} if len(command) > 1 else {}),
        **({"settings": names} if (names := _settings(item)) else {}),
        **({"allowed_tools": allowed} if allowed and _ALL not in allowed else {}),
        **({"denied_tools": denied} if denied else {}),
        **({"called_without_asking": unasked} if unasked else {}),
        **({"disabled": True} if off else {}),
    }
