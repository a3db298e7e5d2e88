"""The list of issued tokens: who sees which, its filters and columns, for page, export and API."""

import django_filters
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.safestring import SafeString

from inventory import access, markup
from inventory.columns import Column, labelled
from inventory.filters import Filters, KeyFilter, Rows, choice
from inventory.listing import Empty, Listing
from inventory.models import Identity, User
from inventory.noun_columns import IDENTITY
from inventory.search import holds
from runtime.models import Token

STATES = {"live": "Live", "revoked": "Revoked", "ended": "Ended", "expired": "Expired"}


def visible_to(user: User, rows: QuerySet[Token]) -> QuerySet[Token]:
    """An owner sees the tokens that an identity of theirs holds."""
    if access.sees_all(user):
        return rows
    mine = access.visible_to(user, Identity.objects.all()).order_by().values("pk")
    return rows.filter(identity__in=mine)


def state_of(token: Token) -> str:
    return STATES[token.state(timezone.now())]


def state_badge(token: Token) -> SafeString:
    """That a token has expired is no bad news: all of them do."""
    state = state_of(token)
    return markup.badge(state, "plain" if state == STATES["expired"] else None)


def bound_to(token: Token) -> str:
    return "A key (DPoP)" if token.jkt else "A certificate"


def scope_of(token: Token) -> str:
    return ", ".join(token.scope)


def revoke_link(token: Token) -> object:
    if token.state(timezone.now()) != "live":
        return ""
    return markup.link(f"/task-tokens/{token.pk}/revoke/", "Revoke")


class IssuedFilter(Filters):
    q = django_filters.CharFilter(method="search", label="Search", help_text="Identity or audience")
    state = choice(tuple(STATES.items()), "by_state", label="State")
    proof = choice(Token.Proof.choices, label="Proof")
    identity = KeyFilter(label="Identity")
    task = KeyFilter(label="Task")

    class Meta:
        model = Token
        fields: list[str] = []

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        named = Identity.objects.filter(holds(value, "name", "external_id", "spiffe_id"))
        return rows.filter(Q(audience__icontains=value) | Q(identity__in=named.values("pk")))

    def by_state(self, rows: Rows, name: str, value: str) -> Rows:
        """The same rule as `Token.state`."""
        at = timezone.now()
        over = Q(revoked_at__isnull=False, revoked_at__lte=at)
        meaning = {
            "live": Q(revoked_at=None, expires_at__gt=at),
            "revoked": over & Q(end_cause=Token.EndCause.REVOKED),
            "ended": over & ~Q(end_cause=Token.EndCause.REVOKED),
            "expired": Q(revoked_at=None, expires_at__lte=at),
        }
        return rows.filter(meaning[value])


TOKENS = Listing(
    title="Tokens",
    singular="token",
    plural="tokens",
    intro="Access tokens of minutes that workloads got for a task. A token itself is stored nowhere.",
    columns=(
        Column(
            "identity", "Held by", "identity", kind="link", url="runtime:issued-detail",
            csv=lambda row: row.identity.name,
        ),
        Column("state", "State", state_badge, csv=state_of),
        Column(
            "task", "Task", "task.purpose", kind="link", url="inventory:task-detail",
            key_path="task_id",
        ),
        Column("audience", "Audience", "audience", kind="code"),
        Column("scope", "For", scope_of, wide=True),
        Column("person", "On behalf of", "person", kind="person", empty="Nobody", shown=False),
        Column("issued", "Issued", "issued_at", kind="time", sort="pk"),
        Column("expires", "Ends", "expires_at", kind="time"),
        Column("proof", "Proved by", labelled("proof", Token.Proof), shown=False),
        Column("bound", "Bound to", bound_to, shown=False),
        Column("cause", "Why it ended", labelled("end_cause", Token.EndCause), shown=False),
        Column("page", "Identity", "identity.name", kind="link", url=IDENTITY,
               key_path="identity_id", shown=False),
        Column("revoke", "Action", revoke_link, csv=lambda row: ""),
    ),
    order="-issued",
    empty=Empty(
        "No tokens yet",
        "A workload exchanges its own proof and an open task for a token at /oauth/token.",
        icon="ticket",
    ),
)  # fmt: skip
