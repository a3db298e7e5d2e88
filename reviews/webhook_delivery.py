"""One attempt to tell a platform: a signed POST to a public address, within seconds, without redirects."""

import hashlib
import json
from datetime import datetime

from inventory.public_web import Call, NotReached, Way, call
from reviews import links, webhook_keys
from reviews.models import Notification


class NotDelivered(Exception):
    """The receiver did not take it; the message says why, in a sentence."""


def deliver(notification: Notification, *, at: datetime, way: Way) -> None:
    """Posts the message once. Whoever receives it twice sees the same `webhook-id`. Raises NotDelivered."""
    webhook = notification.webhook
    if webhook is None:
        raise ValueError(f"notification {notification.pk} is for a person")
    body = body_of(notification)
    headers = {
        "Content-Type": "application/json",
        **webhook_keys.headers(
            webhook, message=id_of(notification), timestamp=int(at.timestamp()), body=body
        ),
    }
    try:
        status = call(Call("POST", webhook.url, headers, body), way=way).status
    except NotReached as error:
        raise NotDelivered(str(error)) from error
    if 300 <= status < 400:
        raise NotDelivered(
            f"It answered {status}. Redirects are not followed: give the last address."
        )
    if not 200 <= status < 300:
        raise NotDelivered(f"It answered {status}.")


def id_of(notification: Notification) -> str:
    """The same at every attempt; another one in another database, whatever the numbers of its rows."""
    return f"msg_{hashlib.sha256(notification.key.encode()).hexdigest()[:32]}"


def body_of(notification: Notification) -> bytes:
    """Type, time and what happened, with a link to the page where it is dealt with."""
    told = {
        "type": notification.event,
        "timestamp": notification.created_at.isoformat(),
        "data": {
            **notification.payload,
            "about": notification.about,
            "title": notification.title,
            "text": notification.body,
            "url": links.absolute(notification.path),
        },
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
