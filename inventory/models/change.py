"""One recorded change of one governed row, written by triggers; or a page an auditor looked at. Never changed."""

from datetime import datetime

import pgtrigger
from django.contrib.postgres.indexes import BrinIndex
from django.db import models


class ChangeQuerySet(models.QuerySet["Change"]):
    def of(self, row: models.Model) -> "ChangeQuerySet":
        """The history of one row, newest first."""
        return self.filter(noun=row._meta.db_table, row_id=row.pk).order_by("-id")

    def about_identity(self, identity_id: int) -> "ChangeQuerySet":
        """What happened to an identity and to the rows that hang on it, newest first."""
        return self.filter(identity_id=identity_id).order_by("-id")

    def as_of(self, noun: str, at: datetime) -> "ChangeQuerySet":
        """For each row of a table, the last change at or before the moment; deleted rows left out."""
        latest = self.filter(noun=noun, at__lte=at).order_by("row_id", "-id").distinct("row_id")
        return self.filter(pk__in=latest.values("pk")).exclude(operation=Change.Operation.DELETE)


class Change(models.Model):
    """A governed row was inserted, updated or deleted: when, by whom, in which act, and why."""

    class Operation(models.TextChoices):
        INSERT = "insert", "Added"
        UPDATE = "update", "Changed"
        DELETE = "delete", "Removed"

    at = models.DateTimeField()
    transaction = models.BigIntegerField(help_text="Changes of one transaction share this number.")
    actor = models.TextField(help_text="Who: a user's name, a job, an import, or a database user.")
    user = models.ForeignKey(
        "inventory.User", models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    verb = models.TextField(help_text="The act, such as grant.revoked.")
    reason = models.TextField(blank=True, default="")
    noun = models.TextField(help_text="The table the row belongs to.")
    row_id = models.BigIntegerField()
    identity_id = models.BigIntegerField(null=True)
    operation = models.CharField(max_length=6, choices=Operation)
    before = models.JSONField(
        null=True, help_text="Update: the changed columns' old values. Delete: the row."
    )
    after = models.JSONField(null=True, help_text="The whole row after the change.")

    objects = ChangeQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["noun", "row_id", "-id"], name="change_of_row"),
            models.Index(
                fields=["identity_id", "-id"],
                name="change_about_identity",
                condition=models.Q(identity_id__isnull=False),
            ),
            models.Index(fields=["verb", "-id"], name="change_by_verb"),
            models.Index(fields=["user", "-id"], name="change_by_user"),
            BrinIndex(fields=["at"], name="change_at"),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.verb} by {self.actor}"
