"""Rows of what happens, for tests."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from runtime.models import (
    Decision,
    Deviation,
    EventStream,
    OAuthClient,
    ObservedTier,
    OidcIssuer,
    PolicySet,
    PolicySetVersion,
    SecurityEvent,
    Token,
    TokenActor,
    TrustBundle,
    new_decision_id,
    next_number,
)
from tests.factories import NOW, a_task, an_identity

PERMIT_ALL = '@id("all")\npermit(principal, action, resource);\n'


def a_policy_set(**fields: Any) -> PolicySet:
    """The inventory's, unless another domain is said; the one there is, when there is one."""
    given = {"domain": PolicySet.Domain.INVENTORY, "name": "inventory", "created_at": NOW, **fields}
    found = PolicySet.objects.filter(name=given["name"]).first()
    return found or PolicySet.objects.create(**given)


def a_version(text: str = PERMIT_ALL, **fields: Any) -> PolicySetVersion:
    """Live, in the place of the one that was, unless another state is said."""
    policy_set = fields.pop("policy_set", None) or a_policy_set()
    given = {"state": "live", "author": "ada", "created_at": NOW, "changed_at": NOW, **fields}
    if given["state"] != "draft":
        given = {"activated_at": NOW, "activated_by": "ada", **given}
    if given["state"] == "live":
        policy_set.versions.live().update(state="retired", retired_at=NOW)
    return PolicySetVersion.objects.create(
        policy_set=policy_set, number=next_number(policy_set), text=text, **given
    )


def a_decision(**fields: Any) -> Decision:
    """A recorded deny."""
    made_at = fields.pop("made_at", NOW)
    given = {
        "subject_type": "identity", "subject_id": "1", "action": "read",
        "resource_type": "resource", "resource_id": "1", "context_digest": "0" * 64,
        "permitted": False, "reason_code": "no_grant", "reason": "Nothing covers it.",
        "latency_us": 900,
    }  # fmt: skip
    return Decision.objects.create(
        id=new_decision_id(made_at), made_at=made_at, **{**given, **fields}
    )


def a_token(**fields: Any) -> Token:
    """Live at NOW, for a task of its identity, as an exchange leaves it behind."""
    task = fields.pop("task", None) or a_task()
    number = Token.objects.count() + 1
    given = {
        "identity": task.identity, "subject": f"identity:{task.identity_id}",
        "digest": f"{number:064}", "audience": "https://crm.example.com",
        "scope": ["read@resource:1"], "jkt": "k" * 43, "proof": "jwt_svid", "issued_at": NOW,
        "expires_at": NOW + timedelta(minutes=5),
    }  # fmt: skip
    token = Token.objects.create(task=task, **{**given, **fields})
    TokenActor.objects.create(token=token, position=0, identity=token.identity)
    return token


def a_deviation(**fields: Any) -> Deviation:
    """High, for a task of its identity, not triaged."""
    task = fields.pop("task") if "task" in fields else a_task()
    given = {
        "key": f"key-{Deviation.objects.count()}", "rule": "tool-outside-task", "severity": 3,
        "identity": task.identity if task else an_identity(), "task": task, "call": uuid4(),
        "happened_at": NOW, "found_at": NOW, "detail": "It called pay.",
    }  # fmt: skip
    return Deviation.objects.create(**{**given, **fields})


def an_observed_tier(**fields: Any) -> ObservedTier:
    """Since NOW, an assistant by declaration that acts as an actor."""
    identity = fields.pop("identity", None) or an_identity(
        kind="assistant", declared_tier=2, observed_tier=3
    )
    seen = {"calls": 3, "tools": 2, "writes": 1, "alone": 1, "alone_writes": 1}
    given = {"tier": 3, "evidence": seen, "started_at": NOW}
    return ObservedTier.objects.create(identity=identity, **{**given, **fields})


def a_trust_bundle(**fields: Any) -> TrustBundle:
    given = {
        "trust_domain": f"d{TrustBundle.objects.count()}.example.org", "created_at": NOW,
        "read_at": NOW,
    }  # fmt: skip
    return TrustBundle.objects.create(**{**given, **fields})


def an_issuer(**fields: Any) -> OidcIssuer:
    given = {
        "issuer": f"https://login{OidcIssuer.objects.count()}.example.com",
        "audience": "https://mandate.example.com", "names": "person_email", "created_at": NOW,
        "read_at": NOW, "jwks_url": "https://10.0.0.1/keys",
    }  # fmt: skip
    return OidcIssuer.objects.create(**{**given, **fields})


def an_oauth_client(**fields: Any) -> OAuthClient:
    given = {
        "client_id": f"client-{OAuthClient.objects.count()}", "jwk": {}, "thumbprint": "t" * 43,
        "created_at": NOW,
    }  # fmt: skip
    identity = fields.pop("identity", None) or an_identity()
    return OAuthClient.objects.create(identity=identity, **{**given, **fields})


def an_event_stream(**fields: Any) -> EventStream:
    given = {
        "name": f"stream-{EventStream.objects.count()}", "url": "https://bus.example.com/",
        "audience": "https://bus.example.com/", "created_at": NOW,
    }  # fmt: skip
    return EventStream.objects.create(**{**given, **fields})


def a_security_event(**fields: Any) -> SecurityEvent:
    """Given up."""
    stream = fields.pop("stream", None) or an_event_stream()
    given = {
        "event": "verification", "subject": {"format": "opaque", "id": "s"}, "status": "failed",
        "created_at": NOW, "next_try_at": NOW, "attempts": 14, "error": "It answered 503.",
    }  # fmt: skip
    return SecurityEvent.objects.create(stream=stream, **{**given, **fields})
