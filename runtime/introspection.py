"""What others ask about a token: whether it holds, and that it be revoked; by callers who say who they are."""

from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied

from inventory import api_tokens
from inventory.models import ApiToken, Identity, User
from runtime import proofs, standing, token_endings
from runtime.addresses import issuer
from runtime.exchange import confirmation, name_of, nested
from runtime.models import Token
from runtime.oauth_errors import InvalidClient, UnauthorizedClient

Caller = User | Identity
TO_ASK = frozenset({ApiToken.Scope.READ, ApiToken.Scope.DECIDE})
TO_REVOKE = frozenset({ApiToken.Scope.WRITE})
INACTIVE: dict[str, Any] = {"active": False}


def require_caller(
    authorization: str, given: dict[str, str], *, scopes: frozenset[ApiToken.Scope], at: datetime
) -> Caller:
    """An API token with one of the scopes, or a workload's own client assertion. Raises InvalidClient."""
    if "client_assertion" in given:
        kind = given.get("client_assertion_type", "")
        text, client_id = given["client_assertion"], given.get("client_id", "")
        return proofs.by_assertion(text, kind, client_id=client_id, at=at).identity
    scheme, _, secret = authorization.partition(" ")
    known = api_tokens.recognise(secret.strip(), at) if scheme.lower() == "bearer" else None
    if known is None or not scopes & set(known.scopes):
        allowed = " or ".join(sorted(scopes))
        raise InvalidClient(f"Say who asks: an API token to {allowed}, or a client_assertion.")
    return known.user


def of_token(text: str, *, at: datetime) -> dict[str, Any]:
    """The answer of RFC 7662, section 2.2. The scope is what of it holds now."""
    row = standing.find(text)
    scope = standing.remaining(row, at) if row is not None else []
    if row is None or not scope:
        return INACTIVE
    chain = [actor.identity for actor in row.actors.select_related("identity").order_by("position")]
    act = nested(chain, for_person=row.person_id is not None)
    told = {
        "active": True,
        "iss": issuer(),
        "sub": row.subject,
        "aud": row.audience,
        "client_id": row.client.client_id if row.client is not None else name_of(row.identity),
        "scope": " ".join(map(str, scope)),
        "token_type": "DPoP" if row.jkt else "Bearer",
        "iat": int(row.issued_at.timestamp()),
        "exp": int(row.expires_at.timestamp()),
        "jti": str(row.jti),
        "task": str(row.task_id),
        "cnf": confirmation(row),
    }
    return told | ({"act": act} if act else {})


def revoke(row: Token, *, by: Caller, at: datetime) -> None:
    """A workload revokes its own tokens and those that came through it; a user, those of identities they may change.
    Raises UnauthorizedClient (RFC 7009, section 2.1)."""
    if isinstance(by, User):
        try:
            token_endings.revoke(row, by=by, reason="Revoked over OAuth.", at=at)
        except PermissionDenied as error:
            raise UnauthorizedClient("You may not revoke this token.") from error
        return
    if not row.actors.filter(identity=by).exists():
        raise UnauthorizedClient("The token was issued to somebody else.")
    said = f"Revoked by {by.name} itself."
    token_endings.revoke(row, by=f"identity {by.pk}", reason=said, at=at)
