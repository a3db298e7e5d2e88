"""Checks of tools: what was approved of them, what they could be taken for, how they are reached, what stands open."""

from datetime import datetime

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    BooleanField,
    Case,
    Exists,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Concat

from inventory import tools
from inventory.models import (
    Credential,
    Exposure,
    Identity,
    Severity,
    Tool,
    ToolBinding,
    ToolLikeness,
    ToolServer,
)
from inventory.models.credential import live_credential_q
from reviews.check import Check, Rows

_OF_A_LIVE_IDENTITY = ~Q(identity__lifecycle=Identity.Lifecycle.RETIRED) & Q(identity__gone_at=None)


class ToolDescriptorPinned(Check):
    """A tool that says something else than what was approved may do something else, and agents do what it says.

    Asked of each tool that an identity holds. Where nobody has decided on the tool, there is nothing to compare with,
    and it cannot be told; a disabled tool is left out. What a tool does behind the same words is not seen.
    """

    id = "tool-descriptor-pinned"
    problem = "Tool changed since it was approved"
    title = "Each tool descriptor or manifest in use equals the approved one by hash"
    severity = Severity.HIGH
    fix = "Read what changed on the tool's page, then approve it as it is now, or disable it."
    evidence = (
        "tool__provider", "tool__name", "tool__approved_at", "tool__approved_digest",
        "tool__descriptor_digest",
    )  # fmt: skip

    def population(self, at: datetime) -> Rows:
        return _held().exclude(tool__state=Tool.State.DISABLED)

    def fails(self, at: datetime) -> Q:
        return tools.changed_q("tool__")

    def unknown(self, at: datetime) -> Q:
        return ~Q(tool__state=Tool.State.APPROVED) | Q(tool__descriptor_digest="")


class NewToolUnapproved(Check):
    """A tool that nobody has looked at widens what an agent can do, without anybody having decided so.

    It is found as soon as an identity holds it: declared in a configuration, or seen in use for the first time. One
    that was disabled, and is held all the same, is found as well.
    """

    id = "new-tool-unapproved"
    problem = "Tool that nobody approved"
    title = "Every tool that an identity holds or uses was approved"
    severity = Severity.MEDIUM
    fix = "Approve the tool, or disable it and take it out of the identity's configuration."
    evidence = (
        "tool__provider", "tool__name", "tool__state", "origin", "first_seen_at",
        "tool__judged_risk", "tool__hinted_risk",
    )  # fmt: skip
    rests_on_source = False

    def population(self, at: datetime) -> Rows:
        return _held()

    def fails(self, at: datetime) -> Q:
        return ~Q(tool__state=Tool.State.APPROVED)


class ToolNameCollision(Check):
    """Where two providers offer a tool of one name, an agent may call the wrong one, and so may whoever reads its log.

    Names are compared as an eye reads them: without case, separators and look-alike letters. It is settled once the
    tool was approved, by somebody who saw both, or disabled.
    """

    id = "tool-name-collision"
    problem = "Same name as another provider's tool"
    title = "No undecided tool has the name of a tool of another provider"
    severity = Severity.MEDIUM
    fix = "Compare the two on the tool's page; approve the right one and disable the other."
    evidence = ("provider", "name", "state", "other_provider", "other_name")

    def population(self, at: datetime) -> Rows:
        same = (
            _callable()
            .filter(read_name=OuterRef("read_name"))
            .exclude(provider=OuterRef("provider"))
            .order_by("-state", "pk")
        )
        return _callable().annotate(
            other_provider=Subquery(same.values("provider")[:1]),
            other_name=Subquery(same.values("name")[:1]),
        )

    def fails(self, at: datetime) -> Q:
        return Q(other_provider__isnull=False) & ~tools.usable_q()

    def unknown(self, at: datetime) -> Q:
        return Q(read_name="")


class ToolLookAlike(Check):
    """A name that can be mistaken for an approved one is how a hostile tool gets called in its place.

    Written with letters that look like others, or one or two letters away from a tool that another provider offers
    (one letter for names of less than eight). Compared for all tools at every full sweep.
    """

    id = "tool-look-alike"
    problem = "Could be taken for an approved tool"
    title = "No undecided tool can be mistaken for an approved tool of somebody else"
    severity = Severity.HIGH
    fix = "Disable the tool, unless you know its provider; then approve it with that reason."
    evidence = ("provider", "name", "likeness", "approved_provider", "approved_name")

    def population(self, at: datetime) -> Rows:
        nearest = ToolLikeness.objects.filter(tool=OuterRef("pk")).order_by("distance", "like")
        return _callable().annotate(
            likeness=Subquery(nearest.values("kind")[:1]),
            approved_provider=Subquery(nearest.values("like__provider")[:1]),
            approved_name=Subquery(nearest.values("like__name")[:1]),
        )

    def fails(self, at: datetime) -> Q:
        return Q(likeness__isnull=False) & ~tools.usable_q()


