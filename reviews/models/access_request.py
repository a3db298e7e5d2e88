"""Requests for access, who is asked about them, and what they answered."""

from datetime import datetime, timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from inventory.history import tracked
from inventory.models import Entitlement, Grant, Identity, Person, Risk, Task, User
from reviews.models.access_policy import AccessPolicy


class AccessRequestQuerySet(models.QuerySet["AccessRequest"]):
    def waiting(self, at: datetime) -> "AccessRequestQuerySet":
        """Those that somebody can still answer."""
        return self.filter(status=AccessRequest.Status.WAITING, answer_by__gt=at)

    def unanswered(self, at: datetime) -> "AccessRequestQuerySet":
        """Those whose time to answer is over, and nobody has written it down yet."""
        return self.filter(status=AccessRequest.Status.WAITING, answer_by__lte=at)


class AccessRequest(models.Model):
    """Somebody asks that an identity may do something: for a while, or for good."""

    class Kind(models.TextChoices):
        TEMPORARY = "temporary", "For a while"
        PERMANENT = "permanent", "For good"

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        APPROVED = "approved", "Approved"
        REFUSED = "refused", "Refused"
        CANCELLED = "cancelled", "Cancelled"
        LAPSED = "lapsed", "Unanswered"

    kind = models.CharField(max_length=9, choices=Kind)
    status = models.CharField(max_length=9, choices=Status, default=Status.WAITING)
    identity = models.ForeignKey(Identity, models.CASCADE, related_name="+")
    task = models.ForeignKey(Task, models.CASCADE, null=True, blank=True, related_name="+")
    beneficiary = models.ForeignKey(
        Person,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="For whom the work is done; may not approve it.",
    )
    requested_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    reason = models.TextField()
    lasts = models.DurationField(null=True, blank=True, help_text="Counted from the approval.")
    risk = models.CharField(max_length=8, choices=Risk)
    policy = models.ForeignKey(AccessPolicy, models.PROTECT, related_name="+")
    needed = models.JSONField(default=list, help_text="How many approvals each slot needs: [1, 1].")
    created_at = models.DateTimeField()
    answer_by = models.DateTimeField()
    escalate_at = models.DateTimeField(null=True, blank=True)
    escalated_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    answer = models.TextField(blank=True, default="", help_text="Why it was decided so.")

    objects = AccessRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="permanent", lasts__isnull=True)
                | Q(kind="temporary", lasts__gt=timedelta(0)),
                name="access_request_for_a_while_says_how_long",
                violation_error_message="Say how long, or ask for permanent access.",
            ),
            models.CheckConstraint(
                condition=Q(status="waiting", decided_at__isnull=True)
                | (~Q(status="waiting") & Q(decided_at__isnull=False)),
                name="access_request_decided_has_a_time",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="access_request_has_a_reason"),
        ]
        indexes = [
            models.Index(fields=["status", "-id"], name="access_request_by_status"),
            models.Index(fields=["identity", "-id"], name="access_request_of_identity"),
            models.Index(fields=["requested_by", "-id"], name="access_request_by_user"),
            models.Index(
                fields=["answer_by"], name="access_request_waiting", condition=Q(status="waiting")
            ),
            models.Index(fields=["risk", "-id"], name="access_request_by_risk"),
        ]
        triggers = tracked(identity="identity_id")

    def __str__(self) -> str:
        return f"request {self.pk}"

    def state(self, at: datetime) -> str:
        """Its status at the moment, whether or not a job has written it down yet."""
        if self.status == self.Status.WAITING and self.answer_by <= at:
            return self.Status.LAPSED
        return self.status


class RequestedEntitlement(models.Model):
    """One thing that a request asks for; `kept` says whether the approval left it in."""

    request = models.ForeignKey(AccessRequest, models.CASCADE, related_name="items")
    entitlement = models.ForeignKey(Entitlement, models.CASCADE, related_name="+")
    kept = models.BooleanField(default=True)
    grant = models.ForeignKey(Grant, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["request", "entitlement"], name="access_request_names_an_entitlement_once"
            ),
        ]
        triggers = tracked(identity="NULL::bigint")

    def __str__(self) -> str:
        return f"entitlement {self.entitlement_id} in request {self.request_id}"


class Approval(models.Model):
    """One person is asked about one request, in one part; and what they answered."""

    class Part(models.TextChoices):
        OWNER = "owner", "Owner"
        RESOURCE_OWNER = "resource_owner", "Resource owner"
        SECURITY = "security", "Security"

    class Answer(models.TextChoices):
        APPROVED = "approved", "Approved"
        REFUSED = "refused", "Refused"

    request = models.ForeignKey(AccessRequest, models.CASCADE, related_name="approvals")
    slot = models.PositiveSmallIntegerField(
        default=0, help_text="Which of the needed approvals this one can be."
    )
    part = models.CharField(max_length=14, choices=Part)
    person = models.ForeignKey(
        Person,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who is asked; empty: anybody from security.",
    )
    stands_for = models.TextField(
        blank=True, default="", help_text="Why this person and not the first in line."
    )
    passed_over = ArrayField(models.TextField(), default=list, blank=True)
    asked_at = models.DateTimeField()
    answer = models.CharField(max_length=8, choices=Answer, blank=True, default="")
    answered_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["request", "slot", "person"],
                nulls_distinct=False,
                name="approval_is_asked_once_of_a_person",
            ),
            models.CheckConstraint(
                condition=Q(answer="", answered_at__isnull=True, answered_by__isnull=True)
                | (
                    ~Q(answer="") & Q(answered_at__gte=F("asked_at")) & Q(answered_by__isnull=False)
                ),
                name="approval_answer_has_author_and_time",
            ),
        ]
        indexes = [
            models.Index(fields=["person"], name="approval_waiting", condition=Q(answer="")),
        ]
        triggers = tracked(identity="NULL::bigint")

    def __str__(self) -> str:
        return f"{self.get_part_display()} for request {self.request_id}"
