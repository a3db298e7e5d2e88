"""What a person says of a control, where no check can: always shown as such, and until a day only."""

from datetime import datetime

from django.db import models
from django.db.models import Q

from inventory.history import tracked
from inventory.models import User


class AttestationQuerySet(models.QuerySet["Attestation"]):
    def standing(self, at: datetime) -> "AttestationQuerySet":
        """Those that count at the moment: not withdrawn, and their last day not over (law 1)."""
        return self.filter(
            Q(withdrawn_at=None) | Q(withdrawn_at__gt=at), made_at__lte=at, ends_on__gte=at.date()
        )

    def about(self, framework_key: str, control_id: str) -> "AttestationQuerySet":
        return self.filter(framework_key=framework_key, control_id=control_id)


class Attestation(models.Model):
    """A statement of a person about a control. It never changes what the checks measured."""

    framework_key = models.SlugField(max_length=40)  # by name: it outlives a catalogue's version
    control_id = models.CharField(max_length=80)
    statement = models.TextField()
    link = models.URLField(max_length=1000, blank=True, default="")
    file_name = models.CharField(max_length=200, blank=True, default="")
    file_sha256 = models.CharField(max_length=64, blank=True, default="")
    file_content = models.BinaryField(null=True, blank=True)
    author = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    ends_on = models.DateField(help_text="The last day on which it counts (UTC).")
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.CharField(max_length=200, blank=True, default="")
    withdrawn_why = models.TextField(blank=True, default="")

    objects = AttestationQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(statement=""), name="attestation_says_something"),
            models.CheckConstraint(
                condition=Q(file_name="", file_sha256="", file_content__isnull=True)
                | (~Q(file_name="") & ~Q(file_sha256="") & Q(file_content__isnull=False)),
                name="attestation_file_is_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["framework_key", "control_id"], name="attestation_of_control")
        ]
        triggers = tracked(identity="NULL::bigint", hidden=("file_content",))

    def __str__(self) -> str:
        return f"attestation of {self.framework_key} {self.control_id}"

    def state(self, at: datetime) -> str:
        """Standing, ended or withdrawn; the same rule as `standing`."""
        if self.withdrawn_at is not None and self.withdrawn_at <= at:
            return "withdrawn"
        return "standing" if self.ends_on >= at.date() else "ended"
