"""Where e-mail goes and what links in messages begin with, from the environment."""

from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

# A server that does not answer must not keep a worker.
TIMEOUT = 10


def server(url: str) -> dict[str, Any]:
    """Django's EMAIL_ settings for an address such as smtp+tls://user:password@mail.example.com:587. Without one no
    e-mail is sent. A wrong one is named without the password that it may hold."""
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    try:
        found: dict[str, Any] = environ.Env.email_url_config(url)
    except (ImproperlyConfigured, ValueError) as error:
        allowed = ", ".join(f"{scheme}://" for scheme in sorted(environ.Env.EMAIL_SCHEMES))
        raise ImproperlyConfigured(
            f"EMAIL_URL does not begin with a way to send e-mail. Use one of: {allowed}."
        ) from error
    ssl = found.get("EMAIL_USE_SSL", False)
    found["EMAIL_PORT"] = found["EMAIL_PORT"] or (465 if ssl else 25)
    found["EMAIL_HOST"] = found["EMAIL_HOST"] or "localhost"
    return {**found, "EMAIL_TIMEOUT": TIMEOUT}


def public_url(given: str, *, hosts: list[str], production: bool, port: int) -> str:
    """What links in e-mails and webhooks begin with, without a slash at the end: what is given, or the first allowed
    host that is a name."""
    if given:
        parts = urlsplit(given)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise ImproperlyConfigured(
                f"MANDATE_URL is {given!r}. Use an address such as https://mandate.example.com."
            )
        return given.rstrip("/")
    host = next((host for host in hosts if not host.startswith((".", "*"))), "localhost")
    return f"https://{host}" if production else f"http://{host}:{port}"


def sender(url: str) -> str:
    """The address that e-mail comes from when none is given."""
    return f"Mandate <mandate@{urlsplit(url).hostname or 'localhost'}>"
