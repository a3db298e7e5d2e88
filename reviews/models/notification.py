"""What people and platforms are told: an outbox, so that nothing is lost and nothing is said twice."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from inventory.history import tracked
from inventory.models import Person


class Webhook(models.Model):
    """A platform that is told of events: signed, with retries. Its key is derived, never stored."""

    name = models.CharField(max_length=100, unique=True)
    url = models.URLField(max_length=1000)
    events = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    enabled = models.BooleanField(default=True)
    key_version = models.PositiveIntegerField(
        default=1, help_text="One more makes a new signing key and ends the old one."
    )
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]
        triggers = tracked(identity="NULL::bigint")

    def __str__(self) -> str:
        return self.name


class Notification(models.Model):
    """One message to one person by e-mail, or to one webhook; told once, whatever worker dies."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        FAILED = "failed", "Given up"
        DROPPED = "dropped", "No longer needed"

    event = models.CharField(
        max_length=40, help_text="What happened: request.asked, grant.ends ..."
    )
    about = models.CharField(max_length=80, help_text="Which row, such as request:42.")
    key = models.CharField(
        max_length=200, unique=True, help_text="What makes it the same message; told once."
    )
    person = models.ForeignKey(
        Person, models.CASCADE, null=True, blank=True, related_name="+", db_index=False
    )
    webhook = models.ForeignKey(
        Webhook, models.CASCADE, null=True, blank=True, related_name="deliveries"
    )
    title = models.CharField(max_length=300)
    body = models.TextField(blank=True, default="")
    path = models.CharField(max_length=500, help_text="Where the decision is made, in Mandate.")
    payload = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=7, choices=Status, default=Status.WAITING)
    created_at = models.DateTimeField()
    next_try_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True, default="")
    batch = models.UUIDField(
        null=True,
        blank=True,
        help_text="The e-mail that it goes out with; the same at every retry.",
    )
    read_at = models.DateTimeField(
        null=True, blank=True, help_text="When its person opened it in Mandate."
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(person__isnull=True, webhook__isnull=False)
                | Q(person__isnull=False, webhook__isnull=True),
                name="notification_has_one_addressee",
            ),
            models.CheckConstraint(
                condition=~Q(status="sent") | Q(sent_at__isnull=False),
                name="notification_sent_has_a_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_try_at"], name="notification_waiting", condition=Q(status="waiting")
            ),
            models.Index(fields=["status", "-id"], name="notification_by_status"),
            models.Index(fields=["about"], name="notification_about"),
            models.Index(fields=["person", "-id"], name="notification_of_person"),
            models.Index(
                fields=["person", "sent_at"],
                name="notification_sent_to_person",
                condition=Q(sent_at__isnull=False),
            ),
            models.Index(
                fields=["batch"], name="notification_batch", condition=Q(status="waiting")
            ),
            models.Index(fields=["created_at"], name="notification_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.event}: {self.about}"
