"""The keys of OIDC issuers that give an address for them: from public addresses only, never while a token waits.

An issuer whose keys cannot be read keeps the last ones, and the page says since when.
"""

from datetime import datetime, timedelta

import structlog
from django.db.models import Q

from inventory import access
from inventory.audit import Actor
from inventory.public_web import Call, NotReached, Way, call
from inventory.rules import RuleBroken
from runtime import trust
from runtime.models import OidcIssuer

log = structlog.get_logger(__name__)

EVERY = timedelta(hours=1)
LARGEST = 256 * 1024  # bytes


def fetch_due(at: datetime, *, way: Way | None = None) -> int:
    """Fetches where the last keys are older than an hour, or none were read yet. Returns how many were read."""
    due = OidcIssuer.objects.filter(Q(read_at__lte=at - EVERY) | Q(jwks=[]), retired_at=None)
    return sum(_fetch(each, at, way or Way()) for each in due.exclude(jwks_url=""))


def fetch_now(issuer: OidcIssuer, *, by: Actor, at: datetime, way: Way | None = None) -> OidcIssuer:
    """The same for one, because somebody asks. Raises RuleBroken with what went wrong."""
    access.require_security(by)
    if not issuer.jwks_url:
        raise RuleBroken("Its keys were given by hand. Add the issuer anew with other keys.")
    if not _fetch(issuer, at, way or Way()):
        raise RuleBroken(OidcIssuer.objects.get(pk=issuer.pk).fetch_error)
    return OidcIssuer.objects.get(pk=issuer.pk)


def _fetch(issuer: OidcIssuer, at: datetime, way: Way) -> bool:
    rows = OidcIssuer.objects.filter(pk=issuer.pk)
    try:
        keys = trust.jwk_set(_document(issuer.jwks_url, way))
    except (NotReached, RuleBroken) as error:
        rows.update(fetch_error=str(error)[:300])
        log.warning("issuer_keys.not_read", issuer_id=issuer.pk)
        return False
    rows.update(jwks=keys, read_at=at, fetch_error="")
    return True


def _document(url: str, way: Way) -> str:
    wanted = Call("GET", url, {"Accept": "application/json"}, most_read=LARGEST)
    answer = call(wanted, way=way)
    if answer.status != 200:
        raise NotReached(f"It answered {answer.status}; keys come with 200, without redirects.")
    if not answer.whole:
        raise NotReached(f"The document is larger than {LARGEST:,} bytes.")
    return answer.body.decode("utf-8", "replace")
