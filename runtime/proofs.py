"""How a workload proves who it is: JWT-SVID, X.509-SVID, a registered client's key, or a configured issuer's token.

An X.509-SVID comes either with a signature of its key over this very request (a client assertion with the chain in
`x5c`), or in the header of a proxy that ended the TLS connection: the latter only from addresses that the
administrator named, and never by default, because anybody can write a header.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from cryptography import x509
from django.conf import settings

from inventory.models import Identity
from runtime import jose, svids, used_proofs
from runtime.addresses import our_audiences
from runtime.jose import BadJwt, Jwt
from runtime.models import OAuthClient, OidcIssuer, Token, TrustBundle
from runtime.oauth_errors import InvalidClient
from runtime.svids import BadSvid

ASSERTION_LIVES = timedelta(minutes=5)
NOTED_EVERY = timedelta(minutes=1)
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
JWT_SPIFFE = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe"
_UNKNOWN = "No live identity of the inventory has the SPIFFE ID {}. Register it first."


@dataclass(frozen=True)
class Proven:
    """A workload of the inventory, and how it showed that it is the one. `x5t`: its certificate, if it used one."""

    identity: Identity
    kind: str
    x5t: str = ""
    bundle: TrustBundle | None = None
    client: OAuthClient | None = None
    issuer: OidcIssuer | None = None


def by_assertion(text: str, kind: str, *, client_id: str, at: datetime) -> Proven:
    """The workload behind a client assertion (RFC 7521, section 4.2). Raises InvalidClient."""
    token = _readable(text)
    subject = jose.text_of(token.claims, "sub")
    if kind not in (JWT_BEARER, JWT_SPIFFE):
        raise InvalidClient(f"The client_assertion_type is not one of: {JWT_BEARER}, {JWT_SPIFFE}.")
    if client_id and client_id != subject:
        raise InvalidClient("client_id is another one than the assertion's subject.")
    if "x5c" in token.header:
        return _by_signed_chain(token, at)
    if kind == JWT_SPIFFE or subject.startswith("spiffe:"):
        return by_jwt_svid(token, at)
    return _by_client_key(token, subject, at)


def by_jwt_svid(token: Jwt, at: datetime) -> Proven:
    """A JWT-SVID. SPIRE hands the same one out until it ends, so that it may come again; DPoP makes each request's
    own proof. Raises InvalidClient."""
    bundle = _bundle_of(lambda: svids.id_of(jose.text_of(token.claims, "sub")).trust_domain)
    try:
        found = svids.verify_jwt(token, bundle.jwt_keys, audience=our_audiences(), at=at)
    except BadSvid as error:
        raise InvalidClient(f"The JWT-SVID is refused. {error}") from error
    return Proven(_identity_of(str(found)), Token.Proof.JWT_SVID, bundle=bundle)


def by_proxy(meta: dict[str, str], at: datetime) -> Proven | None:
    """The client certificate that a trusted proxy passed on (RFC 9440); None when there is none, or nobody is trusted.
    A header from anywhere else is refused, not ignored. Raises InvalidClient."""
    if "HTTP_CLIENT_CERT" not in meta:
        return None
    if not _is_trusted(meta.get("REMOTE_ADDR", "")):
        raise InvalidClient("Client certificates are taken from configured proxies only.")
    texts = [meta["HTTP_CLIENT_CERT"], *meta.get("HTTP_CLIENT_CERT_CHAIN", "").split(",")]
    try:
        ders = [_byte_sequence(text.strip()) for text in texts if text.strip()]
        chain = svids.read_chain(ders)
    except (BadJwt, BadSvid) as error:
        raise InvalidClient(f"The certificate is refused. {error}") from error
    return _by_chain(chain, at)


def _by_signed_chain(token: Jwt, at: datetime) -> Proven:
    """The workload's own key signs the assertion; the chain in `x5c` says whose key that is."""
    given = token.header["x5c"]
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise InvalidClient("x5c is not a list of certificates (RFC 7515, section 4.1.6).")
    try:
        chain = svids.read_chain([jose.base64_of(each) for each in given])
        key = jose.key_of(chain[0].public_key())
        jose.verify(token, key)
    except (BadJwt, BadSvid) as error:
        raise InvalidClient(f"The X.509-SVID is refused. {error}") from error
    proven = _by_chain(chain, at)
    subject = jose.text_of(token.claims, "sub")
    if subject != proven.identity.spiffe_id:
        raise InvalidClient("The assertion's subject is another one than its certificate's.")
    _require_own_assertion(token, subject, at)
    return proven


