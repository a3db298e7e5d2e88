"""A small client that keeps many connections busy from one thread, so that it takes little of the machine it measures."""

import selectors
import socket
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """What came of a run: answers a second, milliseconds, and how many were not 200."""

    rate: float
    p50: float
    p99: float
    wrong: int


def request_bytes(path: str, body: bytes, token: str = "") -> bytes:
    method = "POST" if body else "GET"
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def run(port: int, requests: Sequence[bytes], *, clients: int, seconds: float) -> Load:
    """Each client sends its next request when its last one is answered."""
    selector = selectors.DefaultSelector()
    started: dict[socket.socket, float] = {}
    buffers: dict[socket.socket, bytearray] = {}
    took: list[float] = []
    number, wrong = 0, 0
    for _ in range(clients):
        link = socket.create_connection(("127.0.0.1", port))
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(link, selectors.EVENT_READ)
        buffers[link] = bytearray()
        started[link] = time.perf_counter()
        link.sendall(requests[number % len(requests)])
        number += 1
    began = time.perf_counter()
    while (now := time.perf_counter()) - began < seconds:
        for key, _ in selector.select(1):
            link = key.fileobj
            buffer = buffers[link]
            part = link.recv(262_144)
            if not part:
                raise SystemExit("The server closed a connection.")
            buffer += part
            if not _is_whole(buffer):
                continue
            now = time.perf_counter()
            took.append((now - started[link]) * 1000)
            wrong += not buffer.startswith(b"HTTP/1.1 200")
            buffer.clear()
            started[link] = now
            link.sendall(requests[number % len(requests)])
            number += 1
    spent = time.perf_counter() - began
    for link in buffers:
        link.close()
    ordered = sorted(took)
    return Load(len(took) / spent, statistics.median(took), ordered[int(len(took) * 0.99)], wrong)


def _is_whole(buffer: bytearray) -> bool:
    head = buffer.find(b"\r\n\r\n")
    if head < 0:
        return False
    for line in bytes(buffer[:head]).split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return len(buffer) >= head + 4 + int(line.split(b":")[1])
    return buffer.endswith(b"\r\n0\r\n\r\n")  # chunked, its last chunk
