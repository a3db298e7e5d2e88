"""Stops, drills, proofs of revocation and flags of the demo, through the same rules as everybody."""

from collections.abc import Callable
from datetime import datetime, timedelta

from inventory import compromise, credentials, grants, identities, kill_switch, revocations
from inventory.models import Credential, Grant, Identity
from inventory.revocations import Probe
from mandate.demo.day import spread
from mandate.demo.events import Scene

_FIRST, _SECOND = ("priya.raman", "jonas.falk")


def drill(scene: Scene, names: tuple[str, ...], by: str = _FIRST) -> None:
    for name in names:
        agent = Identity.objects.get(name=name)
        kill_switch.drill(
            agent, by=scene.users[by], reason="Quarterly drill (policy AI-4)", at=scene.at,
            clock=_after(scene, f"{name} drill", 180, 900),
        )  # fmt: skip


def stop(scene: Scene, name: str, reason: str) -> None:
    agent = Identity.objects.get(name=name)
    kill_switch.stop(
        agent, by=scene.users[_SECOND], reason=reason, at=scene.at,
        clock=_after(scene, f"{name} stop", 200, 700),
    )  # fmt: skip


def lift(scene: Scene, name: str, reason: str) -> None:
    agent = Identity.objects.get(name=name)
    identities.activate(agent, by=scene.users[_FIRST], reason=reason, at=scene.at)


def prove(scene: Scene, names: tuple[str, ...]) -> None:
    """Somebody tried what was revoked, and the platform refused."""
    rows = Grant.objects.filter(
        revocations.unconfirmed_q(scene.at), identity__name__in=names
    ).select_related("entitlement", "identity")
    for row in rows.order_by("external_id"):
        tried = Probe(f"{row.entitlement} as {row.identity}"[:120], scene.at, "403 Forbidden")
        revocations.confirm(row, proof=tried, by=scene.users[_FIRST], at=scene.at)


def flag_key(scene: Scene, name: str, reason: str, *, proved: bool) -> None:
    """A key that somebody else may have, with or without proof that it is dead where it was used."""
    key = _key(scene, name)
    compromise.flag(key, by=scene.users[_SECOND], reason=reason, at=scene.at)
    if proved:
        later = scene.at + timedelta(minutes=50)
        tried = Probe("Sign-in with the flagged key", later, "401 Unauthorized")
        key.refresh_from_db()
        revocations.confirm(key, proof=tried, by=scene.users[_SECOND], at=later)


def flag_and_stop(scene: Scene, name: str, reason: str) -> None:
    agent = Identity.objects.get(name=name)
    compromise.flag(agent, by=scene.users[_SECOND], reason=reason, at=scene.at)
    for key in Credential.objects.live(scene.at).filter(identity=agent):
        credentials.revoke(key, by=scene.users[_SECOND], reason=reason, at=scene.at)
    stop(scene, name, reason)


def revoke_just_now(scene: Scene, name: str) -> None:
    """So fresh that its platform still has time to follow."""
    rows = Grant.objects.in_force(scene.at).filter(identity__name=name, just_in_time=False)
    grant = rows.order_by("external_id").last()
    if grant is not None:
        reason = "Replaced by just-in-time access"
        grants.revoke(grant, by=scene.users["owner"], reason=reason, at=scene.at)


def _key(scene: Scene, name: str) -> Credential:
    rows = Credential.objects.live(scene.at).filter(identity__name=name)
    return rows.order_by("external_id")[:1].get()


def _after(scene: Scene, key: str, low: int, high: int) -> Callable[[], datetime]:
    """A clock that has moved by some milliseconds, always the same for the key."""
    moment = scene.at + timedelta(milliseconds=spread(key, low, high))
    return lambda: moment
