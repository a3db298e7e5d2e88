"""The OpenAPI document says of each operation what it answers, also when something is wrong."""

import re
from typing import Any

from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse

from inventory.api.problems import MEDIA_TYPE, Problem

_ALWAYS = {
    "400": "A parameter or a field is wrong.",
    "401": "No token or session, or one that holds no longer.",
    "403": "The role or the token does not allow this.",
    "406": "Only JSON is served.",
}
_OF_A_ROW = {"404": "There is no such record, or you may not see it."}
_OF_A_CHANGE = {
    "413": "The body is too large.",
    "415": "The body has another media type than the one that is taken.",
    "422": "A rule refuses it, with a sentence that says why.",
}


_SENTENCE_END = re.compile(r"[.;:](?:\s|$)")


class Described(AutoSchema):
    """Adds a summary of each operation, words for each parameter, and the problem documents, which an exception handler
    makes and drf-spectacular cannot see.
    """

    def get_summary(self) -> str:
        named = {"list": f"List {self.path.split('/')[3]}", "retrieve": f"Read one {self._noun}"}
        return (
            named.get(getattr(self.view, "action", ""))
            or _SENTENCE_END.split(self.get_description())[0]
        )

    def _get_parameters(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = super()._get_parameters()
        for one in found:
            noun = self._noun if one["in"] == "path" else one["name"]
            one.setdefault("description", f"The `id` of the {noun}.")
            values = one["schema"].get("items", one["schema"])
            if isinstance(values.get("type"), list):  # an address has no null
                values["type"] = next(kind for kind in values["type"] if kind != "null")
        return found

    @property
    def _noun(self) -> str:
        return str(getattr(self.view, "basename", ""))

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        wanted = dict(_ALWAYS)
        if "{" in self.path:  # it names a row
            wanted |= _OF_A_ROW
        if self.method not in ("GET", "HEAD"):
            wanted |= _OF_A_CHANGE
        for status, description in wanted.items():
            if status not in bodies:
                answer = OpenApiResponse(Problem, description=description)
                bodies[status] = self._get_response_for_code(  # type: ignore[no-untyped-call]
                    answer, status, media_types=[MEDIA_TYPE], direction=direction
                )
        return bodies


class BearerToken(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers by being defined
    """How the document names the token scheme (RFC 6750)."""

    target_class = "inventory.api.authentication.ApiTokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API token (mdt_...)."}


class NothingElse(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]  # registers by being defined
    """What the API takes is exactly its fields: one that is not known is refused (`inputs.Given`)."""

    target_class = "inventory.api.inputs.Given"
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Any) -> dict[str, Any]:
        found: dict[str, Any] = auto_schema._map_serializer(  # type: ignore[no-untyped-call]
            self.target, direction, bypass_extensions=True
        )
        return {**found, "additionalProperties": False}
