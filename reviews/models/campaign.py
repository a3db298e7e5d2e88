"""Access reviews: campaigns, their items, and what reviewers decided."""

from datetime import datetime, timedelta

import pgtrigger
from django.db import models
from django.db.models import F, Q

from inventory.history import tracked
from inventory.models import Grant, Identity, Person, Team, User


def _closed_stays(condition: str) -> pgtrigger.Trigger:
    """What a closed campaign says is evidence: nobody changes it any more, whatever they use to try."""
    return pgtrigger.Trigger(
        name="closed_stays",
        when=pgtrigger.Before,
        operation=pgtrigger.Update | pgtrigger.Delete,
        func=(
            f"{condition} RAISE EXCEPTION 'A closed campaign cannot be changed.'; END IF;"
            " IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;"
        ),
    )


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def open(self, at: datetime) -> "CampaignQuerySet":
        return self.filter(status=Campaign.Status.OPEN, launched_at__lte=at)


class Campaign(models.Model):
    """A review of access: which grants, by whom, until when, and what happens to what nobody decided."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"
        CANCELLED = "cancelled", "Cancelled"

    class Scope(models.TextChoices):
        PRODUCTION_ACTORS = "production_actors", "Grants of actors and brokers in production"
        CRITICAL = "critical", "Grants of critical or administrative entitlements"
        UNUSED = "unused", "Grants unused for 90 days"
        STANDING = "standing", "Standing grants without an end"
        EVERYTHING = "everything", "All grants in force"

    class Reviewer(models.TextChoices):
        OWNER = "owner", "The owner of the identity"
        SPONSOR = "sponsor", "The sponsor"
        MANAGER = "manager", "The owner's manager"
        NAMED = "named", "One named person"

    class Silence(models.TextChoices):
        SUSPEND = "suspend", "Suspend the identity"
        REVOKE = "revoke", "Revoke the grant"
        KEEP = "keep", "Keep it, and say so"

    name = models.CharField(max_length=200)
    status = models.CharField(max_length=9, choices=Status, default=Status.DRAFT)
    scope = models.CharField(max_length=20, choices=Scope)
    team = models.ForeignKey(
        Team,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Only the identities of this team.",
    )
    reviewers = models.CharField(max_length=8, choices=Reviewer, default=Reviewer.OWNER)
    named_reviewer = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="+"
    )
    on_silence = models.CharField(max_length=8, choices=Silence, default=Silence.REVOKE)
    spare_used = models.BooleanField(
        "spare what is used",
        default=True,
        help_text="What was used during the campaign, or that others depend on, is kept and reported instead.",
    )
    due_at = models.DateTimeField()
    grace = models.DurationField(default=timedelta(days=7))
    repeat_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="Start again so many days after this one started."
    )
    repeats = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="repeated_by"
    )
    author = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    launched_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    report_digest = models.CharField(
        max_length=64, blank=True, default="", help_text="SHA-256 of the report at closing."
    )

    objects = CampaignQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(reviewers="named") | Q(named_reviewer__isnull=False),
                name="campaign_named_reviewer_is_named",
                violation_error_message="Name the person who reviews.",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["open", "closed"]) | Q(launched_at__isnull=False),
                name="campaign_open_was_launched",
            ),
            models.CheckConstraint(
                condition=Q(status="closed", closed_at__isnull=False)
                | (~Q(status="closed") & Q(closed_at__isnull=True)),
                name="campaign_closed_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(launched_at__isnull=True) | Q(due_at__gt=F("launched_at")),
                name="campaign_is_due_after_it_starts",
                violation_error_message="It is due before it starts. Choose a later day.",
            ),
            models.CheckConstraint(
                condition=Q(grace__gte=timedelta(0)), name="campaign_grace_is_not_negative"
            ),
            models.UniqueConstraint(fields=["repeats"], name="campaign_is_repeated_once"),
        ]
        triggers = [
            *tracked(identity="NULL::bigint"),
            _closed_stays("IF OLD.status = 'closed' THEN"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def acts_at(self) -> datetime:
        """When what nobody decided is acted upon."""
        return self.due_at + self.grace


class ReviewItem(models.Model):
    """One grant that one reviewer judges in one campaign."""

    class Decision(models.TextChoices):
        KEEP = "keep", "Keep"
        REVOKE = "revoke", "Revoke"
        NARROW = "narrow", "Give it an end"
        HAND_OVER = "hand_over", "Hand over"
        ASK = "ask", "Ask"
        SUSPEND = "suspend", "Suspend the identity"

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="items")
    grant = models.ForeignKey(Grant, models.CASCADE, related_name="+")
    identity = models.ForeignKey(Identity, models.CASCADE, related_name="+")
    reviewer = models.ForeignKey(Person, models.SET_NULL, null=True, blank=True, related_name="+")
    recommendation = models.CharField(max_length=9, choices=Decision, blank=True, default="")
    because = models.CharField(
        max_length=300, blank=True, default="", help_text="Why this is recommended."
    )
    facts = models.JSONField(
        default=dict, help_text="What the reviewer was shown, as of the launch."
    )
    shown_at = models.DateTimeField(
        null=True, blank=True, help_text="When the reviewer first had it on the screen."
    )
    decision = models.CharField(max_length=9, choices=Decision, blank=True, default="")
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    in_bulk = models.BooleanField(default=False)
    reason = models.TextField(blank=True, default="")
    ends_at = models.DateTimeField(
        null=True, blank=True, help_text="The end that a narrowing decision gives."
    )
    done_at = models.DateTimeField(
        null=True, blank=True, help_text="When the decision was carried out."
    )
    outcome = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "grant"], name="review_item_is_once_in_a_campaign"
            ),
            models.CheckConstraint(
                condition=Q(decision="", decided_at__isnull=True)
                | (~Q(decision="") & Q(decided_at__isnull=False)),
                name="review_item_decided_has_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(decision="narrow") | Q(ends_at__isnull=False),
                name="review_item_narrowed_has_an_end",
            ),
        ]
        indexes = [
            models.Index(
                fields=["reviewer", "campaign"], name="review_item_open", condition=Q(decision="")
            ),
            models.Index(fields=["campaign", "id"], name="review_item_of_campaign"),
            models.Index(fields=["decided_by", "decided_at"], name="review_item_by_decider"),
        ]
        triggers = [
            *tracked(identity="identity_id"),
            _closed_stays(
                "IF EXISTS (SELECT FROM reviews_campaign c"
                " WHERE c.id = OLD.campaign_id AND c.status = 'closed') THEN"
            ),
        ]

    def __str__(self) -> str:
        return f"grant {self.grant_id} in campaign {self.campaign_id}"
