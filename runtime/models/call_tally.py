"""Tool calls counted: one row for each day, identity, tool and task; what pages and rules about many calls read."""

from django.db import models
from django.db.models import F, Q

from inventory.models import Identity, Task
from inventory.noted import OF_ITS_IDENTITY, noted


class CallTally(models.Model):
    """What one identity called of one tool on one day (UTC), for one task or for none.

    Derived from the calls (runtime/tallies.py) and counted anew as long as calls of that day arrive, so it has no
    history. It outlives the calls themselves, which retention drops.
    """

    day = models.DateField()
    identity = models.ForeignKey(
        Identity, models.CASCADE, null=True, related_name="+", db_index=False
    )
    agent_name = models.CharField(
        max_length=300,
        blank=True,
        default="",
        help_text="What the caller called itself, where no identity is known.",
    )
    task = models.ForeignKey(Task, models.CASCADE, null=True, related_name="+")
    provider = models.CharField(max_length=300, blank=True, default="")
    tool_name = models.CharField(max_length=300)
    system = models.CharField(max_length=300, blank=True, default="")
    calls = models.PositiveIntegerField()
    writes = models.PositiveIntegerField(help_text="Of these the ones known to change something.")
    accompanied = models.PositiveIntegerField(help_text="With a person named in the trace.")
    alone = models.PositiveIntegerField(help_text="Without a person named anywhere in the trace.")
    alone_writes = models.PositiveIntegerField()
    late = models.PositiveIntegerField(help_text="For a task that had ended when it was called.")
    handed = models.PositiveIntegerField(help_text="Gave work to another agent.")
    decided = models.PositiveIntegerField(help_text="With a decision on record.")
    covered = models.PositiveIntegerField(help_text="Permitted by an explicit rule.")
    failed = models.PositiveIntegerField()
    denied = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "call tallies"
        constraints = [
            models.UniqueConstraint(
                fields=["day", "identity", "agent_name", "task", "provider", "tool_name", "system"],
                nulls_distinct=False,
                name="call_tally_is_once",
            ),
            models.CheckConstraint(
                condition=Q(covered__lte=F("calls")) & Q(decided__lte=F("calls")),
                name="call_tally_parts_are_within_the_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["identity", "day"], name="call_tally_of_identity"),
            models.Index(fields=["provider", "tool_name", "day"], name="call_tally_of_tool"),
        ]
        triggers = noted(OF_ITS_IDENTITY)

    def __str__(self) -> str:
        return f"{self.calls} calls of {self.tool_name} on {self.day}"


class TallyMark(models.Model):
    """How far the calls are counted, one row: what was received before is in the tallies."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    position = models.BigIntegerField(help_text="How far the calls were counted at that moment.")
    taken_at = models.DateTimeField()
    settled = models.BigIntegerField(help_text="Calls up to here need not be looked at again.")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="tally_mark_is_one_row")]

    def __str__(self) -> str:
        return f"counted up to {self.position}"
