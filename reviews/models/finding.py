"""What a check found wrong, and the exceptions that people granted."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from inventory.history import tracked
from inventory.models import Identity, Severity, User

WAIVED = ("accepted", "snoozed", "false_positive")


def open_finding_q(at: datetime, prefix: str = "") -> Q:
    """Open at the moment: also what was accepted or snoozed until a time that has come (law 1)."""
    return Q(**{f"{prefix}status": Finding.Status.OPEN}) | Q(
        **{f"{prefix}status__in": WAIVED, f"{prefix}until__lte": at}
    )


class FindingQuerySet(models.QuerySet["Finding"]):
    def open(self, at: datetime) -> "FindingQuerySet":
        return self.filter(open_finding_q(at))

    def unresolved(self) -> "FindingQuerySet":
        return self.exclude(status=Finding.Status.RESOLVED)

    def in_state(self, state: str, at: datetime) -> "FindingQuerySet":
        """Those in a state at the moment, whether or not a job has written it down yet."""
        return self.filter(Finding.state_q(state, at))


class Finding(models.Model):
    """Something is wrong with a subject. One row for good: it is resolved and opened again, never
    doubled."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        ACCEPTED = "accepted", "Accepted"
        SNOOZED = "snoozed", "Snoozed"
        FALSE_POSITIVE = "false_positive", "False positive"
        RESOLVED = "resolved", "Resolved"

    check_id = models.CharField(max_length=60)
    subject = models.CharField(max_length=80, help_text="What it is about, such as credential:42.")
    identity = models.ForeignKey(
        Identity, models.SET_NULL, null=True, related_name="+", db_index=False
    )
    severity = models.PositiveSmallIntegerField(choices=Severity)
    evidence = models.JSONField(default=dict)
    status = models.CharField(max_length=14, choices=Status, default=Status.OPEN)
    until = models.DateTimeField(
        null=True, blank=True, help_text="When an accepted or snoozed finding counts as open again."
    )
    first_seen_at = models.DateTimeField()
    opened_at = models.DateTimeField(help_text="When it was opened the last time.")
    resolved_at = models.DateTimeField(null=True, blank=True)
    assignee = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )

    objects = FindingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["check_id", "subject"], name="finding_is_once_per_check_and_subject"
            ),
            models.CheckConstraint(
                condition=Q(severity__range=(1, 4)), name="finding_severity_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["accepted", "snoozed"]) | Q(until__isnull=False),
                name="finding_waived_ends_some_time",
                violation_error_message="Say until when. Only a false positive may have no end.",
            ),
            models.CheckConstraint(
                condition=Q(status__in=WAIVED) | Q(until__isnull=True),
                name="finding_until_belongs_to_a_waiver",
            ),
            models.CheckConstraint(
                condition=Q(status="resolved", resolved_at__isnull=False)
                | (~Q(status="resolved") & Q(resolved_at__isnull=True)),
                name="finding_resolved_has_a_time",
            ),
        ]
        indexes = [
            models.Index(F("severity").desc(), F("id").desc(), name="finding_by_severity"),
            models.Index(
                F("status"), F("severity").desc(), F("id").desc(), name="finding_by_status"
            ),
            models.Index(
                F("check_id"), F("severity").desc(), F("id").desc(), name="finding_by_check"
            ),
            models.Index(
                F("identity"), F("severity").desc(), F("id").desc(), name="finding_by_identity"
            ),
            models.Index(
                F("assignee"),
                F("severity").desc(),
                F("id").desc(),
                name="finding_by_assignee",
                condition=Q(assignee__isnull=False),
            ),
            models.Index(
                fields=["until"], name="finding_by_until", condition=Q(until__isnull=False)
            ),
        ]
        triggers = tracked(identity="identity_id")

    def __str__(self) -> str:
        return f"{self.check_id}: {self.subject}"

    @staticmethod
    def state_q(state: str, at: datetime) -> Q:
        """In a state at the moment; the same rule as `state(at)`."""
        if state == Finding.Status.OPEN:
            return open_finding_q(at)
        if state not in WAIVED:
            return Q(status=state)
        return Q(status=state) & (Q(until=None) | Q(until__gt=at))

    def state(self, at: datetime) -> str:
        """Its status at the moment; the same rule as `Finding.objects.in_state`."""
        if self.status in WAIVED and self.until is not None and self.until <= at:
            return self.Status.OPEN
        return self.status


class WaiverQuerySet(models.QuerySet["Waiver"]):
    def standing(self, at: datetime) -> "WaiverQuerySet":
        ahead = Q(ends_at=None) | Q(ends_at__gt=at)
        return self.filter(ahead, starts_at__lte=at, withdrawn_at=None)


class Waiver(models.Model):
    """An exception that somebody granted for a finding: why, what protects instead, until when."""

    class Kind(models.TextChoices):
        ACCEPTED = "accepted", "Risk accepted"
        SNOOZED = "snoozed", "Snoozed"
        FALSE_POSITIVE = "false_positive", "False positive"

    finding = models.ForeignKey(Finding, models.CASCADE, related_name="waivers")
    kind = models.CharField(max_length=14, choices=Kind)
    reason = models.TextField()
    compensating_control = models.TextField(blank=True, default="")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    author = models.ForeignKey(User, models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = WaiverQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["finding"],
                condition=Q(withdrawn_at__isnull=True),
                name="waiver_stands_once_per_finding",
            ),
            models.CheckConstraint(
                condition=Q(kind="false_positive") | Q(ends_at__isnull=False),
                name="waiver_has_an_end",
                violation_error_message="Say until when. Only a false positive may have no end.",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="waiver_ends_after_start",
                violation_error_message="It ends before it starts. Choose a later end.",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="waiver_has_a_reason"),
        ]
        triggers = tracked(identity="NULL::bigint")

    def __str__(self) -> str:
        return f"{self.get_kind_display()} for finding {self.finding_id}"
