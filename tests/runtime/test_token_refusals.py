"""Hostile requests to the token endpoint: each is refused with the code of the standard, and nothing is issued."""

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from django.db import OperationalError
from django.utils import timezone

from inventory import identities
from inventory.models import Person, Task
from runtime import failed_proofs, permits, trust
from runtime.models import Token
from tests.factories import a_grant, a_person, an_entitlement, an_identity
from tests.runtime import workload
from tests.runtime.office import AGENT, Office, build
from tests.runtime.workload import BEARER, GRANT, ISSUER, TYPE, Domain, a_key, ath, dpop, now

pytestmark = pytest.mark.django_db
TOKEN_URL = f"{ISSUER}/oauth/token"


@pytest.fixture(autouse=True)
def many_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than anybody is allowed; the bound has tests of its own."""
    monkeypatch.setattr(failed_proofs, "MOST", 1_000)


@pytest.fixture
def office() -> Office:
    return build()


def refused(answer: Any, code: str, status: int = 400) -> str:
    assert (answer.status_code, answer.json()["error"]) == (status, code), answer.text
    assert not Token.objects.exists()
    return str(answer.json()["error_description"])


def all_refused(answers: dict[str, Any], code: str, status: int = 400) -> None:
    wrong = {
        what: answer.text
        for what, answer in answers.items()
        if (answer.status_code, answer.json().get("error")) != (status, code)
    }
    assert not wrong
    assert not Token.objects.exists()


def unsigned(claims: dict[str, Any], alg: str = "none") -> str:
    parts = [{"alg": alg, "kid": "k1"}, claims]
    raw = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    return b".".join([*raw, b"c2ln"]).decode()


def bad_svids() -> dict[str, Any]:
    """Made when asked: they hold times of day."""
    return {
        "expired": {"exp": now() - 1},
        "no end": {"exp": None},
        "from the future": {"iat": now() + 3_600, "exp": now() + 7_200},
        "not before later": {"nbf": now() + 3_600},
        "for somebody else": {"aud": ["https://elsewhere.example.com"]},
        "for nobody": {"aud": None},
        "an audience that is a number": {"aud": 5},
        "an end that is a text": {"exp": str(now() + 300)},
        "an end that is endless": {"exp": 1e300},
        "upper-case scheme": {"spiffe_id": "SPIFFE://example.org/ns/prod/agent"},
        "upper-case trust domain": {"spiffe_id": "spiffe://Example.org/ns/prod/agent"},
        "a newline": {"spiffe_id": f"{AGENT}\n"},
        "a percent sign": {"spiffe_id": "spiffe://example.org/ns/prod/%61gent"},
        "a way up": {"spiffe_id": "spiffe://example.org/ns/prod/x/../agent"},
        "a trailing slash": {"spiffe_id": f"{AGENT}/"},
        "a port": {"spiffe_id": "spiffe://example.org:443/ns/prod/agent"},
        "a user": {"spiffe_id": "spiffe://me@example.org/ns/prod/agent"},
        "only a trust domain": {"spiffe_id": "spiffe://example.org"},
        "a trust domain that nobody trusts": {"spiffe_id": "spiffe://example.com/ns/prod/agent"},
        "a trust domain that begins like ours": {
            "spiffe_id": "spiffe://example.org.evil/ns/prod/agent"
        },
        "a workload that nobody knows": {"spiffe_id": "spiffe://example.org/ns/prod/nobody"},
        "an unknown key": {"headers": {"kid": "k2"}},
        "no key": {"headers": {"kid": ""}},
        "another type": {"headers": {"typ": "at+jwt"}},
        "extensions": {"headers": {"crit": ["x"], "x": 1}},
        "somebody else's key": {"key": a_key()},
    }


def test_an_svid_that_does_not_hold_is_refused(office: Office) -> None:
    answers = {
        what: office.exchange(subject_token=office.svid(**wrong))
        for what, wrong in bad_svids().items()
    }

    all_refused(answers, "invalid_request")


def test_one_trust_domain_speaks_for_no_other(office: Office) -> None:
    other = Domain("example.com")
    text = json.dumps(other.bundle())
    trust.give_bundle("example.com", text, by=office.security, at=timezone.now())

    refused(office.exchange(subject_token=other.jwt_svid(AGENT)), "invalid_request")


def test_no_algorithm_is_no_signature(office: Office) -> None:
    claims = {"sub": AGENT, "aud": [ISSUER], "exp": now() + 60}

    for alg in ("none", "None", "HS256", "ES256K", "", "EdDSA"):
        refused(office.exchange(subject_token=unsigned(claims, alg)), "invalid_request")


def test_a_public_key_is_no_password(office: Office) -> None:
    pem = office.domain.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    claims = {"sub": AGENT, "aud": [ISSUER], "exp": now() + 60}
    signing = unsigned(claims, "HS256").rpartition(".")[0]
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        signing.encode(), pem
    )
    forged = f"{signing}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    refused(office.exchange(subject_token=forged), "invalid_request")


def bad_proofs() -> dict[str, Any]:
    """Made when asked: they hold times of day."""
    return {
        "another method": {"htm": "GET"},
        "another address": {"htu": f"{ISSUER}/oauth/revoke"},
        "another host": {"htu": "https://evil.example.com/oauth/token"},
        "an address that is none": {"htu": "http://[::1/oauth/token"},
        "no address": {"htu": None},
        "too old": {"iat": now() - 600},
        "from the future": {"iat": now() + 600},
        "without a time": {"iat": None},
        "without an id": {"jti": None},
        "an id that is a number": {"jti": 7},
        "another type": {"headers": {"typ": "jwt"}},
        "somebody else's key": {"headers": {"jwk": workload.public_jwk(a_key())}},
        "no key": {"headers": {"jwk": None}},
        "a private key": {"headers": {"jwk": {**workload.public_jwk(a_key()), "d": "AAAA"}}},
        "a secret key": {"headers": {"jwk": {"kty": "oct", "k": "AAAA"}}},
        "a key that is a list": {"headers": {"jwk": [1, 2]}},
    }


def test_a_dpop_proof_that_does_not_hold_is_refused(office: Office) -> None:
    answers = {
        what: office.exchange(proof=dpop(a_key(), "POST", TOKEN_URL, **wrong))
        for what, wrong in bad_proofs().items()
    }

    all_refused(answers, "invalid_dpop_proof")


def test_a_dpop_proof_counts_once(office: Office) -> None:
    proof = dpop(office.key, "POST", TOKEN_URL)
    first = office.exchange(proof=proof)

    second = office.exchange(proof=proof)

    assert first.status_code == 200
    assert (second.status_code, second.json()["error"]) == (400, "invalid_dpop_proof")


def test_query_and_case_of_the_host_do_not_make_another_address(office: Office) -> None:
    answer = office.exchange(
        proof=dpop(office.key, "POST", "HTTP://LOCALHOST:8000/oauth/token?a=1#b")
    )

    assert answer.status_code == 200, answer.text


def test_without_a_key_of_the_workload_there_is_no_token(office: Office) -> None:
    refused(office.exchange(proof=None), "invalid_request")


def bad_assertions() -> dict[str, Any]:
    """Made when asked: they hold times of day."""
    return {
        "for somebody else": {"aud": "https://elsewhere.example.com"},
        "made by somebody else": {"iss": "another"},
        "expired": {"exp": now() - 1},
        "lives for hours": {"exp": now() + 7_200},
        "no end": {"exp": None},
        "no id": {"jti": None},
        "an unknown client": {"sub": "another", "iss": "another"},
        "a chain that is none": {"headers": {"x5c": "AAAA"}},
        "a client that no database holds": {"sub": "\x00", "iss": "\x00"},
    }


def test_a_client_assertion_that_does_not_hold_is_refused(office: Office) -> None:
    key = a_client(office)
    answers = {
        what: office.exchange(
            client_assertion=workload.assertion(key, "billing", **wrong),
            client_assertion_type=BEARER,
        )
        for what, wrong in bad_assertions().items()
    }

    all_refused(answers, "invalid_client", 401)
    assert all(answer.headers["WWW-Authenticate"] for answer in answers.values())


def test_a_client_assertion_counts_once(office: Office) -> None:
    made = workload.assertion(a_client(office), "billing")
    form = {"client_assertion": made, "client_assertion_type": BEARER}

    first, second = office.exchange(**form), office.exchange(**form)

    assert first.status_code == 200, first.text
    assert (second.status_code, second.json()["error"]) == (401, "invalid_client")


def test_a_client_is_nobody_else(office: Office) -> None:
    made = workload.assertion(a_client(office), "billing")

    answer = office.exchange(
        client_assertion=made, client_assertion_type=BEARER, client_id="another"
    )

    refused(answer, "invalid_client", 401)


BAD_CERTIFICATES: dict[str, Any] = {
    "two names": {"more": ("spiffe://example.org/other",)},
    "an authority": {"ca": True},
    "expired": {"days": -2},
    "upper case": {"spiffe_id": "spiffe://EXAMPLE.org/ns/prod/agent"},
    "no workload": {"spiffe_id": "spiffe://example.org"},
}


def test_a_certificate_that_does_not_hold_is_refused(office: Office) -> None:
    answers = {}
    for what, wrong in BAD_CERTIFICATES.items():
        given, key = dict(wrong), a_key()
        name = given.pop("spiffe_id", AGENT)
        leaf = office.domain.x509_svid(key, name, **given)
        made = workload.assertion(key, name, headers={"x5c": workload.x5c(leaf)})
        answers[what] = office.exchange(client_assertion=made, client_assertion_type=BEARER)

    all_refused(answers, "invalid_client", 401)


def test_a_certificate_of_another_authority_or_key_is_refused(office: Office) -> None:
    key = a_key()
    forged = workload.x5c(Domain().x509_svid(key, AGENT))
    stolen = workload.x5c(office.domain.x509_svid(a_key(), AGENT))

    for chain in (forged, stolen, [], ["AAAA"], forged * 7):
        made = workload.assertion(key, AGENT, headers={"x5c": chain})
        answer = office.exchange(client_assertion=made, client_assertion_type=BEARER)
        refused(answer, "invalid_client", 401)


BAD_FORMS: dict[str, tuple[dict[str, Any], str]] = {
    "another grant": ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
    "no grant": ({"grant_type": None}, "invalid_request"),
    "no subject": ({"subject_token": None}, "invalid_request"),
    "no subject type": ({"subject_token_type": None}, "invalid_request"),
    "an unknown subject type": ({"subject_token_type": f"{TYPE}saml2"}, "invalid_request"),
    "an actor type alone": ({"actor_token_type": f"{TYPE}jwt"}, "invalid_request"),
    "another kind of token": ({"requested_token_type": f"{TYPE}refresh_token"}, "invalid_request"),
    "no audience": ({"audience": None}, "invalid_target"),
    "two audiences": ({"audience": ["https://a.example", "https://b.example"]}, "invalid_target"),
    "two scopes parameters": ({"scope": ["a", "b"]}, "invalid_request"),
    "an audience with a newline": ({"audience": "https://a\nb"}, "invalid_target"),
    "a resource with a fragment": (
        {"audience": None, "resource": "https://a.example/#x"}, "invalid_target",
    ),
    "no task": ({"task": None}, "invalid_request"),
    "a task that is a text": ({"task": "one"}, "invalid_request"),
    "a task that nobody has": ({"task": "999999999"}, "invalid_grant"),
    "no scope": ({"scope": None}, "invalid_scope"),
    "a scope in another form": ({"scope": "admin"}, "invalid_scope"),
    "a scope that nothing covers": ({"scope": "delete@resource:1"}, "invalid_scope"),
    "scopes without end": ({"scope": " ".join(f"a@b:{n}" for n in range(60))}, "invalid_scope"),
    "a subject that is no token": ({"subject_token": "hello"}, "invalid_request"),
    "a huge subject": ({"subject_token": "a" * 60_000}, "invalid_request"),
    "details that are no JSON": ({"authorization_details": "{"}, "invalid_authorization_details"),
    "details without bottom": (
        {"authorization_details": "[" * 5_000 + "]" * 5_000}, "invalid_authorization_details",
    ),
    "details of another type": (
        {"authorization_details": '[{"type":"payment"}]'}, "invalid_authorization_details",
    ),
    "details that name another task": (
        {"authorization_details": '[{"type":"mandate_task","task":1}]'},
        "invalid_authorization_details",
    ),
}  # fmt: skip


def test_a_request_that_is_wrong_is_refused(office: Office) -> None:
    for what, (form, code) in BAD_FORMS.items():
        all_refused({what: office.exchange(**form)}, code)


def test_only_forms_of_a_sane_size_are_read(office: Office) -> None:
    as_json = office.wire.post("/oauth/token", json={"grant_type": GRANT})
    nothing = office.wire.post("/oauth/token")
    huge = office.exchange(padding="a" * 200_000)
    address = office.wire.post("/oauth/token?grant_type=x", data={"grant_type": GRANT})
    latin = office.wire.post(
        "/oauth/token",
        content=b"grant_type=\xff",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    got = office.wire.get("/oauth/token")

    for answer in (as_json, nothing, huge, address, latin):
        refused(answer, "invalid_request")
    assert got.status_code == 405
    assert got.headers["Allow"] == "POST"


def test_a_deep_payload_costs_no_stack(office: Office) -> None:
    deep = base64.urlsafe_b64encode(b'{"a":' * 1_500 + b"1" + b"}" * 1_500).rstrip(b"=").decode()
    head = base64.urlsafe_b64encode(b'{"alg":"ES256"}').rstrip(b"=").decode()

    refused(office.exchange(subject_token=f"{head}.{deep}.c2ln"), "invalid_request")


def test_an_unowned_or_suspended_identity_gets_nothing(office: Office) -> None:
    identities.suspend(office.agent, by=office.security, reason="r", at=timezone.now())

    refused(office.exchange(), "unauthorized_client")


def test_a_task_for_somebody_who_has_left_gives_nothing(office: Office) -> None:
    Person.objects.filter(pk=office.person.pk).update(status="left")

    refused(office.exchange(), "invalid_grant")


def test_a_task_of_another_identity_gives_nothing(office: Office) -> None:
    Task.objects.filter(pk=office.task.pk).update(identity=an_identity())

    refused(office.exchange(), "invalid_grant")


def test_an_unreachable_decision_point_permits_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*args: object, **kwargs: object) -> None:
        raise OperationalError("connection refused")

    token = office.token()
    monkeypatch.setattr(permits.decisions, "weigh", gone)

    answer = office.exchange()
    asked = office.wire.post(
        "/oauth/introspect",
        data={"token": token},
        headers={"Authorization": f"Bearer {office.secret}"},
    )

    assert (answer.status_code, asked.status_code) == (503, 503)
    assert "connection refused" not in answer.text


# --- work that is passed on


def passed_on(office: Office, parent: str, to: Any, **form: Any) -> Any:
    given = {
        "subject_token": parent,
        "subject_token_type": f"{TYPE}access_token",
        "actor_token": office.domain.jwt_svid(str(to.spiffe_id)),
        "actor_token_type": f"{TYPE}jwt",
    }
    return office.exchange(**{**given, **form})


def error_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("error", "")


def test_nobody_gets_more_than_the_token_they_bring(office: Office) -> None:
    parent, helper = office.token(), office.helper()
    on_system = an_entitlement(system=office.resource.system, name="read", actions=["read"])
    a_grant(identity=helper, entitlement=on_system)

    wider = passed_on(office, parent, helper, scope=f"read@system:{office.resource.system_id}")

    assert error_of(wider) == (400, "invalid_scope")


def test_without_a_delegation_there_is_no_chain(office: Office) -> None:
    parent = office.token()
    stranger = an_identity(spiffe_id="spiffe://example.org/ns/prod/stranger")
    office.read(office.resource, stranger)

    assert error_of(passed_on(office, parent, stranger)) == (400, "invalid_grant")


def test_a_chain_does_not_turn_back(office: Office) -> None:
    parent, helper = office.token(), office.helper()
    office.delegate(helper, office.agent)
    child = passed_on(office, parent, helper).json()["access_token"]

    assert error_of(passed_on(office, child, office.agent)) == (400, "invalid_grant")


def test_what_may_not_be_passed_on_is_not(office: Office) -> None:
    parent, helper = office.token(), office.helper(may_redelegate=False)
    third = an_identity(spiffe_id="spiffe://example.org/ns/prod/third")
    office.delegate(helper, third)
    child = passed_on(office, parent, helper).json()["access_token"]

    assert error_of(passed_on(office, child, third)) == (400, "invalid_grant")


def test_chains_end(office: Office) -> None:
    token, last = office.token(), office.agent
    for number in range(5):
        following = an_identity(
            kind="assistant", spiffe_id=f"spiffe://example.org/ns/prod/n{number}"
        )
        office.delegate(last, following)
        office.read(office.resource, following)
        answer = passed_on(office, token, following)
        if answer.status_code != 200:
            break
        token, last = answer.json()["access_token"], following

    assert number == 4
    assert error_of(answer) == (400, "invalid_grant")
    assert "longer" in answer.json()["error_description"]


def test_a_delegation_that_ends_ends_the_token(office: Office) -> None:
    parent, helper = office.token(), office.helper()
    child = passed_on(office, parent, helper).json()["access_token"]
    office.read(office.resource, helper)

    helper.delegations_held.update(revoked_at=timezone.now(), end_cause="revoked")

    assert office.introspect(child) == {"active": False}
    assert office.introspect(parent)["active"] is True


def test_a_person_who_delegated_nothing_is_not_acted_for(office: Office) -> None:
    Task.objects.filter(pk=office.task.pk).update(on_behalf_of=a_person())
    key = an_issuer(office)

    answer = office.exchange(
        subject_token=id_token(key, sub=office.person.email),
        client_assertion=office.svid(),
        client_assertion_type=workload.SPIFFE,
    )

    assert error_of(answer) == (400, "invalid_grant")


# --- other issuers


def test_a_person_of_a_configured_issuer_is_the_subject(office: Office) -> None:
    answer = office.exchange(
        subject_token=id_token(an_issuer(office), sub=office.person.email),
        subject_token_type=f"{TYPE}id_token",
        client_assertion=office.svid(),
        client_assertion_type=workload.SPIFFE,
    )

    assert answer.status_code == 200, answer.text
    assert Token.objects.get().subject == f"person:{office.person.pk}"


def test_a_persons_token_alone_is_no_workload(office: Office) -> None:
    token = id_token(an_issuer(office), sub=office.person.email)

    refused(office.exchange(subject_token=token), "invalid_request")


def bad_id_tokens() -> dict[str, Any]:
    """Made when asked: they hold times of day."""
    return {
        "an unknown issuer": {"iss": "https://evil.example.com"},
        "an issuer that begins like ours": {"iss": "https://login.example.com.evil"},
        "no issuer": {"iss": None},
        "for somebody else": {"aud": "https://elsewhere.example.com"},
        "expired": {"exp": now() - 1},
        "another tenant": {"tid": "another"},
        "nobody": {"sub": "nobody@example.org"},
        "no name": {"sub": None},
        "a name that is a number": {"sub": 5},
        "a name that no database holds": {"sub": "a\x00"},
        "an issuer that no database holds": {"iss": "\x00"},
    }


def test_a_token_of_an_issuer_that_does_not_hold_is_refused(office: Office) -> None:
    key = an_issuer(office)
    answers = {
        what: office.exchange(
            subject_token=id_token(key, **{"sub": office.person.email, **wrong}),
            client_assertion=office.svid(),
            client_assertion_type=workload.SPIFFE,
        )
        for what, wrong in bad_id_tokens().items()
    }

    all_refused(answers, "invalid_request")


def test_an_agent_of_entra_is_known_by_its_own_claims(office: Office) -> None:
    key = a_key()
    office.agent.external_id = "bbbbbbbb-1111-2222-3333-444444444444"
    office.agent.save()
    wish = trust.IssuerWish(
        issuer="https://sts.windows.net/00000001-0000-0ff1-ce00-000000000000/",
        names="identity_external_id",
        claim="oid",
        namespace=office.agent.namespace,
        required_claims={"idtyp": "app"},
        jwks=json.dumps({"keys": [workload.public_jwk(key, kid="e")]}),
    )
    trust.add_issuer(wish, by=office.security, at=timezone.now())
    claims = {
        "iss": wish.issuer, "aud": ISSUER, "exp": now() + 300, "idtyp": "app",
        "sub": "cccccccc-1111-2222-3333-444444444444",
        "oid": "bbbbbbbb-1111-2222-3333-444444444444", "xms_sub_fct": "9 3 11",
    }  # fmt: skip

    answer = office.exchange(
        subject_token=jwt.encode(claims, key, "ES256", headers={"kid": "e"}),
        subject_token_type=f"{TYPE}access_token",
    )

    assert answer.status_code == 200, answer.text
    assert Token.objects.get().proof == "oidc"


# --- use at Mandate itself


def test_a_token_is_used_only_with_its_key_for_its_audience_and_request(office: Office) -> None:
    own, other = office.token(audience=ISSUER), office.token()
    url = f"{ISSUER}/oauth/task"
    proofs = {
        "right": (own, dpop(office.key, "GET", url, ath=ath(own)), "DPoP"),
        "no proof": (own, "", "DPoP"),
        "as a plain bearer": (own, dpop(office.key, "GET", url, ath=ath(own)), "Bearer"),
        "another key": (own, dpop(a_key(), "GET", url, ath=ath(own)), "DPoP"),
        "another token": (own, dpop(office.key, "GET", url, ath=ath(other)), "DPoP"),
        "no token": (own, dpop(office.key, "GET", url), "DPoP"),
        "another method": (own, dpop(office.key, "POST", url, ath=ath(own)), "DPoP"),
        "another audience": (other, dpop(office.key, "GET", url, ath=ath(other)), "DPoP"),
    }

    answers = {
        name: office.wire.get(
            "/oauth/task", headers={"Authorization": f"{scheme} {token}", "DPoP": proof}
        ).status_code
        for name, (token, proof, scheme) in proofs.items()
    }

    assert answers.pop("right") == 200
    assert set(answers.values()) <= {400, 401}


def test_who_asks_about_tokens_says_who_they_are(office: Office) -> None:
    token = office.token()

    nobody = office.wire.post("/oauth/introspect", data={"token": token})
    wrong = office.wire.post(
        "/oauth/introspect", data={"token": token}, headers={"Authorization": "Bearer mdt_x"}
    )
    itself = office.wire.post(
        "/oauth/introspect",
        data={
            "token": token,
            "client_assertion": office.svid(),
            "client_assertion_type": workload.SPIFFE,
        },
    )

    assert error_of(nobody) == error_of(wrong) == (401, "invalid_client")
    assert itself.json()["active"] is True


def test_a_stranger_revokes_nothing(office: Office) -> None:
    token = office.token()
    stranger = an_identity(spiffe_id="spiffe://example.org/ns/prod/stranger")
    proof = {
        "client_assertion": office.domain.jwt_svid(str(stranger.spiffe_id)),
        "client_assertion_type": workload.SPIFFE,
    }

    answer = office.wire.post("/oauth/revoke", data={"token": token, **proof})

    assert error_of(answer) == (400, "unauthorized_client")
    assert office.introspect(token)["active"] is True


def a_client(office: Office) -> workload.Key:
    key = a_key()
    jwk = json.dumps(workload.public_jwk(key))
    trust.register_client("billing", office.agent, jwk=jwk, by=office.security, at=timezone.now())
    return key


def an_issuer(office: Office) -> workload.Key:
    key = a_key()
    wish = trust.IssuerWish(
        issuer="https://login.example.com",
        names="person_email",
        required_claims={"tid": "ours"},
        jwks=json.dumps({"keys": [workload.public_jwk(key, kid="i1")]}),
    )
    trust.add_issuer(wish, by=office.security, at=timezone.now())
    return key


def id_token(key: workload.Key, **claims: Any) -> str:
    said = {
        "iss": "https://login.example.com", "aud": ISSUER, "exp": now() + 300, "tid": "ours",
        **claims,
    }  # fmt: skip
    said = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(said, key, "ES256", headers={"kid": "i1"})
