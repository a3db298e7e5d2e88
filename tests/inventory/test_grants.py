"""Ending access: revoking, expiring and dating a grant, and the life of an identity."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied

from inventory import credentials, grants, identities
from inventory.models import (
    Change,
    Credential,
    Entitlement,
    Grant,
    Identity,
    Person,
    Source,
    System,
    User,
)
from inventory.rules import RuleBroken

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)


@pytest.fixture
def source() -> Source:
    return Source.objects.create(key="hand", kind="manual", namespace="hand", label="By hand")


@pytest.fixture
def ben(source: Source) -> Person:
    return Person.objects.create(
        name="Ben", email="ben@example.org", **provenance(source, "ben")
    )  # fmt: skip


@pytest.fixture
def bot(source: Source, ben: Person) -> Identity:
    return Identity.objects.create(
        name="bot", kind="role", owner=ben, **provenance(source, "bot")
    )  # fmt: skip


@pytest.fixture
def owner(ben: Person) -> User:
    return User.objects.create(username="ben", role="owner", person=ben)


def provenance(source: Source, key: str) -> dict[str, object]:
    return {"source": source, "namespace": "hand", "external_id": key, "first_seen_at": NOON}


def a_grant(bot: Identity, **fields: object) -> Grant:
    system = System.objects.create(name="Ledger", **provenance(bot.source, "ledger"))
    can = Entitlement.objects.create(name="write", system=system, **provenance(bot.source, "write"))
    return Grant.objects.create(
        identity=bot, entitlement=can, **provenance(bot.source, "g"), **fields
    )


def test_an_owner_revokes_a_grant_and_it_is_dead_at_once(bot: Identity, owner: User) -> None:
    grant = a_grant(bot)

    revoked = grants.revoke(grant, by=owner, reason="Not needed.", at=NOON)

    assert revoked.revoked_at == NOON
    assert not Grant.objects.effective(NOON).exists()
    change = Change.objects.of(grant).first()
    assert change is not None
    assert (change.actor, change.verb, change.reason) == ("ben", "grant.revoked", "Not needed.")


def test_revoking_twice_keeps_the_first_time_and_author(bot: Identity, owner: User) -> None:
    grant = a_grant(bot)
    grants.revoke(grant, by="job first", reason="", at=NOON)

    again = grants.revoke(grant, by=owner, reason="", at=LATER)

    assert again.revoked_at == NOON
    revocations = Change.objects.filter(verb="grant.revoked")
    assert list(revocations.values_list("actor", flat=True)) == ["job first"]


@pytest.mark.parametrize("role", ["auditor", "owner"])
def test_nobody_revokes_what_is_not_theirs(bot: Identity, role: str) -> None:
    stranger = User.objects.create(username="stranger", role=role)
    grant = a_grant(bot)

    with pytest.raises(PermissionDenied):
        grants.revoke(grant, by=stranger, reason="", at=NOON)

    grant.refresh_from_db()
    assert grant.revoked_at is None


def test_an_end_in_the_past_or_before_the_start_is_refused(bot: Identity) -> None:
    grant = a_grant(bot, starts_at=NOON + timedelta(days=10))

    for until in (NOON, NOON + timedelta(days=5)):
        with pytest.raises(RuleBroken, match="Choose a later end"):
            grants.set_end(grant, until=until, by="job", reason="", at=NOON)


def test_an_end_cannot_bring_back_a_grant_that_has_ended(bot: Identity) -> None:
    grant = a_grant(bot, expires_at=NOON - timedelta(days=1))

    with pytest.raises(RuleBroken, match="has ended"):
        grants.set_end(grant, until=LATER, by="job", reason="", at=NOON)

    assert not Grant.objects.effective(NOON).exists()


def test_expiring_now_ends_a_standing_grant(bot: Identity) -> None:
    grant = grants.expire_now(a_grant(bot), by="job", reason="", at=NOON)

    assert grant.state(NOON) == "expired"


def test_expiring_a_grant_that_has_not_started_is_refused(bot: Identity) -> None:
    grant = a_grant(bot, starts_at=LATER)

    with pytest.raises(RuleBroken, match="Revoke it instead"):
        grants.expire_now(grant, by="job", reason="", at=NOON)


def test_a_revoked_credential_is_no_longer_live(bot: Identity, owner: User) -> None:
    key = Credential.objects.create(
        identity=bot, kind="api_key", key_id="k1", **provenance(bot.source, "k1")
    )

    credentials.revoke(key, by=owner, reason="Leaked.", at=NOON)
    credentials.revoke(key, by=owner, reason="Again.", at=LATER)

    key.refresh_from_db()
    assert key.revoked_at == NOON
    assert not Credential.objects.live(NOON).exists()


def test_lifting_a_suspension_brings_back_only_what_was_not_revoked(bot: Identity) -> None:
    grant = a_grant(bot)
    identities.suspend(bot, by="job", reason="Odd calls.", at=NOON)
    assert not Grant.objects.effective(NOON).exists()
    grants.revoke(grant, by="job", reason="", at=NOON)

    active = identities.activate(bot, by="job", reason="", at=LATER)

    assert (active.lifecycle, active.suspended_at) == ("active", None)
    assert not Grant.objects.effective(LATER).exists()


def test_what_is_retired_cannot_come_back(bot: Identity) -> None:
    identities.retire(bot, by="job", reason="Replaced.", at=NOON)

    for rule in (identities.activate, identities.suspend):
        with pytest.raises(RuleBroken, match="is retired"):
            rule(bot, by="job", reason="", at=LATER)

    assert identities.retire(bot, by="job", reason="", at=LATER).retired_at == NOON


def test_an_owner_may_suspend_but_not_activate_or_retire(bot: Identity, owner: User) -> None:
    assert identities.suspend(bot, by=owner, reason="", at=NOON).lifecycle == "suspended"

    for rule in (identities.activate, identities.retire):
        with pytest.raises(PermissionDenied):
            rule(bot, by=owner, reason="", at=NOON)


def test_describing_changes_only_what_is_said_and_dates_the_risk(bot: Identity) -> None:
    identities.describe(bot, by="job", reason="", at=NOON, purpose="Books invoices.", risk="high")
    described = identities.describe(bot, by="job", reason="", at=LATER, environment="production")

    assert (described.purpose, described.risk, described.environment) == (
        "Books invoices.", "high", "production",
    )  # fmt: skip
    assert described.risk_assessed_at == NOON
