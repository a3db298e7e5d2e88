"""One row of each noun, all of it belonging to one owner, and the five kinds of visitor."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from frameworks import loading
from inventory.models import (
    ApiToken,
    Change,
    Grant,
    Identity,
    ImportRun,
    Person,
    Source,
    Tool,
    User,
)
from reviews import access_rules
from reviews.models import (
    AccessRequest,
    ActionApproval,
    Approval,
    Campaign,
    Finding,
    Notification,
    PathCut,
    RequestedEntitlement,
    ReviewItem,
    SweepRun,
    Webhook,
)
from tests.factories import (
    NOW,
    a_credential,
    a_delegation,
    a_grant,
    a_person,
    a_task,
    a_user,
    an_entitlement,
    an_identity,
)

VISITORS = ("anonymous", "outsider", "owner", "auditor", "security")


@dataclass
class World:
    """`rows` gives the row an address is about, by the noun that its name starts with."""

    users: dict[str, User]
    rows: dict[str, Any]

    def visitor(self, name: str) -> Client:
        client = Client(raise_request_exception=False)
        if name != "anonymous":
            client.force_login(self.users[name])
        return client


def build() -> World:
    loading.load()
    person = a_person()
    identity = an_identity(owner=person, kind=Identity.Kind.ASSISTANT)
    task = a_task(identity=identity)
    source = Source.objects.get(pk=identity.source_id)
    run = ImportRun.objects.create(
        source=source, status="applied", author="ada", created_at=NOW, started_at=NOW
    )
    rows = {
        "identity": identity,
        "person": person,
        "credential": a_credential(identity=identity),
        "grant": a_grant(identity=identity),
        "delegation": a_delegation(delegate=identity),
        "task": task,
        "source": source,
        "import": run,
        "finding": Finding.objects.create(
            check_id="owner-active", subject=f"identity:{identity.pk}", identity=identity,
            severity=3, first_seen_at=NOW, opened_at=NOW,
        ),
        "change": Change.objects.order_by("pk").first(),
        "sweep": SweepRun.objects.create(
            status="done", trigger="manual", author="ada", at=NOW, started_at=NOW
        ),
    }  # fmt: skip
    users = {
        "security": a_user("security"),
        "auditor": a_user("auditor"),
        "owner": a_user("owner", person=person),
        "outsider": a_user("owner", person=Person.objects.get(pk=a_person().pk)),
    }
    now = timezone.now()
    rows["campaign"], rows["item"] = a_review(rows["grant"], now)
    rows["request"] = a_request(identity, users["security"], now)
    rows["action"] = an_action(identity, users["security"], now)
    rows["cut"] = a_cut(identity, users["security"], now)
    rows["notification"] = a_notification(person, now)
    rows["webhook"] = Webhook.objects.create(
        name="bus", url="https://hooks.example.com/", created_at=now
    )
    rows["delivery"] = Notification.objects.create(
        event="request.asked", about="request:0", key="delivery", webhook=rows["webhook"],
        title="t", path="/requests/0/", status="failed", error="It answered 503.",
        created_at=now, next_try_at=now,
    )  # fmt: skip
    rows["user"] = a_user("auditor")
    rows["token"] = ApiToken.objects.create(
        user=users["owner"], name="t", hint="t", digest="0" * 64, scopes=["read"],
        created_at=now, expires_at=now + timedelta(days=1),
    )  # fmt: skip
    return World(users, rows)


def a_review(grant: Grant, at: datetime) -> tuple[Campaign, ReviewItem]:
    """Running, with one item for the owner."""
    campaign = Campaign.objects.create(
        name="Autumn", status="open", scope="everything", due_at=at + timedelta(days=9), author="ada",
        created_at=at, launched_at=at,
    )  # fmt: skip
    item = ReviewItem.objects.create(
        campaign=campaign, grant=grant, identity=grant.identity, reviewer=grant.identity.owner,
        recommendation="keep", because="Used.",
    )  # fmt: skip
    return campaign, item


def a_request(identity: Identity, by: User, at: datetime) -> AccessRequest:
    """Waiting, and everybody who may open it is asked."""
    made = AccessRequest.objects.create(
        kind="temporary", identity=identity, requested_by=by, reason="r", lasts=timedelta(hours=1),
        risk="medium", policy=access_rules.current(), needed=[1], created_at=at,
        answer_by=at + timedelta(days=1),
    )  # fmt: skip
    RequestedEntitlement.objects.create(request=made, entitlement=an_entitlement())
    Approval.objects.create(
        request=made, part="owner", person=identity.owner, asked_at=at - timedelta(minutes=1)
    )
    return made


def an_action(identity: Identity, by: User, at: datetime) -> ActionApproval:
    tool = Tool.objects.create(
        source=identity.source, namespace=identity.namespace, external_id="t", provider="p",
        name="n", first_seen_at=at,
    )  # fmt: skip
    return ActionApproval.objects.create(
        identity=identity, tool=tool, arguments_digest="0" * 64, asked_by=by, asked_at=at,
        expires_at=at + timedelta(hours=1),
    )  # fmt: skip


def a_cut(identity: Identity, by: User, at: datetime) -> PathCut:
    """Of a delegation that the identity holds: its owner may answer as well as security."""
    row = a_delegation(delegate=identity)
    return PathCut.objects.create(
        identity=identity, target_identity=row.delegator_identity, delegations=[row.pk], reason="r",
        asked_by=by, asked_at=at, expires_at=at + timedelta(days=7),
    )  # fmt: skip


def a_notification(person: Person, at: datetime) -> Notification:
    return Notification.objects.create(
        event="request.waits", about="request:0", key="told", person=person, title="t",
        path="/inbox/", created_at=at, next_try_at=at,
    )  # fmt: skip


def every_url(
    resolver: URLResolver | None = None, namespace: str = "", path: str = ""
) -> dict[str, str]:
    """Each named address of the product and its pattern, from the root."""
    found: dict[str, str] = {}
    for entry in (resolver or get_resolver()).url_patterns:
        here = path + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            found |= every_url(entry, inner, here)
        elif isinstance(entry, URLPattern):
            found[f"{namespace}{entry.name}" if entry.name else here] = here
    return found
