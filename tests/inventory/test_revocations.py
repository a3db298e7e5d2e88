"""Proof of revocation: asked and confirmed are two times, and only a denied probe or the source itself confirms."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from inventory import credentials, delegations, grants, revocations
from inventory.models import Credential, Delegation, EndCause, Grant
from inventory.revocations import Probe
from inventory.rules import RuleBroken
from tests.factories import NOW, a_credential, a_delegation, a_grant, a_user, ago, days
from tests.inventory.importers.loading import Files, run

pytestmark = pytest.mark.django_db
LATER = NOW + days(1)
DENIED = Probe("GET /invoices with the old key", NOW + timedelta(hours=1), "403 Forbidden")

NORA = {"email": "nora@example.org", "name": "Nora Lind"}
BOT = {"name": "bot", "kind": "assistant", "owner": "nora@example.org"}
CARRIER = {"name": "carrier", "kind": "assistant"}
KEY = {"identity": "bot", "kind": "api_key", "key_id": "key-1"}
READ = {"identity": "bot", "system": "CRM", "action": "read"}
WRITE = {"identity": "bot", "system": "CRM", "action": "write"}
FOR = {"delegate": "carrier", "delegator": "bot", "how": "orchestrate"}


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def imported(files: Files, **left: Any) -> None:
    """One complete reading of all that there is, without what `left` leaves out."""
    rows: dict[str, tuple[Any, ...]] = {
        "people": (NORA,),
        "identities": (BOT, CARRIER),
        "credentials": (KEY,),
        "grants": (READ, WRITE),
        "delegations": (FOR,),
        **left,
    }
    run("csv", *(files.csv(noun, *each) for noun, each in rows.items()))


def revoke_everything() -> tuple[Grant, Delegation, Credential]:
    at = timezone.now()
    grant = Grant.objects.get(entitlement__name="read")
    delegation, key = Delegation.objects.get(), Credential.objects.get()
    grants.revoke(grant, by="job", reason="Odd.", at=at)
    delegations.revoke(delegation, by="job", reason="Odd.", at=at)
    credentials.revoke(key, by="job", reason="Odd.", at=at)
    return grant, delegation, key


@pytest.mark.parametrize("make", [a_grant, a_delegation, a_credential])
def test_a_denied_probe_confirms_and_the_first_proof_stays(make: Any) -> None:
    row = make(revoked_at=NOW)

    confirmed = revocations.confirm(row, proof=DENIED, by="job", at=LATER)
    again = Probe("Again", LATER, "401")
    revocations.confirm(row, proof=again, by="job", at=LATER + days(1))

    confirmed.refresh_from_db()
    assert confirmed.revoked_at == NOW
    assert confirmed.revocation_confirmed_at == LATER
    assert confirmed.revocation_proof == (
        "Denied probe on 2026-06-01 at 13:00:00 UTC: GET /invoices with the old key – 403 Forbidden"
    )


@pytest.mark.parametrize(
    ("proof", "says"),
    [
        (Probe("GET /", ago(1), "403"), "before the revocation"),
        (Probe("GET /", LATER + days(1), "403"), "still to come"),
        (Probe(" ", LATER, "403"), "what was tried"),
        (Probe("GET /", LATER, ""), "what was tried"),
    ],
)
def test_what_proves_nothing_is_refused(proof: Probe, says: str) -> None:
    with pytest.raises(RuleBroken, match=says):
        revocations.confirm(a_grant(revoked_at=NOW), proof=proof, by="job", at=LATER)


def test_what_is_not_revoked_cannot_be_confirmed() -> None:
    with pytest.raises(RuleBroken, match="not revoked"):
        revocations.confirm(a_grant(), proof=DENIED, by="job", at=LATER)


def test_who_holds_the_access_does_not_testify_that_it_is_gone() -> None:
    grant = a_grant(revoked_at=NOW)
    owner = a_user("owner", person=grant.identity.owner)

    for user in (owner, a_user("auditor")):
        with pytest.raises(PermissionDenied):
            revocations.confirm(grant, proof=DENIED, by=user, at=LATER)


def test_an_owner_revokes_a_delegation_to_their_own_and_it_is_dead_at_once() -> None:
    delegation = a_delegation()
    owner = a_user("owner", person=delegation.delegate.owner)

    revoked = delegations.revoke(delegation, by=owner, reason="Not needed.", at=NOW)
    again = delegations.revoke(delegation, by="job", reason="", at=LATER)

    assert not Delegation.objects.effective(NOW).exists()
    assert (revoked.revoked_at, revoked.end_cause) == (NOW, EndCause.REVOKED)
    assert again.revoked_at == NOW


def test_reading_the_source_back_confirms_what_is_no_longer_there(files: Files) -> None:
    imported(files)
    rows = revoke_everything()

    imported(files, grants=(WRITE,), delegations=(FOR | {"delegator": "nora@example.org"},),
             credentials=(KEY | {"key_id": "key-2"},))  # fmt: skip

    for row in rows:
        row.refresh_from_db()
        assert row.revocation_confirmed_at is not None
        assert row.revocation_proof.startswith("Read back from ")
        assert row.revocation_proof.endswith(": no longer there.")
        assert row.revocation_confirmed_at >= row.revoked_at  # type: ignore[operator]  # it is revoked


def test_as_long_as_the_source_still_has_it_the_revocation_is_unconfirmed(files: Files) -> None:
    imported(files)
    rows = revoke_everything()

    imported(files, people=(NORA | {"name": "Nora L."},))

    for row in rows:
        row.refresh_from_db()
        assert row.revoked_at is not None
        assert row.revocation_confirmed_at is None
        assert revocations.is_unconfirmed(row, timezone.now())


def test_a_part_of_the_source_confirms_nothing(files: Files) -> None:
    imported(files)
    grant, *_ = revoke_everything()

    run("csv", files.csv("grants", WRITE), partial=True)

    grant.refresh_from_db()
    assert grant.revocation_confirmed_at is None


def test_what_was_gone_before_it_was_revoked_is_confirmed_by_the_next_reading(files: Files) -> None:
    imported(files)
    imported(files, grants=(WRITE,))
    grant, *_ = revoke_everything()
    assert grant.gone_at is not None

    imported(files, grants=(WRITE,))

    grant.refresh_from_db()
    assert grant.revocation_confirmed_at is not None


def test_what_comes_back_was_not_revoked_there(files: Files) -> None:
    imported(files)
    grant, *_ = revoke_everything()
    imported(files, grants=(WRITE,))

    imported(files)

    grant.refresh_from_db()
    assert (grant.gone_at, grant.revocation_confirmed_at, grant.revocation_proof) == (
        None, None, "",
    )  # fmt: skip
    assert not Grant.objects.effective(timezone.now()).filter(pk=grant.pk).exists()


def test_a_key_that_its_platform_switched_off_is_confirmed_until_it_is_on_again(
    files: Files,
) -> None:
    imported(files)
    *_, key = revoke_everything()

    imported(files, credentials=(KEY | {"enabled": "no"},))
    key.refresh_from_db()
    proof = key.revocation_proof
    imported(files, credentials=(KEY | {"enabled": "yes"},))

    key.refresh_from_db()
    assert proof.endswith(": switched off there.")
    assert (key.revocation_confirmed_at, key.revocation_proof) == (None, "")


def test_what_nobody_revoked_is_gone_and_not_confirmed(files: Files) -> None:
    imported(files)

    imported(files, grants=(WRITE,))

    grant = Grant.objects.get(entitlement__name="read")
    assert grant.gone_at is not None
    assert (grant.revoked_at, grant.revocation_confirmed_at) == (None, None)
