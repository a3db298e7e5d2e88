"""Whose facts a transaction changed, written by triggers (inventory/fact_changes.py); kept for some minutes only."""

from django.db import models


class FactChange(models.Model):
    """What decisions rest on changed for one identity, for everybody (0), or for applications (-1)."""

    transaction = models.BigIntegerField(help_text="The number of the transaction, with its epoch.")
    key = models.BigIntegerField(help_text="An identity, or one of the two words for many.")
    seen_at = models.DateTimeField(
        null=True, help_text="When the job that clears away first saw it: it was committed by then."
    )

    class Meta:
        indexes = [models.Index(fields=["transaction"], name="fact_change_of_transaction")]

    def __str__(self) -> str:
        return f"{self.key} in transaction {self.transaction}"
