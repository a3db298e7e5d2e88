"""The pages of access reviews: drafted with a preview, judged item by item or in bulk, closed with a report."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from inventory.models import Grant
from reviews import campaign_closing, campaigns
from reviews.campaigns import Plan
from reviews.models import Campaign, ReviewItem
from tests.factories import a_grant, a_user, an_entitlement, an_identity
from tests.reviews.asking import HOUR, Office
from tests.reviews.test_request_pages import browser

pytestmark = pytest.mark.django_db
DAY = 24 * HOUR


@pytest.fixture
def office() -> Office:
    return Office()


def running(office: Office, number: int = 2, **plan: object) -> Campaign:
    now = timezone.now()
    for _ in range(number):
        a_grant(identity=office.agent, last_used_at=now - 3 * DAY, use_known=True)
    terms = {"name": "Autumn", "scope": "everything", "due_at": now + 9 * DAY, **plan}
    made = campaigns.draft(Plan(**terms), by=office.security, at=now)  # type: ignore[arg-type]
    return campaigns.launch(made, by=office.security, at=now)


def test_security_drafts_looks_at_the_load_and_launches(office: Office) -> None:
    a_grant(identity=office.agent)
    security = browser(office.security)
    due = (timezone.now() + 20 * DAY).date()
    data = {
        "name": "Autumn", "scope": "everything", "reviewers": "owner", "due": due,
        "grace_days": "7", "on_silence": "revoke", "spare_used": "on",
    }  # fmt: skip

    drafted = security.post(reverse("reviews:campaign-new"), data, follow=True).content.decode()
    campaign = Campaign.objects.get()
    question = security.get(reverse("reviews:campaign-launch", args=[campaign.pk])).content.decode()
    security.post(reverse("reviews:campaign-launch", args=[campaign.pk]), {"reason": ""})

    assert "1 grants. Nobody has been asked yet." in drafted
    assert "Ona" in drafted
    assert "1 grants are put to 1 reviewers" in question
    campaign.refresh_from_db()
    assert campaign.status == "open"


def test_a_reviewer_goes_from_item_to_item(office: Office) -> None:
    campaign = running(office)
    first, second = campaign.items.order_by("pk")
    owner = browser(office.login(office.owner))

    page = owner.get(reverse("reviews:item-detail", args=[first.pk])).content.decode()
    answer = owner.post(reverse("reviews:item-keep", args=[first.pk]), {"reason": ""})

    assert "Recommended: Keep" in page
    assert "In use: 3 days before the review began." in page
    assert answer.headers["Location"] == f"/reviews/items/{second.pk}/"
    first.refresh_from_db()
    assert first.shown_at is not None
    assert first.decided_at is not None
    assert first.decided_at > first.shown_at


def test_many_that_are_alike_are_decided_from_the_list(office: Office) -> None:
    campaign = running(office, 3)
    a_grant(identity=office.agent, last_used_at=None, use_known=True)
    owner = browser(office.login(office.owner))
    keys = list(campaign.items.values_list("pk", flat=True))

    question = owner.post(reverse("reviews:items-revoke"), {"selected": keys})
    done = owner.post(
        reverse("reviews:items-revoke"),
        {"selected": keys, "confirmed": "1", "reason": "Not needed."},
        follow=True,
    )

    assert "Revoke: 3 items?" in question.content.decode()
    assert "3 of 3 decided" in done.content.decode()
    assert Grant.objects.filter(end_cause="review").count() == 3


def test_an_auditor_reads_and_a_stranger_sees_nothing(office: Office) -> None:
    campaign = running(office)
    items = reverse("reviews:campaign-items", args=[campaign.pk])

    auditor = browser(a_user("auditor"))
    assert auditor.get(items).status_code == 200
    assert auditor.post(reverse("reviews:items-keep"), {"selected": [1]}).status_code == 403
    assert browser(office.login(office.keeper)).get(items).status_code == 404


def test_the_closed_review_has_a_report_that_verifies(office: Office) -> None:
    campaign = running(office, on_silence="keep")
    campaign_closing.look_after(timezone.now() + 30 * DAY)
    auditor = browser(a_user("auditor"))

    page = auditor.get(reverse("reviews:campaign-detail", args=[campaign.pk])).content.decode()
    report = auditor.get(reverse("reviews:campaign-report", args=[campaign.pk]))

    digest = hashlib.sha256(report.content).hexdigest()
    assert digest in page
    assert report.headers["Content-Disposition"].startswith("attachment")


def test_the_list_filters_and_exports_items(office: Office) -> None:
    campaign = running(office)
    item = campaign.items.order_by("pk").first()
    assert item is not None
    owner: Client = browser(office.login(office.owner))
    owner.post(reverse("reviews:item-keep", args=[item.pk]), {"reason": ""})

    address = reverse("reviews:campaign-items", args=[campaign.pk])
    undecided = owner.get(address, {"decision": "open", "reviewer": "me"}).content.decode()

    assert f"/reviews/items/{item.pk}/" not in undecided
    assert undecided.count("/reviews/items/") >= 1


SCRIPT = """
import django
django.setup()
from datetime import timedelta
from django.utils import timezone
from reviews import campaign_closing
campaign_closing.look_after(timezone.now() + timedelta(days=60))
"""


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_while_closing_loses_and_doubles_nothing(office: Office) -> None:
    identity, can = an_identity(owner=office.owner), an_entitlement()
    Grant.objects.bulk_create(
        Grant(
            source=identity.source, namespace="n", external_id=f"g{nth}", identity=identity,
            entitlement=can, first_seen_at=timezone.now(),
        )
        for nth in range(2_000)
    )  # fmt: skip
    campaign = running(office, 0)
    process = _closing()
    until = time.monotonic() + 60
    while not _decided(campaign) and time.monotonic() < until:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    between = _decided(campaign)

    campaign_closing.look_after(timezone.now() + timedelta(days=60))

    campaign.refresh_from_db()
    assert 0 < between < 2_000  # it was killed in the middle
    assert (campaign.status, _decided(campaign)) == ("closed", 2_000)
    assert Grant.objects.filter(identity=identity, end_cause="review").count() == 2_000
    assert campaign_closing.digest(campaign) == campaign.report_digest


def _decided(campaign: Campaign) -> int:
    return ReviewItem.objects.filter(campaign=campaign).exclude(decision="").count()


def _closing() -> "subprocess.Popen[bytes]":
    database = settings.DATABASES["default"]
    url = (
        f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}"
        f"/{database['NAME']}"
    )
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        cwd=Path(__file__).resolve().parents[2],
        env=os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "mandate.settings"},
    )
