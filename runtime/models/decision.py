"""One answered request: who asked for what, what was said, why, and by which policy. Never changed."""

import os
from datetime import datetime
from uuid import UUID

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models

from inventory.models import Identity, Person, Task
from runtime.models.policy_set import PolicySetVersion


def new_decision_id(at: datetime) -> UUID:
    """UUID version 7 (RFC 9562, section 5.7) of the moment: the order of ids is the order of time."""
    milliseconds = int(at.timestamp() * 1000) & (2**48 - 1)
    random = int.from_bytes(os.urandom(10), "big")
    value = milliseconds << 80 | random & ~(0xF << 76) | 0x7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


class DecisionQuerySet(models.QuerySet["Decision"]):
    def about(self, identity: Identity) -> "DecisionQuerySet":
        """Those that an identity asked for, newest first."""
        return self.filter(identity=identity.pk).order_by("-id")

    def between(self, start: datetime, end: datetime) -> "DecisionQuerySet":
        """Those made in an interval, the end left out; reads only the days that it touches."""
        return self.filter(made_at__gte=start, made_at__lt=end)


class Decision(models.Model):
    """An answer to one request for access.

    The table is partitioned by day on `made_at` (runtime/decision_days.py), and its rows are written in groups by
    runtime/recording.py. There are no foreign keys in the database: a decision outlives what it was about. In the
    database the key is (id, made_at), because a partitioned table has no unique index without its day.
    """

    class Mode(models.TextChoices):
        ENFORCED = "enforced", "Enforced"
        MONITOR = "monitor", "Monitor only"

    id = models.UUIDField(primary_key=True, editable=False)
    made_at = models.DateTimeField()
    identity = models.ForeignKey(
        Identity, models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    subject_type = models.CharField(max_length=100)
    subject_id = models.CharField(max_length=500)
    action = models.CharField(max_length=300)
    resource_type = models.CharField(max_length=100)
    resource_id = models.CharField(max_length=1000)
    task = models.ForeignKey(
        Task, models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    on_behalf_of = models.ForeignKey(
        Person, models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    context = models.JSONField(
        default=dict, help_text="What of the request's context counts for the inventory; bounded."
    )
    facts = models.JSONField(
        default=dict,
        help_text="The facts as the policies were told them (Cedar's context), so that a replay can ask again;"
        " empty when the facts alone denied.",
    )
    context_digest = models.CharField(
        max_length=64, help_text="SHA-256 of the whole context and properties, canonical JSON."
    )
    permitted = models.BooleanField()
    reason_code = models.CharField(max_length=40)
    reason = models.TextField(help_text="Why, for a person.")
    remedy = models.TextField(blank=True, default="", help_text="What would change the answer.")
    policy_version = models.ForeignKey(
        PolicySetVersion, models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    policies = ArrayField(
        models.CharField(max_length=200),
        default=list,
        help_text="The @id of each policy that decided.",
    )
    mode = models.CharField(max_length=8, choices=Mode, default=Mode.ENFORCED)
    monitored = models.BooleanField(
        null=True, help_text="Monitor only: what the policies would have said."
    )
    latency_us = models.PositiveIntegerField(help_text="Microseconds until it was written down.")
    asked_by = models.CharField(
        max_length=200, blank=True, default="", help_text="The holder of the API token."
    )

    objects = DecisionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["identity", "-id"], name="decision_of_identity"),
            models.Index(
                fields=["task", "-id"],
                name="decision_of_task",
                condition=models.Q(task__isnull=False),
            ),
            BrinIndex(fields=["made_at"], name="decision_made_at"),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"decision {self.id}"
