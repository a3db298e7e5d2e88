"""The pages of the frameworks through the front door: who sees them, and what they say."""

import csv
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import include, path
from django.utils import timezone

from frameworks import assessments, loading
from frameworks.snapshot import Scope
from inventory.models import User
from reviews.check import CHECKS
from reviews.models import CheckRun, CheckSetting, SweepRun
from tests.factories import a_credential, a_delegation, a_grant, a_user

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
urlpatterns = [
    path("frameworks/", include("frameworks.urls")),
    path("", include("reviews.urls")),
    path("", include("inventory.urls")),
    path("accounts/", include("allauth.urls")),
]
NHI7 = "/frameworks/owasp-nhi/NHI7:2025/"  # primary: credential-age and credential-expiry-set


@pytest.fixture(autouse=True)
def world(settings: Any, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    loading.load()
    # Something of each noun: what nothing is known of cannot be told, whatever a sweep counted.
    a_grant()
    a_credential()
    a_delegation()


@pytest.fixture
def security() -> Client:
    return signed_in(a_user())


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def swept(check_id: str, passed: int, failed: int, unknown: int, *, days_ago: float = 0) -> None:
    at = timezone.now() - timedelta(days=days_ago)
    sweep = SweepRun.objects.create(
        status="done", trigger="schedule", author="test", at=at, started_at=at
    )
    CheckRun.objects.create(
        sweep=sweep, check_id=check_id, version=CHECKS[check_id].version, at=at,
        population=passed + failed + unknown, passed=passed, failed=failed, unknown=unknown,
        seconds=0.1,
    )  # fmt: skip


def states(client: Client, address: str, **asked: str) -> dict[str, str]:
    answer = client.get(address, {**asked, "export": "csv"})
    lines = b"".join(answer).decode().splitlines()  # type: ignore[call-overload]  # a stream
    return {row["ID"]: row["State"] for row in csv.DictReader(lines)}


def test_every_framework_is_shown_with_publisher_and_licence(security: Client) -> None:
    page = security.get("/frameworks/").content.decode()

    for words in ("OWASP Top 10 for Agentic", "MAESTRO", "CC BY-SA 4.0", "National Institute"):
        assert words in page
    assert "ompliant" not in page


def test_before_the_first_sweep_nothing_passes(security: Client) -> None:
    for key in ("owasp-asi", "owasp-nhi", "csa-maestro", "nist-ai-rmf"):
        found = set(states(security, f"/frameworks/{key}/").values())
        assert "Cannot tell" in found
        assert found <= {"Cannot tell", "Not covered"}


def test_a_control_passes_when_all_its_primary_checks_pass(security: Client) -> None:
    swept("credential-age", 5, 0, 0)
    assert states(security, "/frameworks/owasp-nhi/")["NHI7:2025"] == "Cannot tell"

    swept("credential-expiry-set", 5, 0, 0)

    assert states(security, "/frameworks/owasp-nhi/")["NHI7:2025"] == "Evidence of mitigation"


def test_only_the_last_run_counts(security: Client) -> None:
    swept("credential-expiry-set", 5, 0, 0)
    swept("credential-age", 4, 1, 0, days_ago=0.1)
    swept("credential-age", 5, 0, 0)

    assert states(security, "/frameworks/owasp-nhi/")["NHI7:2025"] == "Evidence of mitigation"


@pytest.mark.parametrize("reason", ["old", "off", "other meaning"])
def test_a_result_that_no_longer_counts_is_no_pass(security: Client, reason: str) -> None:
    swept("credential-expiry-set", 5, 0, 0)
    swept("credential-age", 5, 0, 0, days_ago=2 if reason == "old" else 0)
    if reason == "off":
        CheckSetting.objects.create(check_id="credential-age", name="enabled", value=False)
    if reason == "other meaning":
        CheckRun.objects.filter(check_id="credential-age").update(version=99)

    assert states(security, "/frameworks/owasp-nhi/")["NHI7:2025"] == "Cannot tell"


def test_the_page_of_a_control_shows_the_counts_and_leads_to_the_findings(
    security: Client,
) -> None:
    swept("credential-age", 40, 2, 1)

    page = security.get(NHI7).content.decode()

    assert "Population 43: 40 pass, 2 fail, 1 cannot be told." in page
    assert "/findings/?state=open&amp;check=credential-age" in page
    assert "Old secrets are the risk; the check bounds their age." in page
    assert security.get("/findings/?state=open&check=credential-age").status_code == 200


def test_a_control_without_a_check_says_why(security: Client) -> None:
    page = security.get("/frameworks/owasp-asi/ASI05/").content.decode()

    assert "Not covered" in page
    assert "need runtime or sandbox evidence" in page


def test_the_list_is_filtered_by_state_and_by_group(security: Client) -> None:
    swept("decommission-complete", 5, 0, 0)

    passing = states(security, "/frameworks/nist-ai-rmf/", state="pass")
    manage = states(security, "/frameworks/nist-ai-rmf/", group="MANAGE")

    assert passing == {"GOVERN 1.7": "Pass"}
    assert len(manage) == 13


@pytest.mark.parametrize("query", ["state=perfect", "group=GOVERN", "colour=red"])
def test_a_filter_that_is_not_there_is_refused_not_ignored(security: Client, query: str) -> None:
    assert security.get(f"/frameworks/owasp-asi/?export=csv&{query}").status_code == 400


@pytest.mark.parametrize(
    "address", ["/frameworks/none/", "/frameworks/owasp-asi/ASI99/", "/frameworks/csa-maestro/L7/"]
)
def test_what_is_not_there_or_only_a_heading_is_not_found(security: Client, address: str) -> None:
    assert security.get(address).status_code == 404


@pytest.mark.parametrize("address", ["/frameworks/", "/frameworks/owasp-asi/", NHI7])
def test_auditors_see_what_owners_do_not(address: str) -> None:
    assert signed_in(a_user(role=User.Role.AUDITOR)).get(address).status_code == 200
    assert signed_in(a_user(role=User.Role.OWNER)).get(address).status_code == 403
    assert Client().get(address).status_code == 302


@pytest.mark.parametrize(
    "address", ["/frameworks/", "/frameworks/nist-ai-rmf/", "/frameworks/csa-maestro/", NHI7]
)
def test_no_page_asks_more_than_sixteen_queries(security: Client, address: str) -> None:
    for check_id in CHECKS:
        swept(check_id, 3, 1, 1)

    with CaptureQueriesContext(connection) as asked:
        assert security.get(address).status_code == 200

    assert len(asked) <= 16


def test_the_last_two_of_one_scope_are_compared_unless_others_are_asked_for(
    security: Client,
) -> None:
    empty = security.get("/frameworks/assessments/compare/")
    first = assessments.assess(Scope(), "job", timezone.now())
    alone = security.get("/frameworks/assessments/compare/")
    assessments.assess(Scope(environment="sandbox"), "job", timezone.now())
    second = assessments.assess(Scope(), "job", timezone.now())

    page = security.get("/frameworks/assessments/compare/")

    assert "No assessments yet" in empty.content.decode()
    assert "Choose two" in alone.content.decode()
    assert (page.context["first"], page.context["second"]) == (first, second)
    assert "controls answer the same" in page.content.decode()
