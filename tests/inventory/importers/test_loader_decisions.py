"""What was decided here outlives the next import: an end, a revocation, an owner."""

from pathlib import Path

import pytest
from django.utils import timezone

from inventory import grants, ownership
from inventory.models import Grant, Identity
from tests.factories import a_person, days
from tests.inventory.importers.loading import Files, aws_user, is_unchanged, run

pytestmark = pytest.mark.django_db
POLICY = {
    "PolicyName": "Reading",
    "PolicyDocument": {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
    },
}


@pytest.fixture
def account(tmp_path: Path) -> Path:
    """A user with one grant, which its source gives no end."""
    path = Files(tmp_path).account("account", users=[aws_user("ada", UserPolicyList=[POLICY])])
    run("aws-iam", path)
    return path


def test_an_end_that_was_decided_here_is_not_taken_back_by_the_source(account: Path) -> None:
    now = timezone.now()
    until = now + days(30)
    grants.set_end(Grant.objects.get(), until=until, by="test", reason="Pilot", at=now)

    outcome = run("aws-iam", account)

    assert Grant.objects.get().expires_at == until
    assert is_unchanged(outcome)


def test_a_grant_expired_here_stays_expired(account: Path) -> None:
    now = timezone.now()
    grants.expire_now(Grant.objects.get(), by="test", reason="", at=now)

    run("aws-iam", account)

    assert Grant.objects.get().expires_at == now


def test_a_revocation_and_an_owner_stay(account: Path) -> None:
    now, owner = timezone.now(), a_person()
    grants.revoke(Grant.objects.get(), by="test", reason="", at=now)
    ownership.assign_owner(Identity.objects.get(), owner=owner, by="test", reason="", at=now)

    run("aws-iam", account)

    assert Grant.objects.get().revoked_at == now
    assert Identity.objects.get().owner == owner
