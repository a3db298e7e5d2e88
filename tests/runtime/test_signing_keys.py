"""Signing keys: sealed at rest, rotated with an overlap, readable by everybody in their public part."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from joserfc import jwt
from joserfc.jwk import KeySet

from runtime import sealing, signing_keys
from runtime.models import SigningKey
from tests.factories import NOW

pytestmark = pytest.mark.django_db
MONTH = timedelta(days=30)


def test_what_is_signed_verifies_with_the_published_set(client: Client) -> None:
    key = signing_keys.current("tokens", NOW)
    text = jwt.encode({"alg": "ES256", "kid": key.kid or ""}, {"sub": "a"}, key)

    answer = client.get("/.well-known/jwks.json")
    read = jwt.decode(text, KeySet.import_key_set(answer.json()), algorithms=["ES256"])

    assert answer.headers["Content-Type"] == "application/jwk-set+json"
    assert read.claims == {"sub": "a"}
    assert all("d" not in jwk for jwk in answer.json()["keys"])


@pytest.mark.parametrize("purpose", ["tokens", "events", "evidence"])
def test_the_private_part_is_nowhere_in_the_database(purpose: str) -> None:
    secret = str(signing_keys.current(purpose, NOW).as_dict(private=True)["d"])

    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(k)::text FROM runtime_signingkey k")
        rows = str(cursor.fetchall())
        cursor.execute("SELECT after::text FROM inventory_change WHERE noun = 'runtime_signingkey'")
        history = str(cursor.fetchall())

    assert secret not in rows
    assert "sealed" not in history


def test_a_sealed_text_opens_only_where_it_belongs(settings: Any) -> None:
    sealed = sealing.seal(b"secret", about="one")

    assert sealing.open_sealed(sealed, about="one") == b"secret"
    with pytest.raises(sealing.CannotOpen):
        sealing.open_sealed(sealed, about="another")
    settings.SECRET_KEY = "another" * 10
    with pytest.raises(sealing.CannotOpen):
        sealing.open_sealed(sealed, about="one")


def test_a_key_is_announced_before_it_signs_and_shown_after_it_was_retired() -> None:
    first = signing_keys.current("tokens", NOW).kid
    signing_keys.rotate(NOW)

    signing_keys.rotate(NOW + MONTH - timedelta(hours=23))
    announced = SigningKey.objects.get(purpose="tokens", state="next").kid
    still = signing_keys.current("tokens", NOW + MONTH - timedelta(hours=23)).kid
    later = NOW + MONTH + timedelta(hours=2)
    signing_keys.rotate(later)

    assert still == first
    assert signing_keys.current("tokens", later).kid == announced
    assert first in {jwk["kid"] for jwk in signing_keys.published(later)}
    assert first not in {jwk["kid"] for jwk in signing_keys.published(later + timedelta(days=2))}
    assert signing_keys.public_key(str(first), "tokens", later + timedelta(days=2)) is None
    assert SigningKey.objects.get(kid=first).sealed == b""


def test_rotating_twice_changes_nothing() -> None:
    signing_keys.rotate(NOW)

    assert signing_keys.rotate(NOW) == 0
    assert SigningKey.objects.count() == 3


def test_evidence_verifies_for_ever() -> None:
    first = signing_keys.current("evidence", NOW).kid
    signing_keys.replace("evidence", by="test", reason="leaked", at=NOW)

    kids = {jwk["kid"] for jwk in signing_keys.published(NOW + timedelta(days=3_650))}

    assert first in kids


def test_a_key_of_another_secret_key_is_replaced_by_the_job_and_named_until_then(
    settings: Any,
) -> None:
    signing_keys.current("tokens", NOW)
    settings.SECRET_KEY = "another" * 10
    signing_keys._opened.cache_clear()

    with pytest.raises(signing_keys.KeyUnreadable, match="MANDATE_SECRET_KEY"):
        signing_keys.current("tokens", NOW)
    call_command("rotate_keys", verbosity=0)

    assert signing_keys.current("tokens", NOW).kid


def test_there_is_one_active_key_for_a_purpose() -> None:
    key = signing_keys.current("events", NOW)
    row = SigningKey.objects.get(kid=key.kid)
    row.pk, row.kid = None, "another"

    with pytest.raises(IntegrityError, match="once_per_purpose"), transaction.atomic():
        row.save(force_insert=True)


def test_a_key_of_one_purpose_verifies_nothing_of_another() -> None:
    key = signing_keys.current("events", NOW)

    assert signing_keys.public_key(str(key.kid), "events", NOW) is not None
    assert signing_keys.public_key(str(key.kid), "tokens", NOW) is None
