"""Private keys encrypted at rest: AES-256-GCM under a key that is derived from SECRET_KEY and stored nowhere."""

import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_ABOUT = b"mandate signing-key v1"
_NONCE = 12  # bytes; the size that GCM is made for


class CannotOpen(Exception):
    """It was sealed under another SECRET_KEY, is about something else, or was changed."""


def seal(secret: bytes, *, about: str) -> bytes:
    """Opens again only with the same `about`, so that a sealed text is of no use in another row."""
    nonce = os.urandom(_NONCE)
    return nonce + _box(settings.SECRET_KEY).encrypt(nonce, secret, about.encode())


def open_sealed(sealed: bytes, *, about: str) -> bytes:
    """What was sealed; raises CannotOpen."""
    try:
        return _box(settings.SECRET_KEY).decrypt(sealed[:_NONCE], sealed[_NONCE:], about.encode())
    except (InvalidTag, ValueError) as error:  # ValueError: too short to be anything
        raise CannotOpen(about) from error


@lru_cache(maxsize=4)
def _box(secret_key: str) -> AESGCM:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_ABOUT)
    return AESGCM(derived.derive(secret_key.encode()))
