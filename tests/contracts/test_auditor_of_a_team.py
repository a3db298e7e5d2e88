"""An auditor who is limited to one team, through the front door: what they see of it, and nothing of another."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from frameworks import assessments, comments, evidence_requests, loading, report_life
from frameworks.comments import Place
from frameworks.models import Assessment, Comment, Report
from frameworks.snapshot import Scope
from inventory import access, users
from inventory.models import Change, Identity, Team, User
from inventory.rules import RuleBroken
from mandate.api_urls import router
from reviews.models import Finding
from tests.contracts.world import World, build
from tests.factories import (
    NOW,
    a_credential,
    a_grant,
    a_person,
    a_task,
    a_team,
    a_user,
    an_identity,
)
from tests.runtime.call_factories import a_tool_call

pytestmark = pytest.mark.django_db
LISTS = (
    "inventory:identity-list",
    "inventory:credential-list",
    "inventory:grant-list",
    "inventory:task-list",
    "runtime:call-list",
)
CLOSED = (
    "inventory:person-list", "inventory:source-list", "inventory:import-list",
    "inventory:change-list", "inventory:settings", "inventory:user-list", "reviews:check-list",
    "runtime:policy-list", "runtime:trust", "runtime:log-integrity", "runtime:agent-name-list",
    "frameworks:framework-list", "frameworks:past", "frameworks:coverage",
)  # fmt: skip
OPEN = ("frameworks:assessment-list", "frameworks:report-list", "frameworks:evidence-list")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(client: Client, name: str, *args: object, **query: str) -> str:
    answer = client.get(reverse(name, args=args), query)
    assert answer.status_code == 200, name
    told = b"".join(answer) if answer.streaming else answer.content
    return told.decode()


def an_agent(name: str, team: Team) -> Identity:
    """With a credential, a grant, a task, a tool call and a finding."""
    identity: Identity = an_identity(name=name, team=team, kind=Identity.Kind.ASSISTANT)
    a_credential(identity=identity)
    a_grant(identity=identity)
    task = a_task(identity=identity)
    a_tool_call(identity=identity, task=task, started_at=timezone.now())
    Finding.objects.create(
        check_id="owner-active", subject=f"identity:{identity.pk}", identity=identity, severity=4,
        first_seen_at=NOW, opened_at=NOW,
    )  # fmt: skip
    return identity


@pytest.fixture
def team() -> Team:
    return a_team(name="Customer Care")


@pytest.fixture
def ours(team: Team) -> Identity:
    return an_agent("care-copilot", team)


@pytest.fixture
def theirs() -> Identity:
    return an_agent("ledger-bot", a_team(name="Finance"))


@pytest.fixture
def auditor(team: Team, ours: Identity, theirs: Identity) -> User:
    return a_user("auditor", scope=team)


# --- the inventory ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LISTS)
def test_a_list_and_its_export_hold_the_team_only(name: str, auditor: User) -> None:
    client = signed_in(auditor)

    for shown in (page(client, name), page(client, name, export="csv")):
        assert "care-copilot" in shown
        assert "ledger-bot" not in shown


def test_an_auditor_without_a_team_sees_both(auditor: User) -> None:
    client = signed_in(a_user("auditor"))

    for name in LISTS:
        shown = page(client, name)
        assert "care-copilot" in shown
        assert "ledger-bot" in shown


def test_numbers_count_the_team_only(auditor: User) -> None:
    whole, part = a_user("auditor"), auditor

    seen = {
        user: signed_in(user).get(reverse("overview")).context["open_total"].number
        for user in (whole, part)
    }

    assert seen == {whole: 2, part: 1}


def test_search_finds_the_team_only_and_no_people(auditor: User) -> None:
    a_person(name="Ada Ledger")
    client = signed_in(auditor)

    assert "care-copilot" in page(client, "inventory:search", q="copilot")
    found = client.get(reverse("inventory:search"), {"q": "ledger"})

    assert found.context["groups"] == []


def test_menus_name_no_other_team_and_no_source(auditor: User) -> None:
    shown = page(signed_in(auditor), "inventory:identity-list")

    assert "Finance" not in shown
    assert 'name="source"' not in shown


def test_the_team_is_the_one_of_an_assessment(auditor: User, team: Team, ours: Identity) -> None:
    loading.load()
    made = assessments.assess(Scope(team=team.name), a_user(), timezone.now())

    scope = assessments.identities_in(made).identities
    seen = access.visible_to(auditor, Identity.objects.all())

    assert scope is not None
    assert set(scope) == set(seen) == {ours}


def test_what_moves_to_another_team_is_out_of_sight(auditor: User, ours: Identity) -> None:
    Identity.objects.filter(pk=ours.pk).update(team=a_team())

    answer = signed_in(auditor).get(reverse("inventory:identity-detail", args=[ours.pk]))

    assert answer.status_code == 404


def test_an_entitlement_that_no_way_leads_to_is_not_named(
    auditor: User, ours: Identity, theirs: Identity
) -> None:
    client, name = signed_in(auditor), "inventory:identity-access-path"
    own, other = (each.grants.get().entitlement_id for each in (ours, theirs))

    assert client.get(reverse(name, args=[ours.pk, own])).status_code == 200
    assert client.get(reverse(name, args=[ours.pk, other])).status_code == 404
    whole = signed_in(a_user("auditor"))
    assert whole.get(reverse(name, args=[ours.pk, other])).status_code == 200


# --- the frame ----------------------------------------------------------------------------------


def test_the_sidebar_holds_what_opens(auditor: User) -> None:
    client = signed_in(auditor)
    shown = client.get(reverse("overview"))
    addresses = {item["url"] for group in shown.context["nav"] for item in group["items"]}

    assert {client.get(url, follow=True).status_code for url in addresses} == {200}
    assert {client.get(reverse(name)).status_code for name in CLOSED} == {403}
    assert not addresses & {reverse(name) for name in CLOSED}
    assert addresses >= {reverse(name) for name in OPEN}
    assert "You see the team Customer Care." in shown.content.decode()


def test_what_they_looked_at_is_kept_refusals_too(auditor: User) -> None:
    client = signed_in(auditor)

    client.get(reverse("inventory:identity-list"))
    client.get(reverse("inventory:change-list"))

    rows = Change.objects.filter(user=auditor, verb="auditor.looked").order_by("pk")
    assert [(row.after or {})["status"] for row in rows] == [200, 403]


# --- the API ------------------------------------------------------------------------------------


def test_the_api_gives_rows_of_the_team_only(auditor: User, theirs: Identity) -> None:
    client = signed_in(auditor)

    named = [row["name"] for row in client.get("/api/v1/identities/").json()["results"]]
    other = client.get(f"/api/v1/identities/{theirs.pk}/").status_code
    calls = client.get("/api/v1/tool-calls/").json()["results"]

    assert (named, other, len(calls)) == (["care-copilot"], 404, 1)


def test_to_an_auditor_of_another_team_every_list_of_the_api_is_empty_or_closed() -> None:
    world = build()
    client = world.visitor("auditor of another team")

    wrong = []
    for prefix, _, _ in router.registry:
        answer = client.get(f"/api/v1/{prefix}/")
        rows = answer.json()["results"] if answer.status_code == 200 else []
        if rows or answer.status_code not in (200, 403, 404):
            wrong.append(f"{prefix}: {answer.status_code}, {len(rows)} rows")

    assert not wrong, "\n".join(wrong)


# --- assessments, reports, requests for evidence ------------------------------------------------


@pytest.fixture
def world() -> World:
    return build()


def another(world: World) -> Assessment:
    """Of everything, and finished."""
    return Assessment.objects.create(
        number=2, title="The whole of it", status="done", author="ada", asked_at=NOW, facts_at=NOW,
        made_at=NOW,
    )  # fmt: skip


def test_only_assessments_of_the_team_and_their_reports_are_there(world: World) -> None:
    whole, client = another(world), world.visitor("team auditor")
    report = Report.objects.create(
        assessment=whole, format="pdf", state="done", author="ada", asked_at=NOW, made_at=NOW,
        size=1, sha256="0" * 64,
    )  # fmt: skip

    listed = client.get("/api/v1/assessments/").json()["results"]
    reports = client.get("/api/v1/reports/").json()["results"]
    addresses = [
        reverse("frameworks:assessment-detail", args=[whole.pk]),
        reverse("frameworks:report-detail", args=[report.pk]),
        reverse("frameworks:report-download", args=[report.pk]),
        f"/api/v1/assessments/{whole.pk}/",
        f"/api/v1/reports/{report.pk}/file/",
    ]

    assert [row["number"] for row in listed] == [1]
    assert [row["assessment"]["number"] for row in reports] == [1]
    assert {client.get(address).status_code for address in addresses} == {404}
    assert "The whole of it" not in page(client, "frameworks:report-list")
    assert "The whole of it" not in page(client, "frameworks:report-new")
    assert "The whole of it" not in page(client, "frameworks:assessment-compare")


def test_no_report_is_made_or_taken_of_another_assessment(world: World) -> None:
    whole, client, by = another(world), world.visitor("team auditor"), world.users["team auditor"]
    asked = {"assessment": whole.pk, "formats": ["pdf"]}

    over_page = client.post(reverse("frameworks:report-new"), asked)
    over_api = client.post("/api/v1/reports/", asked, content_type="application/json")

    assert (over_page.status_code, over_api.status_code) == (422, 400)
    assert "that you may see" in over_api.content.decode()
    with pytest.raises(PermissionDenied):
        report_life.ask(whole, ["pdf"], by=by, at=NOW)
    own = Assessment.objects.get(pk=world.rows["assessment"].pk)
    assert report_life.ask(own, ["csv"], by=by, at=NOW)


def test_requests_and_comments_are_their_own(world: World) -> None:
    client, at = world.visitor("team auditor"), timezone.now()
    made, whole = world.rows["assessment"], another(world)
    comments.add(Place(assessment=made), text="Of all.", by=world.users["security"], at=at)

    about = f"?assessment={made.pk}"
    client.post(reverse("frameworks:evidence-new") + about, {"question": "Show ours."})
    client.post(reverse("frameworks:comment-new") + about, {"text": "Our own word."})
    other = client.post(
        f"{reverse('frameworks:comment-new')}?assessment={whole.pk}", {"text": "No."}
    )
    control = client.post(
        f"{reverse('frameworks:comment-new')}?framework=owasp-nhi&control=NHI1:2025",
        {"text": "No."},
    )

    listed = page(client, "frameworks:evidence-list")
    shown = page(client, "frameworks:assessment-detail", made.pk)
    assert "Show ours." in listed
    assert "Show it." not in listed
    assert "Our own word." in shown
    assert "Of all." not in shown
    assert (other.status_code, control.status_code) == (404, 403)
    assert Comment.objects.filter(text="No.").count() == 0


def test_what_security_says_to_their_request_is_read(world: World) -> None:
    by, at = world.users["team auditor"], timezone.now()
    asked = evidence_requests.ask(question="Show ours.", by=by, at=at)
    comments.add(Place(request=asked), text="On Monday.", by=world.users["security"], at=at)

    shown = page(world.visitor("team auditor"), "frameworks:evidence-detail", asked.pk)

    assert "On Monday." in shown
    with pytest.raises(PermissionDenied):
        evidence_requests.accept(world.rows["evidence"], by=by, at=at)


# --- who sets it --------------------------------------------------------------------------------


def facts(**other: Any) -> dict[str, Any]:
    return {
        "role": "auditor",
        "email": "",
        "first_name": "",
        "last_name": "",
        "person": "",
        **other,
    }


def test_security_limits_an_auditor_and_the_history_says_who(team: Team) -> None:
    security, auditor = a_user(username="sec"), a_user("auditor")

    answer = signed_in(security).post(
        reverse("inventory:user-edit", args=[auditor.pk]), facts(scope=team.pk)
    )

    assert answer.status_code == 302
    assert User.objects.get(pk=auditor.pk).scope == team
    change = Change.objects.of(auditor).latest("pk")
    assert (change.verb, change.user_id) == ("user.changed", security.pk)
    assert (change.after or {})["scope_id"] == team.pk


def test_a_new_auditor_is_limited_from_the_beginning(team: Team) -> None:
    signed_in(a_user()).post(
        reverse("inventory:user-new"), facts(username="care.auditor", scope=team.pk)
    )

    assert User.objects.get(username="care.auditor").scope == team


@pytest.mark.parametrize("other", [{"role": "owner"}, {"role": "security"}, {"person": True}])
def test_nobody_else_is_limited_to_a_team(other: dict[str, Any], team: Team) -> None:
    security, auditor = a_user(), a_user("auditor")
    person = a_person()
    given = {**other, "person": person.email} if "person" in other else other

    answer = signed_in(security).post(
        reverse("inventory:user-edit", args=[auditor.pk]), facts(scope=team.pk, **given)
    )

    assert answer.status_code == 422
    with pytest.raises(IntegrityError), transaction.atomic():
        wrong = {"person": person} if "person" in other else other
        User.objects.filter(pk=auditor.pk).update(scope=team, **wrong)


def test_a_limited_auditor_does_not_become_somebody_else_with_it(team: Team) -> None:
    auditor = a_user("auditor", scope=team)

    with pytest.raises(RuleBroken):
        users.change(
            auditor, by=a_user(), at=NOW, role="owner", email="", first_name="", last_name="",
            person=None,
        )  # fmt: skip


def test_an_auditor_of_a_team_changes_no_scope(auditor: User) -> None:
    answer = signed_in(auditor).post(
        reverse("inventory:user-edit", args=[auditor.pk]), facts(scope="")
    )

    assert answer.status_code == 403
    assert User.objects.get(pk=auditor.pk).scope is not None
