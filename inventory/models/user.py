"""Who signs in: a user with one role; and the API tokens a user holds."""

import hashlib
import secrets
from datetime import datetime

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from inventory.history import tracked
from inventory.noted import CHANGED, OF_ALL, noted


class User(AbstractUser):
    """A login. `person` links it to the directory, so that an owner sees what is theirs."""

    class Role(models.TextChoices):
        SECURITY = "security", "Security"
        AUDITOR = "auditor", "Auditor"
        OWNER = "owner", "Owner"

    role = models.CharField(max_length=10, choices=Role, default=Role.OWNER)
    person = models.ForeignKey(
        "inventory.Person", models.SET_NULL, null=True, blank=True, related_name="users"
    )
    scope = models.ForeignKey(
        "inventory.Team",
        models.PROTECT,  # never wider because a team went
        null=True,
        blank=True,
        related_name="auditors",
        help_text="An auditor of one team: sees its identities and what hangs on them, nothing else.",
    )
    is_service = models.BooleanField(
        "service account",
        default=False,
        help_text="For programs: cannot sign in, only holds API tokens.",
    )

    must_change_password = models.BooleanField(
        default=False,
        help_text="The password was made by somebody else; it opens only the page that changes it.",
    )

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(
                condition=Q(role__in=["security", "auditor", "owner"]), name="user_role_is_known"
            ),
            # Whoever stands for a person is told and asked what concerns that person, of whatever team.
            models.CheckConstraint(
                condition=Q(scope=None) | Q(role="auditor", person=None),
                name="user_of_one_team_is_an_auditor_and_no_person",
                violation_error_message="Only an auditor without a person in the directory is limited to a team.",
            ),
        ]
        triggers = [
            *tracked(identity="NULL::bigint", hidden=("password",)),
            *noted(OF_ALL, on=CHANGED),
        ]

    @property
    def display_name(self) -> str:
        return self.get_full_name() or self.username


class ApiToken(models.Model):
    """A personal or service token for the API: only its SHA-256 digest is kept; shown once when made."""

    class Scope(models.TextChoices):
        READ = "read", "Read everything the user may see"
        WRITE = "write", "Change what the user may change"
        IMPORT = "import", "Start imports"
        DECIDE = "decide", "Ask for decisions"
        INGEST = "ingest", "Report tool calls and traces"

    PREFIX = "mdt_"

    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    hint = models.CharField(max_length=12, help_text="The first characters, to recognise it by.")
    digest = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope))
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=models.F("created_at")),
                name="api_token_ends_after_start",
                violation_error_message="The token ends before it starts. Choose a later end.",
            ),
        ]
        triggers = [
            *tracked(identity="NULL::bigint", hidden=("digest",)),
            *noted(OF_ALL, on=CHANGED),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"

    @classmethod
    def new_secret(cls) -> str:
        return cls.PREFIX + secrets.token_urlsafe(32)

    @staticmethod
    def digest_of(secret: str) -> str:
        return hashlib.sha256(secret.encode()).hexdigest()

    def is_live(self, at: datetime) -> bool:
        return self.revoked_at is None and self.expires_at > at
