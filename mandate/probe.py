"""`python -m mandate.probe URL [SECONDS]`: exits with 0 when Mandate at that address is ready.

With SECONDS also only when the worker was heard within that time. For containers.
"""

import json
import os
import sys
import urllib.error
import urllib.request

TIMEOUT = 5.0


def ask(url: str) -> tuple[bool, str]:
    """Whether /readyz says yes, and its whole answer.

    It asks in the name of the first allowed host: another name would be refused in production.
    """
    allowed = os.environ.get("MANDATE_ALLOWED_HOSTS", "").split(",")[0].strip("*. ")
    request = urllib.request.Request(  # noqa: S310  # an address of our own
        f"{url.rstrip('/')}/readyz", headers={"Host": allowed} if allowed else {}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
            return True, answer.read().decode()
    except urllib.error.HTTPError as error:
        return False, error.read().decode(errors="replace")
    except OSError as error:
        return False, f"no answer: {error}"


def was_heard(answer: str, *, within: float) -> bool:
    """Whether the newest sign of a worker is recent enough."""
    ages = json.loads(answer)["seconds_since_heartbeat"].values()
    return min(ages, default=float("inf")) <= within


def main(arguments: list[str]) -> int:
    ready, answer = ask(arguments[0])
    sys.stdout.write(f"{answer}\n")
    if ready and len(arguments) > 1:
        ready = was_heard(answer, within=float(arguments[1]))
    return 0 if ready else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
