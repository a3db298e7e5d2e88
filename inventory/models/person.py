"""People and teams: who can answer for an identity. Not logins."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from inventory.history import tracked
from inventory.models.source import Sourced
from inventory.noted import CHANGED, OF_ALL, noted


class Team(Sourced):
    """A group of people that identities belong to."""

    name = models.CharField(max_length=200)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint("namespace", "external_id", name="team_is_once_in_a_namespace"),
        ]
        indexes = [models.Index(Lower("name"), name="team_name")]
        triggers = tracked(identity="NULL::bigint")

    def __str__(self) -> str:
        return self.name


class PersonQuerySet(models.QuerySet["Person"]):
    def accountable(self, at: datetime) -> "PersonQuerySet":
        """Those who can own something: active or leaving, and not yet gone."""
        return self.filter(can_answer(at))


def can_answer(at: datetime, prefix: str = "") -> Q:
    """The person behind `prefix` is here: not marked as left, and no last day before the moment."""
    return (
        ~Q(**{f"{prefix}status": Person.Status.LEFT})
        & (Q(**{f"{prefix}left_at": None}) | Q(**{f"{prefix}left_at__gt": at}))
        & (Q(**{f"{prefix}leaves_at": None}) | Q(**{f"{prefix}leaves_at__gt": at}))
        & Q(**{f"{prefix}gone_at": None})
    )


class Person(Sourced):
    """Somebody who can own, sponsor or use an identity."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        LEAVING = "leaving", "Leaving"
        LEFT = "left", "Left"

    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=200)
    manager = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="reports"
    )
    team = models.ForeignKey(Team, models.SET_NULL, null=True, blank=True, related_name="people")
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    leaves_at = models.DateTimeField(
        "last day", null=True, blank=True, help_text="Announced last day."
    )
    left_at = models.DateTimeField(null=True, blank=True)
    away_from = models.DateTimeField(null=True, blank=True, help_text="First day of an absence.")
    away_until = models.DateTimeField(null=True, blank=True, help_text="Back from this day.")
    deputy = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="deputises_for",
        help_text="Who decides while this person is away.",
    )

    objects = PersonQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "people"
        constraints = [
            models.UniqueConstraint(
                "namespace", "external_id", name="person_is_once_in_a_namespace"
            ),
            models.UniqueConstraint(
                Lower("email"),
                name="person_email_is_unique",
                violation_error_message="Somebody with this e-mail address exists already.",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["active", "leaving", "left"]), name="person_status_is_known"
            ),
            models.CheckConstraint(
                condition=Q(left_at__isnull=True) | Q(status="left"),
                name="person_with_a_leaving_time_has_left",
            ),
            models.CheckConstraint(
                condition=Q(manager__isnull=True) | ~Q(manager=F("id")),
                name="person_is_not_their_own_manager",
                violation_error_message="A person cannot be their own manager.",
            ),
            models.CheckConstraint(
                condition=Q(deputy__isnull=True) | ~Q(deputy=F("id")),
                name="person_is_not_their_own_deputy",
                violation_error_message="A person cannot be their own deputy.",
            ),
            models.CheckConstraint(
                condition=Q(away_from__isnull=True)
                | (Q(away_until__isnull=False) & Q(away_until__gt=F("away_from"))),
                name="person_comes_back_after_going",
                violation_error_message="The absence ends before it begins. Choose a later day.",
            ),
        ]
        indexes = [
            models.Index(fields=["name", "id"], name="person_by_name"),
            models.Index(fields=["status", "name", "id"], name="person_by_status"),
            models.Index(
                fields=["leaves_at"],
                name="person_leaving",
                condition=Q(leaves_at__isnull=False),
            ),
        ]
        triggers = [*tracked(identity="NULL::bigint"), *noted(OF_ALL, on=CHANGED)]

    def __str__(self) -> str:
        return self.name

    def can_answer(self, at: datetime) -> bool:
        """Whether this person can be accountable at the moment; the same rule as `can_answer(at)` on querysets."""
        last_day = min((day for day in (self.left_at, self.leaves_at) if day), default=None)
        return (
            self.status != self.Status.LEFT
            and self.gone_at is None
            and (last_day is None or last_day > at)
        )

    def is_away(self, at: datetime) -> bool:
        """On leave at the moment; the day of return counts as back."""
        return (
            self.away_from is not None
            and self.away_until is not None
            and self.away_from <= at < self.away_until
        )
