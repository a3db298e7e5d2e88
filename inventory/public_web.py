"""One HTTPS request to a public address: pinned to addresses that were checked, without redirects, within seconds."""

import http.client
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from inventory.public_addresses import Allowed, is_public, resolve
from inventory.rules import RuleBroken

PORTS = {"https": 443, "http": 80}
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 15.0
MOST_ADDRESSES = 2  # one of each family, as a rule
MOST_READ = 4_096  # unless the caller wants more of the answer


class NotReached(Exception):
    """There was no answer; the message says why, in a sentence."""


@dataclass(frozen=True)
class Way:
    """How the network is reached; tests give their own guard, certificates and patience."""

    allowed: Allowed = is_public
    context: ssl.SSLContext | None = None
    seconds: float = ANSWER_SECONDS


@dataclass(frozen=True)
class Call:
    """What is sent, and how much of the answer is wanted."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    most_read: int = MOST_READ


@dataclass(frozen=True)
class Answer:
    """A status and the beginning of what came with it; `whole` is False when more followed."""

    status: int
    body: bytes
    whole: bool


def call(wanted: Call, *, way: Way) -> Answer:
    """Sends it once. Raises NotReached."""
    parts = urlsplit(wanted.url)
    if parts.scheme != "https" and not (settings.DEBUG and parts.scheme == "http"):
        raise NotReached("It does not begin with https://. Give an address that does.")
    addresses = _allowed_addresses(parts, way.allowed)
    connection = _Pinned(parts, addresses, way)
    watch = threading.Timer(way.seconds, connection.cut)
    watch.start()
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"Host": parts.netloc, "User-Agent": f"Mandate/{settings.VERSION}"}
        connection.request(wanted.method, path, body=wanted.body, headers=headers | wanted.headers)
        answer = connection.getresponse()
        body = answer.read(wanted.most_read + 1)
        if connection.is_cut:  # what looks like the end of its answer was ours
            raise TimeoutError
        most = wanted.most_read
        return Answer(answer.status, body[:most], whole=len(body) <= most)
    except ssl.SSLCertVerificationError as error:
        raise NotReached(f"Its certificate does not hold: {error.verify_message}.") from error
    except (OSError, http.client.HTTPException) as error:
        if connection.is_cut:
            raise NotReached(f"It did not answer within {way.seconds:g} seconds.") from error
        raise NotReached(f"It could not be reached: {_word(error)}.") from error
    finally:
        watch.cancel()
        connection.close()


def require_address(url: str) -> None:
    """What can be seen without asking the network; where the name leads is looked at before each call."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise RuleBroken(f"“{url}” is no address of a web server. Look at its port.") from error
    if parts.scheme != "https" and not (settings.DEBUG and parts.scheme == "http"):
        raise RuleBroken("It does not begin with https://. Give an address that does.")
    if not host or not url.isascii() or not url.isprintable() or " " in url:
        raise RuleBroken(f"“{url}” is no address of a web server.")
    if parts.username is not None or parts.password is not None:
        raise RuleBroken(
            "The address holds a user name or password. Leave them out: messages are signed."
        )
    if _is_number(host) and not is_public(host):
        raise RuleBroken(f"{host} is not a public address. Mandate reaches public addresses only.")


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _allowed_addresses(parts: SplitResult, allowed: Allowed) -> list[str]:
    """Resolved once, and then only these are connected to: a name that changes its answer in between wins nothing.
    One address that is not public condemns them all."""
    host = parts.hostname or ""
    try:
        found = resolve(host, _port(parts))
    except OSError as error:
        raise NotReached(f"{host} has no address: {_word(error)}.") from error
    refused = [address for address in found if not allowed(address)]
    if refused or not found:
        raise NotReached(f"{host} leads to {', '.join(refused)}, which is not a public address.")
    return found[:MOST_ADDRESSES]


class _Pinned(http.client.HTTPConnection):
    """A connection to addresses that were checked; the name is only for the Host header and the certificate."""

    def __init__(self, parts: SplitResult, addresses: list[str], way: Way) -> None:
        super().__init__(parts.hostname or "", _port(parts), timeout=CONNECT_SECONDS)
        self._addresses = addresses
        self._context = None
        if parts.scheme == "https":
            self._context = way.context or ssl.create_default_context()
        self._wire: socket.socket | None = None
        self._patience = way.seconds
        self.is_cut = False

    def connect(self) -> None:
        plain = self._connected()
        self._wire = plain.dup()  # stays ours when TLS takes the socket over
        plain.settimeout(self._patience)
        self.sock = plain
        if self._context is not None:
            self.sock = self._context.wrap_socket(plain, server_hostname=self.host)

    def cut(self) -> None:
        """Ends it from another thread: a receiver that sends a byte now and then would keep it open for ever."""
        self.is_cut = True
        if self._wire is not None:
            with suppress(OSError):
                self._wire.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        super().close()
        if self._wire is not None:
            self._wire.close()

    def _connected(self) -> socket.socket:
        problem = OSError("no address")
        for address in self._addresses:
            try:
                return socket.create_connection((address, self.port), timeout=CONNECT_SECONDS)
            except OSError as error:
                problem = error
        raise problem


def _port(parts: SplitResult) -> int:
    return parts.port or PORTS.get(parts.scheme, 443)


def _word(error: Exception) -> str:
    """What went wrong, in the system's words; the kind of error when it has none."""
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(said).rstrip(".")
