"""A bound on failed proofs of who asks, for the address they come from and for the client they name.

Only a failure is counted, and only the answer to a failure becomes 429: whoever proves itself is never slowed, and
nobody can shut another out by failing in its name. Counted as failed sign-ins are.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import structlog
from allauth.core import ratelimit
from django.http import HttpRequest

from runtime import jose
from runtime.jose import BadJwt
from runtime.oauth_errors import InvalidClient, RefusedToken, TooManyFailures

log = structlog.get_logger(__name__)
_PROOFS = ("client_assertion", "actor_token", "subject_token")


@contextmanager
def bounded(request: HttpRequest, given: Mapping[str, str]) -> Iterator[None]:
    """Counts a failure inside the block; raises TooManyFailures in its place when there were too many."""
    try:
        yield
    except (InvalidClient, RefusedToken) as error:
        claimed = _claimed(given)
        within = ratelimit.consume(request, action="client_failed_at")
        if within and claimed:
            within = ratelimit.consume(request, action="client_failed_as", key=claimed)
        if not within:
            log.warning("oauth.too_many_failures", client=claimed[:200])
            raise TooManyFailures(
                "Too many proofs have failed. Wait a minute, and look at what is sent."
            ) from error
        raise


def _claimed(given: Mapping[str, str]) -> str:
    """Who the caller says it is; nothing of it is proven."""
    text = next((given[name] for name in _PROOFS if name in given), "")
    try:
        said = jose.text_of(jose.read(text).claims, "sub") if text else ""
    except BadJwt:
        said = ""
    return said or given.get("client_id", "")
