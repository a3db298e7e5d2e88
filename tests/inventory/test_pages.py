"""The pages of the inventory through the front door: who sees what, what a click changes, what is
refused.
"""

import csv
import html
import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.http.response import HttpResponseBase
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import include, path
from django.utils import timezone

from inventory import panels
from inventory.audit import acting
from inventory.models import (
    Change,
    Credential,
    Delegation,
    Entitlement,
    Grant,
    Identity,
    ImportRun,
    Person,
    Source,
    Successor,
    System,
    Tool,
    ToolBinding,
    User,
)

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
urlpatterns = [path("accounts/", include("allauth.urls")), path("", include("inventory.urls"))]

LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def world(settings: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Ben owns one agent; Tom, who left, owned another; Maria is the manager of both."""
    settings.STORAGES = {  # type: ignore[attr-defined]  # pytest-django's own
        **settings.STORAGES,  # type: ignore[attr-defined]
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    monkeypatch.setattr(panels, "_offers", {})
    monkeypatch.setattr(panels, "_panels", {})  # the inventory by itself, without upper floors
    settings.STATIC_ROOT = tmp_path  # type: ignore[attr-defined]
    source = Source.objects.create(
        key="aws", kind="aws-iam", namespace="aws", label="AWS", last_complete_at=timezone.now()
    )

    def of(key: str) -> dict[str, object]:
        row = {"source": source, "namespace": "aws", "external_id": key}
        return {**row, "first_seen_at": LONG_AGO}

    with acting("import aws-iam #1", "import.applied"):
        maria = Person.objects.create(name="Maria", email="maria@example.org", **of("maria"))
        ben = Person.objects.create(name="Ben", email="ben@example.org", manager=maria, **of("ben"))
        tom = Person.objects.create(
            name="Tom", email="tom@example.org", manager=maria, status="left",
            left_at=timezone.now() - timedelta(days=30), **of("tom"),
        )  # fmt: skip
        mine = Identity.objects.create(name="refund-agent", kind="assistant", owner=ben, **of("r"))
        lost = Identity.objects.create(name="ledger-export", kind="batch_job", owner=tom, **of("l"))
        system = System.objects.create(name="Ledger", **of("s"))
        can = Entitlement.objects.create(
            name="ledger write", system=system, risk="high", caveats=["Boundary approximated."],
            **of("e"),
        )  # fmt: skip
        grants = [
            Grant.objects.create(identity=who, entitlement=can, **of(f"g-{who.name}"))
            for who in (mine, lost)
        ]
        key = Credential.objects.create(
            identity=lost, kind="access_key", key_id="AKIAEXAMPLE", **of("k")
        )
        Delegation.objects.create(
            delegator_identity=lost, delegate=mine, how="assume_role", **of("d")
        )
        tool = Tool.objects.create(provider="erp", name="book", **of("t"))
        ToolBinding.objects.create(identity=lost, tool=tool, origin="declared", **of("b"))
        Successor.objects.create(identity=mine, person=maria, rank=1)
    ImportRun.objects.create(
        source=source, status="applied", author="sam", created_at=LONG_AGO, rejected_count=1,
        rejected=[["line 7", "email", "“x” is not an e-mail address."]],
    )  # fmt: skip
    User.objects.create(username="sam", role="security")
    User.objects.create(username="ada", role="auditor")
    User.objects.create(username="ben", role="owner", person=ben)
    return {
        "source": source, "maria": maria, "ben": ben, "tom": tom, "mine": mine, "lost": lost,
        "my_grant": grants[0], "grant": grants[1], "key": key,
    }  # fmt: skip


def signed_in(username: str) -> Client:
    client = Client()
    user = User.objects.get(username=username)
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client


def text_of(response: HttpResponseBase) -> str:
    return html.unescape(response.content.decode())  # type: ignore[attr-defined]  # not streamed


def names(response: HttpResponseBase) -> list[str]:
    cells = re.findall(r'<th scope="row"[^>]*>(.*?)</th>', text_of(response))
    return [re.sub("<[^>]*>", "", cell) for cell in cells]


LISTS = [
    "identities",
    "people",
    "credentials",
    "grants",
    "delegations",
    "tools",
    "sources",
    "audit",
]


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("user", ["sam", "ada"])
def test_every_list_shows_its_rows_and_exports_them(name: str, user: str) -> None:
    client = signed_in(user)
    client.get(f"/{name}/")

    with CaptureQueriesContext(connection) as queries:
        page = client.get(f"/{name}/")
    export = client.get(f"/{name}/?export=csv")

    assert page.status_code == 200
    assert len(queries) <= 8
    lines = list(csv.reader(io.StringIO(export.getvalue().decode())))
    shown = text_of(page).count("<tr>") - 1  # without the head
    assert shown > 0
    looked = (
        2 if (name, user) == ("audit", "ada") else 0
    )  # what an auditor opens and takes is a row
    assert len(lines) - 1 == shown + looked


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/identities/{mine}/", 200), ("/identities/{lost}/", 404),
        ("/identities/{lost}/owner/", 404), ("/people/{ben}/leaving/", 403),
        ("/identities/{lost}/as-of/", 404), ("/grants/{my_grant}/", 200), ("/grants/{grant}/", 404),
        ("/grants/{grant}/revoke/", 404), ("/credentials/{key}/", 404), ("/people/{ben}/", 200),
        ("/people/{tom}/", 404), ("/sources/", 403), ("/audit/", 403), ("/sources/{source}/", 403),
    ],
)  # fmt: skip
def test_an_owner_sees_only_what_is_theirs(world: dict[str, object], url: str, status: int) -> None:
    keys = {name: row.pk for name, row in world.items()}  # type: ignore[attr-defined]  # models

    assert signed_in("ben").get(url.format(**keys)).status_code == status


def test_an_owners_lists_and_search_hold_only_their_own(world: dict[str, object]) -> None:
    client = signed_in("ben")

    assert names(client.get("/identities/")) == ["refund-agent"]
    assert names(client.get("/credentials/")) == []
    assert "AKIAEXAMPLE</a>" not in text_of(client.get("/search/?q=AKIA"))
    assert "AKIAEXAMPLE</a>" in text_of(signed_in("ada").get("/search/?q=AKIA"))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("ownership=orphaned", ["ledger-export"]),
        ("ownership=owned", ["refund-agent"]),
        ("ownership=mine", []),
        ("kind=assistant", ["refund-agent"]),
        ("q=LEDGER", ["ledger-export"]),
        ("gone=yes", []),
    ],
)
def test_the_identity_filters_mean_what_they_say(query: str, expected: list[str]) -> None:
    assert names(signed_in("sam").get(f"/identities/?{query}")) == expected


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("state=standing", 2),
        ("state=revoked", 0),
        ("risk=high", 2),
        ("admin=yes", 0),
        ("q=refund", 1),
        ("q=write", 2),
    ],
)
def test_the_grant_filters_mean_what_they_say(query: str, count: int) -> None:
    assert len(names(signed_in("sam").get(f"/grants/?{query}"))) == count


def test_the_page_of_an_orphan_says_why_and_offers_the_next_in_line(
    world: dict[str, object],
) -> None:
    client, lost = signed_in("sam"), world["lost"]
    client.get("/identities/")

    with CaptureQueriesContext(connection) as queries:
        page = text_of(client.get(f"/identities/{lost.pk}/"))  # type: ignore[attr-defined]

    assert len(queries) <= 12
    assert "Its owner Tom has left: 30 days without an accountable person." in page
    assert "Assign Maria" in page
    assert "Approximated" in page
    assert "refund-agent" in page  # acts as it, by a delegation


def test_one_click_assigns_the_proposed_owner(world: dict[str, object]) -> None:
    lost: Identity = world["lost"]  # type: ignore[assignment]  # of that fixture
    data = {"owner": "maria@example.org", "reason": "Proposed."}

    answer = signed_in("sam").post(f"/identities/{lost.pk}/owner/", data)

    assert (answer.status_code, answer["Location"]) == (302, f"/identities/{lost.pk}/")
    lost.refresh_from_db()
    assert lost.owner == world["maria"]
    change = Change.objects.of(lost).first()
    assert change is not None
    assert (change.actor, change.verb) == ("sam", "identity.owner_assigned")
    assert "Owner: Tom → Maria" in text_of(signed_in("ada").get(f"/identities/{lost.pk}/"))


@pytest.mark.parametrize(
    ("owner", "said"),
    [("tom@example.org", "Tom has left"), ("nobody@example.org", "Nobody has the e-mail address")],
)
def test_an_impossible_owner_is_an_error_in_the_form(
    world: dict[str, object], owner: str, said: str
) -> None:
    url = f"/identities/{world['mine'].pk}/owner/"  # type: ignore[attr-defined]

    for headers in ({}, {"HX-Request": "true"}):
        answer = signed_in("sam").post(url, {"owner": owner}, headers=headers)
        assert answer.status_code == 422
        assert said in text_of(answer)


@pytest.mark.parametrize(
    "act", ["owner", "describe", "suspend", "activate", "retire", "successors"]
)
def test_an_auditor_changes_nothing(world: dict[str, object], act: str) -> None:
    url = f"/identities/{world['lost'].pk}/{act}/"  # type: ignore[attr-defined]
    before = Change.objects.count()

    answer = signed_in("ada").post(url, {"reason": "x", "owner": "maria@example.org"})

    assert answer.status_code == 403
    assert Change.objects.count() == before


def test_suspending_from_the_drawer_sends_the_browser_back_to_the_page(
    world: dict[str, object],
) -> None:
    mine: Identity = world["mine"]  # type: ignore[assignment]
    url = f"/identities/{mine.pk}/suspend/"

    answer = signed_in("ben").post(url, {"reason": "Odd calls."}, headers={"HX-Request": "true"})

    assert answer["HX-Redirect"] == f"/identities/{mine.pk}/"
    mine.refresh_from_db()
    assert mine.lifecycle == "suspended"


def test_suspending_without_a_reason_is_refused(world: dict[str, object]) -> None:
    mine: Identity = world["mine"]  # type: ignore[assignment]

    assert signed_in("sam").post(f"/identities/{mine.pk}/suspend/", {}).status_code == 422

    mine.refresh_from_db()
    assert mine.lifecycle == "active"


def test_an_owner_ends_their_own_grant_on_a_day(world: dict[str, object]) -> None:
    grant: Grant = world["my_grant"]  # type: ignore[assignment]
    client, day = signed_in("ben"), (timezone.now() + timedelta(days=30)).date()

    assert client.post(f"/grants/{grant.pk}/end/", {"day": "2020-01-01"}).status_code == 422
    assert client.post(f"/grants/{grant.pk}/end/", {"day": day.isoformat()}).status_code == 302

    grant.refresh_from_db()
    assert grant.expires_at is not None
    assert grant.expires_at.date() == day


def test_a_record_is_shown_as_it_was_on_a_past_day(world: dict[str, object]) -> None:
    mine: Identity = world["mine"]  # type: ignore[assignment]
    client, today = signed_in("ada"), timezone.now().date()

    now = text_of(client.get(f"/identities/{mine.pk}/as-of/?day={today}"))
    before = text_of(client.get(f"/identities/{mine.pk}/as-of/?day=2020-01-01"))

    assert "Ben" in now
    assert "ledger write" in now
    assert "Not known that day" in before
    assert client.get(f"/identities/{mine.pk}/as-of/?day=soon").status_code == 400


def test_the_leaving_page_proposes_and_handing_over_moves_everything(
    world: dict[str, object],
) -> None:
    client, tom = signed_in("sam"), world["tom"].pk  # type: ignore[attr-defined]

    page = text_of(client.get(f"/people/{tom}/leaving/"))
    form = text_of(client.get(f"/people/{tom}/hand-over/"))
    answer = client.post(f"/people/{tom}/hand-over/", {"to": "ben@example.org"})

    assert "ledger-export" in page
    assert "manager of the owner" in page
    assert 'value="maria@example.org"' in form
    assert answer.status_code == 302
    assert Identity.objects.filter(owner__name="Ben").count() == 2


def test_marking_a_person_as_left_is_for_security_only(world: dict[str, object]) -> None:
    ben: Person = world["ben"]  # type: ignore[assignment]

    assert signed_in("ada").post(f"/people/{ben.pk}/left/").status_code == 403
    assert signed_in("sam").post(f"/people/{ben.pk}/left/").status_code == 302

    ben.refresh_from_db()
    assert ben.status == "left"
    assert names(signed_in("sam").get("/identities/?ownership=orphaned&sort=name")) == [
        "ledger-export", "refund-agent",
    ]  # fmt: skip


def test_suggestions_leave_out_people_who_left() -> None:
    answer = text_of(signed_in("sam").get("/people/options/?owner=example.org"))

    assert "ben@example.org" in answer
    assert "tom@example.org" not in answer


def test_a_source_shows_what_its_last_imports_refused(world: dict[str, object]) -> None:
    page = text_of(signed_in("ada").get(f"/sources/{world['source'].pk}/"))  # type: ignore[attr-defined]

    assert "“x” is not an e-mail address." in page


def test_the_navigation_shows_each_role_what_it_may_see() -> None:
    for user, sees in (("ada", True), ("ben", False)):
        page = text_of(signed_in(user).get("/identities/"))
        assert 'href="/identities/" aria-current="page"' in page
        assert ('data-go-label="Audit"' in page) is sees


def test_a_filter_by_key_does_not_tell_the_name_of_somebody_out_of_sight(
    world: dict[str, object],
) -> None:
    url = f"/identities/?owner={world['tom'].pk}"  # type: ignore[attr-defined]

    assert "<b>Tom</b>" in text_of(signed_in("ada").get(url))
    assert "<b>Tom</b>" not in text_of(signed_in("ben").get(url))


def test_an_auditor_reads_what_leaving_would_orphan_but_gets_no_buttons(
    world: dict[str, object],
) -> None:
    url = f"/people/{world['ben'].pk}/leaving/"  # type: ignore[attr-defined]

    assert "refund-agent" in text_of(signed_in("ada").get(url))
    assert "Hand over" not in text_of(signed_in("ada").get(url))
    assert "Hand over" in text_of(signed_in("sam").get(url))
