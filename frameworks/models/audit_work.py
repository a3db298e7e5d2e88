"""What an auditor asks and remarks: requests for evidence with their state, and comments that stay."""

import pgtrigger
from django.db import models
from django.db.models import Q

from frameworks.models.assessment import Assessment
from inventory.history import tracked
from inventory.models import User


class EvidenceRequest(models.Model):
    """An auditor asks for evidence that the product does not show by itself; security answers."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        ANSWERED = "answered", "Answered"
        ACCEPTED = "accepted", "Accepted"
        WITHDRAWN = "withdrawn", "Withdrawn"

    question = models.TextField(help_text="What is to be shown.")
    assessment = models.ForeignKey(
        Assessment, models.PROTECT, null=True, blank=True, related_name="requests"
    )
    framework_key = models.SlugField(max_length=40, blank=True, default="")
    control_id = models.CharField(max_length=80, blank=True, default="")
    status = models.CharField(max_length=9, choices=Status, default=Status.OPEN)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    due_on = models.DateField(null=True, blank=True)
    answer = models.TextField(blank=True, default="")
    answer_link = models.URLField(max_length=1000, blank=True, default="")
    answered_by = models.CharField(max_length=200, blank=True, default="")
    answered_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(question=""), name="evidence_request_asks"),
            models.CheckConstraint(
                condition=Q(status__in=["open", "withdrawn"])
                | (~Q(answer="") & Q(answered_at__isnull=False)),
                name="evidence_request_answered_has_an_answer",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["accepted", "withdrawn"], closed_at__isnull=False)
                | Q(status__in=["open", "answered"], closed_at__isnull=True),
                name="evidence_request_closed_has_a_time",
            ),
        ]
        indexes = [models.Index(fields=["status", "-id"], name="evidence_request_by_status")]
        triggers = tracked(identity="NULL::bigint")

    def __str__(self) -> str:
        return f"Request for evidence {self.pk}"


class Comment(models.Model):
    """A remark on an assessment, a control of a framework, or a request for evidence. It stays as it was written."""

    assessment = models.ForeignKey(
        Assessment, models.PROTECT, null=True, blank=True, related_name="comments"
    )
    request = models.ForeignKey(
        EvidenceRequest, models.PROTECT, null=True, blank=True, related_name="comments"
    )
    framework_key = models.SlugField(max_length=40, blank=True, default="")
    control_id = models.CharField(max_length=80, blank=True, default="")
    text = models.TextField()
    author = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="comment_says_something"),
            models.CheckConstraint(
                condition=Q(assessment__isnull=False)
                | Q(request__isnull=False)
                | (~Q(framework_key="") & ~Q(control_id="")),
                name="comment_is_about_something",
            ),
        ]
        indexes = [models.Index(fields=["framework_key", "control_id"], name="comment_on_control")]
        triggers = [
            pgtrigger.Protect(name="never_changed", operation=pgtrigger.Update | pgtrigger.Delete),
            tracked(identity="NULL::bigint")[0],
        ]

    def __str__(self) -> str:
        return f"comment {self.pk}"
