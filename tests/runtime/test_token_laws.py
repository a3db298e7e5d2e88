"""What must always be so: nothing widens, replays are told apart, bundles and keys are read by the letter."""

from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import OctKey
from jwt.algorithms import RSAAlgorithm

from inventory.rules import RuleBroken
from runtime import bundle_format, jose, permits, scopes, standing, trust, used_proofs
from runtime.exchange import Asked, exchange
from runtime.models import Token
from runtime.oauth_errors import OAuthError
from runtime.proofs import Proven
from runtime.scopes import Wish
from runtime.subjects import ACCESS_TOKEN, JWT
from tests.factories import NOW, a_grant, a_user, an_entitlement
from tests.runtime.office import build
from tests.runtime.workload import a_key, public_jwk
from tests.samples import SAMPLES

FOLDER = SAMPLES / "spire"
ACTIONS = ("read", "write", "list", "delete")


@pytest.mark.django_db
def test_no_scope_is_wider_than_its_parents_or_than_a_decision_permits() -> None:
    """A chain of two, with any access of either and any wishes: the laws hold for each token that comes of it."""
    office = build()
    helper = office.helper()
    where = str(office.resource.pk)

    def allow(identity: Any, actions: set[str]) -> None:
        identity.grants.all().delete()
        for action in actions:
            a_grant(
                identity=identity,
                entitlement=an_entitlement(
                    system=office.resource.system, resource=office.resource, name=action,
                    actions=[action],
                ),
            )  # fmt: skip

    some = st.sets(st.sampled_from(ACTIONS))

    @settings(max_examples=10, suppress_health_check=list(HealthCheck))
    @given(held=some, theirs=some, asked=some, passed=some)
    def holds(held: set[str], theirs: set[str], asked: set[str], passed: set[str]) -> None:
        allow(office.agent, held)
        allow(helper, theirs)
        at = timezone.now()
        parent = _token(office, office.agent, office.svid(), JWT, asked, where)
        if parent is None:
            assert not asked & held
            return
        assert _actions(parent[1]) == asked & held
        child = _token(office, helper, parent[0], ACCESS_TOKEN, passed, where)
        if child is None:
            return
        permitted = permits.weighed(
            standing.asking_of(child[1]), scopes.parse(" ".join(child[1].scope)), at=at
        )
        assert _actions(child[1]) <= _actions(parent[1])
        assert all(verdict.permitted for verdict in permitted)
        assert child[1].expires_at <= parent[1].expires_at

    holds()


def _token(
    office: Any, holder: Any, subject: str, kind: str, actions: set[str], where: str
) -> tuple[str, Token] | None:
    asked = Asked(
        subject_token=subject,
        subject_token_type=kind,
        audience="https://crm.example.com",
        holder=Proven(holder, Token.Proof.JWT_SVID, bundle=office.bundle),
        task=office.task.pk,
        wishes=[Wish(action, "resource", where) for action in sorted(actions)],
        jkt="k" * 43,
    )
    try:
        made = exchange(asked, at=timezone.now())
    except OAuthError:
        return None
    return made.text, made.row


def _actions(row: Token) -> set[str]:
    return {wish.action for wish in scopes.parse(" ".join(row.scope))}


@given(
    action=st.text(min_size=1, max_size=20),
    key=st.text(min_size=1, max_size=20),
    kind=st.sampled_from(["resource", "system", "tool"]),
)
def test_a_scope_is_read_back_as_it_was_written(action: str, key: str, kind: str) -> None:
    try:
        wish = Wish(action, kind, key)
        written = str(wish)
    except UnicodeEncodeError:  # half of a surrogate pair is no text
        return

    assert scopes.parse(written) == [wish]


@pytest.mark.django_db
def test_a_proof_counts_once_until_it_would_have_expired() -> None:
    until = NOW.replace(minute=5)

    first = used_proofs.use_once("dpop", "key", "jti", until=until, at=NOW)
    second = used_proofs.use_once("dpop", "key", "jti", until=until, at=NOW)
    another = used_proofs.use_once("dpop", "keyj", "ti", until=until, at=NOW)
    used_proofs.forget(until)
    later = used_proofs.use_once("dpop", "key", "jti", until=until, at=until)

    assert (first, second, another, later) == (True, False, True, True)


# --- bundles


@pytest.mark.skipif(not FOLDER.exists(), reason="The samples are not here (MANDATE_FOLDER).")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("valid_1", ""),
        ("valid_2", ""),
        ("valid_with_wit", ""),
        ("missing_kid", r"keys\[1\].*needs a name \(kid\)"),
        ("multiple_x509", r"keys\[0\]: x5c has 2 certificates"),
    ],
)
def test_bundles_of_spire_are_read_or_refused_with_the_place(name: str, said: str) -> None:
    text = (FOLDER / f"spiffebundle_{name}.json").read_text()

    if said:
        with pytest.raises(RuleBroken, match=said):
            bundle_format.read(text)
        return
    bundle = bundle_format.read(text)

    assert bundle.jwt_keys
    assert bundle.x509_authorities


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{", '{"keys": 5}', '{"keys": []}', '{"keys": [5]}',
        '{"keys": [{"use": "jwt-svid", "kty": "oct", "k": "AAAA", "kid": "a"}]}',
        '{"keys": [{"use": "jwt-svid", "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]}',
        "[" * 5_000 + "]" * 5_000,
        '{"spiffe_sequence": -1, "keys": []}',
    ],
)  # fmt: skip
def test_what_is_no_bundle_is_refused_in_words(text: str) -> None:
    with pytest.raises(RuleBroken):
        bundle_format.read(text)


@pytest.mark.django_db
def test_an_older_bundle_does_not_bring_withdrawn_keys_back() -> None:
    by = a_user("security")

    def document(sequence: int) -> str:
        key = public_jwk(a_key(), kid=f"k{sequence}", use="jwt-svid")
        return orjson.dumps({"keys": [key], "spiffe_sequence": sequence}).decode()

    trust.give_bundle("example.org", document(2), by=by, at=NOW)
    with pytest.raises(RuleBroken, match="sequence 1; 2 is here"):
        trust.give_bundle("example.org", document(1), by=by, at=NOW)
    renewed = trust.give_bundle("example.org", document(3), by=by, at=NOW)

    assert [jwk["kid"] for jwk in renewed.jwt_keys] == ["k3"]


@pytest.mark.parametrize(
    "name", ["Example.org", "example.org/web", "spiffe://example.org/web", "exa mple", "", "a@b"]
)
def test_a_trust_domain_is_written_by_the_letter(name: str) -> None:
    with pytest.raises(RuleBroken):
        bundle_format.trust_domain_of(name)


def test_keys_that_are_secret_small_or_odd_are_refused() -> None:
    small = RSAAlgorithm.to_jwk(rsa.generate_private_key(65_537, 1_024).public_key(), as_dict=True)
    secret = OctKey.generate_key(256).as_dict()
    private = {**public_jwk(a_key()), "d": "AAAA"}
    odd = {**public_jwk(a_key()), "crv": "secp256k1"}

    for jwk in (small, secret, private, odd, {}, [], None, "key", {"kty": "EC", "x": 5}):
        with pytest.raises(jose.BadJwt):
            jose.public_key(jwk)
