"""Reads Agent Cards of the A2A protocol: the agent as an identity, its skills as tools, how callers prove themselves.

Shapes: Agent2Agent Protocol, AgentCard, versions 0.2 and 0.3 (`url`, `security`), 1.0 (`supportedInterfaces`,
`securityRequirements`), and before that (`authentication`).
"""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from inventory.importers.base import Connector, SourceFile, WrongFile
from inventory.importers.endpoints import Endpoint, read_endpoint
from inventory.importers.records import IdentityRow, Rejected, Said, Tally, ToolServerRow
from inventory.importers.tool_rows import LONGEST_NAME, plain, tool_row
from inventory.importers.whole_json import Object, object_at, objects_of, read_json, texts_at

_CAVEAT = "Known only from its card: what it may do, and as whom it acts, is not in it."
_NO_NAME = "An agent card has a name. The card was left out."
_NO_CARD = "This is no agent card: it has no skills and no capabilities. It was left out."
# What a scheme proves by, strongest first: names of 1.0 in lower case, and types of 0.x (OpenAPI 3.2, Security Scheme).
_SCHEMES = (
    ("mutual_tls", ("mtls", "mutualtls")),
    ("oauth", ("oauth2", "openidconnect", "oidc")),
    ("static", ("apikey", "httpauth", "http", "basic", "bearer")),
)


class A2a(Connector):
    """Agents that answer other agents, from their Agent Cards."""

    key = "a2a"
    label = "A2A agent cards"
    namespace = "a2a"
    help = "Upload agent cards, as agents answer them at /.well-known/agent-card.json; one or many."
    suffixes = (".json",)

    def rows(self, files: Sequence[SourceFile]) -> Iterator[Said]:
        for file in files:
            document = read_json(file)
            before = f"{file.name} " if len(files) > 1 else ""
            cards = objects_of(document)
            if not cards:
                raise WrongFile(f"{file.name} holds no object. Export the card again.")
            for number, found in enumerate(cards):
                place = f"{before}[{number}]" if isinstance(document, list) else file.name
                card = object_at(found, "result") or found
                yield from _card(card, place)


def _card(card: Object, place: str) -> Iterator[Said]:
    name = plain(card.get("name"), LONGEST_NAME).strip()
    if not isinstance(card.get("skills"), list) and not object_at(card, "capabilities"):
        yield Rejected(place, "", _NO_CARD)
        return
    if not name:
        yield Rejected(place, "name", _NO_NAME)
        return
    reached = _reached(card)
    host = urlsplit(reached.address).netloc or "-"
    key = f"agent/{host}/{name}"[:800]
    yield _agent(card, key, name, place)
    yield ToolServerRow(
        external_id=f"card|{key}", place=place, scope=key[:255], provider=name, origin="card",
        identity=key, description=plain(card.get("description"), 2_000),
        release=plain(card.get("version"), 100), transport=reached.transport,
        endpoint=reached.address, encrypted=reached.encrypted, auth=_auth(card),
        attributes=_attributes(card),
    )  # fmt: skip
    yield from _skills(card, key, name, place)
    yield Tally("agent cards", 1)


def _agent(card: Object, key: str, name: str, place: str) -> IdentityRow:
    provider = object_at(card, "provider")
    return IdentityRow(
        external_id=key, place=place, scope=key[:255], kind="autonomous_agent", name=name,
        purpose=plain(card.get("description"), 1_000) or None,
        supplier=plain(provider.get("organization"), 200) or None,
        attributes={
            "version": plain(card.get("version"), 100), "address": _reached(card).address,
            "skills": len(objects_of(card.get("skills"))),
        },
        caveats=(_CAVEAT,),
    )  # fmt: skip


def _skills(card: Object, key: str, provider: str, place: str) -> Iterator[Said]:
    for number, skill in enumerate(objects_of(card.get("skills"))):
        at = f"{place} skills[{number}]".strip()
        skill_id = plain(skill.get("id") or skill.get("name"), LONGEST_NAME).strip()
        if not skill_id:
            yield Rejected(at, "id", "A skill has an id. It was left out; correct the card.")
            continue
        modes = texts_at(skill.get("inputModes"))
        described = {
            "name": skill_id,
            "description": skill.get("description"),
            "inputSchema": {"inputModes": modes} if modes else None,
        }
        yield tool_row(
            described, external_id=f"{key}/{skill_id}"[:1000], place=at, provider=provider,
            scope=key[:255], attributes={
                "title": plain(skill.get("name"), LONGEST_NAME),
                "tags": [plain(tag, 100) for tag in texts_at(skill.get("tags"))[:50]],
            },
        )  # fmt: skip


def _reached(card: Object) -> Endpoint:
    """The preferred interface: the first of 1.0, or the address of 0.x."""
    for interface in objects_of(card.get("supportedInterfaces")):
        kind = interface.get("protocolBinding") or interface.get("transport")
        return read_endpoint(interface.get("url"), kind=kind)
    return read_endpoint(card.get("url"), kind=card.get("preferredTransport"))


def _auth(card: Object) -> str:
    """What the card asks of callers; a card that names nothing asks nothing."""
    asked = {scheme.lower() for scheme in _schemes(card).values()}
    for auth, kinds in _SCHEMES:
        if any(scheme.startswith(kinds) for scheme in asked):
            return auth
    return "" if asked else "none"


def _schemes(card: Object) -> dict[str, str]:
    """Name to type of each security scheme. 1.0 says the type by the key under which the scheme stands."""
    found: dict[str, str] = {}
    for name, scheme in object_at(card, "securitySchemes").items():
        if isinstance(scheme, dict):
            inside = next((key for key in scheme if key.endswith("SecurityScheme")), "")
            kind = inside.removesuffix("SecurityScheme") or plain(scheme.get("type"), 40)
            found[plain(name, 100)] = kind
    for kind in texts_at(object_at(card, "authentication").get("schemes")):
        found[plain(kind, 100)] = plain(kind, 40)
    return found


def _attributes(card: Object) -> dict[str, object]:
    able = object_at(card, "capabilities")
    first = next(iter(objects_of(card.get("supportedInterfaces"))), {})
    version = plain(card.get("protocolVersion") or first.get("protocolVersion"), 40)
    return {
        **({"protocol": version} if version else {}),
        "schemes": _schemes(card),
        "capabilities": sorted(plain(key, 100) for key, value in able.items() if value is True),
        "signed": bool(card.get("signatures")),
    }
