"""Mandate's own addresses as an authorization server: always the public ones, whatever a Host header says."""

from django.conf import settings
from django.urls import reverse


def issuer() -> str:
    """The claim `iss` of all that Mandate signs (RFC 8414, section 2)."""
    return str(settings.PUBLIC_URL).rstrip("/")


def address(name: str) -> str:
    """The whole address of one of the machine endpoints, such as `oauth-token`."""
    return issuer() + reverse(f"runtime:{name}")


def our_audiences() -> frozenset[str]:
    """What a proof that is made for us may say in `aud`: the issuer, or the token endpoint (RFC 7523, section 3)."""
    return frozenset({issuer(), address("oauth-token")})
