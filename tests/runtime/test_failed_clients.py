"""The bound on failed proofs at the OAuth endpoints: failures only, for each address and each client."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from runtime import failed_proofs, used_proofs
from runtime.models import Token, UsedProof
from tests.runtime import workload
from tests.runtime.office import AGENT, Office, build
from tests.runtime.test_token_refusals import a_client
from tests.runtime.workload import BEARER, SPIFFE, Wire, a_key

pytestmark = pytest.mark.django_db
BOUND = 20


@pytest.fixture
def office() -> Office:
    return build()


def failing(office: Office, client: str = "billing", wire: Wire | None = None) -> Any:
    """A token request with an assertion that somebody else's key made."""
    made = workload.assertion(a_key(), client)
    return (wire or office.wire).exchange(
        subject_token=office.svid(), audience="https://crm.example.com", task=str(office.task.pk),
        scope=office.scope, client_assertion=made, client_assertion_type=BEARER,
    )  # fmt: skip


def fail(office: Office, times: int, **how: Any) -> None:
    for _ in range(times):
        assert failing(office, **how).status_code == 401


def test_after_too_many_failures_from_an_address_more_of_them_are_put_off(office: Office) -> None:
    a_client(office)
    for number in range(BOUND):
        fail(office, 1, client=f"guess-{number}")

    answer = failing(office, client="another-guess")

    assert (answer.status_code, answer.json()["error"]) == (429, "temporarily_unavailable")
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["Cache-Control"] == "no-store"
    assert failing(office, wire=Wire(remote_addr="192.0.2.9")).status_code == 401


def test_failures_in_the_name_of_a_client_count_wherever_they_come_from(office: Office) -> None:
    a_client(office)
    for number in range(BOUND):
        fail(office, 1, wire=Wire(remote_addr=f"192.0.2.{number + 1}"))

    elsewhere = Wire(remote_addr="198.51.100.7")

    assert failing(office, wire=elsewhere).status_code == 429
    assert failing(office, client="other", wire=elsewhere).status_code == 401


def test_who_proves_itself_is_served_whatever_others_failed_at(office: Office) -> None:
    key = a_client(office)
    fail(office, BOUND)
    assert failing(office).status_code == 429

    for _ in range(3):
        made = workload.assertion(key, "billing")
        answer = office.exchange(client_assertion=made, client_assertion_type=BEARER)
        assert answer.status_code == 200, answer.text
    assert office.exchange().status_code == 200


def test_successes_are_not_counted(office: Office) -> None:
    for _ in range(BOUND + 5):
        assert office.exchange().status_code == 200

    assert failing(office).status_code == 401


@pytest.mark.parametrize("path", ["introspect", "revoke"])
def test_failures_to_say_who_asks_about_a_token_count_as_well(office: Office, path: str) -> None:
    token = office.token()

    def ask(secret: str) -> Any:
        return office.wire.post(
            f"/oauth/{path}", data={"token": token}, headers={"Authorization": f"Bearer {secret}"}
        )

    answers = [ask(f"mdt_{number}").status_code for number in range(BOUND + 2)]

    assert answers == [401] * BOUND + [429] * 2
    assert office.introspect(token)["active"] is True
    assert Token.objects.get().revoked_at is None


@pytest.mark.parametrize("proof", ["subject", "actor", "svid"])
def test_tokens_that_are_the_proof_count(office: Office, proof: str) -> None:
    forged = workload.Domain().jwt_svid(AGENT)
    form: dict[str, Any] = {
        "subject": {"subject_token": forged},
        "actor": {"actor_token": forged, "actor_token_type": f"{workload.TYPE}jwt"},
        "svid": {"client_assertion": forged, "client_assertion_type": SPIFFE},
    }[proof]

    answers = [office.exchange(**form).status_code for _ in range(BOUND + 1)]

    assert (set(answers[:BOUND]), answers[-1]) == ({401 if proof == "svid" else 400}, 429)


def test_a_workload_that_proves_itself_may_bring_as_many_dead_tokens_as_it_likes(
    office: Office,
) -> None:
    """A gateway that hands on what people give it."""
    key = a_client(office)

    answers = [
        office.exchange(
            subject_token="hello", client_assertion_type=BEARER,
            client_assertion=workload.assertion(key, "billing"),
        )
        for _ in range(BOUND + 2)
    ]  # fmt: skip

    assert {(one.status_code, one.json()["error"]) for one in answers} == {(400, "invalid_request")}


def test_other_mistakes_do_not_count(office: Office) -> None:
    for _ in range(BOUND + 2):
        assert office.exchange(audience=None).status_code == 400
        assert office.exchange(scope="admin").status_code == 400

    assert failing(office).status_code == 401


def test_the_room_comes_back_failure_by_failure() -> None:
    began = timezone.now()
    for second in range(BOUND):
        assert failed_proofs.count("client", "a", at=began + timedelta(seconds=second)) is None

    later = began + timedelta(seconds=30)
    assert failed_proofs.count("client", "a", at=later) == timedelta(seconds=30)
    assert failed_proofs.count("client", "b", at=later) is None
    after = began + timedelta(seconds=61)
    assert failed_proofs.count("client", "a", at=after) is None  # two of them count no more
    assert failed_proofs.count("client", "a", at=after) is None
    assert failed_proofs.count("client", "a", at=after) == timedelta(seconds=1)


def test_a_flood_writes_nothing_and_is_forgotten() -> None:
    at = timezone.now()
    for _ in range(3 * BOUND):
        failed_proofs.count("address", "192.0.2.1", at=at)

    assert UsedProof.objects.count() == BOUND
    assert used_proofs.forget(at + failed_proofs.COUNTS_FOR) == BOUND


def test_an_address_of_ipv6_is_the_network_it_is_from(office: Office) -> None:
    for number in range(BOUND):
        wire = Wire(remote_addr=f"2001:db8::{number:x}")
        fail(office, 1, client=f"guess-{number}", wire=wire)

    assert failing(office, "more", Wire(remote_addr="2001:db8::ffff")).status_code == 429
    assert failing(office, "more", Wire(remote_addr="2001:db8:1::1")).status_code == 401
