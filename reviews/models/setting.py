"""What an administrator decided about a check: whether it runs, and with which parameters."""

from django.db import models

from inventory.history import tracked


class CheckSetting(models.Model):
    """One decision about one check; without a row the default in the code holds."""

    ENABLED = "enabled"

    check_id = models.CharField(max_length=60)
    name = models.CharField(max_length=60, help_text="A parameter of the check, or enabled.")
    value = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["check_id", "name"], name="check_setting_is_once_per_check"
            ),
        ]
        triggers = tracked(identity="NULL::bigint")

    def __str__(self) -> str:
        return f"{self.check_id}: {self.name}"
