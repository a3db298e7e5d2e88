"""Lists of the API: as many queries for many rows as for one, the orders of the pages, and every row exactly once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inventory import noun_columns, tool_columns
from inventory.api import imports, stopping, tools, views
from inventory.listing import Listing
from inventory.models import ImportRun, KillSwitchUse, Team, Tool
from inventory.stop_list import STOPS
from reviews import api as reviews
from reviews import notification_api
from reviews.columns import FINDINGS
from reviews.models import CheckRun, Finding, SweepRun
from reviews.notification_list import DELIVERIES
from runtime.api import activity
from runtime.deviation_list import DEVIATIONS
from tests.factories import (
    NOW,
    a_credential,
    a_delegation,
    a_grant,
    a_person,
    a_source,
    a_system,
    an_entitlement,
    an_identity,
    days,
)
from tests.reviews.receiver import a_delivery, a_webhook
from tests.runtime.factories import (
    a_deviation,
    a_security_event,
    a_token,
    a_trust_bundle,
    an_event_stream,
    an_issuer,
    an_oauth_client,
)

pytestmark = pytest.mark.django_db


def a_team() -> None:
    source, number = a_source(), Team.objects.count()
    Team.objects.create(
        name=f"team-{number}", source=source, namespace=source.key, external_id=str(number),
        first_seen_at=NOW,
    )  # fmt: skip


def a_tool() -> None:
    source, number = a_source(), Tool.objects.count()
    Tool.objects.create(
        name=f"tool-{number}", provider="p", source=source, namespace=source.key,
        external_id=str(number), first_seen_at=NOW,
    )  # fmt: skip


def an_import() -> None:
    ImportRun.objects.create(
        source=a_source(), status="applied", author="ada", created_at=NOW, started_at=NOW
    )


def a_finding() -> None:
    identity = an_identity()
    Finding.objects.create(
        check_id="owner-active", subject=f"identity:{identity.pk}", identity=identity,
        severity=3, first_seen_at=NOW, opened_at=NOW,
    )  # fmt: skip


def a_sweep() -> None:
    sweep = SweepRun.objects.create(
        status="done", trigger="manual", author="ada", at=NOW, started_at=NOW
    )
    for check in ("owner-active", "credential-age", "dormant-identity"):
        CheckRun.objects.create(
            sweep=sweep, check_id=check, version=1, at=NOW, population=1, passed=1, failed=0,
            unknown=0, seconds=0.1,
        )  # fmt: skip


def a_drill() -> KillSwitchUse:
    return KillSwitchUse.objects.create(
        identity=an_identity(), drill=True, author="ada", reason="Quarterly.", asked_at=NOW
    )


MAKE: dict[str, Callable[[], object]] = {
    "people": lambda: a_person(manager=a_person()),
    "teams": a_team,
    "identities": lambda: an_identity(owner=a_person(), sponsor=a_person()),
    "credentials": a_credential,
    "grants": lambda: a_grant(approved_by=a_person(), approved_at=NOW),
    "delegations": a_delegation,
    "tools": a_tool,
    "systems": lambda: a_system(owner=a_person()),
    "entitlements": an_entitlement,
    "sources": a_source,
    "imports": an_import,
    "findings": a_finding,
    "stops": a_drill,
    "deviations": a_deviation,
    "notifications": lambda: a_delivery(a_webhook()),
    "webhooks": a_webhook,
    "issued-tokens": lambda: a_token(person=a_person()),
    "trust-bundles": a_trust_bundle,
    "oidc-issuers": an_issuer,
    "oauth-clients": an_oauth_client,
    "event-streams": an_event_stream,
    "security-events": a_security_event,
    "checks": a_sweep,
    "sweeps": a_sweep,
}
# One for the token, up to three for a page, and one for each menu of teams or sources that filters offer.
MOST_QUERIES = 6


@pytest.mark.parametrize("path", sorted(MAKE))
def test_a_list_needs_as_many_queries_for_twelve_rows_as_for_two(path: str, api: Any) -> None:
    client, needed = api(), []
    client.get("teams/")  # notes the use of the token
    for rows in (2, 10):
        for _ in range(rows):
            MAKE[path]()
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(f"{path}/").json()
        needed.append(len(queries))

    assert needed[0] == needed[1] <= MOST_QUERIES
    assert len(answer if path == "checks" else answer["results"]) >= 12


@pytest.mark.parametrize("ordering", ["expires_at", "-expires_at", "last_used_at", "-last_used_at"])
def test_every_row_comes_once_in_an_order_that_has_ties_and_gaps(ordering: str, api: Any) -> None:
    ends = [None, NOW + days(400), NOW + days(400), None, NOW + days(900), None, NOW + days(500)]
    uses = [NOW, None, NOW, NOW + timedelta(hours=1), None, None, NOW]
    wanted = {
        a_credential(expires_at=end, last_used_at=use).pk
        for end, use in zip(ends, uses, strict=True)
    }
    client = api()

    found = walk(client, client.get("credentials/", ordering=ordering, page_size=2).json(), "next")

    assert len(found) == len(wanted) == len(set(found))
    assert set(found) == wanted


def test_the_way_back_shows_the_same_rows(api: Any) -> None:
    for number in range(7):
        an_identity(name=f"bot-{number % 3}")
    client = api()
    first = client.get("identities/", page_size=3).json()
    forward = walk(client, first, "next")
    last = first
    while last["next"]:
        last = client._client.get(last["next"]).json()

    back = walk(client, last, "previous")

    assert sorted(back) == sorted(forward)


def walk(client: Any, page: dict[str, Any], way: str) -> list[int]:
    found = [row["id"] for row in page["results"]]
    while page[way]:
        page = client._client.get(page[way]).json()
        found += [row["id"] for row in page["results"]]
    return found


@pytest.mark.parametrize(
    ("view", "listing"),
    [
        (views.PersonViewSet, noun_columns.PEOPLE),
        (views.IdentityViewSet, noun_columns.IDENTITIES),
        (views.CredentialViewSet, noun_columns.CREDENTIALS),
        (views.GrantViewSet, noun_columns.GRANTS),
        (views.DelegationViewSet, noun_columns.DELEGATIONS),
        (tools.ToolViewSet, tool_columns.TOOLS),
        (views.SourceViewSet, noun_columns.SOURCES),
        (imports.ImportViewSet, noun_columns.IMPORTS),
        (reviews.FindingViewSet, FINDINGS),
        (notification_api.NotificationViewSet, DELIVERIES),
        (stopping.StopViewSet, STOPS),
        (activity.DeviationViewSet, DEVIATIONS),
    ],
)
def test_the_orders_are_those_of_the_page_and_the_first_is_its_own(
    view: Any, listing: Listing
) -> None:
    by_key = {column.key: str(column.sort) for column in listing.columns if column.sort}
    keys = {"id": "pk"}  # the same order by two names
    offered = {keys.get(path, path) for path in view.orders.values()}
    default = next(iter(view.orders))
    page_default = by_key[listing.order.lstrip("-")]

    assert {keys.get(path, path) for path in by_key.values()} <= offered
    assert view.orders[default] == keys.get(page_default, page_default)
    assert default.startswith("-") == listing.order.startswith("-")


def test_a_parameter_that_counts_once_is_not_given_twice(api: Any) -> None:
    answer = api()._client.get("/api/v1/identities/?page_size=1&page_size=2")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "page_size"


def test_counting_stops_at_the_cap(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inventory.keyset.COUNT_CAP", 3)
    for _ in range(5):
        an_identity()

    answer = api().get("identities/", page_size=2).json()

    assert (answer["count"], answer["count_is_capped"]) == (3, True)


def test_one_row_takes_no_parameters(api: Any) -> None:
    identity, at = an_identity(), timezone.now()

    answer = api().get(f"identities/{identity.pk}/", at=at.isoformat())

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "at"
