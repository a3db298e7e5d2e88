"""The public keys, for whoever verifies what Mandate signed."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from runtime import signing_keys

_CACHED = "public, max-age=300"  # seconds; far shorter than a key is announced before it signs


@login_not_required
@require_safe
def jwks(request: HttpRequest) -> JsonResponse:
    """A JWK set (RFC 7517). Keys to come are in it before they sign, and those of the past for a while after."""
    return JsonResponse(
        {"keys": signing_keys.published(timezone.now())},
        content_type="application/jwk-set+json",
        headers={"Cache-Control": _CACHED},
    )
