"""A2A: agents, their skills, and how callers prove themselves, from Agent Cards of every version."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inventory.models import Identity, Tool, ToolServer
from tests.inventory.importers.loading import is_unchanged, run
from tests.samples import sample

pytestmark = pytest.mark.django_db

SKILL = {"id": "book_hotel", "name": "Book a hotel", "description": "Books it", "tags": ["travel"]}
CARD = {"name": "Hotels", "description": "Books hotels", "version": "1.0.0", "skills": [SKILL]}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Any], Path]:
    def written(content: Any) -> Path:
        path = tmp_path / "card.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    return written


@pytest.mark.parametrize(
    ("card", "auth", "encrypted", "transport"),
    [
        ({**CARD, "url": "http://hotels.example/"}, "none", False, "http"),
        (
            {**CARD, "url": "https://hotels.example/", "preferredTransport": "JSONRPC",
             "protocolVersion": "0.3.0", "securitySchemes": {"key": {"type": "apiKey", "in": "header"}},
             "security": [{"key": []}]},
            "static", True, "http",
        ),
        (
            {**CARD, "supportedInterfaces": [
                {"url": "https://hotels.example/grpc", "protocolBinding": "GRPC", "protocolVersion": "1.0"}],
             "securitySchemes": {"mtls": {"mtlsSecurityScheme": {}}}},
            "mutual_tls", True, "grpc",
        ),
        ({**CARD, "url": "https://h.example", "authentication": {"schemes": ["oauth2"]}}, "oauth", True, "http"),
    ],
)  # fmt: skip
def test_cards_of_each_version(
    write: Callable[[Any], Path], card: Any, auth: str, encrypted: bool, transport: str
) -> None:
    run("a2a", write(card))

    agent, server = Identity.objects.get(), ToolServer.objects.get()
    assert (agent.name, agent.kind, server.identity) == ("Hotels", "autonomous_agent", agent)
    assert (server.auth, server.encrypted, server.transport) == (auth, encrypted, transport)
    tool = Tool.objects.get()
    assert (tool.provider, tool.name, tool.judged_risk) == ("Hotels", "book_hotel", "medium")


def test_a_skill_that_is_offered_no_more_is_gone(write: Callable[[Any], Path]) -> None:
    run("a2a", write(CARD))

    run("a2a", write({**CARD, "skills": []}))

    assert not Tool.objects.filter(gone_at=None).exists()


@pytest.mark.parametrize("name", ["agent_card", "orchestrator_agent", "planner_agent"])
def test_published_cards_are_read_and_reading_them_again_changes_nothing(name: str) -> None:
    card = json.loads(sample(f"a2a/{name}.json").read_text(encoding="utf-8"))

    run("a2a", sample(f"a2a/{name}.json"))

    assert Identity.objects.get().name == card["name"]
    assert Tool.objects.count() == len(card["skills"])
    assert is_unchanged(run("a2a", sample(f"a2a/{name}.json")))


def test_the_specification_s_own_card_asks_for_openid() -> None:
    run("a2a", sample("a2a/cards_from_spec.json"))

    server = ToolServer.objects.get(provider="GeoSpatial Route Planner Agent")
    assert (server.auth, server.encrypted, server.release) == ("oauth", True, "1.2.0")
    assert set(Tool.objects.values_list("name", flat=True)) == {
        "route-optimizer-traffic", "custom-map-generator",
    }  # fmt: skip
