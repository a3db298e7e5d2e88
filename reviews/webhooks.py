"""Webhooks: made, changed, given a new key, switched off and on, tried out. The key is shown when it is made, once."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import F

from inventory import access, audit
from inventory.audit import Actor
from inventory.public_web import require_address
from inventory.rules import RuleBroken
from reviews import notifications, webhook_keys
from reviews.events import EVENTS, TEST
from reviews.models import Notification, Webhook
from reviews.notifications import Message

_KNOWN = [event for event, _ in EVENTS]


def create(
    *, name: str, url: str, events: Sequence[str] = (), by: Actor, at: datetime
) -> tuple[Webhook, str]:
    """The webhook and its signing key, which is not shown again. No events means all."""
    access.require_security(by)
    _require_sense(name, url, events)
    with audit.acting(by, "webhook.created"):
        webhook = Webhook.objects.create(
            name=name.strip(), url=url, events=_in_order(events), created_at=at
        )
    return webhook, webhook_keys.shown_once(webhook)


def change(
    webhook: Webhook, *, name: str, url: str, events: Sequence[str], by: Actor, at: datetime
) -> Webhook:
    """Another name, address or choice of events; the key stays."""
    access.require_security(by)
    _require_sense(name, url, events, but=webhook.pk)
    with audit.acting(by, "webhook.changed"):
        Webhook.objects.filter(pk=webhook.pk).update(
            name=name.strip(), url=url, events=_in_order(events)
        )
    return Webhook.objects.get(pk=webhook.pk)


def rotate_key(webhook: Webhook, *, by: Actor, reason: str, at: datetime) -> tuple[Webhook, str]:
    """A new signing key; the old one ends now."""
    access.require_security(by)
    with audit.acting(by, "webhook.key_rotated", reason):
        Webhook.objects.filter(pk=webhook.pk).update(key_version=F("key_version") + 1)
        fresh = Webhook.objects.get(pk=webhook.pk)
    return fresh, webhook_keys.shown_once(fresh)


def switch_off(webhook: Webhook, *, by: Actor, reason: str, at: datetime) -> None:
    """It is told nothing more; what waits for it is dropped."""
    access.require_security(by)
    with audit.acting(by, "webhook.switched_off", reason):
        Webhook.objects.filter(pk=webhook.pk).update(enabled=False)
        waiting = webhook.deliveries.filter(status=Notification.Status.WAITING)
        waiting.update(status=Notification.Status.DROPPED, error="The webhook was switched off.")


def switch_on(webhook: Webhook, *, by: Actor, reason: str, at: datetime) -> None:
    """It is told what happens from now on."""
    access.require_security(by)
    with audit.acting(by, "webhook.switched_on", reason):
        Webhook.objects.filter(pk=webhook.pk).update(enabled=True)


def test(webhook: Webhook, *, by: Actor, at: datetime) -> None:
    """Puts a message into the outbox that says nothing; it goes the way of all others."""
    access.require_security(by)
    if not webhook.enabled:
        raise RuleBroken(f"{webhook.name} is switched off. Switch it on first.")
    message = Message(
        event=TEST,
        about=f"webhook:{webhook.pk}",
        title=f"A test of {webhook.name}",
        path=f"/settings/webhooks/{webhook.pk}/",
    )
    notifications.tell_webhook(webhook, message, at=at)


def _require_sense(name: str, url: str, events: Sequence[str], *, but: int = 0) -> None:
    if not name.strip():
        raise RuleBroken("There is no name. Say which platform this is.")
    if Webhook.objects.filter(name=name.strip()).exclude(pk=but).exists():
        raise RuleBroken(f"There is a webhook “{name.strip()}” already. Choose another name.")
    unknown = sorted(set(events) - set(_KNOWN))
    if unknown:
        raise RuleBroken(f"There is no event “{unknown[0]}”. Known are: {', '.join(_KNOWN)}.")
    require_address(url)


def _in_order(events: Sequence[str]) -> list[str]:
    return [event for event in _KNOWN if event in events]
