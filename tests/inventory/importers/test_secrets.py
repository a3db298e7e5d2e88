"""Secrets are recognised and redacted; public identifiers are left alone."""

import base64
import uuid
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.importers.secrets import REDACTED, looks_secret, looks_secret_id, redact

WORDS = ("billing", "invoice", "matcher", "production", "europe", "agent", "role", "read", "2026")


def digits(seed: int, size: int) -> bytes:
    return Random(seed).randbytes(size)


SECRETS = {
    "private key": "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nqqq=\n-----END RSA PRIVATE KEY-----",
    "cut private key": "-----BEGIN PRIVATE KEY-----\nMIIEow",
    "GitHub": "ghp_" + "a1B2" * 9,
    "GitHub OAuth": "gho_" + "a1B2" * 9,
    "GitHub fine-grained": "github_pat_11ABCDEFG0" + "xY9_" * 10,
    "Slack": "xoxb-" + "1234567890-" * 2 + "abcdefAB",
    "model provider": "sk-proj-" + "aB3d" * 8,
    "payment": "sk_live_" + "aB3d" * 6,
    "Google": "AIza" + "Sy-a1" * 7,
    "JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln",
    "bearer": "Bearer abcdefghij1234567890",
    "address": "postgres://app:hunter2@db.example.org/ledger",
    "named": "DB_PASSWORD=hunter22",
    "spoken": "password: hunter22",
    "AWS secret": "wJal" + "rXUtnFEMI/K7MDENG+bPxRfiCYzEXAMPLE" + "K3",
}
PUBLIC = (
    "AKIAIOSFODNN7EXAMPLE",
    "access key: AKIAIOSFODNN7EXAMPLE",
    "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef",
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/ledger-AbCd12",
    "spiffe://example.org/ns/prod/sa/a8f7c6d5e4b3a2918171615141312111",
    "service-123456789012@gcp-sa-aiplatform.iam.gserviceaccount.com",
    "sha256:" + "ab12" * 16,
    "unix:sha256:" + "0a1b" * 16,
    "customer-support-retrieval-pipeline-production-eu-west-1",
    "AWSServiceRoleForAmazonElasticFileSystemReplication2",
    "projects/my-project-123456/locations/us-central1/reasoningEngines/1234567890123456789",
    "sk-learn-pipeline-2026-production-forecasts",
    "https://eu-west-1.console.example.org/agents?region=eu-west-1#/agents/64XULLPD7A",
    "Rotates the API key of the billing service; its token: weekly",
)  # fmt: skip


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
def test_a_known_secret_is_seen_and_redacted_within_a_sentence(secret: str) -> None:
    sentence = f"Uses {secret} for the ledger"

    assert looks_secret(sentence)
    assert secret not in redact(sentence)
    assert REDACTED in redact(sentence)


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_identifier_is_no_secret(text: str) -> None:
    assert not looks_secret(text)
    assert redact(f"See {text}.") == f"See {text}."


@given(st.integers(0))
def test_long_random_tokens_look_secret(seed: int) -> None:
    assert looks_secret(digits(seed, 32).hex())
    assert looks_secret(base64.b64encode(digits(seed, 48)).decode())
    assert looks_secret(base64.urlsafe_b64encode(digits(seed, 48)).decode())


@given(st.uuids())
def test_uuids_never_look_secret(value: uuid.UUID) -> None:
    assert not looks_secret(f"client {value} of tenant {str(value).upper()}")


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=12), st.sampled_from("-_/. "))
def test_names_made_of_words_never_look_secret(words: list[str], separator: str) -> None:
    assert not looks_secret(separator.join(words))


@given(st.integers(0), st.sampled_from(("sha256:", "SHA256:", "digest=", "commit ")))
def test_digests_that_are_named_as_such_are_no_secrets(seed: int, name: str) -> None:
    assert not looks_secret(name + digits(seed, 32).hex())


@given(st.integers(0))
def test_hexadecimal_key_ids_are_identifiers_but_other_tokens_are_not(seed: int) -> None:
    assert not looks_secret_id(digits(seed, 20).hex())
    assert looks_secret_id(base64.b64encode(digits(seed, 48)).decode())


@given(
    st.lists(
        st.one_of(st.text(max_size=20), st.sampled_from(tuple(SECRETS.values()))), max_size=6
    ).map("".join)
)
def test_what_has_been_redacted_no_longer_looks_secret(text: str) -> None:
    redacted = redact(text)

    assert not looks_secret(redacted)
    assert redact(redacted) == redacted


@given(st.text())
def test_text_that_does_not_look_secret_is_left_as_it_is(text: str) -> None:
    if not looks_secret(text):
        assert redact(text) == text


@pytest.mark.parametrize("piece", ["sk-", "eyJ-", "password:", "bearer ", "://a:", "a@", "://"])
def test_hostile_repetition_is_judged_quickly(piece: str) -> None:
    # A quadratic pattern would take minutes here.
    assert looks_secret(piece * 30_000) in {True, False}