class ToolServerTransport(Check):
    """Whoever sits on the way to a tool server that is reached in the clear reads and rewrites what the agent is told.

    Asked of servers in configurations and of agents with a card. A local process, and an address of the machine
    itself, pass. A server that a client reaches without a fixed secret may still ask for OAuth: that cannot be told
    from the configuration.
    """

    id = "tool-server-transport"
    problem = "Tool server reached insecurely"
    title = "Tool servers and agents are reached encrypted, and ask who calls"
    severity = Severity.MEDIUM
    fix = "Give the server an https address and authentication, then change the configuration."
    evidence = ("provider", "origin", "transport", "endpoint", "encrypted", "auth")

    def population(self, at: datetime) -> Rows:
        used = (ToolServer.Origin.CONFIGURED, ToolServer.Origin.CARD)
        return ToolServer.objects.filter(
            _OF_A_LIVE_IDENTITY, origin__in=used, gone_at=None
        ).annotate(
            local=Case(
                When(transport=ToolServer.Transport.STDIO, then=True),
                When(Q(transport="") | Q(endpoint=""), then=None),
                When(encrypted=None, then=True),
                default=False,
                output_field=BooleanField(),
            ),
            insecure=Case(
                When(encrypted=False, then=True),
                When(encrypted=True, auth=ToolServer.Auth.NONE, then=True),
                default=False,
                output_field=BooleanField(),
            ),
        )

    def fails(self, at: datetime) -> Q:
        return Q(insecure=True)

    def unknown(self, at: datetime) -> Q:
        return Q(local=None) | Q(local=False, encrypted=True, auth="")


class NoExposedSecret(Check):
    """A secret in a file is copied with the file: into backups, chats and prompts, where nobody can take it back.

    An agent fails where its configuration holds a secret in plain text, or where a key of its that was flagged as
    leaked still works. Mandate keeps the place and the fingerprint, never the secret. Without any configuration of the
    agent it cannot be told; code and prompts are not read.
    """

    id = "no-exposed-secret"
    problem = "Secret in plain text"
    title = "No open finding of a leaked or hard-coded NHI secret; leaked ones were rotated within the SLA"
    severity = Severity.HIGH
    fix = "Replace the secret, and let the configuration refer to where the new one is kept."
    evidence = ("kind", "exposed_settings", "leaked_keys")
    fails_first = True

    def population(self, at: datetime) -> Rows:
        open_now = Exposure.objects.filter(identity=OuterRef("pk"), gone_at=None)
        leaked = Credential.objects.filter(
            live_credential_q(at), identity=OuterRef("pk"), compromised_at__isnull=False
        )
        read = ToolServer.objects.filter(
            identity=OuterRef("pk"), origin=ToolServer.Origin.CONFIGURED, gone_at=None
        )
        where = Concat("setting", Value(" ("), "found_in", Value(")"))
        return (
            Identity.objects.live()
            .filter(Q(kind__in=Identity.AI_KINDS) | Exists(open_now))
            .annotate(
                exposed_settings=ArraySubquery(
                    open_now.order_by("setting").annotate(where=where).values("where")[:20]
                ),
                leaked_keys=ArraySubquery(leaked.order_by("key_id").values("key_id")[:20]),
                is_exposed=Exists(open_now) | Exists(leaked),
                was_read=Exists(read),
            )
        )

    def fails(self, at: datetime) -> Q:
        return Q(is_exposed=True)

    def unknown(self, at: datetime) -> Q:
        return Q(was_read=False)


def _held() -> QuerySet[ToolBinding]:
    """Tools in the hands of identities that still exist."""
    return ToolBinding.objects.filter(_OF_A_LIVE_IDENTITY, gone_at=None, tool__gone_at=None)


def _callable() -> QuerySet[Tool]:
    """Tools that are there, and that nobody has disabled."""
    return Tool.objects.filter(gone_at=None).exclude(state=Tool.State.DISABLED)
