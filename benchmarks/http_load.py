"""A small client that keeps many connections busy from one thread, so that it takes little of the machine it measures."""

import re
import select
import socket
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)


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
    ready = select.epoll()
    links: dict[int, socket.socket] = {}
    started: dict[int, float] = {}
    buffers: dict[int, bytearray] = {}
    took: list[float] = []
    number, wrong = 0, 0
    for _ in range(clients):
        link = socket.create_connection(("127.0.0.1", port))
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = link.fileno()
        ready.register(key, select.EPOLLIN)
        links[key], buffers[key], started[key] = link, bytearray(), time.perf_counter()
        link.sendall(requests[number % len(requests)])
        number += 1
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        for key, _ in ready.poll(1):
            part = links[key].recv(262_144)
            if not part:
                raise SystemExit("The server closed a connection.")
            buffer = buffers[key]
            buffer += part
            if not _is_whole(buffer):
                continue
            now = time.perf_counter()
            took.append((now - started[key]) * 1000)
            wrong += not buffer.startswith(b"HTTP/1.1 200")
            buffer.clear()
            started[key] = now
            links[key].sendall(requests[number % len(requests)])
            number += 1
    spent = time.perf_counter() - began
    ready.close()
    for link in links.values():
        link.close()
    ordered = sorted(took)
    return Load(len(took) / spent, statistics.median(took), ordered[int(len(took) * 0.99)], wrong)


def _is_whole(buffer: bytearray) -> bool:
    head = buffer.find(b"\r\n\r\n")
    if head < 0:
        return False
    said = _LENGTH.search(buffer, 0, head + 2)
    if said is not None:
        return len(buffer) >= head + 4 + int(said[1])
    return buffer.endswith(b"\r\n0\r\n\r\n")  # chunked, its last chunk
