"""The signing keys of webhooks: derived when needed, stored nowhere; and signatures as in Standard Webhooks.

https://www.standardwebhooks.com: the receiver computes HMAC-SHA256 over "id.timestamp.body" with the same key and
compares; it refuses timestamps that are more than a few minutes old, and drops an id that it has seen.
"""

import base64
import hashlib
import hmac

from django.utils.crypto import salted_hmac

from reviews.models import Webhook

PREFIX = "whsec_"
_SALT = "mandate.webhook.signing-key"


def key_of(webhook: Webhook) -> bytes:
    """32 bytes from SECRET_KEY, this webhook and the version of its key. The time of making is in it, so that a webhook
    of another database with the same number has another key."""
    about = f"{webhook.pk}:{webhook.created_at.isoformat()}:{webhook.key_version}"
    return salted_hmac(_SALT, about, algorithm="sha256").digest()


def shown_once(webhook: Webhook) -> str:
    """The key as receivers take it; only ever shown when it was just made."""
    return PREFIX + base64.b64encode(key_of(webhook)).decode()


def headers(webhook: Webhook, *, message: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks."""
    signed = b".".join([message.encode(), str(timestamp).encode(), body])
    digest = hmac.new(key_of(webhook), signed, hashlib.sha256).digest()
    return {
        "webhook-id": message,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
