"""Every error of the API is a problem document (RFC 9457): a title, a status, and a sentence that helps."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.core.signals import got_request_exception
from django.http import Http404
from rest_framework import exceptions, serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, set_rollback

from inventory.keyset import BadCursor
from inventory.rules import RuleBroken

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"


class FieldProblem(serializers.Serializer[Any]):
    """What is wrong with one field or parameter."""

    field = serializers.CharField()
    message = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    """RFC 9457, section 3."""

    type = serializers.CharField(help_text="Always about:blank: the status tells the kind.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What is wrong, and what to do.")
    errors = FieldProblem(many=True, required=False)  # type: ignore[assignment]  # RFC 9457 calls it so


class TooLarge(exceptions.APIException):
    """More than is taken."""

    status_code = 413


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. What nobody expected is logged as an error of ours; the caller learns nothing of it."""
    known = _as_api_exception(error)
    if known is None and settings.DEBUG:
        return None
    set_rollback()
    request: Request | None = context.get("request")
    if request is not None:  # also where a page or YAML would be the answer
        request.accepted_renderer, request.accepted_media_type = JSONRenderer(), MEDIA_TYPE
    if known is None:
        return _our_fault(error, request)
    headers = {}
    if isinstance(known, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        headers["WWW-Authenticate"] = getattr(known, "auth_header", 'Bearer realm="mandate"')
    errors = list(_errors(known.detail)) if isinstance(known.detail, dict) else []
    detail = " ".join(dict.fromkeys(one["message"] for one in errors)) or _sentence(known.detail)
    return problem(known.status_code, detail, errors=errors, headers=headers)


def problem(
    status: int,
    detail: str,
    *,
    errors: list[dict[str, str]] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    document: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        document["errors"] = errors
    return Response(document, status=status, headers=headers, content_type=MEDIA_TYPE)


class NotThere(APIView):
    """Any address under /api/ that is none."""

    authentication_classes = ()
    permission_classes = ()
    schema = None

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:  # Any: Django's own
        self.headers = self.default_response_headers
        request = self.initialize_request(request, *args, **kwargs)
        response = problem(404, "There is nothing at this address. /api/v1/schema/ lists all.")
        return self.finalize_response(request, response, *args, **kwargs)


def _our_fault(error: Exception, request: Request | None) -> Response:
    log.error("api.failed", exc_info=error)
    got_request_exception.send(sender=problem_response, request=getattr(request, "_request", None))
    return problem(500, "Something broke here, and it is logged. Try again later.")


def _as_api_exception(error: Exception) -> exceptions.APIException | None:
    """What is raised below the API, as what the API says of it; None for what nobody expected."""
    for kind, known in _KNOWN.items():
        if isinstance(error, kind):
            return known(error)
    return error if isinstance(error, exceptions.APIException) else None


class _Unprocessable(exceptions.APIException):
    """The request is well-formed, and a rule refuses it."""

    status_code = 422


def _errors(detail: Any, path: str = "") -> Any:  # Any: DRF nests lists and dictionaries freely
    """Nested errors as a flat list of field and message; a list counts its rows from 0."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _errors(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(detail, list) and any(isinstance(one, dict) for one in detail):
        for number, inner in enumerate(detail):
            yield from _errors(inner, f"{path}[{number}]")
    else:
        yield {"field": path, "message": _sentence(detail)}


def _sentence(detail: Any) -> str:
    return " ".join(map(str, detail)) if isinstance(detail, list) else str(detail)


def _too_large(error: Exception) -> TooLarge:
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 2**20
    return TooLarge(f"The body is larger than {limit} MB. Send less.")


# The first that fits counts.
_KNOWN: dict[type[Exception], Callable[[Exception], exceptions.APIException]] = {
    exceptions.NotAuthenticated: lambda _: exceptions.NotAuthenticated(
        "There is no token and no session. Send “Authorization: Bearer mdt_…”, or sign in."
    ),
    Http404: lambda _: exceptions.NotFound("There is no such record, or you may not see it."),
    PermissionDenied: lambda error: exceptions.PermissionDenied(
        str(error) or "Your role does not allow this."
    ),
    RuleBroken: lambda error: _Unprocessable(str(error)),
    BadCursor: lambda error: exceptions.ParseError(str(error)),
    BadRequest: lambda error: exceptions.ParseError(str(error)),
    RequestDataTooBig: _too_large,
    # Django's words name its settings.
    TooManyFieldsSent: lambda _: exceptions.ParseError("These are too many fields. Send fewer."),
    TooManyFilesSent: lambda _: exceptions.ParseError("These are too many files. Send a ZIP."),
    SuspiciousOperation: lambda _: exceptions.ParseError("The request cannot be understood."),
}
