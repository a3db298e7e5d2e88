"""Changing many rows of a list at once: what is selected, who may, and what became of each row."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from inventory import grants, identities, many, signals
from inventory.models import Change, Credential, Grant, Identity, User
from inventory.rules import Outcome
from tests.factories import (
    a_credential,
    a_grant,
    a_person,
    a_successor,
    a_user,
    an_identity,
)

pytestmark = pytest.mark.django_db


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def ticked(*rows: Model) -> dict[str, Any]:
    return {"selected": [str(row.pk) for row in rows]}


def whole(query: str = "") -> dict[str, Any]:
    return {"select": "filter", "filter": query}


def ask(client: Client, name: str, chosen: dict[str, Any]) -> HttpResponse:
    return client.post(reverse(f"inventory:{name}"), chosen)  # type: ignore[return-value]  # the test client's


def confirm(
    client: Client, name: str, chosen: dict[str, Any], number: int, **fields: str
) -> HttpResponse:
    """Answers the question as its form does, and shows the list it leads back to."""
    given = {**chosen, "confirmed": str(number), "reason": "Quarterly clean-up.", **fields}
    return client.post(reverse(f"inventory:{name}"), given, follow=True)  # type: ignore[return-value]


def text(answer: HttpResponse) -> str:
    return answer.content.decode()


@pytest.fixture
def security() -> Client:
    return signed_in(a_user("security", username="sec"))


def test_the_question_tells_the_number_and_changes_nothing(security: Client) -> None:
    for number in range(3):
        an_identity(name=f"old-job-{number}")
    an_identity(name="other")

    answer = ask(security, "identities-suspend", whole("q=old-job"))

    assert answer.status_code == 200
    assert "Suspend 3 identities?" in text(answer)
    assert not Identity.objects.filter(lifecycle="suspended").exists()


def test_all_that_the_filter_shows_is_changed_also_what_is_on_other_pages(
    security: Client,
) -> None:
    for number in range(60):  # a page has 50
        an_identity(name=f"old-job-{number}")
    kept = an_identity(name="other")

    answer = confirm(security, "identities-suspend", whole("q=old-job"), 60)

    assert Identity.objects.filter(lifecycle="suspended").count() == 60
    assert Identity.objects.get(pk=kept.pk).lifecycle == "active"
    assert "60 identities suspended." in text(answer)
    assert answer.redirect_chain[-1][0] == "/identities/?q=old-job"  # type: ignore[attr-defined]


def test_it_says_how_many_were_so_already_and_how_many_cannot_be(security: Client) -> None:
    an_identity()
    an_identity(lifecycle="suspended", suspended_at=timezone.now() - timedelta(days=9))
    an_identity(lifecycle="retired")

    answer = confirm(security, "identities-suspend", whole(), 3)

    assert "1 identity suspended. 1 was suspended already. 1 was retired." in text(answer)


def test_nothing_changes_when_more_fits_than_was_confirmed(security: Client) -> None:
    an_identity()
    an_identity()

    answer = confirm(security, "identities-suspend", whole(), 1)

    assert answer.status_code == 422
    assert "Now 2 identities fit." in text(answer)
    assert not Identity.objects.filter(lifecycle="suspended").exists()


def test_more_than_one_request_can_take_is_refused(
    security: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many, "MOST", 1)
    an_identity()
    an_identity()

    answer = confirm(security, "identities-suspend", whole(), 2)

    assert answer.status_code == 422
    assert "2 are too many at once. Narrow the filter" in text(answer)
    assert not Identity.objects.filter(lifecycle="suspended").exists()


def test_nothing_selected_leads_back_and_says_so(security: Client) -> None:
    answer = security.post(reverse("inventory:grants-revoke"), {"filter": "q=x"}, follow=True)

    assert answer.redirect_chain == [("/grants/?q=x", 302)]
    assert "No grant is selected." in text(answer)  # type: ignore[arg-type]


def test_a_filter_that_does_not_hold_changes_nothing(security: Client) -> None:
    an_identity()

    answer = ask(security, "identities-suspend", whole("lifecycle=asleep"))

    assert answer.status_code == 400


def test_a_change_without_the_reason_it_needs_is_asked_again(security: Client) -> None:
    key = a_credential()

    answer = confirm(security, "credentials-revoke", ticked(key), 1, reason="")

    assert answer.status_code == 422
    assert Credential.objects.get().revoked_at is None


def test_an_owner_changes_their_own_rows_only_and_is_told_of_the_others() -> None:
    ada = a_person()
    mine, sponsored = an_identity(owner=ada), an_identity(sponsor=ada)
    succeeded, strange = an_identity(), an_identity()
    a_successor(identity=succeeded, person=ada)
    client = signed_in(a_user("owner", person=ada))

    answer = confirm(client, "identities-suspend", ticked(mine, sponsored, succeeded, strange), 3)

    assert list(Identity.objects.filter(lifecycle="suspended")) == [mine]
    assert "1 identity suspended. 2 were not yours to change." in text(answer)


@pytest.mark.parametrize(
    ("name", "make"),
    [("credentials-revoke", a_credential), ("grants-revoke", a_grant), ("grants-end", a_grant)],
)
def test_an_owner_changes_what_hangs_on_their_identities_only(name: str, make: Any) -> None:
    ada = a_person()
    mine = make(identity=an_identity(owner=ada))
    seen = make(identity=an_identity(sponsor=ada))
    client = signed_in(a_user("owner", person=ada))

    confirm(client, name, whole(), 2, until="2099-01-01")

    assert Change.objects.of(mine).filter(operation="update").exists()
    assert not Change.objects.of(seen).filter(operation="update").exists()


@pytest.mark.parametrize(
    ("role", "name", "shown"),
    [
        ("auditor", "identities-owner", "identity-list"),
        ("auditor", "identities-suspend", "identity-list"),
        ("auditor", "credentials-revoke", "credential-list"),
        ("auditor", "grants-revoke", "grant-list"),
        ("auditor", "grants-end", "grant-list"),
        ("owner", "identities-retire", "identity-list"),
    ],
)
def test_who_may_never_do_it_is_refused_and_has_no_button(
    role: str, name: str, shown: str, security: Client
) -> None:
    ada = a_person()
    identity = an_identity(owner=ada)
    a_grant(identity=identity), a_credential(identity=identity)
    client = signed_in(a_user(role, person=ada))

    answer = confirm(client, name, whole(), 1, owner=ada.email, until="2099-01-01")
    button = f'formaction="{reverse(f"inventory:{name}")}"'
    theirs, other = (who.get(reverse(f"inventory:{shown}")) for who in (client, security))

    assert answer.status_code == 403
    changes = Change.objects.exclude(verb="auditor.looked")  # the page beside it
    assert not changes.filter(user__isnull=False).exists()
    assert button not in theirs.content.decode() and button in other.content.decode()


def test_an_owner_for_many_leaves_out_what_the_platform_runs(security: Client) -> None:
    ada, lost = a_person(), an_identity(owner=None, owner_lost_at=timezone.now())
    an_identity(owner=ada, owner_confirmed_at=None)
    an_identity(owner=None, platform_managed=True)

    answer = confirm(security, "identities-owner", whole(), 3, owner=ada.email)

    lost.refresh_from_db()
    assert (lost.owner, lost.owner_lost_at) == (ada, None)
    assert lost.owner_confirmed_at is not None
    assert "1 was owned by them already. 1 was run by the platform itself" in text(answer)
    assert Identity.objects.filter(owner=ada, owner_confirmed_at=None).count() == 1


def test_a_person_who_left_owns_nothing_new(security: Client) -> None:
    gone = a_person(status="left", left_at=timezone.now() - timedelta(days=1))
    kept = an_identity()

    answer = confirm(security, "identities-owner", ticked(kept), 1, owner=gone.email)

    assert answer.status_code == 422
    assert "has left and cannot be accountable" in text(answer)


def test_revoking_many_keeps_the_first_time_of_each(security: Client) -> None:
    before = timezone.now() - timedelta(days=3)
    first, second = a_grant(revoked_at=before), a_grant()

    answer = confirm(security, "grants-revoke", ticked(first, second), 2)

    first.refresh_from_db()
    second.refresh_from_db()
    assert first.revoked_at == before
    assert second.revoked_at is not None and second.revocation_confirmed_at is None
    assert "1 grant revoked. 1 was revoked already." in text(answer)


def test_setting_an_end_makes_no_grant_longer_and_none_end_before_it_starts(
    security: Client,
) -> None:
    now = timezone.now()
    endless, long = a_grant(), a_grant(expires_at=now + timedelta(days=900))
    short = a_grant(expires_at=now + timedelta(days=5))
    later = a_grant(starts_at=now + timedelta(days=500))
    day = (now + timedelta(days=90)).date()

    answer = confirm(security, "grants-end", whole(), 4, until=day.isoformat())

    ends = {row.pk: row.expires_at for row in Grant.objects.all()}
    assert ends[endless.pk] == ends[long.pk] and str(ends[long.pk]).startswith(day.isoformat())
    assert (ends[short.pk], ends[later.pk]) == (short.expires_at, None)
    assert "2 grants given that end. 1 was over by then already." in text(answer)
    assert "1 was starting only after that day." in text(answer)


def test_an_end_in_the_past_is_refused(security: Client) -> None:
    answer = confirm(security, "grants-end", ticked(a_grant()), 1, until="2020-01-01")

    assert answer.status_code == 422
    assert "2020-01-01 is past" in text(answer)


def test_every_row_has_its_author_and_reason_in_the_history(security: Client) -> None:
    keys = [a_credential(), a_credential()]

    confirm(security, "credentials-revoke", ticked(*keys), 2)

    for key in keys:
        change = Change.objects.of(key)[0]
        assert (change.actor, change.verb) == ("sec", "credential.revoked")
        assert change.reason == "Quarterly clean-up."


def test_twenty_rows_take_as_many_queries_as_two() -> None:
    user, at = a_user("security"), timezone.now()
    a_grant(), a_grant()
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            grants.revoke_all(Grant.objects.all(), by=user, reason="", at=at)
        counts.append(len(queries))
        for _ in range(18):
            a_grant()

    assert counts[0] == counts[1]


def test_the_floors_above_are_told_once_of_what_changed(
    django_capture_on_commit_callbacks: Any,
) -> None:
    heard: list[frozenset[int] | None] = []

    def hear(ids: frozenset[int] | None, **rest: Any) -> None:
        heard.append(ids)

    changed = [an_identity(), an_identity()]
    an_identity(lifecycle="suspended")
    signals.identities_changed.connect(hear)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            outcome = identities.suspend_all(
                Identity.objects.all(), by="job test", reason="", at=timezone.now()
            )
    finally:
        signals.identities_changed.disconnect(hear)

    assert heard == [frozenset(row.pk for row in changed)]
    assert outcome == Outcome(changed=2, already=1, cannot=0, not_yours=0)
