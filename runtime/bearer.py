"""Mandate as a resource server for its own tokens: the holder shows the token, and the key that it is bound to."""

from datetime import datetime

from runtime import dpop, proofs, standing
from runtime.addresses import issuer
from runtime.dpop import Request
from runtime.models import Token
from runtime.oauth_errors import InvalidClient, InvalidDpopProof, OAuthError


class InvalidToken(OAuthError):
    """RFC 6750, section 3.1; RFC 9449, section 7.1."""

    code, status = "invalid_token", 401


def holder_of(
    authorization: str, proof: str, meta: dict[str, str], request: Request, *, at: datetime
) -> Token:
    """The token of a request to Mandate, if it holds now, is for Mandate, and its holder made the request. Raises
    OAuthError."""
    scheme, _, text = authorization.partition(" ")
    row = standing.find(text.strip()) if scheme.lower() in ("dpop", "bearer") else None
    if row is None or row.audience != issuer() or not standing.remaining(row, at):
        raise InvalidToken("There is no access token for Mandate that is active.")
    if row.jkt:
        if scheme.lower() != "dpop" or not proof:
            raise InvalidToken("This token is bound to a key: send it as DPoP, with a proof.")
        if dpop.proven_key(proof, request, at=at, token=text.strip()) != row.jkt:
            raise InvalidDpopProof("The proof is of another key than the token's.")
        return row
    proven = _certificate(meta, at)
    if scheme.lower() != "bearer" or proven != row.x5t:
        raise InvalidToken(
            "This token is bound to a certificate that this connection does not have."
        )
    return row


def _certificate(meta: dict[str, str], at: datetime) -> str:
    try:
        proven = proofs.by_proxy(meta, at)
    except InvalidClient:
        return ""
    return proven.x5t if proven is not None else ""
