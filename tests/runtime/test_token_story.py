"""The whole story over HTTP, told by a client of public libraries: proof, task, token, use, completion, refusal."""

import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
from authlib.integrations.httpx_client import OAuth2Client
from django.utils import timezone
from spiffe import JwtBundle, JwtSvid, TrustDomain

from inventory import task_life
from inventory.models import Task
from runtime import trust
from runtime.exchange import nested
from runtime.models import Token
from tests.factories import an_identity
from tests.runtime import workload
from tests.runtime.office import AGENT, Office, build
from tests.runtime.workload import BEARER, GRANT, ISSUER, SPIFFE, TYPE, a_key, ath, dpop

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Office:
    return build()


def test_svid_task_token_use_completion_refusal(office: Office) -> None:
    svid = office.svid()
    signing = [jwk for jwk in office.domain.bundle()["keys"] if jwk["use"] == "jwt-svid"]
    bundle = JwtBundle.parse(TrustDomain("example.org"), json.dumps({"keys": signing}).encode())
    assert str(JwtSvid.parse_and_validate(svid, bundle, {ISSUER}).spiffe_id) == AGENT

    answer = office.exchange(subject_token=svid)
    token = answer.json()["access_token"]
    keys = jwt.PyJWKSet.from_dict(office.wire.get("/.well-known/jwks.json").json())
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(
        token, keys[header["kid"]].key, ["ES256"], audience="https://crm.example.com", issuer=ISSUER
    )

    assert answer.json()["token_type"] == "DPoP"
    assert answer.json()["issued_token_type"] == f"{TYPE}access_token"
    assert answer.headers["Cache-Control"] == "no-store"
    assert header["typ"] == "at+jwt"
    assert claims["exp"] - claims["iat"] <= 300
    assert claims["cnf"] == {"jkt": workload.thumbprint(office.key)}
    assert claims["sub"] == f"person:{office.person.pk}"
    assert claims["act"] == {"sub": AGENT}
    assert claims["client_id"] == AGENT
    assert claims["task"] == str(office.task.pk)
    assert claims["scope"] == office.scope
    told = office.introspect(token)
    assert told["active"] is True
    assert {name: told[name] for name in claims} == claims
    assert permitted(office) is True

    own = office.token(audience=ISSUER)
    url = f"{ISSUER}/oauth/task/end"
    headers = {
        "Authorization": f"DPoP {own}",
        "DPoP": dpop(office.key, "POST", url, ath=ath(own)),
    }
    ended = office.wire.post("/oauth/task/end", data={"outcome": "Closed."}, headers=headers)

    assert ended.json()["state"] == "done"
    assert Task.objects.get(pk=office.task.pk).outcome == "Closed."
    assert office.introspect(token) == {"active": False}
    assert office.introspect(own) == {"active": False}
    assert permitted(office) is False
    refused = office.exchange()
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def permitted(office: Office) -> bool:
    """What the decision point says to the resource server (AuthZEN)."""
    asked = {
        "subject": {"type": "identity", "id": AGENT},
        "action": {"name": "read"},
        "resource": {"type": "resource", "id": str(office.resource.pk)},
        "context": {"task": str(office.task.pk)},
    }
    headers = {"Authorization": f"Bearer {office.secret}"}
    answer = office.wire.post("/access/v1/evaluation", json=asked, headers=headers)
    assert answer.status_code == 200, answer.text
    return bool(answer.json()["decision"])


def test_a_client_of_authlib_proves_itself_with_its_own_key(office: Office) -> None:
    key = a_key()
    jwk = json.dumps(workload.public_jwk(key))
    trust.register_client("billing", office.agent, jwk=jwk, by=office.security, at=timezone.now())
    metadata = office.wire.get("/.well-known/oauth-authorization-server").json()
    client = OAuth2Client("billing", transport=workload.Kept())
    proof = dpop(office.key, "POST", metadata["token_endpoint"])

    token = client.fetch_token(
        metadata["token_endpoint"],
        grant_type=GRANT,
        headers={"DPoP": proof},
        client_assertion=workload.assertion(key, "billing"),
        client_assertion_type=BEARER,
        subject_token=office.svid(),
        subject_token_type=f"{TYPE}jwt",
        audience="https://crm.example.com",
        authorization_details=json.dumps(
            [
                {
                    "type": "mandate_task",
                    "task": str(office.task.pk),
                    "access": [
                        {
                            "action": "read",
                            "resource": {"type": "resource", "id": str(office.resource.pk)},
                        }
                    ],
                }
            ]
        ),
    )

    assert token["scope"] == office.scope
    assert Token.objects.get().proof == "private_key_jwt"


def test_the_token_is_stored_nowhere(office: Office) -> None:
    token = office.token()

    row = Token.objects.get()
    values = " ".join(str(value) for value in vars(row).values())

    assert token not in values
    assert token.rpartition(".")[2] not in values


def test_an_x509_svid_signs_its_own_request_and_binds_the_token(office: Office) -> None:
    key = a_key()
    leaf = office.domain.x509_svid(key, AGENT)
    made = workload.assertion(key, AGENT, headers={"x5c": workload.x5c(leaf)})

    answer = office.exchange(proof=None, client_assertion=made, client_assertion_type=BEARER)
    told = office.introspect(answer.json()["access_token"])

    assert answer.json()["token_type"] == "Bearer"
    assert told["cnf"] == {"x5t#S256": workload.x5t(leaf)}
    assert Token.objects.get().proof == "x509_svid"


