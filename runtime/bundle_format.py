"""Reads a SPIFFE trust bundle: a JWK set as SPIRE writes it, for one trust domain or for several.

SPIFFE Trust Domain and Bundle, section 4. Every error names the key by its place, so that it is found in the file.
"""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cryptography import x509

from inventory import spiffe
from inventory.rules import RuleBroken
from inventory.spiffe import InvalidSpiffeId
from runtime import jose
from runtime.jose import BadJwt

LARGEST = 1_000_000  # characters
MOST_KEYS = 100
LONGEST_HINT = timedelta(days=31)
_KNOWN_USES = ("jwt-svid", "x509-svid")


@dataclass(frozen=True)
class Bundle:
    """What a bundle document says. `passed_over`: keys for uses that are not known here, by their place."""

    jwt_keys: list[dict[str, Any]] = field(default_factory=list)
    x509_authorities: list[str] = field(default_factory=list)
    sequence: int | None = None
    refresh_hint: timedelta | None = None
    passed_over: list[str] = field(default_factory=list)


def trust_domain_of(text: str) -> str:
    """A trust domain, also when it is given as a SPIFFE ID without a path. Raises RuleBroken."""
    text = text.strip()
    try:
        found = spiffe.parse(text if text.startswith("spiffe://") else f"spiffe://{text}")
    except InvalidSpiffeId as error:
        raise RuleBroken(str(error)) from error
    if found.path:
        raise RuleBroken("Give the trust domain alone, without a path: example.org.")
    return found.trust_domain


def read(text: str) -> Bundle:
    """The bundle in a JSON document. Raises RuleBroken with the place and the reason."""
    if len(text) > LARGEST:
        raise RuleBroken(f"The bundle is larger than {LARGEST:,} characters. Is it another file?")
    try:
        document = jose.json_of(text)
    except BadJwt as error:
        raise RuleBroken(f"The bundle cannot be read. {error}") from error
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or len(keys) > MOST_KEYS:
        raise RuleBroken(
            f"A bundle is a JSON object with a list “keys” of at most {MOST_KEYS} keys."
        )
    bundle = Bundle(
        sequence=_number(document, "spiffe_sequence"), refresh_hint=_refresh_hint(document)
    )
    for place, jwk in _placed(keys):
        _take(bundle, place, jwk)
    if not bundle.jwt_keys and not bundle.x509_authorities:
        raise RuleBroken(
            "The bundle has no key for SVIDs, so that nothing could be verified with it."
        )
    _require_own_names(bundle)
    return bundle


def _placed(keys: list[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, jwk in enumerate(keys):
        if not isinstance(jwk, dict):
            raise RuleBroken(f"keys[{number}] is not a JSON object.")
        yield f"keys[{number}]", jwk


def _take(bundle: Bundle, place: str, jwk: dict[str, Any]) -> None:
    use = jwk.get("use")
    if use not in _KNOWN_USES:  # section 4.2.2: keys for unknown uses are ignored
        bundle.passed_over.append(place)
        return
    try:
        key = jose.public_key(jwk)
    except BadJwt as error:
        raise RuleBroken(f"{place}: {error}") from error
    if use == "jwt-svid":
        bundle.jwt_keys.append(_jwt_key(place, jwk, key))
    else:
        bundle.x509_authorities.append(_authority(place, jwk, key))


def _jwt_key(place: str, jwk: dict[str, Any], key: jose.PublicKey) -> dict[str, Any]:
    kid = jwk.get("kid")
    if not isinstance(kid, str) or not kid:
        raise RuleBroken(f"{place}: a key for JWT-SVIDs needs a name (kid), and this one has none.")
    return {**key.as_dict(private=False), "kid": kid, "use": "jwt-svid"}


def _authority(place: str, jwk: dict[str, Any], key: jose.PublicKey) -> str:
    given = jwk.get("x5c")
    if not isinstance(given, list) or len(given) != 1 or not isinstance(given[0], str):
        count = len(given) if isinstance(given, list) else 0
        raise RuleBroken(
            f"{place}: x5c has {count} certificates; a bundle has exactly one per key."
        )
    try:
        der = jose.base64_of(given[0])
        certificate = x509.load_der_x509_certificate(der)
        held = certificate.public_key()
    except (BadJwt, ValueError) as error:
        raise RuleBroken(f"{place}: the certificate in x5c cannot be read.") from error
    if held != key.public_key:
        raise RuleBroken(
            f"{place}: the certificate in x5c is of another key than the one beside it."
        )
    return b64encode(der).decode()


def _require_own_names(bundle: Bundle) -> None:
    names = [jwk["kid"] for jwk in bundle.jwt_keys]
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise RuleBroken(f"Two keys for JWT-SVIDs have the name “{double[0]}”.")


def _refresh_hint(document: dict[str, Any]) -> timedelta | None:
    seconds = _number(document, "spiffe_refresh_hint")
    if seconds is None:
        return None
    return min(timedelta(seconds=min(seconds, 10**9)), LONGEST_HINT)


def _number(document: dict[str, Any], name: str) -> int | None:
    value = document.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise RuleBroken(f"{name} is not a whole number of 0 or more.")
    return value
