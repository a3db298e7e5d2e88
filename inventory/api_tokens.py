"""API tokens: made, recognised and revoked. The secret is shown once and kept nowhere; a digest stays."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied

from inventory import access, audit
from inventory.audit import Actor
from inventory.models import ApiToken, User
from inventory.rules import RuleBroken

Scope = ApiToken.Scope
LONGEST = timedelta(days=365)
USUAL = timedelta(days=90)
# A use is noted once a minute, so that a busy client does not write at every request.
NOTED_EVERY = timedelta(minutes=1)
HINT = 12


def scopes_of(user: User) -> list[str]:
    """What a token of this user may be for: never more than the role allows."""
    if access.changes_all(user):
        return list(Scope.values)
    return [Scope.READ] if user.role == User.Role.AUDITOR else [Scope.READ, Scope.WRITE]


def create(
    user: User, *, name: str, scopes: Collection[str], until: datetime, by: Actor, at: datetime
) -> tuple[ApiToken, str]:
    """The token and its secret, which is never seen again. Only one's own; security also for service users."""
    _require_hold(user, by)
    if not user.is_active:
        raise RuleBroken(f"{user.username} is switched off. Switch the account on first.")
    beyond = sorted(set(scopes) - set(scopes_of(user)))
    if beyond or not scopes:
        allowed = ", ".join(scopes_of(user))
        raise RuleBroken(f"A token of {user.username} can be for: {allowed}. Choose among these.")
    if not at < until <= at + LONGEST:
        raise RuleBroken(
            f"{until:%Y-%m-%d} is not within the next {LONGEST.days} days. Choose another end."
        )
    secret = ApiToken.new_secret()
    with audit.acting(by, "api_token.created"):
        token = ApiToken.objects.create(
            user=user,
            name=name,
            hint=secret[:HINT],
            digest=ApiToken.digest_of(secret),
            scopes=[scope for scope in Scope.values if scope in scopes],
            created_at=at,
            expires_at=until,
        )
    return token, secret


def revoke(token: ApiToken, *, by: Actor, at: datetime, reason: str = "") -> ApiToken:
    """Ends the token now. Twice is not an error; the first time stays."""
    if not isinstance(by, str) and by.pk != token.user_id:
        access.require_security(by)
    with audit.acting(by, "api_token.revoked", reason):
        ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=at)
    return ApiToken.objects.get(pk=token.pk)


def recognise(secret: str, at: datetime) -> ApiToken | None:
    """The live token with this secret, of a user who is switched on; its use is noted."""
    token = (
        ApiToken.objects.select_related("user").filter(digest=ApiToken.digest_of(secret)).first()
    )
    if token is None or not token.is_live(at) or not token.user.is_active:
        return None
    if token.last_used_at is None or token.last_used_at < at - NOTED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=at)
    return token


def _require_hold(user: User, by: Actor) -> None:
    if isinstance(by, str) or by.pk == user.pk:
        return
    access.require_security(by)
    if not user.is_service:
        raise PermissionDenied("A person makes their own tokens; security makes those of services.")
