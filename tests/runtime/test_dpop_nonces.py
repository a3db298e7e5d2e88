"""Nonces in DPoP proofs (RFC 9449, section 8), where the setting asks for them."""

from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.core.signing import Signer
from django.utils import timezone

from runtime import dpop_nonces
from runtime.models import Token
from tests.runtime import workload
from tests.runtime.office import AGENT, Office, build
from tests.runtime.test_token_refusals import a_client
from tests.runtime.workload import BEARER, ISSUER, ath, dpop

pytestmark = pytest.mark.django_db
TOKEN_URL = f"{ISSUER}/oauth/token"


@pytest.fixture
def office() -> Office:
    return build()


@pytest.fixture
def asking(settings: Any) -> None:
    settings.DPOP_NONCE = True


def with_nonce(office: Office, nonce: object, **form: Any) -> Any:
    return office.exchange(proof=dpop(office.key, "POST", TOKEN_URL, nonce=nonce), **form)


def asks_again(answer: Any) -> str:
    """The nonce of a refusal; nothing was issued."""
    assert (answer.status_code, answer.json()["error"]) == (400, "use_dpop_nonce"), answer.text
    assert not Token.objects.exists()
    return str(answer.headers["DPoP-Nonce"])


def test_nobody_is_asked_for_a_nonce_unless_the_setting_says_so(office: Office) -> None:
    plain, with_one = office.exchange(), with_nonce(office, "of-somebody-else")

    assert (plain.status_code, with_one.status_code) == (200, 200)
    assert "DPoP-Nonce" not in plain.headers


@pytest.mark.usefixtures("asking")
def test_a_client_comes_again_with_the_nonce_and_gets_the_next_one(office: Office) -> None:
    nonce = asks_again(office.exchange())

    answer = with_nonce(office, nonce)

    assert answer.status_code == 200, answer.text
    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    assert claims["cnf"] == {"jkt": workload.thumbprint(office.key)}
    assert with_nonce(office, answer.headers["DPoP-Nonce"]).status_code == 200
    assert all("!" <= sign <= "~" and sign not in '"\\' for sign in nonce)  # section 8.1


@pytest.mark.usefixtures("asking")
def test_old_foreign_and_made_up_nonces_are_answered_with_a_fresh_one(office: Office) -> None:
    at = timezone.now()
    said = str(int(at.timestamp()))
    wrong = {
        "old": dpop_nonces.fresh(at - dpop_nonces.LIVES - timedelta(seconds=2)),
        "of the future": dpop_nonces.fresh(at + timedelta(minutes=1)),
        "another salt": Signer(salt="another").sign(said),
        "another key": Signer(key="another", salt="mandate.dpop-nonce").sign(said),
        "changed": dpop_nonces.fresh(at)[1:],
        "unsigned": said,
        "no text": 7,
        "empty": "",
        "endless": "1" * 10_000,
    }

    for nonce in wrong.values():
        fresh = asks_again(with_nonce(office, nonce))
        assert dpop_nonces.holds(fresh, timezone.now())


@pytest.mark.usefixtures("asking")
def test_a_nonce_holds_for_minutes_and_for_every_process(office: Office) -> None:
    at = timezone.now()

    assert with_nonce(office, dpop_nonces.fresh(at - timedelta(minutes=4))).status_code == 200
    assert with_nonce(office, dpop_nonces.fresh(at)).status_code == 200


@pytest.mark.usefixtures("asking")
def test_a_nonce_makes_no_bad_proof_good(office: Office) -> None:
    nonce = asks_again(office.exchange())
    proof = dpop(office.key, "POST", TOKEN_URL, nonce=nonce)
    stale = dpop(office.key, "POST", TOKEN_URL, nonce=nonce, iat=workload.now() - 600)

    assert office.exchange(proof=stale).json()["error"] == "invalid_dpop_proof"
    assert office.exchange(proof=proof).status_code == 200
    again = office.exchange(proof=proof)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_dpop_proof")


@pytest.mark.usefixtures("asking")
def test_an_assertion_is_not_used_up_by_the_question_for_a_nonce(office: Office) -> None:
    form = {
        "client_assertion": workload.assertion(a_client(office), "billing"),
        "client_assertion_type": BEARER,
    }
    nonce = asks_again(office.exchange(**form))

    assert with_nonce(office, nonce, **form).status_code == 200


@pytest.mark.usefixtures("asking")
def test_other_refusals_bring_a_nonce_too_and_other_endpoints_do_not(office: Office) -> None:
    refused = office.exchange(audience=None)
    asked = office.wire.post(
        "/oauth/introspect", data={"token": "x"},
        headers={"Authorization": f"Bearer {office.secret}"},
    )  # fmt: skip

    assert refused.json()["error"] == "invalid_target"
    assert dpop_nonces.holds(refused.headers["DPoP-Nonce"], timezone.now())
    assert "DPoP-Nonce" not in asked.headers


@pytest.mark.usefixtures("asking")
def test_a_certificate_needs_no_nonce(office: Office) -> None:
    key = workload.a_key()
    leaf = office.domain.x509_svid(key, AGENT)
    made = workload.assertion(key, AGENT, headers={"x5c": workload.x5c(leaf)})

    answer = office.exchange(proof=None, client_assertion=made, client_assertion_type=BEARER)

    assert answer.status_code == 200, answer.text


@pytest.mark.usefixtures("asking")
def test_the_token_is_shown_at_mandate_itself_without_a_nonce(office: Office) -> None:
    token = with_nonce(office, dpop_nonces.fresh(timezone.now()), audience=ISSUER).json()[
        "access_token"
    ]
    proof = dpop(office.key, "GET", f"{ISSUER}/oauth/task", ath=ath(token))

    answer = office.wire.get(
        "/oauth/task", headers={"Authorization": f"DPoP {token}", "DPoP": proof}
    )

    assert answer.status_code == 200, answer.text
