"""What the demo's people and platforms were told: a webhook with a history, one that is switched off, and reminders."""

from datetime import timedelta

from mandate.demo.events import Scene
from reviews import reminders, webhooks
from reviews.models import Notification, Webhook

# Names of this kind lead nowhere (RFC 2606): the demo reaches nobody.
_BUS = "https://events.northmere.example/in/mandate"
_CHAT = "https://chat.northmere.example/hooks/governance"
_TOOK = timedelta(seconds=7)


def add_webhooks(scene: Scene) -> None:
    """From now on they are told what happens."""
    by = scene.users["priya.raman"]
    webhooks.create(name="Security event bus", url=_BUS, by=by, at=scene.at)
    webhooks.create(name="Governance chat", url=_CHAT, events=["action.asked"], by=by, at=scene.at)


def settle(scene: Scene) -> None:
    """All of it was delivered, but for the oldest message, which was given up. Then the reminders that are due."""
    chat, by = Webhook.objects.get(url=_CHAT), scene.users["priya.raman"]
    webhooks.switch_off(chat, by=by, reason="The channel moves to another tool.", at=scene.at)
    rows = list(Notification.objects.order_by("created_at", "pk"))
    Notification.objects.all().delete()
    told = [row for row in rows if row.webhook_id is not None]
    for row in told:
        row.status, row.attempts, row.error = Notification.Status.SENT, 1, ""
        row.sent_at = row.created_at + _TOOK
    for row in told[:1]:
        row.status, row.attempts, row.sent_at = Notification.Status.FAILED, 12, None
        row.error = "It answered 503."
    for row in rows:
        row.pk = None  # the story was not told in the order of its hours; the list is
    Notification.objects.bulk_create(rows)
    reminders.remind(scene.at)
