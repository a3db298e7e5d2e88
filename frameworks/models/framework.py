"""A framework in one version, and its controls: risks, threats or outcomes under their headings."""

from django.db import models
from django.db.models import Q


class FrameworkQuerySet(models.QuerySet["Framework"]):
    def current(self) -> "FrameworkQuerySet":
        """The one version of each that is shown; older ones stay for what was said about them."""
        return self.filter(is_current=True)


class Framework(models.Model):
    """One version of a published list. Ids and titles are the publisher's, summaries are ours."""

    class Kind(models.TextChoices):
        RISK_LIST = "risk-list", "Risk list"
        THREAT_MODEL = "threat-model", "Threat model"
        OUTCOME_FRAMEWORK = "outcome-framework", "Outcome framework"

    key = models.SlugField(max_length=40, db_index=False)
    name = models.CharField(max_length=200)
    version = models.CharField(max_length=60)
    kind = models.CharField(max_length=20, choices=Kind)
    publisher = models.CharField(max_length=200)
    published = models.DateField()
    source = models.URLField(help_text="Where the publisher's own text is.")
    licence = models.TextField()
    notes = models.JSONField(default=list, help_text="Sentences about ids, editions and doubts.")
    is_current = models.BooleanField(default=True)

    objects = FrameworkQuerySet.as_manager()

    class Meta:
        ordering = ["name", "version"]
        constraints = [
            models.UniqueConstraint(fields=["key", "version"], name="framework_version_is_once"),
            models.UniqueConstraint(
                fields=["key"],
                condition=Q(is_current=True),
                name="framework_has_one_current_version",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def noun(self) -> str:
        """What one of its controls is."""
        return {"risk-list": "risk", "threat-model": "threat"}.get(self.kind, "outcome")

    @property
    def meaning_of_pass(self) -> str:
        """What a pass proves, and what it does not: nobody complies with a list of risks."""
        if self.kind == self.Kind.OUTCOME_FRAMEWORK:
            return "A pass is evidence towards an outcome, not proof that it is reached."
        return f"A pass is evidence of mitigation, never proof that the {self.noun} is absent."


class ControlQuerySet(models.QuerySet["Control"]):
    def assessed(self) -> "ControlQuerySet":
        """Those that have a result of their own; the others are headings."""
        return self.exclude(kind__in=Control.HEADINGS)


class Control(models.Model):
    """A risk, threat or outcome of a framework, or a heading that groups them."""

    class Kind(models.TextChoices):
        RISK = "risk", "Risk"
        THREAT = "threat", "Threat"
        SUBCATEGORY = "subcategory", "Subcategory"
        LAYER = "layer", "Layer"
        GROUP = "group", "Group"
        FUNCTION = "function", "Function"
        CATEGORY = "category", "Category"

    HEADINGS = (Kind.LAYER, Kind.GROUP, Kind.FUNCTION, Kind.CATEGORY)

    framework = models.ForeignKey(Framework, models.CASCADE, related_name="controls")
    control_id = models.CharField(max_length=80)
    title = models.CharField(max_length=200)
    title_official = models.BooleanField(
        default=True, help_text="False: the publisher gives no title; this label is ours."
    )
    local_id = models.BooleanField(
        default=False, help_text="True: the publisher gives no id; this one is ours."
    )
    summary = models.TextField()
    parent = models.ForeignKey(
        "self", models.CASCADE, null=True, blank=True, related_name="children"
    )
    kind = models.CharField(max_length=12, choices=Kind)
    order = models.PositiveIntegerField()
    not_covered_why = models.TextField(
        blank=True, default="", help_text="Why no check of an inventory can say anything about it."
    )

    objects = ControlQuerySet.as_manager()

    class Meta:
        ordering = ["framework", "order"]
        constraints = [
            models.UniqueConstraint(
                fields=["framework", "control_id"], name="control_is_once_per_framework"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.control_id} {self.title}"
