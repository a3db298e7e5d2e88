"""A token that was issued for a task: what it is for and bound to. The token itself is stored nowhere."""

from datetime import datetime
from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from inventory.history import tracked
from inventory.models import Delegation, Identity, Person, Task
from inventory.models.identity import active_q
from inventory.models.person import can_answer
from inventory.models.task import open_task_q
from runtime.models.trust import OAuthClient, OidcIssuer, TrustBundle


class TokenQuerySet(models.QuerySet["Token"]):
    def unexpired(self, at: datetime) -> "TokenQuerySet":
        """Those whose own interval covers the moment, whatever else is the case."""
        return self.filter(issued_at__lte=at, expires_at__gt=at)

    def carried(self, at: datetime) -> "TokenQuerySet":
        """Unexpired, and everything but its access still stands: task, people, identities, trust, parent (law 1)."""
        idle = TokenActor.objects.filter(token=OuterRef("pk")).exclude(
            active_q("identity__")
            & Q(identity__owner__isnull=False)
            & can_answer(at, "identity__owner__")
        )
        given = Delegation.objects.effective(at).filter(pk=OuterRef("link"))
        unlinked = TokenActor.objects.filter(
            ~Exists(given), token=OuterRef("pk"), link__isnull=False
        )
        ended = TokenAncestor.objects.filter(token=OuterRef("pk"), ancestor__revoked_at__lte=at)
        return self.unexpired(at).filter(
            ~Exists(idle),
            ~Exists(unlinked),
            ~Exists(ended),
            Q(revoked_at=None) | Q(revoked_at__gt=at),
            open_task_q(at, "task__"),
            Q(task__on_behalf_of=None) | can_answer(at, "task__on_behalf_of__"),
            Q(person=None) | can_answer(at, "person__"),
            *(Q(**{f"{way}__retired_at": None}) for way in ("bundle", "client", "issuer")),
        )


class Token(models.Model):
    """An access token of minutes, for one task, one audience and one workload."""

    class Proof(models.TextChoices):
        JWT_SVID = "jwt_svid", "JWT-SVID"
        X509_SVID = "x509_svid", "X.509-SVID"
        PRIVATE_KEY_JWT = "private_key_jwt", "Client key"
        OIDC = "oidc", "OIDC token"

    class EndCause(models.TextChoices):
        REVOKED = "revoked", "Revoked"
        TASK = "task", "Its task ended"
        IDENTITY = "identity", "An identity in its chain may not act"
        PERSON = "person", "The person left"
        ACCESS = "access", "The access ended"
        TRUST = "trust", "What proved it is not trusted any more"
        PARENT = "parent", "The token it came from was revoked"

    jti = models.UUIDField(unique=True, default=uuid4)
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the token.")
    identity = models.ForeignKey(
        Identity, models.CASCADE, related_name="+", help_text="Who holds it: the current actor."
    )
    task = models.ForeignKey(Task, models.CASCADE, related_name="+")
    person = models.ForeignKey(
        Person, models.CASCADE, null=True, blank=True, related_name="+",
        help_text="On whose behalf, at the beginning of the chain.",
    )  # fmt: skip
    subject = models.CharField(max_length=2048, help_text="The claim `sub`.")
    audience = models.CharField(max_length=500)
    scope = ArrayField(models.CharField(max_length=500), help_text="What it may be used for.")
    jkt = models.CharField(
        max_length=64, blank=True, default="", help_text="Thumbprint of the DPoP key (RFC 9449)."
    )
    x5t = models.CharField(
        max_length=64, blank=True, default="", help_text="Thumbprint of the certificate (RFC 8705)."
    )
    proof = models.CharField(max_length=15, choices=Proof)
    bundle = models.ForeignKey(TrustBundle, models.PROTECT, null=True, blank=True, related_name="+")
    client = models.ForeignKey(OAuthClient, models.PROTECT, null=True, blank=True, related_name="+")
    issuer = models.ForeignKey(OidcIssuer, models.PROTECT, null=True, blank=True, related_name="+")
    parent = models.ForeignKey(
        "self", models.CASCADE, null=True, blank=True, related_name="children"
    )
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    end_cause = models.CharField(max_length=8, choices=EndCause, blank=True, default="")

    objects = TokenQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("issued_at")), name="token_ends_after_it_was_issued"
            ),
            models.CheckConstraint(
                condition=~Q(jkt="") | ~Q(x5t=""), name="token_is_bound_to_a_workload"
            ),
            models.CheckConstraint(condition=~Q(scope=[]), name="token_is_for_something"),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True, end_cause="")
                | (Q(revoked_at__isnull=False) & ~Q(end_cause="")),
                name="token_has_a_cause_when_it_ended",
            ),
        ]
        indexes = [
            models.Index(fields=["identity", "-id"], name="token_of_identity"),
            models.Index(fields=["task", "-id"], name="token_of_task"),
            models.Index(fields=["expires_at"], name="token_by_end"),
        ]
        triggers = tracked(identity="identity_id", hidden=("digest",))

    def __str__(self) -> str:
        return f"token {self.jti}"

    def state(self, at: datetime) -> str:
        """Its own state; whether what it rests on still stands is asked of `carried` and of the decisions."""
        if self.revoked_at is not None and self.revoked_at <= at:
            return "revoked" if self.end_cause == self.EndCause.REVOKED else "ended"
        return "expired" if self.expires_at <= at else "live"


class TokenActor(models.Model):
    """One identity in the chain of a token: 0 is its holder, then who passed the work on, back to the beginning."""

    token = models.ForeignKey(Token, models.CASCADE, related_name="actors")
    position = models.PositiveSmallIntegerField()
    identity = models.ForeignKey(Identity, models.CASCADE, related_name="+")
    link = models.BigIntegerField(
        null=True,
        blank=True,
        help_text="The delegation by which it acts for the next; a number, so that a deleted one is missed.",
    )

    class Meta:
        ordering = ["token", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["token", "position"], name="token_actor_has_its_own_position"
            ),
            models.UniqueConstraint(
                fields=["token", "identity"], name="token_actor_is_once_in_a_chain"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position} of token {self.token_id}"


class TokenAncestor(models.Model):
    """Every token that this one came from: when one of them is revoked, it ends as well."""

    token = models.ForeignKey(Token, models.CASCADE, related_name="ancestors")
    ancestor = models.ForeignKey(Token, models.CASCADE, related_name="descendants")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["token", "ancestor"], name="token_ancestor_is_named_once"
            ),
        ]

    def __str__(self) -> str:
        return f"token {self.token_id} came from {self.ancestor_id}"
