"""A bound on failed proofs of who asks, for the address they come from and for the client they name.

Only a failure is counted, and only the answer to a failure becomes 429: whoever proves itself is never slowed, and
nobody can shut another out by failing in its name.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from ipaddress import ip_address, ip_network
from math import ceil

import structlog
from django.http import HttpRequest

from runtime import failed_proofs, jose
from runtime.jose import BadJwt
from runtime.oauth_errors import InvalidClient, RefusedToken, TooManyFailures

log = structlog.get_logger(__name__)
_PROOFS = ("client_assertion", "actor_token", "subject_token")


@contextmanager
def bounded(request: HttpRequest, given: Mapping[str, str], at: datetime) -> Iterator[None]:
    """Counts a failure inside the block; raises TooManyFailures in its place when there were too many."""
    try:
        yield
    except (InvalidClient, RefusedToken) as error:
        claimed = _claimed(given)
        wait = failed_proofs.count("address", _address(request), at=at)
        if wait is None and claimed:
            wait = failed_proofs.count("client", claimed, at=at)
        if wait is not None:
            log.warning("oauth.too_many_failures", client=claimed[:200])
            raise TooManyFailures(ceil(wait.total_seconds())) from error
        raise


def _address(request: HttpRequest) -> str:
    """Where the connection comes from; in IPv6 the network of a customer (/64)."""
    said = str(request.META.get("REMOTE_ADDR", ""))
    try:
        found = ip_address(said)
    except ValueError:
        return said
    return str(found if found.version == 4 else ip_network(f"{found}/64", strict=False))


def _claimed(given: Mapping[str, str]) -> str:
    """Who the caller says it is; nothing of it is proven."""
    text = next((given[name] for name in _PROOFS if name in given), "")
    try:
        said = jose.text_of(jose.read(text).claims, "sub") if text else ""
    except BadJwt:
        said = ""
    return said or given.get("client_id", "")
