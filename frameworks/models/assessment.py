"""An assessment: what every check said of a scope at one moment, and what that made of every control; never changed."""

import uuid

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from inventory.models import Team, User

_OVER = "OLD.status IN ('done', 'failed')"


def kept_for_good(parent: str) -> list[pgtrigger.Trigger]:
    """The triggers of a part of an assessment: written while it is made, and never touched again.

    `parent` is SQL that finds the assessment's key from NEW.
    """
    return [
        pgtrigger.Protect(name="never_changed", operation=pgtrigger.Update | pgtrigger.Delete),
        pgtrigger.Trigger(
            name="only_while_made",
            when=pgtrigger.Before,
            operation=pgtrigger.Insert,
            func=(
                "IF EXISTS (SELECT 1 FROM frameworks_assessment a"  # noqa: S608  (our own words)
                f" WHERE a.id = ({parent}) AND a.status <> 'running') THEN"
                " RAISE EXCEPTION 'pgtrigger: the assessment is finished, nothing can be added';"
                " END IF; RETURN NEW;"
            ),
        ),
    ]


class AssessmentQuerySet(models.QuerySet["Assessment"]):
    def done(self) -> "AssessmentQuerySet":
        return self.filter(status=Assessment.Status.DONE)


class Assessment(models.Model):
    """One assessment of one scope. Once it is over, the database refuses every change of it."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    class Trigger(models.TextChoices):
        SCHEDULE = "schedule", "On schedule"
        MANUAL = "manual", "By hand"

    OVER = (Status.DONE, Status.FAILED)

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    number = models.PositiveIntegerField(unique=True)
    title = models.CharField(max_length=200)
    status = models.CharField(max_length=7, choices=Status, default=Status.QUEUED)
    trigger = models.CharField(max_length=8, choices=Trigger, default=Trigger.MANUAL)
    author = models.CharField(max_length=200)
    user = models.ForeignKey(
        User, models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    # No constraints to what may be removed later: the assessment keeps the words it was made with.
    team = models.ForeignKey(
        Team, models.DO_NOTHING, null=True, blank=True, related_name="+", db_constraint=False
    )
    team_name = models.CharField(max_length=200, blank=True, default="")
    environment = models.CharField(max_length=12, blank=True, default="")
    tier = models.PositiveSmallIntegerField(null=True, blank=True)
    asked_at = models.DateTimeField()
    facts_at = models.DateTimeField(null=True, help_text="The moment that was judged.")
    made_at = models.DateTimeField(null=True, help_text="When it was finished.")
    seconds = models.FloatField(default=0)
    error = models.TextField(blank=True, default="")
    seen = models.TextField(
        blank=True, default="", help_text="Which transactions it saw, as PostgreSQL writes it."
    )
    product_version = models.CharField(max_length=40, blank=True, default="")
    organisation = models.CharField(max_length=200, blank=True, default="")
    method = models.JSONField(default=list)
    limits = models.JSONField(default=list)
    totals = models.JSONField(default=dict, help_text="Identities, grants and others in scope.")
    changes = models.JSONField(
        default=list, help_text="Controls that answer otherwise than before."
    )
    before = models.UUIDField(null=True, help_text="The assessment that `changes` compares with.")

    objects = AssessmentQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(status="done") | Q(facts_at__isnull=False, made_at__isnull=False),
                name="assessment_done_has_its_moments",
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"],
                condition=Q(status__in=["queued", "running"]),
                name="assessment_unfinished",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="over_is_over",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(_OVER),
            ),
            pgtrigger.Protect(name="never_removed", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"Assessment {self.number}"

    @property
    def is_over(self) -> bool:
        return self.status in self.OVER


class AssessmentProgress(models.Model):
    """How far an assessment is, told from beside its own long transaction; forgotten when it is over."""

    assessment = models.OneToOneField(
        Assessment, models.DO_NOTHING, primary_key=True, related_name="told", db_constraint=False
    )
    done = models.PositiveIntegerField(default=0)
    whole = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.done} of {self.whole}"


class AssessedSource(models.Model):
    """A source as it stood at the moment of an assessment."""

    assessment = models.ForeignKey(Assessment, models.PROTECT, related_name="sources")
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=40)
    read_at = models.DateTimeField(null=True)
    is_stale = models.BooleanField()
    problem = models.TextField(blank=True, default="")
    identities = models.PositiveIntegerField()

    class Meta:
        ordering = ["assessment", "name", "id"]
        triggers = kept_for_good("NEW.assessment_id")

    def __str__(self) -> str:
        return self.name


class AssessedCheck(models.Model):
    """What one check counted, and which rows failed or could not be told: the numbers are their length."""

    assessment = models.ForeignKey(Assessment, models.PROTECT, related_name="checks")
    check_id = models.CharField(max_length=60)
    title = models.CharField(max_length=200)
    why = models.TextField()
    fix = models.TextField()
    severity = models.PositiveSmallIntegerField()
    version = models.PositiveIntegerField()
    parameters = models.JSONField(default=dict)
    at = models.DateTimeField(null=True)
    passed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0)
    accepted = models.PositiveIntegerField(default=0)
    said = models.TextField(blank=True, default="", help_text="Why it gave no answer.")
    connect = models.TextField(blank=True, default="", help_text="What to connect for an answer.")
    noun = models.CharField(max_length=60, blank=True, default="", help_text="Table of its rows.")
    failing = ArrayField(models.BigIntegerField(), default=list)
    failing_of = ArrayField(models.BigIntegerField(null=True), default=list)  # their identities
    unclear = ArrayField(models.BigIntegerField(), default=list)
    unclear_of = ArrayField(models.BigIntegerField(null=True), default=list)

    class Meta:
        ordering = ["assessment", "check_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["assessment", "check_id"], name="assessed_check_is_once_per_assessment"
            ),
            models.CheckConstraint(
                condition=Q(failing__len=models.F("failed"), unclear__len=models.F("unknown")),
                name="assessed_check_keeps_every_row",
            ),
        ]
        triggers = kept_for_good("NEW.assessment_id")

    def __str__(self) -> str:
        return f"{self.check_id} in assessment {self.assessment_id}"


class AssessedFramework(models.Model):
    """A framework as it was published then, in the version that was assessed."""

    assessment = models.ForeignKey(Assessment, models.PROTECT, related_name="frameworks")
    key = models.SlugField(max_length=40)
    version = models.CharField(max_length=60)
    name = models.CharField(max_length=200)
    order = models.PositiveIntegerField()
    about = models.JSONField(help_text="Publisher, licence and the rest, as snapshot.py names it.")
    counts = models.JSONField(help_text="How many controls have each answer.")

    class Meta:
        ordering = ["assessment", "order"]
        constraints = [
            models.UniqueConstraint(
                fields=["assessment", "key"], name="assessed_framework_is_once_per_assessment"
            ),
        ]
        triggers = kept_for_good("NEW.assessment_id")

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class AssessedControl(models.Model):
    """A control and its answer then, with all that made it."""

    framework = models.ForeignKey(AssessedFramework, models.PROTECT, related_name="controls")
    control_id = models.CharField(max_length=80)
    title = models.CharField(max_length=300)
    state = models.CharField(max_length=14, blank=True)
    is_heading = models.BooleanField()
    order = models.PositiveIntegerField()
    about = models.JSONField(help_text="Summary, reason, weights, as snapshot.py names them.")
    mapped = models.JSONField(default=list)
    attestations = models.JSONField(default=list)

    class Meta:
        ordering = ["framework", "order"]
        constraints = [
            models.UniqueConstraint(
                fields=["framework", "control_id"], name="assessed_control_is_once"
            ),
        ]
        triggers = kept_for_good(
            "SELECT f.assessment_id FROM frameworks_assessedframework f WHERE f.id = NEW.framework_id"
        )

    def __str__(self) -> str:
        return f"{self.control_id} {self.title}"
