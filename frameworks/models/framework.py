"""A framework in one version, and its controls: risks, threats or outcomes under their headings."""

from django.db import models
from django.db.models import Q

from inventory.history import tracked

_NOUNS = {
    "risk-list": "risk",
    "threat-model": "threat",
    "outcome-framework": "outcome",
    "control-catalogue": "control",
    "law": "article",
}
_TOWARDS = {
    "outcome-framework": "an outcome, not proof that it is reached.",
    "control-catalogue": "a control, not proof that it is in place everywhere.",
    "law": "a duty where it applies, and no legal opinion.",
}


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
        CONTROL_CATALOGUE = "control-catalogue", "Control catalogue"
        LAW = "law", "Law"

    key = models.SlugField(max_length=40, db_index=False)
    name = models.CharField(max_length=200)
    version = models.CharField(max_length=60)
    kind = models.CharField(max_length=20, choices=Kind)
    publisher = models.CharField(max_length=200)
    published = models.CharField(max_length=60, help_text="When, as exact as it is known.")
    source = models.URLField(blank=True, help_text="Where the publisher's own text is.")
    licence = models.TextField()
    notes = models.JSONField(default=list, help_text="Sentences about ids, editions and doubts.")
    verified_against = models.JSONField(default=list, help_text="What the list was held against.")
    conditional = models.TextField(
        blank=True, default="", help_text="When it applies at all, in words; empty: always."
    )
    shows_text = models.BooleanField(
        default=True, help_text="False: the licence lets us show ids and titles only."
    )
    is_own = models.BooleanField(default=False, help_text="Made by this organisation.")
    is_current = models.BooleanField(default=True)
    digest = models.CharField(
        max_length=64, blank=True, default="", help_text="SHA-256 of all that this version says."
    )
    loaded_by = models.CharField(max_length=200, blank=True, default="")
    loaded_at = models.DateTimeField(null=True, blank=True)

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
        triggers = tracked(identity="NULL::bigint")

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def noun(self) -> str:
        """What one of its controls is."""
        return _NOUNS[self.kind]

    @property
    def is_risk_list(self) -> bool:
        """Nobody complies with a list of risks or threats."""
        return self.kind in (self.Kind.RISK_LIST, self.Kind.THREAT_MODEL)

    @property
    def meaning_of_pass(self) -> str:
        """What a pass proves, and what it does not: nobody complies with a list of risks."""
        if self.is_risk_list:
            return f"A pass is evidence of mitigation, never proof that the {self.noun} is absent."
        return f"A pass is evidence towards {_TOWARDS[self.kind]}"


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
        CONTROL = "control", "Control"
        ENHANCEMENT = "enhancement", "Enhancement"
        ARTICLE = "article", "Article"
        DOMAIN = "domain", "Domain"
        OBJECTIVE = "objective", "Objective"

    HEADINGS = (
        Kind.LAYER,
        Kind.GROUP,
        Kind.FUNCTION,
        Kind.CATEGORY,
        Kind.DOMAIN,
        Kind.OBJECTIVE,
    )

    framework = models.ForeignKey(Framework, models.CASCADE, related_name="controls")
    control_id = models.CharField(max_length=80)
    title = models.CharField(max_length=300)
    title_official = models.BooleanField(
        default=True, help_text="False: the publisher gives no title; this label is ours."
    )
    local_id = models.BooleanField(
        default=False, help_text="True: the publisher gives no id; this one is ours."
    )
    summary = models.TextField(blank=True, help_text="Empty where the licence allows no text.")
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
