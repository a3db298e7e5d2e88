"""What receivers of security events are told: put into an outbox in the transaction of the change, signed when sent.

OpenID CAEP 1.0, section 3.1 (session-revoked), as security event tokens (RFC 8417). A token of Mandate is the session.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from joserfc import jwt

from runtime import signing_keys
from runtime.addresses import issuer
from runtime.models import EventStream, SecurityEvent, Token

SESSION_REVOKED, VERIFICATION = "session-revoked", "verification"
TYPES = {
    SESSION_REVOKED: "https://schemas.openid.net/secevent/caep/event-type/session-revoked",
    VERIFICATION: "https://schemas.openid.net/secevent/ssf/event-type/verification",
}
EVENTS = [(SESSION_REVOKED, "A token ended before its time")]


def tell_of_tokens(ids: Collection[int], *, at: datetime) -> int:
    """Tells every stream that these tokens are over. Each is told once, however often it is asked for."""
    streams = EventStream.objects.filter(enabled=True)
    wanted = [each for each in streams if not each.events or SESSION_REVOKED in each.events]
    tokens = Token.objects.filter(pk__in=ids) if wanted else Token.objects.none()
    made = SecurityEvent.objects.bulk_create(
        [_event(stream, token, at) for token in tokens for stream in wanted],
        ignore_conflicts=True,
    )
    return len(made)


def verify(stream: EventStream, *, state: str, at: datetime) -> SecurityEvent:
    """A message that says nothing but that the stream works (SSF 1.0, section 8.1.4)."""
    return SecurityEvent.objects.create(
        stream=stream,
        event=VERIFICATION,
        subject={"format": "opaque", "id": f"stream:{stream.pk}"},
        payload={"state": state},
        created_at=at,
        next_try_at=at,
    )


def signed(event: SecurityEvent, *, at: datetime) -> str:
    """The event as a SET: the same claims at every attempt."""
    key = signing_keys.current(signing_keys.Purpose.EVENTS, at)
    header = {"typ": "secevent+jwt", "alg": "ES256", "kid": str(key.kid)}
    return jwt.encode(header, claims_of(event), key, algorithms=["ES256"])


def claims_of(event: SecurityEvent) -> dict[str, Any]:
    """No `sub` and no `exp`, so that no one takes it for a token (RFC 8417, section 4.5)."""
    return {
        "iss": issuer(),
        "aud": event.stream.audience,
        "iat": int(event.created_at.timestamp()),
        "jti": event.jti.hex,
        "sub_id": event.subject,
        "events": {TYPES[event.event]: event.payload},
    }


def _event(stream: EventStream, token: Token, at: datetime) -> SecurityEvent:
    cause = Token.EndCause(token.end_cause or Token.EndCause.REVOKED)
    by = "admin" if cause == Token.EndCause.REVOKED else "policy"
    return SecurityEvent(
        stream=stream,
        event=SESSION_REVOKED,
        identity_id=token.identity_id,
        token=token,
        subject={
            "format": "complex",
            "session": {"format": "opaque", "id": str(token.jti)},
            "user": {"format": "iss_sub", "iss": issuer(), "sub": token.subject},
        },
        payload={
            "event_timestamp": int((token.revoked_at or at).timestamp()),
            "initiating_entity": by,
            "reason_admin": {"en": f"{cause.label}."},
        },
        created_at=at,
        next_try_at=at,
    )
