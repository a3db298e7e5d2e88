"""Reads requests to the OAuth endpoints, strictly: form parameters once each, JSON bounded, sizes known."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, QueryDict
from django.http.request import RawPostDataException

from runtime import jose, scopes
from runtime.jose import BadJwt
from runtime.oauth_errors import (
    InvalidAuthorizationDetails,
    InvalidRequest,
    InvalidTarget,
)
from runtime.scopes import Wish

FORM = "application/x-www-form-urlencoded"
LARGEST = 128 * 1024  # bytes of a body
LONGEST_TARGET = 500
DETAIL_TYPE = "mandate_task"


def parameters(request: HttpRequest) -> dict[str, str]:
    """The form of a request, each parameter once (RFC 6749, section 3.2). Empty ones count as left out."""
    if request.content_type != FORM:
        raise InvalidRequest(f"Send the parameters as {FORM}.")
    if request.GET:
        raise InvalidRequest("Send the parameters in the body, not in the address.")
    try:
        if len(request.body) > LARGEST:
            raise InvalidRequest(f"The body is larger than {LARGEST:,} bytes.")
        form = QueryDict(request.body.decode("utf-8"), encoding="utf-8")
    except (RequestDataTooBig, TooManyFieldsSent, RawPostDataException) as error:
        raise InvalidRequest("The body is too large.") from error
    except UnicodeDecodeError as error:
        raise InvalidRequest("The body is not UTF-8.") from error
    double = sorted(name for name, values in form.lists() if len(values) > 1)
    if double:
        raise _doubled(double[0])
    return {name: value for name, value in form.items() if isinstance(value, str) and value}


def target(given: Mapping[str, str]) -> str:
    """The one audience of the token: `audience` (RFC 8693) or `resource` (RFC 8707)."""
    audience, resource = given.get("audience", ""), given.get("resource", "")
    if audience and resource and audience != resource:
        raise InvalidTarget("A token is for one audience. Give audience or resource.")
    found = audience or resource
    if not found:
        raise InvalidTarget("There is no audience. Say which resource server the token is for.")
    if (
        len(found) > LONGEST_TARGET
        or not found.isascii()
        or not found.isprintable()
        or " " in found
    ):
        raise InvalidTarget(f"An audience is ASCII without spaces, of at most {LONGEST_TARGET}.")
    if resource and ("://" not in resource or "#" in resource):
        raise InvalidTarget("A resource is an absolute address without a fragment (RFC 8707).")
    return found


def task_and_wishes(given: Mapping[str, str]) -> tuple[int | None, list[Wish]]:
    """The task and the scopes, as parameters or in authorization_details (RFC 9396)."""
    task, wishes = _number(given.get("task")), scopes.parse(given.get("scope", ""))
    if "authorization_details" not in given:
        return task, wishes
    detail = _detail(given["authorization_details"])
    named = _number(detail.get("task"))
    if task is not None and named is not None and task != named:
        raise InvalidAuthorizationDetails("“task” names two tasks.")
    if "access" in detail:
        wishes = list(dict.fromkeys([*wishes, *scopes.from_details(detail["access"])]))
    return (task if named is None else named), wishes


def _detail(text: str) -> dict[str, Any]:
    try:
        found = jose.json_of(text)
    except BadJwt as error:
        raise InvalidAuthorizationDetails(f"It cannot be read. {error}") from error
    if not isinstance(found, list) or len(found) != 1 or not isinstance(found[0], dict):
        raise InvalidAuthorizationDetails("authorization_details is a list of one object.")
    detail: dict[str, Any] = found[0]
    if detail.get("type") != DETAIL_TYPE:
        raise InvalidAuthorizationDetails(f"The only type is {DETAIL_TYPE}.")
    unknown = sorted(set(detail) - {"type", "task", "access"})
    if unknown:
        raise InvalidAuthorizationDetails(
            f"There is no field “{unknown[0][:60]}” in {DETAIL_TYPE}."
        )
    return detail


def _number(value: Any) -> int | None:  # Any: a parameter, or JSON of a stranger
    if value is None:
        return None
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise InvalidRequest("“task” is the number of a task.")
    return int(text)


def _doubled(name: str) -> InvalidRequest | InvalidTarget:
    if name in ("audience", "resource"):
        return InvalidTarget("A token is for one audience only.")
    return InvalidRequest(f"“{name[:60]}” is given more than once.")
