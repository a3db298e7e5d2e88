"""What a change would have done to what was asked in the past days; kept with the change."""

from django.db import models
from django.db.models import F, Q

from inventory.models import Grant, Identity, Tier
from runtime.models.policy_set import PolicySetVersion


class Replay(models.Model):
    """A draft, the end of a grant, or another control tier, tried on the recorded decisions and tool calls.

    Nothing is changed by it. The same change over the same records and facts has the same `input_digest`, and then
    always the same `result` and `result_digest`.
    """

    class Change(models.TextChoices):
        POLICY = "policy", "Policies"
        GRANT = "grant", "End of a grant"
        TIER = "tier", "Control tier"

    class Status(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    OVER = (Status.DONE, Status.FAILED)

    change = models.CharField(max_length=6, choices=Change)
    version = models.ForeignKey(
        PolicySetVersion, models.CASCADE, null=True, blank=True, related_name="replays"
    )
    grant = models.ForeignKey(Grant, models.CASCADE, null=True, blank=True, related_name="+")
    identity = models.ForeignKey(
        Identity, models.CASCADE, null=True, blank=True, related_name="+",
        help_text="Whose grant or tier changes.",
    )  # fmt: skip
    tier = models.PositiveSmallIntegerField(choices=Tier, null=True, blank=True)
    text_digest = models.CharField(
        max_length=64, blank=True, default="", help_text="Of the draft as it was tried."
    )
    since = models.DateTimeField()
    until = models.DateTimeField()
    status = models.CharField(max_length=7, choices=Status, default=Status.QUEUED)
    asked_by = models.CharField(max_length=200)
    asked_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    done = models.PositiveIntegerField(default=0, help_text="Records read so far.")
    total = models.PositiveIntegerField(default=0, help_text="Records in the interval.")
    input_digest = models.CharField(max_length=64, blank=True, default="")
    result = models.JSONField(default=dict, help_text="Counts, and what changes for whom.")
    result_digest = models.CharField(
        max_length=64, blank=True, default="", help_text="SHA-256 of the result and its rows."
    )
    error = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(change="policy", version__isnull=False, grant=None, tier=None)
                | Q(change="grant", grant__isnull=False, version=None, tier=None)
                | Q(change="tier", tier__isnull=False, identity__isnull=False, grant=None)
                & Q(version=None),
                name="replay_is_of_one_change",
            ),
            models.CheckConstraint(
                condition=Q(since__lt=F("until")), name="replay_ends_after_it_starts"
            ),
            models.CheckConstraint(
                condition=~Q(status="done")
                | (~Q(result_digest="") & ~Q(input_digest="") & Q(finished_at__isnull=False)),
                name="replay_has_a_result_when_done",
            ),
        ]
        indexes = [
            models.Index(fields=["version", "-id"], name="replay_of_version"),
            models.Index(fields=["grant", "-id"], name="replay_of_grant"),
            models.Index(fields=["identity", "-id"], name="replay_of_identity"),
        ]

    def __str__(self) -> str:
        return f"replay {self.pk}"

    @property
    def is_over(self) -> bool:
        return self.status in self.OVER


class ReplayRow(models.Model):
    """One question that would have been answered otherwise, and how often it was asked."""

    class Kind(models.TextChoices):
        DECISION = "decision", "Decision"
        CALL = "call", "Tool call"

    replay = models.ForeignKey(Replay, models.CASCADE, related_name="rows")
    kind = models.CharField(max_length=8, choices=Kind)
    identity = models.ForeignKey(
        Identity, models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    subject = models.CharField(max_length=600, help_text="Its name when it was tried.")
    action = models.CharField(max_length=300)
    resource_type = models.CharField(max_length=100)
    resource_id = models.CharField(max_length=1000)
    task_key = models.BigIntegerField(null=True)
    task_purpose = models.TextField(blank=True, default="")
    before = models.BooleanField(help_text="It was permitted.")
    after = models.BooleanField(help_text="It would be permitted.")
    reason = models.TextField(help_text="Why the answer would be that.")
    policies = models.JSONField(default=list)
    times = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    example = models.UUIDField(null=True, help_text="The newest such decision.")

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["replay", "-times", "-id"], name="replay_row_by_times")]

    def __str__(self) -> str:
        return f"row {self.pk} of replay {self.replay_id}"
