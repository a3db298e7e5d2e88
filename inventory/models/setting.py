"""What security decides for the whole installation, and signs that the workers live."""

from django.db import models

from inventory.history import tracked


class Setting(models.Model):
    """One decision of the organisation; what may stand here is declared in `inventory/policy_settings.py`."""

    key = models.SlugField(max_length=60, unique=True)
    value = models.JSONField()

    class Meta:
        triggers = tracked(identity="NULL::bigint")

    def __str__(self) -> str:
        return self.key


class Heartbeat(models.Model):
    """When a part of the product last said that it is alive."""

    name = models.CharField(max_length=60, primary_key=True)
    beat_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
