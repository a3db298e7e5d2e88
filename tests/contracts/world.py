"""One row of each noun, all of it belonging to one owner, and the six kinds of visitor."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from frameworks import attestations, evidence_requests, loading
from frameworks.attestations import File, Said
from frameworks.models import (
    AssessedCheck,
    AssessedControl,
    AssessedFramework,
    Assessment,
    Control,
    Report,
)
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
from runtime.models import AgentName, Deviation, PolicyTest, Replay, Verification
from tests.factories import (
    NOW,
    a_binding,
    a_credential,
    a_delegation,
    a_grant,
    a_person,
    a_server,
    a_task,
    a_team,
    a_tool,
    a_user,
    an_entitlement,
    an_identity,
)
from tests.runtime.call_factories import a_tool_call
from tests.runtime.factories import (
    a_decision,
    a_security_event,
    a_token,
    a_trust_bundle,
    a_version,
    an_event_stream,
    an_issuer,
    an_observed_tier,
)

VISITORS = ("anonymous", "outsider", "owner", "auditor", "security", "team auditor")


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
    team = a_team()
    identity = an_identity(owner=person, team=team, kind=Identity.Kind.ASSISTANT)
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
    rows["tool"] = a_tool()
    rows["binding"] = a_binding(identity, rows["tool"])
    rows["server"] = a_server(identity=identity)
    rows["call"] = a_tool_call(
        identity=identity, task=task, trace_id="a" * 32, started_at=timezone.now()
    )
    rows["deviation"] = Deviation.objects.create(
        key="world", rule="call-burst", severity=2, identity=identity, call=rows["call"].pk,
        happened_at=NOW, found_at=NOW, detail="It did.",
    )  # fmt: skip
    an_observed_tier()
    users = {
        "security": a_user("security"),
        "auditor": a_user("auditor"),
        "owner": a_user("owner", person=person),
        "team auditor": a_user("auditor", scope=team),
        "auditor of another team": a_user("auditor", scope=a_team()),  # no column of the table
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
    rows |= what_happens(rows["grant"], now)
    rows["agent"] = AgentName.objects.create(
        reporter=users["security"], agent_name="stranger", first_seen_at=now, last_used_at=now
    )
    rows["verification"] = Verification.objects.create(
        status="done", author="ada", asked_at=now, finished_at=now
    )
    rows["user"] = a_user("auditor")
    rows |= an_assessment(users, now)
    rows["token"] = ApiToken.objects.create(
        user=users["owner"], name="t", hint="t", digest="0" * 64, scopes=["read"],
        created_at=now, expires_at=now + timedelta(days=1),
    )  # fmt: skip
    rows["issued"] = a_token(task=task, issued_at=now, expires_at=now + timedelta(minutes=5))
    rows["bundle"], rows["issuer"] = a_trust_bundle(), an_issuer()
    rows["stream"] = an_event_stream()
    rows["event"] = a_security_event(stream=rows["stream"])
    return World(users, rows)


def an_assessment(users: dict[str, User], at: datetime) -> dict[str, Any]:
    """Finished, with one check and one control; an attestation with a file; a request that the auditor made."""
    team = users["team auditor"].scope
    made = Assessment.objects.create(
        number=1, title="t", status="running", author="ada", asked_at=at, facts_at=at, made_at=at,
        team=team, team_name=str(team),
    )  # fmt: skip
    AssessedCheck.objects.create(
        assessment=made, check_id="owner-active", title="t", why="w", fix="f", severity=3,
        version=1, at=at, noun="inventory_identity",
    )  # fmt: skip
    framework = AssessedFramework.objects.create(
        assessment=made, key="owasp-nhi", version="2025", name="n", order=1, counts={"pass": 1},
        about={
            "kind": "risk-list", "publisher": "p", "published": "2025", "source": "", "notes": [],
            "licence": "l", "meaning_of_pass": "m", "is_own": False, "shows_text": True,
        },
    )  # fmt: skip
    AssessedControl.objects.create(
        framework=framework, control_id="NHI1:2025", title="t", state="pass", is_heading=False,
        order=1, about={
            "title_official": True, "local_id": False, "summary": "s", "kind": "risk", "parent": "",
            "reason": "r", "weight_known": 1, "weight_passed": 1, "conditional": "",
            "not_covered_why": "",
        },
    )  # fmt: skip
    Assessment.objects.filter(pk=made.pk).update(status="done")
    control = Control.objects.get(framework__key="owasp-nhi", control_id="NHI1:2025")
    said = Said("It is so.", at.date(), file=File("proof.txt", b"proof"))
    asked = evidence_requests.ask(question="Show it.", by=users["auditor"], at=at)
    evidence_requests.answer(asked, text="Here.", link="", by=users["security"], at=at)
    return {
        "report": Report.objects.create(
            assessment=made,
            format="pdf",
            state="done",
            author="ada",
            asked_at=at,
            made_at=at,
            size=1,
            sha256="0" * 64,
        ),
        "assessment": made,
        "attestation": attestations.attest(control, said, by=users["security"], at=at),
        "evidence": asked,
    }


def a_review(grant: Grant, at: datetime) -> tuple[Campaign, ReviewItem]:
    """Running, with one item for the owner."""
    campaign = Campaign.objects.create(
        name="Autumn", status="open", scope="everything", due_at=at + timedelta(days=9), author="ada",
        created_at=at, launched_at=at, team=grant.identity.team,
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


def what_happens(grant: Grant, at: datetime) -> dict[str, Any]:
    """A draft of policies with a test, the replay of a grant's end, and a decision."""
    draft = a_version(state="draft")
    replay = Replay.objects.create(
        change="grant", grant=grant, identity=grant.identity, since=at - timedelta(days=1), until=at,
        asked_by="ada", asked_at=at,
    )  # fmt: skip
    return {
        "policyset": draft.policy_set,
        "policy": draft,
        "version": draft,
        "policytest": PolicyTest.objects.create(
            version=draft, name="t", request={}, permitted=True
        ),
        "replay": replay,
        "decision": a_decision(identity=grant.identity, made_at=at),
    }


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
