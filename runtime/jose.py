"""Reading signed JWTs from strangers: bounded before anything is parsed, one algorithm list, no key from elsewhere.

Nothing here fetches a key, and nothing decides whom to believe: `read` says what a token claims, `verify` whether a
given key signed it.
"""

import binascii
import re
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from math import isfinite
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

PublicKey = ECKey | OKPKey | RSAKey
Claims = dict[str, Any]  # Any: JSON of a stranger

LONGEST = 16_384  # characters of a token; a chain of certificates in its header is a few thousand
DEEPEST = 16  # levels of JSON; Python's own parser would meet the end of its stack
CLOCKS_DIFFER = timedelta(seconds=30)
SMALLEST_RSA = 2_048  # bits; NIST SP 800-131A
# Signatures with a public key only: with "none" or HS256 here, a public key would be a password (RFC 8725, 2.1, 3.1).
_KEYS: dict[str, tuple[str, str]] = {
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "Ed25519": ("OKP", "Ed25519"),
    **{f"{kind}{size}": ("RSA", "") for kind in ("RS", "PS") for size in (256, 384, 512)},
}
ALGORITHMS = tuple(_KEYS)
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")


class BadJwt(Exception):
    """The token is malformed, or does not hold; the message says why, in a sentence without the token."""


@dataclass(frozen=True)
class Jwt:
    """What a token says, before anybody has looked at its signature."""

    text: str
    header: Claims
    claims: Claims

    @property
    def algorithm(self) -> str:
        return str(self.header["alg"])

    @property
    def kid(self) -> str:
        return text_of(self.header, "kid")

    @property
    def digest(self) -> str:
        return sha256(self.text.encode()).hexdigest()


class _Registry(jws.JWSRegistry):
    """Sizes are bounded by `read`; unknown header parameters are ignored, as RFC 7515 (section 4) wants."""

    max_header_length = max_payload_length = LONGEST


_REGISTRY = _Registry(algorithms=ALGORITHMS, strict_check_header=False)


def read(text: str) -> Jwt:
    """The parts of a compact JWS whose payload is a JSON object. Raises BadJwt."""
    if len(text) > LONGEST:
        raise BadJwt(f"The token is longer than {LONGEST:,} characters.")
    parts = _COMPACT.fullmatch(text)
    if parts is None:
        raise BadJwt("This is not a signed JWT: three parts in base64url, with dots in between.")
    header, claims = _object(parts[1], "header"), _object(parts[2], "payload")
    if header.get("alg") not in ALGORITHMS:
        raise BadJwt(f"Its algorithm is not one of: {', '.join(ALGORITHMS)}.")
    if "crit" in header or header.get("b64") is False:
        raise BadJwt("Its header asks for extensions that are not understood here.")
    return Jwt(text, header, claims)


def verify(token: Jwt, key: PublicKey) -> Claims:
    """Its claims, if this key signed it. Raises BadJwt."""
    try:
        require_fit(key, token.algorithm)
        jws.deserialize_compact(token.text, key, algorithms=[token.algorithm], registry=_REGISTRY)
    except (JoseError, ValueError) as error:
        raise BadJwt("Its signature does not hold.") from error
    return token.claims


def require_fit(key: PublicKey, algorithm: str) -> None:
    """The algorithm is one for such a key (RFC 8725, section 3.1). Raises BadJwt."""
    kind, curve = _KEYS[algorithm]
    jwk = key.as_dict(private=False)
    if jwk["kty"] != kind or (curve and jwk.get("crv") != curve):
        raise BadJwt(f"{algorithm} does not go with a key of this kind.")


