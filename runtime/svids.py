"""SVIDs: the documents by which a workload proves its SPIFFE ID, verified against the bundle of its trust domain.

By the letter of the SPIFFE standards (JWT-SVID sections 2 to 4, X509-SVID sections 2 to 5). Pure: no database, no
network, no clock.
"""

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtensionOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from inventory import spiffe
from inventory.spiffe import InvalidSpiffeId, SpiffeId
from runtime import jose
from runtime.jose import BadJwt, Jwt

LONGEST_CHAIN = 6  # certificates, the leaf among them
_TYPES = (None, "JWT", "JOSE")  # JWT-SVID section 2.3


class BadSvid(Exception):
    """The SVID does not hold; the message says why, in a sentence."""


def id_of(text: str) -> SpiffeId:
    """The SPIFFE ID of a workload. Raises BadSvid."""
    try:
        found = spiffe.parse(text)
    except InvalidSpiffeId as error:
        raise BadSvid(str(error)) from error
    if not found.path:
        raise BadSvid("The SPIFFE ID names a trust domain, no workload in it.")
    return found


def verify_jwt(
    token: Jwt, keys: list[dict[str, Any]], *, audience: frozenset[str], at: datetime
) -> SpiffeId:
    """The SPIFFE ID that a JWT-SVID proves, by the keys of its trust domain. Raises BadSvid."""
    try:
        if token.header.get("typ") not in _TYPES:
            raise BadSvid("The type (typ) of a JWT-SVID is JWT, JOSE or not there.")
        if not token.kid:
            raise BadSvid("It does not name its key (kid).")
        key = jose.key_named(keys, token.kid)
        claims = jose.verify(token, key)
        jose.require_audience(claims, audience)
        jose.require_interval(claims, at)
    except BadJwt as error:
        raise BadSvid(str(error)) from error
    return id_of(jose.text_of(claims, "sub"))


def read_chain(certificates: Sequence[bytes]) -> list[x509.Certificate]:
    """Certificates in DER, the leaf first. Raises BadSvid."""
    if not 0 < len(certificates) <= LONGEST_CHAIN:
        raise BadSvid(f"A chain has 1 to {LONGEST_CHAIN} certificates.")
    try:
        return [x509.load_der_x509_certificate(each) for each in certificates]
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadSvid("A certificate of the chain cannot be read.") from error


def claimed_id(leaf: x509.Certificate) -> SpiffeId:
    """The SPIFFE ID in a certificate: its one and only URI name. Raises BadSvid."""
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError) as error:
        raise BadSvid("The certificate has no URI name.") from error
    if len(uris) != 1:
        raise BadSvid(f"The certificate has {len(uris)} URI names; an X.509-SVID has exactly one.")
    return id_of(uris[0])


def verify_x509(
    chain: Sequence[x509.Certificate], authorities: Sequence[str], *, at: datetime
) -> SpiffeId:
    """The SPIFFE ID that a chain proves, by the authorities of its trust domain. Raises BadSvid."""
    leaf = chain[0]
    found = claimed_id(leaf)
    _require_leaf(leaf)
    roots = [x509.load_der_x509_certificate(b64decode(each)) for each in authorities]
    if not roots:
        raise BadSvid("Its trust domain has no authorities for certificates.")
    verifier = (
        PolicyBuilder()
        .store(Store(roots))
        .time(at)
        .extension_policies(ca_policy=_AUTHORITY, ee_policy=_LEAF)
        .build_client_verifier()
    )
    try:
        verifier.verify(leaf, list(chain[1:]))
    except VerificationError as error:
        raise BadSvid(f"The chain does not hold: {error}.") from error
    return found


def thumbprint(leaf: x509.Certificate) -> str:
    """`x5t#S256` (RFC 8705, section 3.1)."""
    return urlsafe_b64encode(leaf.fingerprint(SHA256())).rstrip(b"=").decode()


def _require_leaf(leaf: x509.Certificate) -> None:
    """X509-SVID section 4: no authority, and for signatures."""
    try:
        basic = leaf.extensions.get_extension_for_oid(ExtensionOID.BASIC_CONSTRAINTS).value
        if isinstance(basic, x509.BasicConstraints) and basic.ca:
            raise BadSvid("It is the certificate of an authority, not of a workload.")
    except x509.ExtensionNotFound:
        pass
    try:
        usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound as error:
        raise BadSvid("The certificate does not say what its key is for (keyUsage).") from error
    if not usage.digital_signature or usage.key_cert_sign or usage.crl_sign:
        raise BadSvid("The key of the certificate must be for signatures, and for no certificates.")


# SPIRE's certificates lack what the Web wants of them (an authority key identifier, certain key usages); what
# SPIFFE wants is checked in `_require_leaf` and `claimed_id`.
_AUTHORITY = ExtensionPolicy.permit_all().require_present(
    x509.BasicConstraints, Criticality.AGNOSTIC, None
)
_LEAF = ExtensionPolicy.permit_all().require_present(
    x509.SubjectAlternativeName, Criticality.AGNOSTIC, None
)
