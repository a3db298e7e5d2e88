"""What Mandate says of itself as an authorization server, as a resource server, and as a sender of security events."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from runtime import jose, subjects
from runtime.addresses import address, issuer
from runtime.oauth_forms import DETAIL_TYPE
from runtime.views.oauth import GRANT

_CACHED = {"Cache-Control": "public, max-age=300"}
_METHODS = ["private_key_jwt", "none"]


@login_not_required
@require_safe
def authorization_server(request: HttpRequest) -> JsonResponse:
    """RFC 8414, section 2, with RFC 8705, RFC 9396 and RFC 9449."""
    told = {
        "issuer": issuer(),
        "token_endpoint": address("oauth-token"),
        "introspection_endpoint": address("oauth-introspect"),
        "revocation_endpoint": address("oauth-revoke"),
        "jwks_uri": address("well-known-jwks"),
        "grant_types_supported": [GRANT],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": _METHODS,
        "token_endpoint_auth_signing_alg_values_supported": list(jose.ALGORITHMS),
        "introspection_endpoint_auth_methods_supported": ["private_key_jwt", "bearer"],
        "introspection_endpoint_auth_signing_alg_values_supported": list(jose.ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": ["private_key_jwt", "bearer"],
        "revocation_endpoint_auth_signing_alg_values_supported": list(jose.ALGORITHMS),
        "dpop_signing_alg_values_supported": list(jose.ALGORITHMS),
        "tls_client_certificate_bound_access_tokens": True,
        "authorization_details_types_supported": [DETAIL_TYPE],
        "subject_token_types_supported": list(subjects.TYPES),
    }
    return JsonResponse(told, headers=_CACHED)


@login_not_required
@require_safe
def protected_resource(request: HttpRequest) -> JsonResponse:
    """RFC 9728, section 2: Mandate's own endpoints that take its tokens."""
    told = {
        "resource": issuer(),
        "resource_name": "Mandate",
        "authorization_servers": [issuer()],
        "jwks_uri": address("well-known-jwks"),
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": list(jose.ALGORITHMS),
        "dpop_bound_access_tokens_required": False,
        "tls_client_certificate_bound_access_tokens": True,
        "authorization_details_types_supported": [DETAIL_TYPE],
    }
    return JsonResponse(told, headers=_CACHED)


@login_not_required
@require_safe
def event_transmitter(request: HttpRequest) -> JsonResponse:
    """OpenID Shared Signals Framework 1.0, section 7.1. Streams are set up by security, not over the network."""
    told = {
        "spec_version": "1_0",
        "issuer": issuer(),
        "jwks_uri": address("well-known-jwks"),
        "delivery_methods_supported": ["urn:ietf:rfc:8935"],
        "default_subjects": "ALL",
    }
    return JsonResponse(told, headers=_CACHED)
