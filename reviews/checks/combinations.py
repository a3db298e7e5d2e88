"""Checks of what one identity brings together, harmless piece by piece."""

from datetime import datetime

from django.db.models import BooleanField, Case, Exists, OuterRef, Q, QuerySet, When

from inventory.models import Entitlement, Grant, Identity, Resource, Severity, ToolBinding
from reviews.check import Check, Rows
from reviews.parameters import Choices

# Names by which tools say that they read what strangers wrote, or carry something out. Where the descriptor has MCP's
# openWorldHint (Model Context Protocol, ToolAnnotations), that counts as well; who names tools otherwise stays unknown.
_WEB = r"(^|[^a-z])(web|browser|browse|crawl|scrape|fetch)([^a-z]|$)"
_READS_MAIL = r"(read|search|list|get)[^a-z]?(mail|email|mailbox|inbox|message)"
_SENDS = r"(^|[^a-z])(send|publish|upload|tweet|sms|webhook)([^a-z]|$)"
_OPEN = Q(tool__attributes__annotations__openWorldHint=True)
_UNSAID = Q(tool__attributes__annotations__openWorldHint__isnull=True)
_BROWSES = Q(tool__provider__iregex=_WEB) | Q(tool__name__iregex=_WEB)
_SENSITIVE = [Resource.Sensitivity.CONFIDENTIAL, Resource.Sensitivity.RESTRICTED]
_SYSTEMS = [
    ("partner_api", "Partner API"), ("mail", "Mail"), ("messaging", "Messaging"),
    ("saas", "SaaS"), ("web", "Web"),
]  # fmt: skip


class ToxicCombination(Check):
    """An agent that reads secrets, takes in what strangers write, and can send outside, hands secrets to strangers.

    Whoever gets one sentence into its input can make it do so; each of the three alone is harmless. Reading: it holds
    access to data rated confidential or restricted. Taking in and sending: its tools say so by their open-world hint or
    their name, or it holds access to a system outside; opening web pages is both, because the address carries data out.
    A third party's agent is outside already. What others delegate to it is not added up. Where tools or data are not
    rated, it cannot be told.
    """

    id = "toxic-combination"
    problem = "Reads secrets, hears strangers, can send"
    title = "No agent reads sensitive data, takes in untrusted content, and can send outside"
    severity = Severity.HIGH
    fix = "Take away one of the three: the sensitive access, the untrusted input, or the way out."
    evidence = ("kind", "environment", "third_party")

    outside = Choices(("partner_api", "mail", "messaging", "web"), "Systems outside", _SYSTEMS)

    def population(self, at: datetime) -> Rows:
        tools = ToolBinding.objects.filter(
            identity=OuterRef("pk"), gone_at=None, tool__gone_at=None
        )
        mail = Q(tool__name__iregex=_READS_MAIL)
        sends = Q(tool__name__iregex=_SENDS) & ~Q(tool__writes=False)
        may_send = _UNSAID & ~Q(tool__writes=False)
        held = _allowed(at)
        there = held.filter(entitlement__system__kind__in=self.outside)
        unsaid = Q(entitlement__system__kind__in=self.outside, entitlement__writes=None)
        vague = held.filter(Q(entitlement__system__kind="") | unsaid)
        comes_in = Exists(tools.filter(_OPEN | _BROWSES | mail)) | Exists(
            there.filter(_READS, entitlement__writes__isnull=False)
        )
        goes_out = Exists(tools.filter(_OPEN | _BROWSES | sends)) | Exists(
            there.filter(entitlement__writes=True)
        )
        return (
            Identity.objects.active()
            .agents()
            .annotate(
                reads_sensitive=_told(
                    Exists(held.filter(_READS, _rated())), Exists(held.filter(_READS, _unrated()))
                ),
                takes_untrusted=_told(comes_in, Exists(tools.filter(_UNSAID)) | Exists(vague)),
                sends_outside=_told(
                    Q(third_party=True) | goes_out,
                    Exists(tools.filter(may_send)) | Exists(vague.exclude(entitlement__writes=False)),
                ),
            )
        )  # fmt: skip

    def fails(self, at: datetime) -> Q:
        return Q(reads_sensitive=True, takes_untrusted=True, sends_outside=True)


_READS = (
    Q(entitlement__writes=None)
    | Q(entitlement__writes=False)
    | Q(entitlement__wildcard=True)
    | Q(entitlement__admin=True)
)


def _told(yes: Q | Exists, perhaps: Q | Exists) -> Case:
    """True, cannot tell (NULL), or False; false anywhere makes the combination harmless, whatever else is not known."""
    return Case(
        When(yes, then=True), When(perhaps, then=None), default=False, output_field=BooleanField()
    )


def _allowed(at: datetime) -> QuerySet[Grant]:
    return Grant.objects.effective(at).filter(
        identity=OuterRef("pk"), entitlement__effect=Entitlement.Effect.ALLOW
    )


def _rated() -> Q:
    """On sensitive data, or on all of a system that has some; and surely reading."""
    whole = Resource.objects.filter(
        system=OuterRef("entitlement__system"), sensitivity__in=_SENSITIVE, gone_at=None
    )
    named = Q(entitlement__resource__sensitivity__in=_SENSITIVE)
    everything = Q(Exists(whole), entitlement__resource=None)
    return Q(entitlement__writes__isnull=False) & (named | everything)


def _unrated() -> Q:
    """Nobody has rated the data, or said which it is, or whether it is read."""
    named = Q(entitlement__resource__sensitivity__in=_SENSITIVE)
    unrated = Q(entitlement__resource__sensitivity="") | Q(entitlement__resource=None)
    return unrated | (named & Q(entitlement__writes=None))
