"""Addresses of Mandate as seen from outside, for e-mails and webhooks."""

from urllib.parse import urlsplit

from django.conf import settings


def absolute(path: str) -> str:
    """The whole address of a page of ours."""
    return f"{settings.PUBLIC_URL}/{path.lstrip('/')}"


def host() -> str:
    return urlsplit(settings.PUBLIC_URL).hostname or "localhost"
