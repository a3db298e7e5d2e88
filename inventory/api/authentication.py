"""Who calls the API: the holder of a token, or a browser session; and what a token is good for."""

from typing import TYPE_CHECKING

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, IsAuthenticated
from rest_framework.request import Request

from inventory import api_tokens
from inventory.models import ApiToken, User

if TYPE_CHECKING:  # rest_framework.views reads the settings that name this module
    from rest_framework.views import APIView

_REFUSED = "This token is unknown, has expired or was revoked. Make another one in Mandate."


class ApiTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer mdt_...` (RFC 6750)."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        scheme, _, secret = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        try:
            token = api_tokens.recognise(secret.strip().decode("ascii"), timezone.now())
        except UnicodeDecodeError:
            token = None
        if token is None:
            raise AuthenticationFailed(_REFUSED)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="mandate"'


class ScopeAllows(IsAuthenticated):
    """The token's scope, beside the role, which the rules ask for. A session has every scope of its role."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not super().has_permission(request, view):
            return False
        if not isinstance(request.auth, ApiToken):
            self.message = "This password was made by somebody else. Change it in Mandate first."
            return not getattr(request.user, "must_change_password", False)
        wanted = getattr(view, "write_scope", ApiToken.Scope.WRITE)
        if request.method in SAFE_METHODS:
            wanted = ApiToken.Scope.READ
        self.message = f"This token lacks the scope “{wanted}”. Use one that has it."
        return wanted in request.auth.scopes