def public_key(jwk: object) -> PublicKey:
    """A public key out of a JWK. Raises BadJwt for anything secret, small, unknown or broken."""
    if not isinstance(jwk, dict) or not all(isinstance(name, str) for name in jwk):
        raise BadJwt("A key is a JSON object (RFC 7517).")
    if {"d", "p", "q", "dp", "dq", "qi", "oth", "k"} & set(jwk):
        raise BadJwt("This key holds a secret part. Give the public one, and replace this key.")
    kinds: dict[object, type[PublicKey]] = {"EC": ECKey, "OKP": OKPKey, "RSA": RSAKey}
    kind = kinds.get(jwk.get("kty"))
    if kind is None:
        raise BadJwt("The kind of the key (kty) is not one of: EC, OKP, RSA.")
    # Before it is read: whoever reads a small one only warns.
    if kind is RSAKey and len(str(jwk.get("n"))) * 6 < SMALLEST_RSA:
        raise BadJwt(f"An RSA key needs at least {SMALLEST_RSA:,} bits.")
    try:
        bare = {name: jwk[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in jwk}
        key = kind.import_key(bare)
        usable = key.as_dict(private=False)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise BadJwt("The key cannot be read.") from error
    if isinstance(key, RSAKey) and key.public_key.key_size < SMALLEST_RSA:
        raise BadJwt(f"An RSA key needs at least {SMALLEST_RSA:,} bits.")
    if (str(usable["kty"]), str(usable.get("crv", ""))) not in _KEYS.values():
        raise BadJwt("The curve of the key is not one of: P-256, P-384, P-521, Ed25519.")
    return key


def key_of(key: object) -> PublicKey:
    """The same key, out of a certificate. Raises BadJwt."""
    if isinstance(key, EllipticCurvePublicKey):
        return public_key(ECKey.import_key(_pem(key)).as_dict(private=False))
    if isinstance(key, RSAPublicKey):
        return public_key(RSAKey.import_key(_pem(key)).as_dict(private=False))
    if isinstance(key, Ed25519PublicKey):
        return public_key(OKPKey.import_key(_pem(key)).as_dict(private=False))
    raise BadJwt("The key is not one of: EC, Ed25519, RSA.")


def key_named(jwks: list[dict[str, Any]], kid: str) -> PublicKey:
    """The key of that name in a set; without a name only where the set has one key. Raises BadJwt."""
    found = [jwk for jwk in jwks if jwk.get("kid") == kid] if kid else jwks
    if len(found) != 1:
        raise BadJwt("It was signed with a key that is not known here.")
    return public_key(found[0])


def require_interval(claims: Claims, at: datetime, *, longest: timedelta | None = None) -> datetime:
    """It has an end, which is to come, and a beginning, if it says one, which has passed. Returns the end."""
    ends = moment(claims, "exp")
    if ends is None:
        raise BadJwt("It has no end (exp).")
    if ends <= at:
        raise BadJwt("It has expired.")
    if longest is not None and ends > at + longest + CLOCKS_DIFFER:
        raise BadJwt(f"It lives longer than {longest.total_seconds():,.0f} seconds.")
    for name in ("nbf", "iat"):
        begins = moment(claims, name)
        if begins is not None and begins > at + CLOCKS_DIFFER:
            raise BadJwt(f"It begins in the future ({name}).")
    return ends


def require_audience(claims: Claims, expected: frozenset[str]) -> None:
    """One of its audiences is expected (RFC 7519, section 4.1.3)."""
    said = claims.get("aud")
    audiences = said if isinstance(said, list) else [said]
    if not any(isinstance(one, str) and one in expected for one in audiences):
        raise BadJwt(f"It is meant for somebody else. Ask for one for {min(expected, key=len)}.")


def moment(claims: Claims, name: str) -> datetime | None:
    """A NumericDate (RFC 7519, section 2); None when the claim is not there. Raises BadJwt."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise BadJwt(f"“{name}” is not a time in seconds.")
    if not 0 <= value < 2**33:
        raise BadJwt(f"“{name}” is not a time of these centuries.")
    return datetime.fromtimestamp(value, tz=UTC)


def text_of(claims: Mapping[str, Any], name: str, *, longest: int = 2_048) -> str:
    """A claim that is a text; "" when it is not there, or is something else, or no database could hold it."""
    value = claims.get(name)
    fits = isinstance(value, str) and len(value) <= longest and "\x00" not in value
    return str(value) if fits else ""


def json_of(text: str | bytes) -> Any:  # Any: JSON of a stranger
    """JSON that is not too deep. Raises BadJwt."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadJwt("This is not JSON.") from error
    if _is_deeper(found, DEEPEST):
        raise BadJwt(f"The JSON has more than {DEEPEST} levels.")
    return found


def base64_of(text: str) -> bytes:
    """Plain base64, strictly. Raises BadJwt."""
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadJwt("This is not base64.") from error


def _pem(key: EllipticCurvePublicKey | RSAPublicKey | Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _object(part: str, name: str) -> Claims:
    try:
        raw = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError) as error:
        raise BadJwt(f"Its {name} is not base64url.") from error
    found = json_of(raw)
    if not isinstance(found, dict):
        raise BadJwt(f"Its {name} is not a JSON object.")
    return found


def _is_deeper(value: object, levels: int) -> bool:
    """Level by level, so that no depth costs stack."""
    layer: list[object] = [value]
    for _ in range(levels):
        inner: list[object] = []
        for each in layer:
            if isinstance(each, dict):
                inner += each.values()
            elif isinstance(each, list):
                inner += each
        if not inner:
            return False
        layer = inner
    return any(isinstance(each, dict | list) for each in layer)
