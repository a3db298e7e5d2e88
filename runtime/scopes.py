"""Scopes of tokens: each is one request that a decision can answer, `action@type:id`, such as `read@resource:42`.

RFC 6749 (section 3.3) allows printable ASCII without space, quote and backslash; anything else in a name is written
with a percent sign, as in an address.
"""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from runtime.oauth_errors import InvalidAuthorizationDetails, InvalidScope

MOST = 50  # scopes of one token
LONGEST = 500  # characters of one
_SCOPE = re.compile(
    r"([\x21\x23-\x3f\x41-\x5b\x5d-\x7e]+)@([A-Za-z0-9_.:-]+?):([\x21\x23-\x5b\x5d-\x7e]+)"
)
_SAFE = "!$&'()*+,-./:;=?_~"


@dataclass(frozen=True, order=True)
class Wish:
    """One action on one resource, as a decision is asked about it."""

    action: str
    resource_type: str
    resource_id: str

    def __str__(self) -> str:
        action, key = quote(self.action, safe=_SAFE), quote(self.resource_id, safe=_SAFE + "@")
        return f"{action}@{self.resource_type}:{key}"


def parse(text: str) -> list[Wish]:
    """The scopes of a request, each once, in order. Raises InvalidScope."""
    words = text.split(" ") if text else []
    if len(words) > MOST:
        raise InvalidScope(f"These are more than {MOST} scopes.")
    return list(dict.fromkeys(_one(word) for word in words))


def written(wishes: list[Wish]) -> str:
    return " ".join(map(str, wishes))


def from_details(access: Any) -> list[Wish]:  # Any: JSON of a stranger
    """The same out of `access` in authorization_details: a list of {"action", "resource": {"type", "id"}}."""
    if not isinstance(access, list) or len(access) > MOST:
        raise InvalidAuthorizationDetails(f"“access” is a list of at most {MOST} entries.")
    return list(dict.fromkeys(_detail(each) for each in access))


def _one(word: str) -> Wish:
    found = _SCOPE.fullmatch(word)
    if found is None or len(word) > LONGEST:
        raise InvalidScope("A scope has the form action@type:id, such as read@resource:42.")
    return Wish(unquote(found[1]), found[2], unquote(found[3]))


def _detail(entry: Any) -> Wish:  # Any: JSON of a stranger
    resource = entry.get("resource") if isinstance(entry, dict) else None
    if not isinstance(resource, dict):
        raise InvalidAuthorizationDetails("Each entry of “access” has an action and a resource.")
    values = (entry.get("action"), resource.get("type"), resource.get("id"))
    texts = [value for value in values if isinstance(value, str) and 0 < len(value) <= LONGEST]
    if len(texts) != len(values):
        raise InvalidAuthorizationDetails("Action, type and id are texts.")
    try:
        return _one(str(Wish(*texts)))
    except InvalidScope as error:
        raise InvalidAuthorizationDetails(error.said) from error
