"""Security headers on every answer: the browser may run and load only what we serve ourselves."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone

from inventory import viewing
from inventory.models import User
from runtime.api import authzen

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
# The API refuses such a session itself, with a problem document.
_WITHOUT_CHANGING = ("/accounts/", "/static/", "/healthz", "/readyz", "/api/")
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
)


class DecisionsFirst:
    """Decisions are asked thousands of times a second, by programs with a token: they go the short way, past sessions,
    messages and all that pages need. Their addresses are those of runtime/decision_urls.py.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        view = authzen.DIRECT.get(request.path_info)
        return self.get_response(request) if view is None else view(request)


class ChangePasswordFirst:
    """Who signed in with a password that security made sees one page only: the one that changes it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        must = getattr(request.user, "must_change_password", False)
        if must and not request.path.startswith(_WITHOUT_CHANGING):
            return redirect("account_change_password")
        return self.get_response(request)


class RecordAuditors:
    """Keeps in the history what auditors looked at and what they took away; what renews itself is not looking."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        user = getattr(request, "user", None)  # the API sets it while it answers
        if isinstance(user, User) and user.role == User.Role.AUDITOR and _is_looking(request):
            viewing.record(
                user,
                path=request.path,
                query=request.META.get("QUERY_STRING", ""),
                exported="attachment" in response.headers.get("Content-Disposition", ""),
                status=response.status_code,
                at=timezone.now(),
            )
        return response


def _is_looking(request: HttpRequest) -> bool:
    own = request.path.startswith(("/static/", "/accounts/", "/healthz", "/readyz"))
    return request.method == "GET" and not own and not request.path.endswith("/status/")


class SecurityHeaders:
    """A view that needs another policy (the API reference) sets the header itself, and it stays."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        headers = response.headers
        headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        # What one person may see is kept by no shared cache and on no shared disk.
        headers.setdefault("Cache-Control", "private, no-store")
        return response
