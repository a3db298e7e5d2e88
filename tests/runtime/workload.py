"""Workloads and their authority, made with public libraries only: what a customer's client would be."""

import base64
import hashlib
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2 as httpx  # which authlib uses
import jwt  # PyJWT, which the SPIFFE library uses
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections

ISSUER = "http://localhost:8000"
GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
TYPE = "urn:ietf:params:oauth:token-type:"
BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SPIFFE = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe"
Key = ec.EllipticCurvePrivateKey


def a_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def public_jwk(key: Key, **more: str) -> dict[str, Any]:
    jwk: dict[str, Any] = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**jwk, **more}


def thumbprint(key: Key) -> str:
    jwk = public_jwk(key)
    text = f'{{"crv":"{jwk["crv"]}","kty":"EC","x":"{jwk["x"]}","y":"{jwk["y"]}"}}'
    return _b64(hashlib.sha256(text.encode()).digest())


def now() -> int:
    return int(time.time())


@dataclass
class Domain:
    """A SPIFFE trust domain, as SPIRE would be: it signs SVIDs and publishes its bundle."""

    name: str = "example.org"
    key: Key = field(default_factory=a_key)
    authority_key: Key = field(default_factory=a_key)

    def __post_init__(self) -> None:
        self.authority = self._certificate(self.authority_key, f"spiffe://{self.name}", ca=True)

    def bundle(self) -> dict[str, Any]:
        der = self.authority.public_bytes(serialization.Encoding.DER)
        return {
            "keys": [
                public_jwk(self.key, kid="k1", use="jwt-svid"),
                {
                    **public_jwk(self.authority_key, use="x509-svid"),
                    "x5c": [base64.b64encode(der).decode()],
                },
            ],
            "spiffe_sequence": 1,
        }

    def jwt_svid(
        self, spiffe_id: str, *, headers: Any = None, key: Any = None, **claims: Any
    ) -> str:
        said = {"sub": spiffe_id, "aud": [ISSUER], "iat": now(), "exp": now() + 300, **claims}
        said = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(said, key or self.key, "ES256", headers={"kid": "k1", **(headers or {})})

    def x509_svid(self, key: Key, spiffe_id: str, **options: Any) -> x509.Certificate:
        return self._certificate(key, spiffe_id, **options)

    def _certificate(
        self, key: Key, uri: str, *, ca: bool = False, more: tuple[str, ...] = (), days: int = 1
    ) -> x509.Certificate:
        at = datetime.now(UTC) - timedelta(minutes=1)
        names = [x509.UniformResourceIdentifier(each) for each in (uri, *more)]
        usage = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "encipher_only", "decipher_only"), False,
        )  # fmt: skip
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "SPIRE")]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "SPIRE")]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(at + timedelta(days=min(days, 0) * 2))
            .not_valid_after(at + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(
                x509.KeyUsage(digital_signature=not ca, key_cert_sign=ca, crl_sign=ca, **usage),
                critical=True,
            )
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self.authority_key, hashes.SHA256())
        )


def dpop(key: Key, method: str, url: str, *, headers: Any = None, **claims: Any) -> str:
    said = {"jti": uuid.uuid4().hex, "htm": method, "htu": url, "iat": now(), **claims}
    said = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(
        said, key, "ES256", headers={"typ": "dpop+jwt", "jwk": public_jwk(key), **(headers or {})}
    )


def ath(token: str) -> str:
    return _b64(hashlib.sha256(token.encode()).digest())


def assertion(key: Any, client_id: str, *, headers: Any = None, **claims: Any) -> str:
    said = {
        "iss": client_id, "sub": client_id, "aud": f"{ISSUER}/oauth/token", "iat": now(),
        "exp": now() + 60, "jti": uuid.uuid4().hex, **claims,
    }  # fmt: skip
    said = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(said, key, "ES256", headers=headers)


def x5c(*chain: x509.Certificate) -> list[str]:
    ders = [each.public_bytes(serialization.Encoding.DER) for each in chain]
    return [base64.b64encode(der).decode() for der in ders]


def x5t(leaf: x509.Certificate) -> str:
    return _b64(hashlib.sha256(leaf.public_bytes(serialization.Encoding.DER)).digest())


class Kept(httpx.WSGITransport):
    """As Django's own test client: the end of a request does not close the connection of the test."""

    def __init__(self, remote_addr: str = "127.0.0.1") -> None:
        super().__init__(app=get_wsgi_application(), remote_addr=remote_addr)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        both = (request_started, request_finished)
        held = [signal for signal in both if signal.disconnect(close_old_connections)]
        try:
            answer = super().handle_request(request)
            body = answer.read()
            answer.close()
            return httpx.Response(answer.status_code, headers=answer.headers, content=body)
        finally:
            for signal in held:
                signal.connect(close_old_connections)


class Wire(httpx.Client):
    """HTTP to the product, without a network in between."""

    def __init__(self, **environ: str) -> None:
        super().__init__(transport=Kept(**environ), base_url=ISSUER)

    def exchange(
        self, *, proof: str | None = "", key: Key | None = None, **form: Any
    ) -> httpx.Response:
        """A token request with a fresh DPoP proof, unless another proof, or None, is given."""
        form = {"grant_type": GRANT, "subject_token_type": f"{TYPE}jwt", **form}
        sent = {name: value for name, value in form.items() if value is not None}
        if proof == "":
            proof = dpop(key or a_key(), "POST", f"{ISSUER}/oauth/token")
        headers = {} if proof is None else {"DPoP": proof}
        return self.post("/oauth/token", data=sent, headers=headers)

    def introspect(self, token: str, secret: str) -> dict[str, Any]:
        answer = self.post(
            "/oauth/introspect",
            data={"token": token},
            headers={"Authorization": f"Bearer {secret}"},
        )
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