def _by_chain(chain: list[x509.Certificate], at: datetime) -> Proven:
    bundle = _bundle_of(lambda: svids.claimed_id(chain[0]).trust_domain)
    try:
        found = svids.verify_x509(chain, bundle.x509_authorities, at=at)
    except BadSvid as error:
        raise InvalidClient(f"The X.509-SVID is refused. {error}") from error
    return Proven(
        _identity_of(str(found)),
        Token.Proof.X509_SVID,
        x5t=svids.thumbprint(chain[0]),
        bundle=bundle,
    )


def _by_client_key(token: Jwt, client_id: str, at: datetime) -> Proven:
    """private_key_jwt (RFC 7523, section 3; OpenID Connect Core, section 9)."""
    clients = OAuthClient.objects.select_related("identity")
    client = clients.filter(client_id=client_id, retired_at=None).first() if client_id else None
    if client is None:
        raise InvalidClient("There is no such client.")
    try:
        jose.verify(token, jose.public_key(client.jwk))
    except BadJwt as error:
        raise InvalidClient(f"The client assertion is refused. {error}") from error
    _require_own_assertion(token, client_id, at)
    if client.last_used_at is None or client.last_used_at < at - NOTED_EVERY:
        OAuthClient.objects.filter(pk=client.pk).update(last_used_at=at)
    return Proven(client.identity, Token.Proof.PRIVATE_KEY_JWT, client=client)


def _require_own_assertion(token: Jwt, maker: str, at: datetime) -> None:
    """Made by the client itself, for us, for minutes, and for one use."""
    try:
        if jose.text_of(token.claims, "iss") != maker:
            raise BadJwt("Its issuer (iss) is not the client itself.")
        jose.require_audience(token.claims, our_audiences())
        ends = jose.require_interval(token.claims, at, longest=ASSERTION_LIVES)
        jti = jose.text_of(token.claims, "jti", longest=200)
        if not jti:
            raise BadJwt("It has no jti of at most 200 characters.")
    except BadJwt as error:
        raise InvalidClient(f"The client assertion is refused. {error}") from error
    if not used_proofs.use_once("assertion", maker, jti, until=ends, at=at):
        raise InvalidClient("The client assertion was used before. Make a new one each time.")


def _readable(text: str) -> Jwt:
    try:
        return jose.read(text)
    except BadJwt as error:
        raise InvalidClient(f"The client assertion is refused. {error}") from error


def _bundle_of(trust_domain: Callable[[], str]) -> TrustBundle:
    try:
        name = trust_domain()
    except BadSvid as error:
        raise InvalidClient(f"The SVID is refused. {error}") from error
    bundle = TrustBundle.objects.filter(trust_domain=name, retired_at=None).first()
    if bundle is None:
        raise InvalidClient(f"The trust domain {name} is not trusted here.")
    return bundle


def _identity_of(spiffe_id: str) -> Identity:
    found = Identity.objects.live().filter(spiffe_id=spiffe_id).first()
    if found is None:
        raise InvalidClient(_UNKNOWN.format(spiffe_id))
    return found


def _is_trusted(address: str) -> bool:
    try:
        here = ip_address(address)
        return any(here in ip_network(each) for each in settings.CLIENT_CERT_PROXIES)
    except ValueError:
        return False


def _byte_sequence(text: str) -> bytes:
    """A Byte Sequence of RFC 8941, section 3.3.5: base64 between colons."""
    if len(text) < 2 or len(text) > jose.LONGEST or text[0] != ":" or text[-1] != ":":
        raise BadJwt("The header is not in the form of RFC 9440, base64 between colons.")
    return jose.base64_of(text[1:-1])
