"""What an MCP server answers: its name (`initialize`) and its tools (`tools/list`), page by page."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from inventory.importers.records import Incomplete, Rejected, Said, Tally, ToolServerRow
from inventory.importers.tool_rows import LONGEST_NAME, plain, tool_row
from inventory.importers.whole_json import Object, object_at

_LONGEST_ID = 900


def is_tool(item: Object) -> bool:
    return isinstance(item.get("inputSchema"), dict) and "name" in item


def is_answer(item: Object) -> bool:
    """A JSON-RPC answer, or what stands in one."""
    return "jsonrpc" in item or bool(_result(item))


def server_named(item: Object) -> str:
    """The server as the answer names it, or as whoever saved it does; "" where neither does."""
    said = item.get("server")
    if isinstance(said, str) and said and is_answer(item):
        return plain(said, LONGEST_NAME)
    return plain(_info(item).get("name"), LONGEST_NAME)


@dataclass(slots=True)
class _Server:
    place: str
    version: str = ""
    title: str = ""
    pages: int = 0
    unfinished: int = 0  # pages that name a next one
    protocol: str = ""
    tools: set[str] = field(default_factory=set)


class Answers:
    """All answers of a run, by server."""

    def __init__(self) -> None:
        self._servers: dict[str, _Server] = {}

    def take(self, item: Object, provider: str, place: str) -> Iterator[Said]:
        if "error" in item and not _result(item):
            yield Rejected(place, "error", "The server answered with an error. Ask it again.")
            return
        server = self._servers.setdefault(provider, _Server(place))
        result, info = _result(item), _info(item)
        server.version = plain(info.get("version"), 100) or server.version
        server.title = plain(info.get("title"), LONGEST_NAME) or server.title
        server.protocol = plain(result.get("protocolVersion"), 40) or server.protocol
        if "tools" in result:
            server.pages += 1
            server.unfinished += bool(result.get("nextCursor"))
            yield from self._tools(result["tools"], provider, server, f"{place} tools".strip())

    def _tools(self, found: object, provider: str, server: _Server, place: str) -> Iterator[Said]:
        if not isinstance(found, list):
            yield Rejected(place, "tools", "The tools are not a list. Ask the server again.")
            return
        for number, tool in enumerate(found):
            at = f"{place}[{number}]"
            name = tool.get("name") if isinstance(tool, dict) else None
            if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME:
                why = f"A tool has a name of 1 to {LONGEST_NAME} characters. Ask the server again."
                yield Rejected(at, "name", why)
                continue
            server.tools.add(name)
            yield tool_row(
                tool, external_id=_key(provider, name), place=at, provider=provider,
                scope=f"server/{provider}", attributes=_more(tool),
            )  # fmt: skip

    def end(self) -> Iterator[Said]:
        for provider, server in self._servers.items():
            if server.pages and server.unfinished == server.pages:
                yield Incomplete(
                    f"The tools of {provider} go on after these pages. Add the answers that follow."
                )
            yield ToolServerRow(
                external_id=f"answer/{provider}"[:_LONGEST_ID], place=server.place,
                scope=f"server/{provider}", provider=provider, origin="answered",
                title=server.title, release=server.version,
                attributes={"protocol": server.protocol} if server.protocol else {},
            )  # fmt: skip
            yield Tally("tools listed by servers", len(server.tools))


def _result(item: Object) -> Object:
    """What a server said: the result of a JSON-RPC answer, or the item where somebody took it out of its envelope."""
    result = object_at(item, "result") or item
    return result if isinstance(result.get("tools"), list) or "serverInfo" in result else {}


def _info(item: Object) -> Object:
    return object_at(_result(item), "serverInfo")


def _key(provider: str, name: str) -> str:
    return f"{provider}/{name}"


def _more(tool: Object) -> dict[str, object]:
    """What is shown and not pinned."""
    title = plain(tool.get("title") or object_at(tool, "annotations").get("title"), LONGEST_NAME)
    return {
        **({"title": title} if title else {}),
        **({"has_output_schema": True} if isinstance(tool.get("outputSchema"), dict) else {}),
    }
