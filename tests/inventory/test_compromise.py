"""Flagged as compromised: the first flag stays, a flagged credential is revoked, an identity waits for the stop."""

import pytest
from django.core.exceptions import PermissionDenied

from inventory import compromise, credentials
from inventory.models import Change, Credential, Grant
from inventory.rules import RuleBroken
from tests.factories import NOW, a_credential, a_grant, a_person, a_user, an_identity, days

pytestmark = pytest.mark.django_db
LATER = NOW + days(1)


def test_flagging_a_credential_revokes_it_in_the_same_act() -> None:
    key = a_credential()

    compromise.flag(key, by="job", reason="Seen in a public repository.", at=NOW)

    key.refresh_from_db()
    assert (key.compromised_at, key.revoked_at) == (NOW, NOW)
    assert not Credential.objects.live(NOW).exists()
    changes = Change.objects.filter(noun="inventory_credential", operation="update")
    assert set(changes.values_list("verb", flat=True)) == {"credential.flagged"}


def test_the_first_flag_and_the_first_revocation_stay() -> None:
    key = a_credential()
    credentials.revoke(key, by="job", reason="", at=NOW)
    compromise.flag(key, by="job", reason="Leaked.", at=LATER)

    compromise.flag(key, by="job", reason="Leaked again.", at=LATER + days(1))

    key.refresh_from_db()
    assert (key.revoked_at, key.compromised_at) == (NOW, LATER)


def test_a_flagged_identity_goes_on_until_it_is_stopped() -> None:
    identity = an_identity()
    a_grant(identity=identity)

    compromise.flag(identity, by="job", reason="It calls a strange host.", at=NOW)

    identity.refresh_from_db()
    assert (identity.compromised_at, identity.lifecycle) == (NOW, "active")
    assert Grant.objects.effective(NOW).exists()


@pytest.mark.parametrize("make", [an_identity, a_credential])
def test_taking_the_flag_back_brings_nothing_back(make: object) -> None:
    row = make()  # type: ignore[operator]  # a factory
    compromise.flag(row, by="job", reason="Leaked.", at=NOW)

    cleared = compromise.clear(row, by=a_user(), reason="It was another key.", at=LATER)

    assert cleared.compromised_at is None
    if isinstance(cleared, Credential):
        assert cleared.revoked_at == NOW


def test_an_owner_flags_their_own_and_only_security_takes_it_back() -> None:
    key = a_credential()
    owner = a_user("owner", person=key.identity.owner)
    stranger = a_user("owner", person=a_person())

    with pytest.raises(PermissionDenied):
        compromise.flag(key, by=stranger, reason="Leaked.", at=NOW)
    compromise.flag(key, by=owner, reason="Leaked.", at=NOW)
    with pytest.raises(PermissionDenied):
        compromise.clear(key, by=owner, reason="No.", at=NOW)


@pytest.mark.parametrize("rule", [compromise.flag, compromise.clear])
def test_a_reason_is_needed(rule: object) -> None:
    with pytest.raises(RuleBroken, match="Say what was seen"):
        rule(an_identity(), by="job", reason=" ", at=NOW)  # type: ignore[operator]  # a rule
