"""On whose behalf: the subject token of an exchange (RFC 8693, section 2.1) and what it limits."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from inventory.models import Identity, Person
from runtime import jose, proofs, standing
from runtime.addresses import issuer
from runtime.chains import Link
from runtime.jose import BadJwt, Jwt
from runtime.models import OidcIssuer, Token, TrustBundle
from runtime.oauth_errors import InvalidClient, InvalidRequest, RefusedToken
from runtime.scopes import Wish

_KIND = "urn:ietf:params:oauth:token-type:"
ACCESS_TOKEN, ID_TOKEN, JWT = f"{_KIND}access_token", f"{_KIND}id_token", f"{_KIND}jwt"
TYPES = (ACCESS_TOKEN, ID_TOKEN, JWT)


@dataclass(frozen=True)
class Subject:
    """A person, an identity, or whoever holds the parent token; and what the new token may not go beyond."""

    person: Person | None = None
    behind: tuple[Link, ...] = ()
    scope: tuple[Wish, ...] | None = None
    parent: Token | None = None
    issuer: OidcIssuer | None = None
    bundle: TrustBundle | None = None
    expires_at: datetime | None = None
    proven: proofs.Proven | None = None


def of_token(text: str, kind: str, *, at: datetime) -> Subject:
    """Who stands behind a subject token. Raises InvalidRequest, as RFC 8693 (section 2.2.2) has it."""
    if kind not in TYPES:
        raise InvalidRequest(f"The subject_token_type is not one of: {', '.join(TYPES)}.")
    try:
        token = jose.read(text)
        said = jose.text_of(token.claims, "iss")
        if said == issuer():
            return _of_parent(token, at)
        if jose.text_of(token.claims, "sub").startswith("spiffe:"):
            return _of_svid(token, at)
        return _of_issuer(token, said, at)
    except BadJwt as error:
        raise RefusedToken(f"The subject_token is refused. {error}") from error


def _of_parent(token: Jwt, at: datetime) -> Subject:
    """One of our own: known by its digest, and only as far as it holds at this moment."""
    if token.header.get("typ") != "at+jwt":
        raise BadJwt("It is not an access token (typ at+jwt).")
    row = standing.find(token.text)
    scope = standing.remaining(row, at) if row is not None else []
    if row is None or not scope:
        raise BadJwt("It is not active.")
    actors = row.actors.select_related("identity").order_by("position")
    return Subject(
        person=row.person,
        behind=tuple(Link(actor.identity, actor.link) for actor in actors),
        scope=tuple(scope),
        parent=row,
        issuer=row.issuer,
        bundle=row.bundle,
        expires_at=row.expires_at,
    )


def _of_svid(token: Jwt, at: datetime) -> Subject:
    try:
        proven = proofs.by_jwt_svid(token, at)
    except InvalidClient as error:
        raise BadJwt(error.said) from error
    return Subject(behind=(Link(proven.identity),), bundle=proven.bundle, proven=proven)


def _of_issuer(token: Jwt, said: str, at: datetime) -> Subject:
    """A token of a configured issuer; a claim of it names somebody in the inventory."""
    known = OidcIssuer.objects.filter(issuer=said, retired_at=None).first() if said else None
    if known is None:
        raise BadJwt("Its issuer is not one of those that are configured here.")
    claims = jose.verify(token, jose.key_named(known.jwks, token.kid))
    jose.require_audience(claims, frozenset({known.audience}))
    ends = jose.require_interval(claims, at)
    for name, value in known.required_claims.items():
        if str(claims.get(name)) != str(value):
            raise BadJwt(f"Its claim “{name}” is not the one that is required.")
    named = jose.text_of(claims, known.claim)
    if not named:
        raise BadJwt(f"It has no claim “{known.claim}” that names somebody.")
    person, identity = _FINDERS[known.names](known, named)
    if person is not None and person.can_answer(at):
        return Subject(person=person, issuer=known, expires_at=ends)
    if identity is not None:
        proven = proofs.Proven(identity, Token.Proof.OIDC, issuer=known)
        return Subject(behind=(Link(identity),), issuer=known, expires_at=ends, proven=proven)
    raise BadJwt(f"Its claim “{known.claim}” names nobody in the inventory.")


Found = tuple[Person | None, Identity | None]


def _identity_by_id(known: OidcIssuer, named: str) -> Found:
    rows = Identity.objects.live().filter(namespace=known.namespace, external_id=named)
    return None, rows.first()


def _identity_by_spiffe_id(known: OidcIssuer, named: str) -> Found:
    return None, Identity.objects.live().filter(spiffe_id=named).first()


def _person_by_email(known: OidcIssuer, named: str) -> Found:
    return Person.objects.filter(email__iexact=named).first(), None


def _person_by_id(known: OidcIssuer, named: str) -> Found:
    rows = Person.objects.filter(namespace=known.namespace, external_id=named)
    return rows.first(), None


_FINDERS: dict[str, Callable[[OidcIssuer, str], Found]] = {
    OidcIssuer.Names.IDENTITY_EXTERNAL_ID: _identity_by_id,
    OidcIssuer.Names.IDENTITY_SPIFFE_ID: _identity_by_spiffe_id,
    OidcIssuer.Names.PERSON_EMAIL: _person_by_email,
    OidcIssuer.Names.PERSON_EXTERNAL_ID: _person_by_id,
}


def actor(text: str, kind: str, *, at: datetime) -> proofs.Proven:
    """The workload behind an actor token: a JWT-SVID, or a configured issuer's token. Raises InvalidRequest."""
    if kind not in TYPES:
        raise InvalidRequest(f"The actor_token_type is not one of: {', '.join(TYPES)}.")
    try:
        token = jose.read(text)
        said = jose.text_of(token.claims, "iss")
        if said == issuer():
            raise BadJwt("A token of Mandate proves what may be done, not who does it.")
        is_svid = jose.text_of(token.claims, "sub").startswith("spiffe:")
        found = _of_svid(token, at) if is_svid else _of_issuer(token, said, at)
    except BadJwt as error:
        raise RefusedToken(f"The actor_token is refused. {error}") from error
    if found.proven is None:
        raise InvalidRequest("The actor_token names a person. Workloads act here.")
    return found.proven
