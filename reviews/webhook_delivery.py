"""One attempt to tell a platform: a signed POST to a public address, within seconds, without redirects."""

import hashlib
import http.client
import json
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from reviews import links, webhook_keys
from reviews.models import Notification
from reviews.public_addresses import Allowed, is_public, resolve

PORTS = {"https": 443, "http": 80}
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 15.0
MOST_ADDRESSES = 2  # one of each family, as a rule
MOST_READ = 4_096  # of an answer nothing but its status counts


class NotDelivered(Exception):
    """The receiver did not take it; the message says why, in a sentence."""


@dataclass(frozen=True)
class Way:
    """How the network is reached; tests give their own guard, certificates and patience."""

    allowed: Allowed = is_public
    context: ssl.SSLContext | None = None
    seconds: float = ANSWER_SECONDS


def deliver(notification: Notification, *, at: datetime, way: Way) -> None:
    """Posts the message once. Whoever receives it twice sees the same `webhook-id`. Raises NotDelivered."""
    webhook = notification.webhook
    if webhook is None:
        raise ValueError(f"notification {notification.pk} is for a person")
    parts = urlsplit(webhook.url)
    body = body_of(notification)
    headers = {
        "Host": parts.netloc,
        "Content-Type": "application/json",
        "User-Agent": f"Mandate/{settings.VERSION}",
        **webhook_keys.headers(
            webhook, message=id_of(notification), timestamp=int(at.timestamp()), body=body
        ),
    }
    status = _post(parts, body, headers, way)
    if 300 <= status < 400:
        raise NotDelivered(
            f"It answered {status}. Redirects are not followed: give the last address."
        )
    if not 200 <= status < 300:
        raise NotDelivered(f"It answered {status}.")


def id_of(notification: Notification) -> str:
    """The same at every attempt; another one in another database, whatever the numbers of its rows."""
    return f"msg_{hashlib.sha256(notification.key.encode()).hexdigest()[:32]}"


def body_of(notification: Notification) -> bytes:
    """Type, time and what happened, with a link to the page where it is dealt with."""
    told = {
        "type": notification.event,
        "timestamp": notification.created_at.isoformat(),
        "data": {
            **notification.payload,
            "about": notification.about,
            "title": notification.title,
            "text": notification.body,
            "url": links.absolute(notification.path),
        },
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def _post(parts: SplitResult, body: bytes, headers: dict[str, str], way: Way) -> int:
    if parts.scheme != "https" and not (settings.DEBUG and parts.scheme == "http"):
        raise NotDelivered("It does not begin with https://. Give an address that does.")
    addresses = _allowed_addresses(parts, way.allowed)
    connection = _Pinned(parts, addresses, way)
    watch = threading.Timer(way.seconds, connection.cut)
    watch.start()
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body=body, headers=headers)
        answer = connection.getresponse()
        answer.read(MOST_READ)
        if connection.is_cut:  # what looks like the end of its answer was ours
            raise TimeoutError
        return answer.status
    except ssl.SSLCertVerificationError as error:
        raise NotDelivered(f"Its certificate does not hold: {error.verify_message}.") from error
    except (OSError, http.client.HTTPException) as error:
        if connection.is_cut:
            raise NotDelivered(f"It did not answer within {way.seconds:g} seconds.") from error
        raise NotDelivered(f"It could not be reached: {_word(error)}.") from error
    finally:
        watch.cancel()
        connection.close()


def _allowed_addresses(parts: SplitResult, allowed: Allowed) -> list[str]:
    """Resolved once, and then only these are connected to: a name that changes its answer in between wins nothing.
    One address that is not public condemns them all."""
    host = parts.hostname or ""
    try:
        found = resolve(host, _port(parts))
    except OSError as error:
        raise NotDelivered(f"{host} has no address: {_word(error)}.") from error
    refused = [address for address in found if not allowed(address)]
    if refused or not found:
        raise NotDelivered(f"{host} leads to {', '.join(refused)}, which is not a public address.")
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
