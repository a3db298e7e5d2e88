"""DPoP (RFC 9449): a proof, made for one request, that the sender holds a key; tokens are bound to that key."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import urlsplit

from runtime import dpop_nonces, jose, used_proofs
from runtime.jose import BadJwt, Jwt
from runtime.oauth_errors import InvalidDpopProof, UseDpopNonce

FRESH = timedelta(seconds=60)  # how old a proof may be


@dataclass(frozen=True)
class Request:
    """The HTTP request that a proof must be made for; `url` as the outside sees it. `needs_nonce`: the proof must hold
    one of ours."""

    method: str
    url: str
    needs_nonce: bool = False


def proven_key(proof: str, request: Request, *, at: datetime, token: str = "") -> str:
    """The thumbprint (RFC 7638) of the key that made the proof. Raises InvalidDpopProof, or UseDpopNonce where only the
    nonce is missing; a proof counts once.

    With a `token` the proof must name it (`ath`): at a resource, section 7.
    """
    try:
        read = jose.read(proof)
        key = _key_of(read)
        claims = jose.verify(read, key)
        _require_request(claims, request)
        if token:
            _require_token(claims, token)
        _require_fresh(claims, at)
    except BadJwt as error:
        raise InvalidDpopProof(f"The DPoP proof is refused. {error}") from error
    if request.needs_nonce and not dpop_nonces.holds(jose.text_of(claims, "nonce"), at):
        raise UseDpopNonce("Make the DPoP proof again, with the nonce of the header DPoP-Nonce.")
    thumbprint = key.thumbprint()
    jti = jose.text_of(claims, "jti", longest=200)
    if not jti:
        raise InvalidDpopProof("The DPoP proof has no jti of at most 200 characters.")
    until = at + 2 * FRESH
    if not used_proofs.use_once(
        "dpop", thumbprint, request.method, request.url, jti, until=until, at=at
    ):
        raise InvalidDpopProof("The DPoP proof was used before. Make a new one for each request.")
    return thumbprint


def access_token_hash(token: str) -> str:
    """The claim `ath` (section 4.2)."""
    return urlsafe_b64encode(sha256(token.encode("ascii")).digest()).rstrip(b"=").decode()


def _key_of(proof: Jwt) -> jose.PublicKey:
    if proof.header.get("typ") != "dpop+jwt":
        raise BadJwt("Its type (typ) is not dpop+jwt.")
    return jose.public_key(proof.header.get("jwk"))


def _require_request(claims: jose.Claims, request: Request) -> None:
    if claims.get("htm") != request.method:
        raise BadJwt(f"It is for another method than {request.method} (htm).")
    said = jose.text_of(claims, "htu")
    if not said or _bare(said) != _bare(request.url):
        raise BadJwt(f"It is for another address than {_bare(request.url)} (htu).")


def _require_token(claims: jose.Claims, token: str) -> None:
    if claims.get("ath") != access_token_hash(token):
        raise BadJwt("It is for another access token (ath).")


def _require_fresh(claims: jose.Claims, at: datetime) -> None:
    made = jose.moment(claims, "iat")
    if made is None:
        raise BadJwt("It does not say when it was made (iat).")
    if not at - FRESH <= made <= at + jose.CLOCKS_DIFFER:
        raise BadJwt(f"It was not made within the last {FRESH.total_seconds():.0f} seconds (iat).")


def _bare(url: str) -> str:
    """Without query and fragment; scheme and host in lower case, the usual port left out (section 4.3)."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError as error:
        raise BadJwt("Its address (htu) is none.") from error
    usual = {"https": 443, "http": 80}.get(parts.scheme.lower())
    where = host if port in (None, usual) else f"{host}:{port}"
    return f"{parts.scheme.lower()}://{where}{parts.path or '/'}"
