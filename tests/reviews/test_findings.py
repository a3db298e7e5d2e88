"""Deciding about findings: the rules, and the pages that call them."""

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse

from inventory.models import Change, Identity, User
from inventory.rules import RuleBroken
from reviews import findings, sweep
from reviews.models import CheckSetting, Finding, Waiver
from tests.factories import NOW, a_person, a_user, ago, an_identity, days

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def plain_files(settings: Any, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.fixture
def three() -> list[Finding]:
    for name in ("alpha", "beta", "gamma"):
        an_identity(name=name, owner=None)
    sweep.run(NOW, by="test", checks=["owner-active"])
    return list(Finding.objects.order_by("pk"))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_accepting_keeps_who_why_until_when_and_what_protects(three: list[Finding]) -> None:
    security = a_user()

    number = findings.accept(
        [three[0].pk],
        by=security,
        reason="Pilot",
        until=NOW + days(5),
        at=NOW,
        compensating_control="Network rule 12",
    )

    waiver = Waiver.objects.get()
    change = Change.objects.of(three[0]).first()
    assert number == 1
    assert (waiver.finding, waiver.author, waiver.reason, waiver.ends_at) == (
        three[0],
        security,
        "Pilot",
        NOW + days(5),
    )
    assert waiver.compensating_control == "Network rule 12"
    assert change is not None
    assert (change.verb, change.actor, change.reason) == (
        "finding.accepted",
        security.username,
        "Pilot",
    )


def test_an_exception_leaves_the_summary_at_once_and_reopening_brings_it_back(
    three: list[Finding],
) -> None:
    security, identity = a_user(), Identity.objects.get(name="alpha")

    findings.snooze([three[0].pk], by=security, reason="Later", until=NOW + days(5), at=NOW)
    identity.refresh_from_db()
    snoozed = identity.open_findings
    findings.reopen([three[0].pk], by=security, reason="Now", at=NOW + days(1))
    identity.refresh_from_db()

    assert (snoozed, identity.open_findings) == (0, 1)
    assert Waiver.objects.get().withdrawn_at == NOW + days(1)


def test_a_second_exception_replaces_the_first(three: list[Finding]) -> None:
    security = a_user()
    findings.snooze([three[0].pk], by=security, reason="Later", until=NOW + days(5), at=NOW)

    findings.mark_false_positive([three[0].pk], by=security, reason="A test", at=NOW + days(1))

    assert Waiver.objects.standing(NOW + days(2)).get().kind == "false_positive"
    assert (Finding.objects.get(pk=three[0].pk).status, Waiver.objects.count()) == (
        "false_positive",
        2,
    )


def test_an_exception_needs_a_reason_and_a_day_to_come(three: list[Finding]) -> None:
    with pytest.raises(RuleBroken, match="no reason"):
        findings.snooze(Finding.objects.all(), by=a_user(), reason=" ", until=NOW + days(1), at=NOW)
    with pytest.raises(RuleBroken, match="is past"):
        findings.snooze(Finding.objects.all(), by=a_user(), reason="x", until=ago(1), at=NOW)

    assert Finding.objects.open(NOW).count() == 3


@pytest.mark.parametrize("role", ["auditor", "owner"])
def test_only_security_decides(role: str, three: list[Finding]) -> None:
    user = a_user(role)

    for decide in (
        lambda: findings.accept(
            Finding.objects.all(), by=user, reason="x", until=NOW + days(1), at=NOW
        ),
        lambda: findings.assign(Finding.objects.all(), to=user, by=user, at=NOW),
        lambda: findings.reopen(Finding.objects.all(), by=user, reason="x", at=NOW),
    ):
        with pytest.raises(PermissionDenied):
            decide()
    assert Finding.objects.open(NOW).count() == 3


def test_an_owner_sees_the_findings_of_their_identities_only(three: list[Finding]) -> None:
    person = a_person()
    Identity.objects.filter(name="beta").update(owner=person)
    owner = a_user("owner", person=person)

    assert [row.identity.name for row in findings.visible_to(owner)] == ["beta"]
    assert findings.visible_to(a_user("auditor")).count() == 3
    assert findings.visible_to(a_user("owner")).count() == 0


def test_a_finding_is_not_given_to_somebody_who_cannot_see_it(three: list[Finding]) -> None:
    with pytest.raises(RuleBroken, match="may not see"):
        findings.assign(Finding.objects.all(), to=a_user("owner"), by=a_user(), at=NOW)

    assert findings.assign(Finding.objects.all(), to=a_user(), by=a_user(), at=NOW) == 3


def test_the_list_opens_with_what_is_open_now(three: list[Finding]) -> None:
    findings.snooze([three[0].pk], by=a_user(), reason="x", until=NOW + days(50_000), at=NOW)
    client = signed_in(a_user("auditor"))

    first = client.get(reverse("reviews:finding-list"))
    page = client.get(first.url)

    assert first.url.endswith("?state=open")
    assert page.status_code == 200
    text = page.content.decode()
    assert "beta" in text and "gamma" in text and "alpha" not in text
    assert 'name="selected"' not in text


def test_a_snooze_that_has_ended_is_listed_as_open(three: list[Finding]) -> None:
    findings.snooze([three[0].pk], by=a_user(), reason="x", until=NOW + days(1), at=NOW)
    Finding.objects.filter(pk=three[0].pk).update(until=ago(1000))

    page = signed_in(a_user()).get(reverse("reviews:finding-list"), {"state": "snoozed"})
    opened = signed_in(a_user()).get(reverse("reviews:finding-list"), {"state": "open"})

    assert "alpha" not in page.content.decode()
    assert "alpha" in opened.content.decode()


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ({"q": "alph"}, {"alpha"}),
        ({"check": "credential-age"}, set()),
        ({"severity": "3"}, {"alpha", "beta", "gamma"}),
        ({"severity": "1"}, set()),
        ({"assigned": "nobody"}, {"alpha", "beta", "gamma"}),
        ({"assigned": "me"}, set()),
        ({"state": "resolved"}, set()),
        ({"state": "nonsense"}, set()),
    ],
)
def test_the_list_answers_what_it_is_asked(
    question: dict[str, str], names: set[str], three: list[Finding]
) -> None:
    text = signed_in(a_user()).get(reverse("reviews:finding-list"), question).content.decode()

    assert {name for name in ("alpha", "beta", "gamma") if f">{name}<" in text} == names


