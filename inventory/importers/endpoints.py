"""Where a tool server or an agent is reached: an address fit to keep, its transport, and whether it is encrypted."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from inventory.importers.secrets import redact

_TRANSPORTS = {
    "sse": "sse", "http": "http", "streamablehttp": "http", "streamable_http": "http",
    "streamable-http": "http", "remote": "http", "stdio": "stdio", "local": "stdio",
    "ws": "websocket", "websocket": "websocket", "grpc": "grpc", "jsonrpc": "http",
    "http+json": "http",
}  # fmt: skip
_ENCRYPTED = {"https": True, "wss": True, "grpcs": True, "http": False, "ws": False}
_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`encrypted` is None where nothing goes over a network, or where the address does not tell."""

    transport: str = ""
    address: str = ""
    encrypted: bool | None = None


def read_endpoint(address: object, *, kind: object = None) -> Endpoint:
    """From an address and what the file calls the transport. User, password, query and fragment are dropped."""
    named = _TRANSPORTS.get(kind.lower().replace(" ", ""), "") if isinstance(kind, str) else ""
    if not isinstance(address, str) or not address:
        return Endpoint(named)
    parts = _split(address)
    if parts is None:
        return Endpoint(named)
    scheme, host, rest = parts
    encrypted = None if _is_local(host) else _ENCRYPTED.get(scheme)
    transport = named or ("websocket" if scheme in ("ws", "wss") else "http")
    return Endpoint(transport, redact(f"{scheme}://{rest}")[:_LONGEST], encrypted)


def _split(address: str) -> tuple[str, str, str] | None:
    """Scheme, host, and what may be kept after the scheme."""
    try:
        parts = urlsplit(address.replace("\0", "").strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if not parts.scheme or not host:
        return None
    shown = f"[{host}]" if ":" in host else host
    return parts.scheme.lower(), host, shown + (f":{port}" if port else "") + parts.path


def _is_local(host: str) -> bool:
    """What never leaves the machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    if not re.fullmatch(r"[0-9a-f.:]+", host):
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
