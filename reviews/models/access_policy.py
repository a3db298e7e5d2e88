"""Who has to approve access, and how long it may last: one version after the other, each kept."""

from django.db import models
from django.db.models import Q

from inventory.history import tracked


class AccessPolicy(models.Model):
    """One version of the rules for requests; `reviews/access_rules.py` reads them. The newest is in force."""

    version = models.PositiveIntegerField(unique=True)
    rules = models.JSONField(help_text="As `access_rules.Rules.as_json` writes them.")
    note = models.TextField(help_text="Why it was changed.")
    author = models.CharField(max_length=200)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-version"]
        verbose_name_plural = "access policies"
        constraints = [
            models.CheckConstraint(condition=Q(version__gte=1), name="access_policy_counts_from_1"),
        ]
        triggers = tracked(identity="NULL::bigint")

    def __str__(self) -> str:
        return f"version {self.version}"
