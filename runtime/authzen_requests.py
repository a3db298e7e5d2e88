"""AuthZEN requests (OpenID Authorization API 1.0) read into questions; what is malformed is said in one sentence."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from runtime.questions import Question

Json = dict[str, Any]  # Any: JSON
LARGEST_BODY = 1_048_576
MOST_EVALUATIONS = 1_000
_LONGEST = {"type": 200, "id": 4_096, "name": 1_024}
EXECUTE_ALL = "execute_all"
DENY_FIRST, PERMIT_FIRST = "deny_on_first_deny", "permit_on_first_permit"
SEMANTICS = (EXECUTE_ALL, DENY_FIRST, PERMIT_FIRST)


class Malformed(Exception):
    """A sentence that says what is wrong with the request."""


def body_of(raw: bytes) -> Json:
    """The JSON object of a body."""
    if len(raw) > LARGEST_BODY:
        raise Malformed(f"The body is larger than {LARGEST_BODY // 1024} KiB.")
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise Malformed("The body is not JSON.") from None
    if not isinstance(found, dict):
        raise Malformed("The body is not a JSON object.")
    return found


def question_of(request: Mapping[str, Any]) -> Question:  # Any: JSON
    """One evaluation request (section 5 of the standard)."""
    subject, action = _part(request, "subject"), _part(request, "action")
    resource, context = _part(request, "resource"), request.get("context")
    if context is not None and not isinstance(context, dict):
        raise Malformed("“context” is not an object.")
    return Question(
        _text(subject, "subject", "type"), _text(subject, "subject", "id"),
        _text(action, "action", "name"),
        _text(resource, "resource", "type"), _text(resource, "resource", "id"),
        context or {}, _properties(subject, "subject"), _properties(action, "action"),
        _properties(resource, "resource"),
    )  # fmt: skip


def entries_of(request: Mapping[str, Any]) -> tuple[list[Json | Malformed], str]:
    """The requests of a batch and its semantics (section 7). An entry's own values replace the request's defaults.

    An entry that is malformed is answered for itself and spoils no other.
    """
    entries, options = request.get("evaluations"), request.get("options")
    if not isinstance(entries, list):
        raise Malformed("“evaluations” is not a list.")
    if len(entries) > MOST_EVALUATIONS:
        raise Malformed(f"There are more than {MOST_EVALUATIONS:,} evaluations.")
    if options is not None and not isinstance(options, dict):
        raise Malformed("“options” is not an object.")
    semantic = (options or {}).get("evaluations_semantic", EXECUTE_ALL)
    if semantic not in SEMANTICS:
        raise Malformed(f"“evaluations_semantic” is none of: {', '.join(SEMANTICS)}.")
    usual = {
        name: request[name]
        for name in ("subject", "action", "resource", "context")
        if name in request
    }
    return [
        {**usual, **entry}
        if isinstance(entry, dict)
        else Malformed("An evaluation is not an object.")
        for entry in entries
    ], semantic


def entry_of(entry: Json | Malformed) -> Question | Malformed:
    """The question of one entry of a batch."""
    if isinstance(entry, Malformed):
        return entry
    try:
        return question_of(entry)
    except Malformed as error:
        return error


def _part(request: Mapping[str, Any], name: str) -> Json:
    part = request.get(name)
    if not isinstance(part, dict):
        raise Malformed(f"“{name}” is missing or is not an object.")
    return part


def _text(part: Mapping[str, Any], of: str, name: str) -> str:
    value = part.get(name)
    if not isinstance(value, str):
        raise Malformed(f"“{name}” of “{of}” is missing or is not a string.")
    if not value or len(value) > _LONGEST[name]:
        raise Malformed(f"“{name}” of “{of}” has no or more than {_LONGEST[name]:,} characters.")
    return value


def _properties(part: Mapping[str, Any], of: str) -> Json:
    found = part.get("properties")
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Malformed(f"“properties” of “{of}” is not an object.")
    return found


# What a search leaves open: the part, and what of it need not be said.
_OPEN: Mapping[str, Mapping[str, str]] = {
    "subject": {"id": "*"},
    "resource": {"id": "*"},
    "action": {"name": "*"},
}
MOST_RESULTS, USUAL_RESULTS = 500, 50


@dataclass(frozen=True, slots=True)
class Page:
    """How many results, and after which one."""

    limit: int = USUAL_RESULTS
    after: str = ""


def search_of(request: Mapping[str, Any], sought: str) -> Question:  # Any: JSON
    """A search request as a question in which what is sought is open (section 8)."""
    given = request.get(sought)
    if sought != "action" and not isinstance(given, dict):
        raise Malformed(f"“{sought}” is missing or is not an object.")
    part = {} if sought == "action" else dict(given or {})
    return question_of({**request, sought: {**part, **_OPEN[sought]}})


def page_of(request: Mapping[str, Any]) -> Page:  # Any: JSON
    """Section 8.2: an opaque token and a limit."""
    page = request.get("page")
    if page is None:
        return Page()
    if not isinstance(page, dict):
        raise Malformed("“page” is not an object.")
    limit, token = page.get("limit", USUAL_RESULTS), page.get("token") or ""
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise Malformed("“limit” of “page” is not a whole number of 1 or more.")
    if not isinstance(token, str):
        raise Malformed("“token” of “page” is not a string.")
    return Page(min(limit, MOST_RESULTS), read_token(token))


def make_token(after: str) -> str:
    return base64.urlsafe_b64encode(after.encode()).decode() if after else ""


def read_token(token: str) -> str:
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (ValueError, UnicodeError):
        raise Malformed("“token” of “page” is none that was given here.") from None
