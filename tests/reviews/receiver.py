"""A platform that receives webhooks: a small HTTP server in a thread, and what it was sent."""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from inventory.public_web import Way
from reviews.models import Notification, Webhook
from tests.factories import NOW

# The guard is an argument: here the loopback address of the test is what may be reached.
HERE = Way(allowed=lambda address: address in ("127.0.0.1", "::1"))


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """`status` is what it answers; with `drip` it sends its answer a byte at a time, for ever."""

    url: str = ""
    status: int = 200
    drip: bool = False
    location: str = ""
    got: list[Received] = field(default_factory=list)


@contextmanager
def listening(context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    receiver = Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(receiver))
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    port, scheme = server.server_address[1], "https" if context else "http"
    receiver.url = f"{scheme}://127.0.0.1:{port}/hooks/mandate"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.got.append(Received(self.path, headers, body))
            if receiver.drip:
                self._drip()
                return
            self.send_response(receiver.status)
            if receiver.location:
                self.send_header("Location", receiver.location)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def _drip(self) -> None:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            for _ in range(200):
                try:
                    self.wfile.write(b"x")
                    self.wfile.flush()
                except OSError:
                    return
                time.sleep(0.05)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    return Handler


def a_webhook(**fields: Any) -> Webhook:
    number = Webhook.objects.count() + 1
    given = {
        "name": f"platform {number}",
        "url": "https://hooks.example.com/mandate",
        "created_at": NOW,
    }
    return Webhook.objects.create(**{**given, **fields})


def a_delivery(webhook: Webhook, **fields: Any) -> Notification:
    number = Notification.objects.count() + 1
    given = {
        "event": "request.approved",  # an event that nothing overtakes
        "about": f"order:{number}",
        "key": f"delivery {number}",
        "title": "invoice-bot asks for pay",
        "path": "/requests/7/",
        "payload": {"request": 7},
        "created_at": NOW,
        "next_try_at": NOW,
    }
    return Notification.objects.create(webhook=webhook, **{**given, **fields})
