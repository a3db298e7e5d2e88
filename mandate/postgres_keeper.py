"""Runs the embedded PostgreSQL for as long as anybody uses it; a small process of its own.

A user is a process that holds a shared lock on the file `in-use`. The kernel drops the lock also
when that process is killed, so the server never outlives its last user and nobody has to count.
Standard library only: it starts in 20 ms.
"""

import ctypes
import fcntl
import signal
import subprocess
import sys
import threading
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15


def stop_with_parent(number: signal.Signals) -> None:
    """Asks the kernel to send us this signal when our parent is gone (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number))


def rename_process(name: str) -> None:
    """What `top` and `ps -o comm` show, up to 15 characters (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name[:15].encode())


def stop_when_unused(in_use: Path, server: "subprocess.Popen[bytes]") -> None:
    """Waits until the last user is gone, then asks PostgreSQL for a fast shutdown.

    The lock stays taken until the server is down: who arrives meanwhile waits and starts it anew.
    """
    lock = in_use.open("ab")
    fcntl.flock(lock, fcntl.LOCK_EX)
    server.send_signal(signal.SIGINT)
    server.wait()
    lock.close()


def keep(in_use: Path, log: Path, account: str, command: list[str]) -> int:
    """Starts PostgreSQL (as this account, "" for ours) and stays until it has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with log.open("ab") as output:
        server = subprocess.Popen(
            command,
            cwd="/",  # the account may not be allowed to look at ours
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            user=int(account.split(":")[0]) if account else None,
            group=int(account.split(":")[1]) if account else None,
            extra_groups=[] if account else None,
            preexec_fn=lambda: stop_with_parent(signal.SIGINT),
        )
    threading.Thread(target=stop_when_unused, args=(in_use, server), daemon=True).start()
    return server.wait()


if __name__ == "__main__":
    sys.exit(keep(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4:]))
