"""What a check rests on: without a single row of it no source is connected, and nothing can be told (law 4)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from django.apps import apps
from django.db.models import Exists, QuerySet

from frameworks import catalogues
from frameworks.catalogues import CatalogueWrong, one_of, rows, text
from inventory.models import (
    Credential,
    Delegation,
    Grant,
    Identity,
    Person,
    Source,
    Tool,
    ToolBinding,
)
from reviews.models import Finding

NO_SOURCE = "No source connected"
NO_CHECK = "No check of this version tests it"


def _upstairs(model: str) -> Callable[[], QuerySet | None]:  # type: ignore[type-arg]  # any noun
    """A noun of the floor of what happens, where this version has it."""

    def find() -> QuerySet | None:  # type: ignore[type-arg]
        try:
            found: QuerySet = apps.get_model("runtime", model)._default_manager.all()  # type: ignore[type-arg]
        except LookupError:
            return None
        return found

    return find


_NOUNS: dict[str, Callable[[], QuerySet | None]] = {  # type: ignore[type-arg]  # of each noun
    "identity": Identity.objects.all,
    "person": Person.objects.all,
    "credential": Credential.objects.all,
    "grant": Grant.objects.all,
    "delegation": Delegation.objects.all,
    "tool": Tool.objects.all,
    "tool_binding": ToolBinding.objects.all,
    "finding": Finding.objects.all,
    "read_source": lambda: Source.objects.exclude(kind=Source.MANUAL),
    "tool_call": _upstairs("ToolCall"),
    "decision": _upstairs("Decision"),
    "policy_set": _upstairs("PolicySet"),
    "agent_name": _upstairs("AgentName"),
    "seal": _upstairs("SealMark"),
    "secret_finding": lambda: None,  # no connector reports them yet
}


@dataclass(frozen=True)
class Need:
    """The nouns that a check rests on, and what to connect where they are missing."""

    nouns: tuple[str, ...]
    connect: str


@cache
def needs() -> dict[str, Need]:
    """By check, from the file beside the crosswalk."""
    path = catalogues.DIRECTORY / catalogues.SOURCES_NEEDED
    raw, where = catalogues.document(path), path.name
    found = {}
    for item in rows(raw, "items", where):
        check_id = text(item, "id", where)
        nouns = item.get("needs")
        if not isinstance(nouns, list) or not nouns:
            raise CatalogueWrong(f"{where}, {check_id}: needs is not a list. Name a noun.")
        known = tuple(
            one_of({"needs": noun}, "needs", tuple(_NOUNS), f"{where}, {check_id}")
            for noun in nouns
        )
        found[check_id] = Need(known, text(item, "connect", f"{where}, {check_id}"))
    return found


def connected() -> frozenset[str]:
    """The nouns of which there is a row at all; one query."""
    rows = {noun: found for noun, find in _NOUNS.items() if (found := find()) is not None}
    asked = {noun: Exists(found) for noun, found in rows.items()}
    one = Source.objects.order_by("pk")[:1].annotate(**asked).values(*asked).first() or {}
    return frozenset(noun for noun in asked if one.get(noun))


def silence(check_id: str, there: frozenset[str]) -> tuple[str, str]:
    """Why the check finds nobody to ask, and what to connect; empty where the inventory holds what it rests on."""
    need = needs().get(check_id)
    if need is None or set(need.nouns) <= there:
        return "", ""
    return NO_SOURCE, need.connect
