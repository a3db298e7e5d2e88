"""Signing keys: made, rotated with an overlap, and shown to the world as a JWK set.

A key is published for a while before it signs, so that nobody who caches the set meets an unknown one; and stays
published after it was retired until nothing that it signed is still of use. Evidence must verify for ever, and so its
public keys stay for ever.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import orjson
from django.db import connection
from django.db.models import Q
from joserfc.jwk import ECKey, OKPKey

from inventory import audit
from inventory.audit import Actor
from inventory.rules import RuleBroken
from runtime.models import SigningKey
from runtime.sealing import CannotOpen, open_sealed, seal

Purpose, State = SigningKey.Purpose, SigningKey.State
SigningPair = ECKey | OKPKey

JOB = "job rotate-keys"
ANNOUNCED = timedelta(days=1)  # published before it signs; longer than anybody caches the set
# Any fixed number: whoever holds this advisory lock makes or changes keys.
_ROTATING = 0x6D616E64_6B657973


@dataclass(frozen=True)
class Policy:
    """How a purpose signs: with what, how long, and how long after that its public key is shown (None: for ever)."""

    algorithm: str
    signs_for: timedelta
    shown_for: timedelta | None


POLICIES: dict[str, Policy] = {
    Purpose.TOKENS: Policy("ES256", timedelta(days=30), timedelta(days=1)),
    Purpose.EVENTS: Policy("ES256", timedelta(days=90), timedelta(days=30)),
    Purpose.EVIDENCE: Policy("Ed25519", timedelta(days=365), None),
}


class KeyUnreadable(RuleBroken):
    """The private key cannot be decrypted, because SECRET_KEY is another one than when it was made."""


def current(purpose: str, at: datetime) -> SigningPair:
    """The key pair that signs for the purpose now, with `kid`, `use` and `alg`; made when there is none yet."""
    row = _active(purpose)
    if row is None:
        row = _made_active(purpose, at)
    try:
        return _opened(row.kid, row.algorithm, bytes(row.sealed))
    except CannotOpen as error:
        raise KeyUnreadable(
            f"The key for {row.get_purpose_display().lower()} was made under another MANDATE_SECRET_KEY. "
            "Give the old one back, or run “manage.py rotate_keys”, which makes a new key at once."
        ) from error


def published(at: datetime) -> list[dict[str, str]]:
    """The public keys to trust at the moment, newest first: the members of a JWK set (RFC 7517)."""
    shown = ~Q(state=State.RETIRED)
    for purpose, policy in POLICIES.items():
        late = Q() if policy.shown_for is None else Q(retired_at__gt=at - policy.shown_for)
        shown |= Q(purpose=purpose, state=State.RETIRED) & late
    return list(SigningKey.objects.filter(shown).values_list("public_jwk", flat=True))


def public_key(kid: str, purpose: str, at: datetime) -> SigningPair | None:
    """The published key of this name, for whoever verifies what we signed for the purpose; None when it is unknown."""
    row = SigningKey.objects.filter(kid=kid, purpose=purpose).first()
    if row is None:
        return None
    kept = POLICIES[purpose].shown_for
    if row.retired_at is not None and kept is not None and row.retired_at + kept <= at:
        return None
    return _key(row.algorithm, orjson.dumps(row.public_jwk))


def rotate(at: datetime, *, by: Actor = JOB) -> int:
    """Announces, activates and retires keys as their time comes, and replaces at once what cannot be read any more.
    Returns how many were activated. Twice changes nothing."""
    return sum(_rotate_one(purpose, at, by) for purpose in POLICIES)


def replace(purpose: str, *, by: Actor, reason: str, at: datetime) -> SigningKey:
    """A new key that signs from now on: for a key that may have leaked. What the old one signed still verifies for as
    long as its public part is shown."""
    with audit.acting(by, "signing_key.replaced", reason):
        _lock()
        _retire(purpose, at)
        return _activated(purpose, at)


def _rotate_one(purpose: str, at: datetime, by: Actor) -> int:
    policy = POLICIES[purpose]
    with audit.acting(by, "signing_key.rotated"):
        _lock()
        active = _active(purpose)
        if active is None or active.activated_at is None or not _is_readable(active):
            _retire(purpose, at)
            _activated(purpose, at)
            return 1
        over = active.activated_at + policy.signs_for
        following = SigningKey.objects.filter(purpose=purpose, state=State.NEXT).first()
        if following is None and over - ANNOUNCED <= at:
            _make(purpose, State.NEXT, at)
        elif following is not None and max(over, following.created_at + ANNOUNCED) <= at:
            _retire(purpose, at)
            _activated(purpose, at)
            return 1
    return 0


def _active(purpose: str) -> SigningKey | None:
    return SigningKey.objects.filter(purpose=purpose, state=State.ACTIVE).first()


def _made_active(purpose: str, at: datetime) -> SigningKey:
    with audit.acting(JOB, "signing_key.made"):
        _lock()
        return _active(purpose) or _activated(purpose, at)


def _activated(purpose: str, at: datetime) -> SigningKey:
    """The next key when there is a readable one, else a new one; called when none is active."""
    following = SigningKey.objects.filter(purpose=purpose, state=State.NEXT)
    row = following.first()
    if row is not None and not _is_readable(row):
        following.update(state=State.RETIRED, retired_at=at, sealed=b"")
        row = None
    if row is None:
        return _make(purpose, State.ACTIVE, at)
    following.update(state=State.ACTIVE, activated_at=at)
    return SigningKey.objects.get(pk=row.pk)


def _retire(purpose: str, at: datetime) -> None:
    SigningKey.objects.filter(purpose=purpose, state=State.ACTIVE).update(
        state=State.RETIRED, retired_at=at, sealed=b""
    )


def _make(purpose: str, state: str, at: datetime) -> SigningKey:
    algorithm = POLICIES[purpose].algorithm
    pair: SigningPair = (
        ECKey.generate_key("P-256") if algorithm == "ES256" else OKPKey.generate_key("Ed25519")
    )
    kid = pair.thumbprint()
    public = pair.as_dict(private=False)
    secret = orjson.dumps(pair.as_dict(private=True))
    return SigningKey.objects.create(
        kid=kid,
        purpose=purpose,
        algorithm=algorithm,
        public_jwk={**public, "kid": kid, "use": "sig", "alg": algorithm},
        sealed=seal(secret, about=kid),
        state=state,
        created_at=at,
        activated_at=at if state == State.ACTIVE else None,
    )


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ROTATING])


def _is_readable(row: SigningKey) -> bool:
    try:
        _opened(row.kid, row.algorithm, bytes(row.sealed))
    except CannotOpen:
        return False
    return True


@lru_cache(maxsize=16)
def _opened(kid: str, algorithm: str, sealed: bytes) -> SigningPair:
    secret = orjson.loads(open_sealed(sealed, about=kid))
    return _key(algorithm, orjson.dumps({**secret, "kid": kid, "use": "sig", "alg": algorithm}))


def _key(algorithm: str, jwk: bytes) -> SigningPair:
    kind = ECKey if algorithm == "ES256" else OKPKey
    return kind.import_key(orjson.loads(jwk))
