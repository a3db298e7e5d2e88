"""Whom Mandate believes: bundles, issuers and clients are added, renewed and retired here, by security only.

Retiring ends at once what rests on it: a token whose bundle, issuer or client is retired is not active any more.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.conf import settings
from django.db import IntegrityError

from inventory import access, audit
from inventory.audit import Actor
from inventory.models import Identity
from inventory.public_web import require_address
from inventory.rules import RuleBroken
from runtime import bundle_format, jose, token_endings
from runtime.jose import BadJwt
from runtime.models import OAuthClient, OidcIssuer, TrustBundle

Row = TypeVar("Row", TrustBundle, OidcIssuer, OAuthClient)
MOST_KEYS = 100


@dataclass(frozen=True)
class IssuerWish:
    """What is said about an issuer: how its tokens are recognised, and whom a claim of them names."""

    issuer: str
    names: str
    claim: str = "sub"
    namespace: str = ""
    audience: str = ""
    required_claims: dict[str, str] | None = None
    jwks: str = ""
    jwks_url: str = ""
    note: str = ""


def give_bundle(
    trust_domain: str, document: str, *, by: Actor, at: datetime, note: str = ""
) -> TrustBundle:
    """The bundle of a trust domain: a new one, or newer keys for the one that is there. A document with a lower
    sequence than the last is refused: it is an old one, and would bring withdrawn keys back."""
    access.require_security(by)
    name, read = bundle_format.trust_domain_of(trust_domain), bundle_format.read(document)
    with audit.acting(by, "trust_bundle.given", note):
        held = (
            TrustBundle.objects.select_for_update()
            .filter(trust_domain=name, retired_at=None)
            .first()
        )
        if held and None not in (held.sequence, read.sequence) and read.sequence < held.sequence:  # type: ignore[operator]  # neither is None
            raise RuleBroken(
                f"This bundle has the sequence {read.sequence}; {held.sequence} is here already. Give the newest one."
            )
        row = held or TrustBundle(trust_domain=name, created_at=at)
        row.jwt_keys, row.x509_authorities = read.jwt_keys, read.x509_authorities
        row.sequence, row.refresh_hint, row.read_at = read.sequence, read.refresh_hint, at
        row.note = note.strip() or row.note
        row.save()
    return row


def add_issuer(wish: IssuerWish, *, by: Actor, at: datetime) -> OidcIssuer:
    """An issuer whose tokens count from now on. Its keys are given, or fetched from a public address by a job."""
    access.require_security(by)
    issuer = wish.issuer.strip()
    require_address(issuer)
    if issuer.rstrip("/") == settings.PUBLIC_URL.rstrip("/"):
        raise RuleBroken("This is Mandate itself. Its own tokens are known without an entry.")
    if not wish.claim.strip():
        raise RuleBroken(
            "There is no claim. Say which claim of the token names somebody, such as sub."
        )
    if wish.names not in OidcIssuer.Names.values:
        raise RuleBroken(f"“{wish.names}” is not known. Use: {', '.join(OidcIssuer.Names.values)}.")
    if wish.names.endswith("external_id") and not wish.namespace.strip():
        raise RuleBroken(
            "IDs of a platform are unique within it only. Say in which namespace to look them up."
        )
    if bool(wish.jwks.strip()) == bool(wish.jwks_url.strip()):
        raise RuleBroken("Give either its keys or the address of its keys.")
    keys = jwk_set(wish.jwks) if wish.jwks.strip() else []
    if wish.jwks_url.strip():
        require_address(wish.jwks_url.strip())
    try:
        with audit.acting(by, "oidc_issuer.added", wish.note):
            return OidcIssuer.objects.create(
                issuer=issuer,
                audience=wish.audience.strip() or settings.PUBLIC_URL.rstrip("/"),
                claim=wish.claim.strip(),
                names=wish.names,
                namespace=wish.namespace.strip(),
                required_claims=wish.required_claims or {},
                jwks=keys,
                jwks_url=wish.jwks_url.strip(),
                note=wish.note.strip(),
                created_at=at,
                read_at=at,
            )
    except IntegrityError as error:
        raise RuleBroken(f"{issuer} is here already. Retire it first.") from error


def register_client(
    client_id: str, identity: Identity, *, jwk: str, by: Actor, at: datetime, note: str = ""
) -> OAuthClient:
    """A workload that proves itself with a key of its own. The id is taken for good, also when it is retired."""
    access.require_security(by)
    client_id = client_id.strip()
    if not 0 < len(client_id) <= 200 or not client_id.isascii() or not client_id.isprintable():
        raise RuleBroken("A client ID has 1 to 200 printable ASCII characters.")
    if client_id.startswith("spiffe://"):
        raise RuleBroken("A SPIFFE ID proves itself with an SVID. Choose another client ID.")
    try:
        key = jose.public_key(jose.json_of(jwk))
    except BadJwt as error:
        raise RuleBroken(str(error)) from error
    try:
        with audit.acting(by, "oauth_client.registered", note):
            return OAuthClient.objects.create(
                client_id=client_id,
                identity=identity,
                jwk=key.as_dict(private=False),
                thumbprint=key.thumbprint(),
                note=note.strip(),
                created_at=at,
            )
    except IntegrityError as error:
        raise RuleBroken(f"The client ID “{client_id}” is taken. Choose another one.") from error


def retire(row: Row, *, by: Actor, reason: str, at: datetime) -> Row:
    """It is believed no more, from now on. Twice is not an error; the first time stays."""
    access.require_security(by)
    model = type(row)
    with audit.acting(by, f"{model._meta.model_name}.retired", reason):
        model._default_manager.filter(pk=row.pk, retired_at=None).update(retired_at=at)
        token_endings.settle(at)
    return model._default_manager.get(pk=row.pk)


def jwk_set(text: str) -> list[dict[str, Any]]:
    """The public keys for signatures in a JWK set document. Raises RuleBroken with the place and the reason."""
    try:
        document = jose.json_of(text)
    except BadJwt as error:
        raise RuleBroken(f"The keys cannot be read. {error}") from error
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or not 0 < len(keys) <= MOST_KEYS:
        raise RuleBroken(f"A JWK set is a JSON object with a list “keys” of 1 to {MOST_KEYS} keys.")
    found = []
    for number, jwk in enumerate(keys):
        if isinstance(jwk, dict) and jwk.get("use", "sig") != "sig":
            continue
        try:
            key = jose.public_key(jwk)
        except BadJwt as error:
            raise RuleBroken(f"keys[{number}]: {error}") from error
        kid = jwk.get("kid")
        found.append(key.as_dict(private=False) | ({"kid": kid} if isinstance(kid, str) else {}))
    if not found:
        raise RuleBroken("There is no key for signatures among them.")
    return found