def test_one_finding_says_why_how_to_fix_it_and_what_happened(three: list[Finding]) -> None:
    findings.snooze(
        [three[0].pk], by=a_user(), reason="Next quarter", until=NOW + days(90_000), at=NOW
    )

    page = signed_in(a_user()).get(reverse("reviews:finding-detail", args=[three[0].pk]))

    text = page.content.decode()
    assert page.status_code == 200
    assert "Assign an owner who is here" in text and "Next quarter" in text and "Snoozed" in text


def test_what_an_owner_may_not_see_does_not_exist(three: list[Finding]) -> None:
    client = signed_in(a_user("owner"))

    assert client.get(reverse("reviews:finding-detail", args=[three[0].pk])).status_code == 404
    assert (
        client.get(reverse("reviews:identity-findings", args=[three[0].identity_id])).status_code
        == 404
    )
    assert client.get(reverse("reviews:check-list")).status_code == 403


def test_deciding_over_the_whole_filter_asks_and_then_decides_about_exactly_those(
    three: list[Finding],
) -> None:
    client, action = signed_in(a_user()), reverse("reviews:finding-accept")
    chosen = {"select": "filter", "filter": "state=open&q=a"}
    Identity.objects.filter(name="gamma").update(name="other")

    asked = client.post(action, chosen)
    again = client.post(
        action, {**chosen, "confirmed": "1", "reason": "Pilot", "until": "2020-01-01"}
    )
    done = client.post(
        action, {**chosen, "confirmed": "1", "reason": "Pilot", "until": "2190-01-01"}
    )

    assert (asked.status_code, again.status_code, done.status_code) == (200, 422, 302)
    assert "2 findings" in asked.content.decode()
    assert set(
        Finding.objects.filter(status="accepted").values_list("identity__name", flat=True)
    ) == {"alpha", "beta"}
    assert Waiver.objects.first().ends_at.date().isoformat() == "2190-01-02"  # type: ignore[union-attr]


def test_a_filter_that_does_not_hold_decides_nothing(three: list[Finding]) -> None:
    answer = signed_in(a_user()).post(
        reverse("reviews:finding-reopen"),
        {"select": "filter", "filter": "nonsense=1", "confirmed": "1", "reason": "x"},
    )

    assert answer.status_code == 400


def test_an_auditor_cannot_decide_by_address(three: list[Finding]) -> None:
    answer = signed_in(a_user("auditor")).post(
        reverse("reviews:finding-snooze"),
        {"selected": three[0].pk, "confirmed": "1", "reason": "x", "until": "2190-01-01"},
    )

    assert answer.status_code == 403
    assert Finding.objects.open(NOW).count() == 3


def test_the_panel_of_an_identity_shows_its_open_findings(three: list[Finding]) -> None:
    address = reverse("reviews:identity-findings", args=[three[0].identity_id])

    part = signed_in(a_user()).get(address, headers={"HX-Request": "true"}).content.decode()
    page = signed_in(a_user()).get(address).content.decode()

    assert "No accountable owner" in part and "<html" not in part
    assert "No accountable owner" in page and "<html" in page


def test_the_pages_of_checks_show_the_last_answers_and_change_settings(
    three: list[Finding],
) -> None:
    client = signed_in(a_user())
    settings_page = reverse("reviews:check-settings", args=["credential-age"])

    assert "named human owner" in client.get(reverse("reviews:check-list")).content.decode()
    assert client.get(reverse("reviews:check-detail", args=["owner-active"])).status_code == 200
    assert client.get(reverse("reviews:check-detail", args=["nonsense"])).status_code == 404
    assert client.get(settings_page).status_code == 200
    bad = client.post(settings_page, {"enabled": "on", "max_age": "9999", "reason": "x"})
    good = client.post(settings_page, {"enabled": "on", "max_age": "30", "reason": "Policy 7"})

    assert (bad.status_code, good.status_code) == (422, 302)
    assert CheckSetting.objects.get().value == 30
    assert (
        "30 days"
        in client.get(reverse("reviews:check-detail", args=["credential-age"])).content.decode()
    )


def test_the_list_needs_few_queries_however_long(
    three: list[Finding], django_assert_max_num_queries: Any
) -> None:
    client = signed_in(a_user())

    with django_assert_max_num_queries(8):
        client.get(reverse("reviews:finding-list"), {"state": "open"})
