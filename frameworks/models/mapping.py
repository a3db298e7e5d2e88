"""Which check is evidence for which control, how strong, and why."""

from django.db import models

from frameworks.models.framework import Control


class Mapping(models.Model):
    """One line of the crosswalk. The check may not be built yet; then it has never run."""

    class Strength(models.TextChoices):
        PRIMARY = "primary", "Primary"
        SUPPORTING = "supporting", "Supporting"

    check_id = models.CharField(max_length=60)
    check_title = models.CharField(max_length=200)
    control = models.ForeignKey(Control, models.CASCADE, related_name="mappings")
    strength = models.CharField(max_length=10, choices=Strength)
    why = models.TextField()
    limits = models.TextField(help_text="What the check cannot show.")

    class Meta:
        ordering = ["control", "strength", "check_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["check_id", "control"], name="mapping_is_once_per_check_and_control"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.check_id} for {self.control_id}"
