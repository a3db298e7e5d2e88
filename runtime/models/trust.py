"""Whom Mandate believes: trust bundles of SPIFFE, issuers of OIDC tokens, and clients with a key of their own."""

from django.db import models
from django.db.models import Q

from inventory.history import tracked
from inventory.models import Identity


class TrustBundle(models.Model):
    """The public keys and authorities of one SPIFFE trust domain: what its SVIDs are verified against."""

    trust_domain = models.CharField(max_length=255)
    jwt_keys = models.JSONField(default=list, help_text="Public JWKs that sign JWT-SVIDs.")
    x509_authorities = models.JSONField(
        default=list, help_text="Certificates (DER, base64) that sign X.509-SVIDs."
    )
    sequence = models.BigIntegerField(null=True, blank=True)
    refresh_hint = models.DurationField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True, default="")
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(help_text="When its keys were last given.")
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["trust_domain", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["trust_domain"],
                condition=Q(retired_at__isnull=True),
                name="trust_bundle_is_once_per_trust_domain",
                violation_error_message="There is a bundle of this trust domain. Renew that one.",
            ),
        ]
        triggers = tracked(identity="NULL::bigint")

    def __str__(self) -> str:
        return self.trust_domain


class OidcIssuer(models.Model):
    """An issuer whose tokens may be exchanged, and how a claim of them names somebody in the inventory."""

    class Names(models.TextChoices):
        IDENTITY_EXTERNAL_ID = "identity_external_id", "An identity, by its ID at the platform"
        IDENTITY_SPIFFE_ID = "identity_spiffe_id", "An identity, by its SPIFFE ID"
        PERSON_EMAIL = "person_email", "A person, by e-mail address"
        PERSON_EXTERNAL_ID = "person_external_id", "A person, by their ID at the platform"

    issuer = models.CharField(max_length=500, help_text="Exactly as the tokens say it.")
    audience = models.CharField(max_length=500, help_text="What its tokens must be for.")
    claim = models.CharField(max_length=100, default="sub")
    names = models.CharField(max_length=20, choices=Names)
    namespace = models.CharField(
        max_length=40, blank=True, default="", help_text="Within which an ID is looked up."
    )
    required_claims = models.JSONField(
        default=dict, blank=True, help_text="Claims that a token must have, with these values."
    )
    jwks = models.JSONField(default=list, help_text="Its public JWKs.")
    jwks_url = models.CharField(max_length=1000, blank=True, default="")
    note = models.CharField(max_length=300, blank=True, default="")
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(help_text="When its keys were last given or fetched.")
    fetch_error = models.CharField(max_length=300, blank=True, default="")
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "OIDC issuer"
        ordering = ["issuer", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["issuer"],
                condition=Q(retired_at__isnull=True),
                name="oidc_issuer_is_once",
                violation_error_message="There is an issuer of this name. Retire it first.",
            ),
        ]
        triggers = tracked(identity="NULL::bigint")

    def __str__(self) -> str:
        return self.issuer


class OAuthClient(models.Model):
    """A workload without SPIFFE: it proves itself with a key of its own (private_key_jwt, RFC 7523)."""

    client_id = models.CharField(max_length=200, unique=True)
    identity = models.ForeignKey(Identity, models.CASCADE, related_name="+")
    jwk = models.JSONField(help_text="Its public key.")
    thumbprint = models.CharField(max_length=64, help_text="Of the key (RFC 7638).")
    note = models.CharField(max_length=300, blank=True, default="")
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "OAuth client"
        ordering = ["client_id"]
        triggers = tracked(identity="identity_id")

    def __str__(self) -> str:
        return self.client_id


class UsedProof(models.Model):
    """A proof that may be used once: it is remembered until it would have expired anyway."""

    digest = models.CharField(
        max_length=64, primary_key=True, help_text="Of its kind, its maker and its jti."
    )
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="used_proof_by_end")]

    def __str__(self) -> str:
        return self.digest
