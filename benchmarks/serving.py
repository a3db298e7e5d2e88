"""A server in a process of its own, for as long as it is measured."""

import http.client
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def serving(command: Callable[[int], Sequence[str]]) -> Iterator[int]:
    """Starts what `command` says for a free port, and gives the port when it answers there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(command(port))
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(port: int) -> None:
    """Until it answers a request: the socket listens long before the program behind it is loaded."""
    for _ in range(240):
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            link.request("GET", "/healthz")
            link.getresponse().read()
        except (OSError, http.client.HTTPException):
            time.sleep(0.25)
        else:
            return
        finally:
            link.close()
    raise SystemExit(f"Nothing answers on port {port} after a minute.")
