"""Tools that agents call: what was approved of them, and which identity holds which."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Left, Lower

from inventory.history import tracked
from inventory.models.identity import Identity, Risk
from inventory.models.source import Sourced
from inventory.noted import OF_ALL, OF_ITS_IDENTITY, noted

# Letters and digits that are taken for a Latin letter: Cyrillic, Greek, Armenian (an extract for lower case of
# confusables.txt, Unicode Technical Standard 39). Full-width and styled letters are Latin after normalisation.
LOOK_ALIKES = {
    "a": "\u0430\u03b1\u0251", "c": "\u0441", "d": "\u0501", "e": "\u0435", "g": "\u0261\u0581",
    "h": "\u04bb\u0570", "i": "\u0456\u0131\u03b9", "j": "\u0458", "k": "\u03ba", "l": "1\u04cf",
    "n": "\u0578", "o": "0\u043e\u03bf\u0585", "p": "\u0440\u03c1", "q": "\u051b", "s": "\u0455",
    "u": "\u03c5\u057d", "v": "\u03bd", "w": "\u051d", "x": "\u0445", "y": "\u0443",
}  # fmt: skip
_SEPARATORS = r"[\s_.:/-]+"
SHA256 = r"^[0-9a-f]{64}$"


def _as_read() -> Left:
    """The name as an eye takes it in: no case, no separators, and a look-alike is the letter it looks like."""
    normal = Func(F("name"), template="normalize(%(expressions)s, NFKC)")
    plain = Func(
        Lower(normal), Value(_SEPARATORS), Value(""), Value("g"), function="regexp_replace"
    )
    looks = "".join(LOOK_ALIKES.values())
    like = "".join(latin * len(alikes) for latin, alikes in LOOK_ALIKES.items())
    latin = Func(plain, Value(looks), Value(like), function="translate")
    return Left(latin, 300, output_field=models.TextField())  # an index holds no longer text


class Tool(Sourced):
    """A tool of a provider (an MCP server, an agent, an action group), pinned by its descriptor's digest.

    Only one that is approved, and whose descriptor is still the one that was approved, may be called.
    """

    class State(models.TextChoices):
        UNSET = "unset", "Not decided"
        APPROVED = "approved", "Approved"
        DISABLED = "disabled", "Disabled"

    provider = models.CharField(max_length=300)
    name = models.CharField(max_length=300)
    description = models.TextField(blank=True, default="")
    descriptor = models.JSONField(
        default=dict, blank=True,
        help_text="What it says of itself: name, description, input schema, annotations. No secrets.",
    )  # fmt: skip
    descriptor_digest = models.CharField(max_length=64, blank=True, default="")
    state = models.CharField(max_length=8, choices=State, default=State.UNSET)
    state_reason = models.TextField(blank=True, default="", help_text="Why it was decided so.")
    approved_digest = models.CharField(max_length=64, blank=True, default="")
    approved_descriptor = models.JSONField(default=dict, blank=True)
    approved_by = models.CharField(max_length=200, blank=True, default="")
    approved_at = models.DateTimeField(null=True, blank=True)
    writes = models.BooleanField(null=True, blank=True)
    risk = models.CharField(max_length=8, choices=Risk, blank=True, default="")
    hinted_risk = models.CharField(
        max_length=8, choices=Risk, blank=True, default="", help_text="By its own annotations."
    )
    hinted_why = ArrayField(models.TextField(), default=list, blank=True)
    judged_risk = models.CharField(
        max_length=8, choices=Risk, blank=True, default="", help_text="By its name and its input."
    )
    judged_why = ArrayField(models.TextField(), default=list, blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    read_name = models.GeneratedField(
        expression=_as_read(), output_field=models.TextField(), db_persist=True
    )

    class Meta:
        constraints = [
            models.UniqueConstraint("namespace", "external_id", name="tool_is_once_in_a_namespace"),
            models.CheckConstraint(
                condition=Q(descriptor_digest="") | Q(descriptor_digest__regex=SHA256),
                name="tool_descriptor_digest_is_sha256",
            ),
            models.CheckConstraint(
                condition=~Q(state="approved") | ~Q(approved_digest=""),
                name="approved_tool_is_pinned",
                violation_error_message="An approved tool is pinned to a description.",
            ),
        ]
        indexes = [
            models.Index(fields=["provider", "name", "id"], name="tool_by_provider"),
            models.Index(fields=["name", "id"], name="tool_by_name"),
            models.Index(fields=["read_name", "provider"], name="tool_by_read_name"),
            GinIndex(fields=["name"], opclasses=["gin_trgm_ops"], name="tool_name_search"),
        ]
        triggers = [*tracked(identity="NULL::bigint"), *noted(OF_ALL)]

    def __str__(self) -> str:
        return f"{self.provider}/{self.name}"

    @property
    def is_changed(self) -> bool:
        """What it says of itself is not what was approved."""
        approved = self.state == self.State.APPROVED
        return approved and self.approved_digest != self.descriptor_digest


class ToolBinding(Sourced):
    """An identity holds a tool: declared in its configuration, or observed in use."""

    class Origin(models.TextChoices):
        DECLARED = "declared", "Declared"
        OBSERVED = "observed", "Observed"

    identity = models.ForeignKey(Identity, models.CASCADE, related_name="tool_bindings")
    tool = models.ForeignKey(Tool, models.CASCADE, related_name="bindings")
    origin = models.CharField(max_length=8, choices=Origin)
    ended_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was taken away here; its source has to follow."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "namespace", "external_id", name="tool_binding_is_once_in_a_namespace"
            ),
        ]
        triggers = [*tracked(identity="identity_id"), *noted(OF_ITS_IDENTITY)]

    def __str__(self) -> str:
        return f"{self.identity_id} holds {self.tool_id}"


class ToolLikeness(models.Model):
    """A tool reads almost like an approved one of somebody else. Computed for the whole inventory at once."""

    class Kind(models.TextChoices):
        CONFUSABLE = "confusable", "Written with look-alike letters"
        NEAR = "near", "One or two letters apart"

    tool = models.ForeignKey(Tool, models.CASCADE, related_name="likenesses")
    like = models.ForeignKey(Tool, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    distance = models.PositiveSmallIntegerField()

    class Meta:
        verbose_name_plural = "tool likenesses"
        constraints = [
            models.UniqueConstraint("tool", "like", name="tool_likeness_is_said_once"),
        ]

    def __str__(self) -> str:
        return f"{self.tool_id} reads like {self.like_id}"
