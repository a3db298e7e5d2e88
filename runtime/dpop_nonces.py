"""Nonces for DPoP proofs (RFC 9449, section 8): a moment of ours, signed. A proof with one was made after that moment.

Nothing is kept: the signature (HMAC under a key derived from MANDATE_SECRET_KEY) shows that it is ours, the moment when
it ends. So every process takes the nonces of all others, and a change of the key ends them all.
"""

from datetime import UTC, datetime, timedelta

from django.core.signing import BadSignature, Signer

LIVES = timedelta(minutes=5)
_SALT = "mandate.dpop-nonce"
_LONGEST = 100


def fresh(at: datetime) -> str:
    return Signer(salt=_SALT).sign(str(int(at.timestamp())))


def holds(nonce: str, at: datetime) -> bool:
    """Whether it is one of ours that has not ended."""
    if len(nonce) > _LONGEST:
        return False
    try:
        said = Signer(salt=_SALT).unsign(nonce)
    except BadSignature:
        return False
    made = datetime.fromtimestamp(int(said), UTC)
    return at - LIVES <= made <= at
