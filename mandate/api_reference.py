"""The page to read the API and try it out."""

from typing import Any

from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

from mandate.middleware import CONTENT_SECURITY_POLICY

# Swagger UI draws its icons from data: addresses in its own style sheet. Everything else stays as strict as elsewhere.
POLICY = CONTENT_SECURITY_POLICY.replace("img-src 'self'", "img-src 'self' data:")


class ApiReference(SpectacularSwaggerSplitView):
    """Swagger UI from our own files; the script and the document are addresses of their own."""

    url_name = "api:schema"
    template_name = "api/reference.html"

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        response.headers["Content-Security-Policy"] = POLICY
        return response
