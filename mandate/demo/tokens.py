"""Whom the demo believes, what its agents got tokens for, and who is told when one ends."""

import json
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from joserfc.jwk import ECKey

from inventory import audit
from inventory.models import Grant, Identity, Task
from mandate.demo.content import DOMAIN
from mandate.demo.events import Scene
from runtime import event_streams, trust
from runtime.exchange import BY, LIVES, name_of
from runtime.models import EventStream, SecurityEvent, Token, TokenActor, TrustBundle
from runtime.scopes import Wish
from runtime.security_events import tell_of_tokens

# Names of this kind lead nowhere (RFC 2606): the demo reaches nobody.
_GATEWAY = "https://gateway.northmere.example/events"
_AUDIENCES = {"customs-clerk": "https://customs.northmere.example"}
_AUDIENCE = "https://gateway.northmere.example"
_TOOK = timedelta(seconds=2)


@dataclass(frozen=True)
class _Plan:
    """A token for the newest task of an agent in a state: minutes after its opening, or before now."""

    agent: str
    minutes: float
    status: str = Task.Status.OPEN


_ISSUED = (
    _Plan("refund-agent", 3, Task.Status.DONE),
    _Plan("route-replanner", 12, Task.Status.DONE),
    _Plan("release-captain", 20, Task.Status.DONE),
    _Plan("customs-clerk", 5, Task.Status.DONE),
    _Plan("customs-clerk", -40),
    _Plan("refund-agent", -22),
    _Plan("release-captain", -4),
    _Plan("customs-clerk", -1.5),
    _Plan("release-captain", -0.5),
)
_REVOKED = ("refund-agent", Task.Status.OPEN)


def trust_and_tell(scene: Scene) -> None:
    """A bundle of the cluster, a client with its own key, and a gateway that hears of ended tokens."""
    by = scene.users["priya.raman"]
    keys = [ECKey.generate_key("P-256").as_dict(private=False) | {"kid": "k1", "use": "jwt-svid"}]
    document = json.dumps({"keys": keys, "spiffe_sequence": 14, "spiffe_refresh_hint": 300})
    trust.give_bundle(DOMAIN, document, by=by, at=scene.at, note="The agents' cluster")
    client = Identity.objects.get(name="release-captain")
    jwk = json.dumps(ECKey.generate_key("P-256").as_dict(private=False))
    trust.register_client(
        "release-captain", client, jwk=jwk, by=by, at=scene.at, note="Runs outside of the cluster"
    )
    event_streams.create(name="API gateway", url=_GATEWAY, by=by, at=scene.at)


def issue(scene: Scene) -> None:
    """Tokens as an exchange leaves them behind: some live, some expired, one revoked by the one who answers for it."""
    for plan in _ISSUED:
        _keep(scene, plan)
    agent, status = _REVOKED
    found = Token.objects.filter(identity__name=agent, task__status=status).first()
    if found is not None:
        at = found.issued_at + timedelta(minutes=2)
        with audit.acting(scene.users["priya.raman"], "token.revoked", "The case was closed"):
            Token.objects.filter(pk=found.pk).update(
                revoked_at=at, end_cause=Token.EndCause.REVOKED
            )
        tell_of_tokens([found.pk], at=at)
    _deliver()


def _keep(scene: Scene, plan: _Plan) -> None:
    tasks = Task.objects.filter(identity__name=plan.agent, status=plan.status)
    task = tasks.select_related("identity", "on_behalf_of").order_by("-opened_at").first()
    held = Grant.objects.filter(task=task).select_related("entitlement").first()
    if task is None or held is None:
        return
    span = timedelta(minutes=abs(plan.minutes))
    at = task.opened_at + span if plan.minutes > 0 else scene.at - span
    with audit.acting(BY, "token.issued", task.purpose):
        token = Token.objects.create(
            **_fields(task, held, plan), issued_at=at, expires_at=at + LIVES
        )
        TokenActor.objects.create(token=token, position=0, identity=task.identity)


def _fields(task: Task, held: Grant, plan: _Plan) -> dict[str, object]:
    made = sha256(f"{task.purpose}{plan.minutes}".encode()).hexdigest()
    where = held.entitlement
    kind, key = (
        ("resource", where.resource_id) if where.resource_id else ("system", where.system_id)
    )
    by_key = plan.agent == "release-captain"
    return {
        "jti": UUID(made[:32]),
        "digest": made,
        "identity": task.identity,
        "task": task,
        "person": task.on_behalf_of,
        "subject": name_of(task.on_behalf_of or task.identity),
        "audience": _AUDIENCES.get(plan.agent, _AUDIENCE),
        "scope": [str(Wish(where.name, kind, str(key)))],
        "jkt": made[:43],
        "proof": Token.Proof.PRIVATE_KEY_JWT if by_key else Token.Proof.JWT_SVID,
        "bundle": None if by_key else TrustBundle.objects.first(),
    }


def _deliver() -> None:
    """The gateway took all of it within seconds."""
    for event in SecurityEvent.objects.filter(stream__in=EventStream.objects.all()):
        event.status, event.attempts = SecurityEvent.Status.SENT, 1
        event.sent_at = event.created_at + _TOOK
        event.save()
