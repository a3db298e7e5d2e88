"""Checks of how identities are used, who supplies them, and how fresh the evidence is."""

from datetime import datetime

from django.db.models import ExpressionWrapper, F, Q, Value
from django.db.models.fields import DateTimeField

from inventory.models import Identity, Severity, Source
from reviews.check import Check, Rows
from reviews.parameters import Days

OUTSIDE_KINDS = (Identity.Kind.EXTERNAL_ACCOUNT, Identity.Kind.OAUTH_APP)


class HumanUseOfNhi(Check):
    """A person who signs in as a machine escapes what is asked of people, and leaves the machine's
    name in the log."""

    id = "human-use-of-nhi"
    problem = "Used by a person"
    title = "No NHI is used interactively by a person, apart from recorded break-glass"
    severity = Severity.HIGH
    fix = "Give the person access of their own, and rotate the credential they used."
    evidence = ("kind", "interactive_at")

    window = Days(90, "Days to look back")

    def population(self, at: datetime) -> Rows:
        return Identity.objects.live()

    def fails(self, at: datetime) -> Q:
        return Q(interactive_at__isnull=False) & Q(interactive_at__gte=at - self.window)

    def unknown(self, at: datetime) -> Q:
        return Q(interactive_known=False) & (
            Q(interactive_at__isnull=True) | Q(interactive_at__lt=at - self.window)
        )


class ThirdPartyKnown(Check):
    """An outsider's identity is as safe as the outsider; somebody has to know who that is."""

    id = "third-party-known"
    problem = "Third party nobody reviewed"
    title = (
        "Every third-party tool, MCP server and app grant is known, approved and tied to a supplier"
    )
    severity = Severity.MEDIUM
    fix = "Name the supplier and review it, or remove the identity."
    evidence = ("kind", "supplier", "supplier_reviewed_at")
    rests_on_source = False

    review_period = Days(365, "Days a review of a supplier stays valid")

    def population(self, at: datetime) -> Rows:
        maybe = Q(third_party__isnull=True, kind__in=OUTSIDE_KINDS)
        return Identity.objects.live().ownable().filter(Q(third_party=True) | maybe)

    def fails(self, at: datetime) -> Q:
        return (
            Q(supplier="")
            | Q(supplier_reviewed_at__isnull=True)
            | Q(supplier_reviewed_at__lt=at - self.review_period)
        )

    def unknown(self, at: datetime) -> Q:
        return Q(third_party__isnull=True)


class EvidenceFresh(Check):
    """What a source last said is no evidence for today, and a clean result on old data is not a
    clean result."""

    id = "evidence-fresh"
    problem = "Evidence is out of date"
    title = "All checks ran on schedule on evidence newer than the allowed age"
    severity = Severity.MEDIUM
    fix = "Import the source completely, or set how often it is expected."
    evidence = ("key", "kind", "last_complete_at", "last_run_at", "expected_every")
    rests_on_source = False

    def population(self, at: datetime) -> Rows:
        """The same rule as `Source.is_stale`: twice the expected interval without a complete
        import."""
        limit = ExpressionWrapper(
            Value(at) - F("expected_every") - F("expected_every"), output_field=DateTimeField()
        )
        return Source.objects.exclude(kind=Source.MANUAL).annotate(too_old=limit)

    def fails(self, at: datetime) -> Q:
        return Q(last_complete_at__isnull=True) | Q(last_complete_at__lt=F("too_old"))
