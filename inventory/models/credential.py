"""What an identity proves itself with: never the secret, only its public id and fingerprint."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q

from inventory.history import tracked
from inventory.models.identity import Environment, Identity
from inventory.models.moments import ENDS, SORT_KEYS, USED
from inventory.models.source import Sourced


def interval_is_forward(name: str, start: str, end: str) -> models.CheckConstraint:
    """An interval never ends before it starts; either end may be open."""
    return models.CheckConstraint(
        condition=Q(**{f"{start}__isnull": True})
        | Q(**{f"{end}__isnull": True})
        | Q(**{f"{end}__gt": F(start)}),
        name=name,
        violation_error_message="It ends before it starts. Choose a later end.",
    )


class CredentialQuerySet(models.QuerySet["Credential"]):
    def live(self, at: datetime) -> "CredentialQuerySet":
        """Those that still work at the moment, as far as is known."""
        return self.filter(live_credential_q(at))


def live_credential_q(at: datetime, prefix: str = "") -> Q:
    return (
        Q(**{f"{prefix}enabled": True})
        & (Q(**{f"{prefix}revoked_at": None}) | Q(**{f"{prefix}revoked_at__gt": at}))
        & (Q(**{f"{prefix}expires_at": None}) | Q(**{f"{prefix}expires_at__gt": at}))
        & Q(**{f"{prefix}gone_at": None})
    )


class Credential(Sourced):
    """A key, token, certificate or password bound to one identity."""

    class Kind(models.TextChoices):
        API_KEY = "api_key", "API key"
        ACCESS_KEY = "access_key", "Access key"
        CLIENT_SECRET = "client_secret", "Client secret"
        OAUTH_TOKEN = "oauth_token", "OAuth token"
        X509 = "x509", "X.509 certificate"
        JWT_SVID = "jwt_svid", "JWT-SVID"
        SSH_KEY = "ssh_key", "SSH key"
        PASSWORD = "password", "Password"

    identity = models.ForeignKey(Identity, models.CASCADE, related_name="credentials")
    kind = models.CharField(max_length=15, choices=Kind)
    key_id = models.CharField("key ID", max_length=300, blank=True, default="")
    fingerprint = models.CharField(
        max_length=64, blank=True, default="", help_text="SHA-256, hexadecimal."
    )
    bound_to = models.CharField(
        max_length=2048,
        blank=True,
        default="",
        help_text="SPIFFE ID, selectors, or thumbprint of a certificate or key.",
    )
    binding_known = models.BooleanField(default=False)
    environment = models.CharField(max_length=12, choices=Environment, blank=True, default="")
    issued_at = models.DateTimeField(null=True, blank=True)
    rotated_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    expiry_known = models.BooleanField(
        default=False, help_text="The source reports expiry; without a date it never expires."
    )
    lifetime_seconds = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="For credentials issued again and again: life of each, in seconds.",
    )
    last_used_at = models.DateTimeField(null=True, blank=True)
    use_known = models.BooleanField(
        default=False, help_text="The source reports use; without a date it was never used."
    )
    enabled = models.BooleanField(default=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revocation_confirmed_at = models.DateTimeField(null=True, blank=True)
    revocation_proof = models.CharField(max_length=300, blank=True, default="", db_default="")
    compromised_at = models.DateTimeField(
        null=True, blank=True, help_text="When somebody flagged it as compromised."
    )
    attributes = models.JSONField(default=dict, blank=True)
    caveats = ArrayField(models.TextField(), default=list, blank=True)

    SORT_KEYS = SORT_KEYS

    objects = CredentialQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "namespace", "external_id", name="credential_is_once_in_a_namespace"
            ),
            models.UniqueConstraint(
                fields=["source", "key_id"],
                condition=Q(enabled=True, revoked_at__isnull=True, gone_at__isnull=True)
                & ~Q(key_id=""),
                name="credential_key_id_is_active_once_per_source",
                violation_error_message="Another active credential of this source has this key ID.",
            ),
            interval_is_forward("credential_ends_after_start", "issued_at", "expires_at"),
            models.CheckConstraint(
                condition=Q(fingerprint="") | Q(fingerprint__regex=r"^[0-9a-f]{64}$"),
                name="credential_fingerprint_is_sha256",
                violation_error_message="A fingerprint is 64 hexadecimal digits (SHA-256), in lower case.",
            ),
            models.CheckConstraint(
                condition=Q(revocation_confirmed_at__isnull=True) | Q(revoked_at__isnull=False),
                name="credential_confirmed_revocation_was_asked",
            ),
        ]
        indexes = [
            models.Index(
                fields=["fingerprint"],
                condition=~Q(fingerprint=""),
                name="credential_by_fingerprint",
            ),
            models.Index(fields=["kind", "id"], name="credential_by_kind"),
            models.Index(ENDS.asc(), F("id").asc(), name="credential_by_expiry"),
            models.Index(USED.desc(), F("id").desc(), name="credential_by_use"),
            models.Index(fields=["environment", "id"], name="credential_by_environment"),
            models.Index(
                fields=["revoked_at"],
                name="credential_revoked",
                condition=Q(revoked_at__isnull=False),
            ),
            models.Index(
                fields=["gone_at"], name="credential_gone", condition=Q(gone_at__isnull=False)
            ),
            models.Index(fields=["id"], name="credential_disabled", condition=Q(enabled=False)),
            models.Index(
                fields=["identity"],
                name="credential_compromised",
                condition=Q(compromised_at__isnull=False),
            ),
            GinIndex(fields=["key_id"], opclasses=["gin_trgm_ops"], name="credential_key_search"),
        ]
        triggers = tracked(identity="identity_id")

    def __str__(self) -> str:
        return self.key_id or f"{self.get_kind_display()} #{self.pk}"

    def state(self, at: datetime) -> str:
        """One word for the moment: revoked, expired, disabled, gone or live."""
        if self.revoked_at and self.revoked_at <= at:
            return "revoked"
        if self.gone_at:
            return "gone"
        if not self.enabled:
            return "disabled"
        if self.expires_at and self.expires_at <= at:
            return "expired"
        return "live"
