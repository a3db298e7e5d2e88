"""The demo organisation: complete, the same each time but for the passwords, and only in an empty inventory."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from frameworks import loading
from inventory.models import (
    Change,
    Credential,
    Delegation,
    Entitlement,
    Grant,
    Identity,
    ImportRun,
    Person,
    Risk,
    Source,
    Task,
    Team,
    Tool,
    ToolBinding,
)
from inventory.rules import RuleBroken
from inventory.signals import identities_changed
from mandate import demo
from mandate.demo.users import SignIn
from reviews import sweep
from reviews.checks import CHECKS
from reviews.models import CheckRun, Finding, SweepRun

pytestmark = pytest.mark.django_db

LISTS = (
    "inventory:identity-list",
    "inventory:person-list",
    "inventory:credential-list",
    "inventory:grant-list",
    "inventory:delegation-list",
    "inventory:tool-list",
    "inventory:source-list",
    "inventory:change-list",
    "inventory:task-list",
    "reviews:campaign-list",
    "reviews:request-list",
    "reviews:action-list",
    "reviews:finding-list",
    "reviews:check-list",
    "runtime:policy-list",
    "runtime:decision-list",
    "frameworks:framework-list",
)
# Their facts are decided here, or every source says them, so that they can always be told.
NEVER_UNKNOWN = {
    "approval-sod",
    "ci-federation",
    "delegation-outlives-task",
    "evidence-fresh",
    "exceptions-bounded",
    "inventory-complete",
    "review-effective",
    "review-on-time",
    "kill-switch-tested",
    "new-tool-unapproved",
    "owner-active",
    "owner-offboarded-sla",
    "purpose-and-risk-recorded",
}
# Asked of the policy sets, and the organisation has one: it gets one answer, and it is told.
ASKED_OF_ONE = {"default-deny"}


@pytest.fixture(scope="module")
def built(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[list[SignIn]]:
    """Built once; each test works in a transaction of its own within this one."""
    quick = override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"])
    with quick, django_db_blocker.unblock(), transaction.atomic():
        loading.load()
        yield demo.build(timezone.now())
        transaction.set_rollback(True)


def signed_in(built: list[SignIn], role: str) -> Client:
    """Through the sign-in page, with what the build returned."""
    username, password = next((name, word) for of, name, word in built if of == role)
    client = Client()
    answer = client.post(reverse("account_login"), {"login": username, "password": password})
    assert answer.status_code == 302
    return client


def page(client: Client, url: str) -> str:
    answer = client.get(url, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def has_rows(text: str) -> bool:
    """A list of tables, or the one of frameworks, which is of cards."""
    return '<th scope="row"' in text or "/frameworks/owasp-" in text


def test_every_list_has_rows_for_security(built: list[SignIn]) -> None:
    client = signed_in(built, "security")

    empty = [name for name in LISTS if not has_rows(page(client, reverse(name)))]

    assert empty == []


def test_the_auditor_sees_the_same_and_may_change_nothing(built: list[SignIn]) -> None:
    client = signed_in(built, "auditor")
    identity = Identity.objects.get(name="booking-intake")

    assert "booking-intake" in page(client, reverse("inventory:identity-list"))
    refused = client.post(
        reverse("inventory:identity-suspend", args=[identity.pk]), {"reason": "x"}
    )
    assert refused.status_code == 403


def test_the_auditor_of_a_team_sees_that_team(built: list[SignIn]) -> None:
    shown = page(signed_in(built, "team auditor"), reverse("inventory:identity-list"))

    assert "refund-agent" in shown
    assert "booking-intake" not in shown


def test_the_owner_sees_only_their_own(built: list[SignIn]) -> None:
    client = signed_in(built, "owner")
    mine = Identity.objects.filter(owner__name="Tomas Okafor")
    theirs = Identity.objects.get(name="invoice-matcher")

    listed = page(client, reverse("inventory:identity-list"))

    assert 10 <= mine.count() <= 15
    assert "booking-intake" in listed
    assert "invoice-matcher" not in listed
    assert client.get(reverse("inventory:identity-detail", args=[theirs.pk])).status_code == 404
    assert Finding.objects.open(timezone.now()).filter(identity__in=mine, severity__gte=3).exists()


@pytest.mark.parametrize("check_id", sorted(CHECKS))
def test_every_check_has_something_to_say(built: list[SignIn], check_id: str) -> None:
    answers = CheckRun.objects.filter(check_id=check_id).latest("sweep_id")

    if check_id in ASKED_OF_ONE:
        assert (answers.failed + answers.passed, answers.unknown) == (1, 0)
        return
    assert answers.failed
    assert answers.passed
    assert bool(answers.unknown) is (check_id not in NEVER_UNKNOWN)


def test_findings_are_in_every_state_and_as_old_as_the_story(built: list[SignIn]) -> None:
    states = Counter(Finding.objects.values_list("status", flat=True))
    first_seen = {one.date() for one in Finding.objects.values_list("first_seen_at", flat=True)}
    reopened = Finding.objects.filter(status="open", waivers__isnull=False)

    assert set(states) == set(Finding.Status.values)
    assert Finding.objects.exclude(assignee=None).exists()
    assert reopened.exists()
    assert len(first_seen) >= 7
    assert min(first_seen) < (timezone.now() - timedelta(days=80)).date()


def test_the_trend_is_not_flat(built: list[SignIn]) -> None:
    runs = SweepRun.objects.filter(status="done")
    totals = [sum(run.check_runs.values_list("failed", flat=True)) for run in runs]

    assert len(totals) >= 8
    assert len(set(totals)) > len(totals) / 2


def test_the_last_sweep_judged_now_and_another_one_finds_nothing_new(built: list[SignIn]) -> None:
    last = SweepRun.objects.latest("pk").at

    again = sweep.run(last, by="job sweep")

    assert (again.counts["opened"], again.counts["resolved"]) == (0, 0)


def test_sources_were_really_read_some_went_stale_and_some_rows_were_refused(
    built: list[SignIn],
) -> None:
    read = Source.objects.exclude(kind=Source.MANUAL)
    now = timezone.now()

    assert len(set(read.values_list("kind", flat=True))) == 7
    assert {source.is_stale(now) for source in read} == {True, False}
    assert not ImportRun.objects.exclude(status=ImportRun.Status.APPLIED).exists()
    assert ImportRun.objects.filter(rejected_count__gt=0).exists()
    assert "password" in str(ImportRun.objects.filter(source__key="saas-review")[0].rejected)


def test_it_is_as_large_as_an_organisation(built: list[SignIn]) -> None:
    counts = {
        Person: 60,
        Team: 8,
        Identity: 140,
        Grant: 500,
        Credential: 190,
        Delegation: 80,
        Tool: 40,
        Task: 12,
    }

    small = [model.__name__ for model, least in counts.items() if model.objects.count() < least]

    assert small == []
    assert set(Identity.objects.values_list("kind", flat=True)) == set(Identity.Kind.values)
    assert set(Entitlement.objects.values_list("risk", flat=True)) == set(Risk.values)
    assert set(ToolBinding.objects.values_list("origin", flat=True)) == {"declared", "observed"}


def test_nothing_was_used_before_it_began_or_after_it_had_ended(built: list[SignIn]) -> None:
    for row in [*Grant.objects.all(), *Credential.objects.all()]:
        begin = row.starts_at if isinstance(row, Grant) else row.issued_at
        if row.last_used_at:
            assert begin is None or begin <= row.last_used_at
            assert row.expires_at is None or row.last_used_at <= row.expires_at


def test_every_change_has_an_author(built: list[SignIn]) -> None:
    unsaid = Change.objects.filter(verb="sql").exclude(noun__startswith="frameworks")

    assert list(unsaid.values_list("noun", "operation")) == []


def test_a_second_build_is_refused_and_changes_nothing(built: list[SignIn]) -> None:
    before = Identity.objects.count(), Change.objects.count()

    with pytest.raises(RuleBroken, match="The inventory is not empty"):
        demo.build(timezone.now())

    assert (Identity.objects.count(), Change.objects.count()) == before


def test_the_build_hears_of_changes_again_when_it_is_done(built: list[SignIn]) -> None:
    assert identities_changed.has_listeners()


def test_passwords_are_new_each_time_and_security_may_choose(
    built: list[SignIn], monkeypatch: pytest.MonkeyPatch
) -> None:
    with demo.users.new_passwords() as first, demo.users.new_passwords() as second:
        pass
    monkeypatch.setenv("MANDATE_ADMIN_PASSWORD", "chosen by hand")
    with demo.users.new_passwords() as given:
        pass

    assert set(first.plain.values()).isdisjoint(second.plain.values())
    assert given.plain["security"] == "chosen by hand"
    assert [role for role, _, _ in built] == ["security", "auditor", "owner", "team auditor"]