def test_a_proxy_passes_a_certificate_on_only_when_it_is_trusted(
    office: Office, settings: Any
) -> None:
    leaf = office.domain.x509_svid(a_key(), AGENT)
    headers = {"Client-Cert": f":{workload.x5c(leaf)[0]}:"}
    form = {
        "grant_type": GRANT,
        "subject_token": office.svid(),
        "subject_token_type": f"{TYPE}jwt",
        "audience": "https://crm.example.com",
        "task": str(office.task.pk),
        "scope": office.scope,
    }

    refused = office.wire.post("/oauth/token", data=form, headers=headers)
    settings.CLIENT_CERT_PROXIES = ["127.0.0.0/8"]
    taken = office.wire.post("/oauth/token", data=form, headers=headers)
    elsewhere = workload.Wire(remote_addr="10.1.2.3").post(
        "/oauth/token", data=form, headers=headers
    )

    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert taken.status_code == 200, taken.text
    assert elsewhere.status_code == 401


def test_an_svid_is_a_client_assertion_too(office: Office) -> None:
    answer = office.exchange(client_assertion=office.svid(), client_assertion_type=SPIFFE)

    assert answer.status_code == 200, answer.text


def test_work_is_passed_on_and_the_chain_stands_in_act(office: Office) -> None:
    parent = office.token()
    helper = office.helper()
    child_svid = office.domain.jwt_svid(str(helper.spiffe_id))

    child = office.token(
        subject_token=parent,
        subject_token_type=f"{TYPE}access_token",
        actor_token=child_svid,
        actor_token_type=f"{TYPE}jwt",
        key=a_key(),
    )
    told = office.introspect(child)

    assert told["sub"] == f"person:{office.person.pk}"
    assert told["act"] == {"sub": helper.spiffe_id, "act": {"sub": AGENT}}
    assert told["scope"] == office.scope


def test_act_nests_as_in_the_figures_of_rfc_8693() -> None:
    service16 = an_identity(spiffe_id="spiffe://example.com/service16")
    service77 = an_identity(spiffe_id="spiffe://example.com/service77")

    for_person = nested([service16, service77], for_person=True)
    of_itself = nested([service16, service77], for_person=False)

    assert for_person == {
        "sub": "spiffe://example.com/service16",
        "act": {"sub": "spiffe://example.com/service77"},
    }
    assert of_itself == {"sub": "spiffe://example.com/service16"}


def test_the_workload_beats_for_its_task(office: Office) -> None:
    at = timezone.now()
    Task.objects.filter(pk=office.task.pk).update(
        heartbeat_every=timedelta(minutes=5), silent_at=at + timedelta(minutes=1)
    )
    own = office.token(audience=ISSUER)
    proof = dpop(office.key, "POST", f"{ISSUER}/oauth/task/beat", ath=ath(own))

    answer = office.wire.post(
        "/oauth/task/beat", headers={"Authorization": f"DPoP {own}", "DPoP": proof}
    )

    assert answer.status_code == 200, answer.text
    assert Task.objects.get(pk=office.task.pk).silent_at > at + timedelta(minutes=4)


def test_revoking_ends_the_token_and_what_came_from_it(office: Office) -> None:
    parent = office.token()
    helper = office.helper()
    child = office.token(
        subject_token=parent,
        subject_token_type=f"{TYPE}access_token",
        actor_token=office.domain.jwt_svid(str(helper.spiffe_id)),
        actor_token_type=f"{TYPE}jwt",
    )
    headers = {"Authorization": f"Bearer {office.secret}"}

    answer = office.wire.post("/oauth/revoke", data={"token": parent}, headers=headers)
    unknown = office.wire.post("/oauth/revoke", data={"token": "nothing"}, headers=headers)

    assert (answer.status_code, unknown.status_code) == (200, 200)
    assert office.introspect(parent) == {"active": False}
    assert office.introspect(child) == {"active": False}
    assert set(Token.objects.values_list("end_cause", flat=True)) == {"revoked", "parent"}


def test_completing_the_task_over_the_rules_ends_the_token_at_once(office: Office) -> None:
    token = office.token()

    task_life.end_task(office.task, how="done", by=office.security, at=timezone.now())

    assert office.introspect(token) == {"active": False}


def test_metadata_names_what_is_there(office: Office) -> None:
    server = office.wire.get("/.well-known/oauth-authorization-server").json()
    resource = office.wire.get("/.well-known/oauth-protected-resource").json()
    events = office.wire.get("/.well-known/ssf-configuration").json()

    assert server["issuer"] == resource["authorization_servers"][0] == events["issuer"] == ISSUER
    assert server["grant_types_supported"] == [GRANT]
    for name in ("token_endpoint", "introspection_endpoint", "revocation_endpoint"):
        assert office.wire.post(server[name]).status_code in (400, 401)
    assert office.wire.get(server["jwks_uri"]).status_code == 200
