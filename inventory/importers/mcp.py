"""Reads what is known of MCP: servers' lists of tools, entries of registries, and configurations of clients.

Shapes: Model Context Protocol, versions 2024-11-05 to 2025-11-25 (`initialize`, `tools/list`); MCP registry,
`server.json` and lists of servers, with the names of 2025-05 and since; configuration files of clients.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from inventory.importers import mcp_answers, mcp_clients, mcp_registry
from inventory.importers.base import Connector, SourceFile, WrongFile
from inventory.importers.records import Rejected, Said, Tally
from inventory.importers.whole_json import Object, objects_of, read_json

# Pages of one answer are often saved as files of their own.
_PAGE = re.compile(r"[-_. ](?:page|part)[-_. ]?\d+$|[-_. ]tools(?:[-_. ]list)?$", re.IGNORECASE)
_STRANGE = (
    "This is no tools/list answer, no server.json and no client configuration. It was left out."
)


class Mcp(Connector):
    """MCP servers with their tools, entries of registries, and the clients that use them."""

    key = "mcp"
    label = "MCP servers and clients"
    namespace = "mcp"
    help = (
        "Upload what servers answer to tools/list (a file for each, named like the server), server.json files or "
        "lists of a registry, and configuration files of clients (mcpServers), together or one by one."
    )
    suffixes = (".json",)

    def rows(self, files: Sequence[SourceFile]) -> Iterator[Said]:
        reading = _Reading(self.source if self.source != self.key else "")
        for file in files:
            yield from reading.file(file, f"{file.name} " if len(files) > 1 else "")
        yield from reading.end()


class _Reading:
    """One run: files in any order, then what only all of them together tell."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._answers = mcp_answers.Answers()
        self._registry = mcp_registry.Registry()
        self._clients = 0

    def file(self, file: SourceFile, before: str) -> Iterator[Said]:
        document = read_json(file)
        items = objects_of(document)
        is_list = isinstance(document, list)
        if items and all(mcp_answers.is_tool(item) for item in items):
            items, is_list = [{"tools": items}], False
        name = PurePosixPath(file.name).stem
        server = _PAGE.sub("", name) or name
        for number, item in enumerate(items):
            place = f"{before}[{number}]" if is_list else file.name
            server = mcp_answers.server_named(item) or server
            yield from self._item(item, place, name, server)
        if not items:
            raise WrongFile(f"{file.name} holds no object. Export it again.")

    def _item(self, item: Object, place: str, client: str, server: str) -> Iterator[Said]:
        servers = mcp_clients.servers_of(item)
        if servers:
            self._clients += 1
            yield from mcp_clients.client(servers, client, self._source, place)
        elif mcp_registry.is_entry(item) or mcp_registry.is_list(item):
            yield from self._registry.take(item, place)
        elif mcp_answers.is_answer(item):
            yield from self._answers.take(item, server, place)
        else:
            yield Rejected(place, "", _STRANGE)

    def end(self) -> Iterator[Said]:
        yield from self._answers.end()
        yield from self._registry.end()
        if self._clients:
            yield Tally("client configurations", self._clients)
