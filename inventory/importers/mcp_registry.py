"""Entries of an MCP registry: who publishes which server, how it is reached, and which secrets it wants, by name."""

from collections.abc import Iterator
from dataclasses import dataclass

from inventory.importers.endpoints import Endpoint, read_endpoint
from inventory.importers.mcp_secrets import is_secret_name
from inventory.importers.records import Incomplete, Rejected, Said, Tally, ToolServerRow
from inventory.importers.tool_rows import LONGEST_NAME, plain
from inventory.importers.whole_json import Object, object_at, objects_of

_OFFICIAL = "io.modelcontextprotocol.registry/official"
_NO_NAME = "The entry has no name, so nobody can tell what it is. It was left out."


def is_entry(item: Object) -> bool:
    """A server.json, or the entry of a list with one in it."""
    server = _server(item)
    return isinstance(server.get("name"), str) and any(
        key in server for key in ("packages", "remotes", "version_detail", "repository")
    )


def is_list(item: Object) -> bool:
    servers = item.get("servers")
    return isinstance(servers, list) and (not servers or any(map(is_entry, objects_of(servers))))


@dataclass(frozen=True, slots=True)
class _Entry:
    row: ToolServerRow
    latest: bool | None


class Registry:
    """All entries of a run: of several versions of a server the latest one stands for it."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._pages = self._unfinished = 0

    def take(self, item: Object, place: str) -> Iterator[Said]:
        listed = is_list(item)
        if listed:
            meta = object_at(item, "metadata")
            self._pages += 1
            self._unfinished += bool(meta.get("nextCursor") or meta.get("next_cursor"))
        for number, entry in enumerate(objects_of(item["servers"]) if listed else [item]):
            at = f"{place} servers[{number}]".strip() if listed else place
            yield from self._take(entry, at, single=not listed and not place.endswith("]"))

    def _take(self, entry: Object, place: str, *, single: bool) -> Iterator[Said]:
        server = _server(entry)
        name = plain(server.get("name"), LONGEST_NAME).strip()
        if not name:
            yield Rejected(place, "name", _NO_NAME, hides_a_row=False)
            return
        scope = f"registry/{name}"[:255] if single else "registry"
        found = _Entry(_row(server, name, place, scope), _is_latest(entry))
        known = self._entries.get(name)
        if known is None or found.latest or not known.latest:
            self._entries[name] = found

    def end(self) -> Iterator[Said]:
        if self._pages and self._pages == self._unfinished:
            yield Incomplete("The registry's list goes on after these pages. Add what follows.")
        for entry in self._entries.values():
            yield entry.row
        if self._entries:
            wanting = sum(bool(entry.row.wants_secrets) for entry in self._entries.values())
            yield Tally("servers in the registry", len(self._entries))
            yield Tally("servers that want a secret", wanting)


def _server(item: Object) -> Object:
    return object_at(item, "server") or item


def _is_latest(entry: Object) -> bool | None:
    said = (
        object_at(_server(entry), "version_detail").get("is_latest"),
        object_at(entry, "_meta", _OFFICIAL).get("isLatest"),
        object_at(_server(entry), "_meta", _OFFICIAL).get("is_latest"),
    )
    return next((each for each in said if isinstance(each, bool)), None)


def _row(server: Object, name: str, place: str, scope: str) -> ToolServerRow:
    packages, remotes = _objects(server, "packages"), _objects(server, "remotes")
    reached = _reached(packages, remotes)
    secrets = tuple(dict.fromkeys(_secrets([*packages, *remotes])))
    detail = object_at(server, "version_detail")
    repository = read_endpoint(object_at(server, "repository").get("url"))
    return ToolServerRow(
        external_id=f"registry/{name}", place=place, scope=scope, provider=name,
        origin="registry", title=plain(server.get("title"), LONGEST_NAME),
        description=plain(server.get("description"), 2_000),
        release=plain(server.get("version") or detail.get("version"), 100),
        transport=reached.transport, endpoint=reached.address, encrypted=reached.encrypted,
        auth="static" if secrets else "", package=_package(packages[0]) if packages else "",
        wants_secrets=secrets,
        attributes={
            **({"repository": repository.address} if repository.address else {}),
            **({"status": said} if (said := plain(server.get("status"), 40)) else {}),
            **({"remotes": len(remotes)} if remotes else {}),
        },
    )  # fmt: skip


def _reached(packages: list[Object], remotes: list[Object]) -> Endpoint:
    """The first remote address; a package without one runs as a local process."""
    for remote in remotes:
        kind = remote.get("type") or remote.get("transport_type")
        return read_endpoint(remote.get("url"), kind=kind)
    for package in packages:
        transport = object_at(package, "transport")
        if transport.get("url"):
            return read_endpoint(transport.get("url"), kind=transport.get("type"))
    return Endpoint(transport="stdio") if packages else Endpoint()


def _package(package: Object) -> str:
    kind = plain(package.get("registryType") or package.get("registry_name"), 40)
    name = plain(package.get("identifier") or package.get("name"), 300)
    version = plain(package.get("version"), 100)
    return f"{kind}:{name}" + (f"@{version}" if version else "")


def _secrets(parts: list[Object]) -> Iterator[str]:
    """The names of settings and headers that carry a secret; neither values nor defaults are read."""
    for part in parts:
        for key in ("environmentVariables", "environment_variables", "headers"):
            for setting in _objects(part, key):
                name = plain(setting.get("name"), 200)
                said = setting.get("isSecret", setting.get("is_secret"))
                if name and (said is True or (said is None and is_secret_name(name))):
                    yield name


def _objects(item: Object, key: str) -> list[Object]:
    found = item.get(key)
    return objects_of(found) if isinstance(found, list) else []
