"""The list of names that reporters call agents by: its filters and columns."""

import django_filters
from django import forms

from inventory.columns import Column, labelled
from inventory.filter_bar import ManyFilter
from inventory.filters import Filters, KeyFilter, Rows
from inventory.listing import Empty, Listing
from inventory.models import Identity
from inventory.noun_columns import IDENTITY
from inventory.search import holds
from runtime.models import AgentName

DETAIL = "runtime:agent-name-detail"
STATES = (("unknown", "Unknown"), ("known", "Known"), ("ignored", "No agent of ours"))


class StateFilter(ManyFilter):
    def filter(self, qs: Rows, value: list[str]) -> Rows:
        if not value:
            return qs
        found = qs.none()
        if "unknown" in value:
            found = found | qs.filter(identity=None, ignored_at=None)
        if "known" in value:
            found = found | qs.filter(identity__isnull=False)
        if "ignored" in value:
            found = found | qs.filter(ignored_at__isnull=False)
        return found


class AgentNameFilter(Filters):
    q = django_filters.CharFilter(
        method="search", label="Search", help_text="Agent, service or SPIFFE ID"
    )
    state = StateFilter(label="State", choices=STATES)
    how = ManyFilter(label="Known how", choices=[one for one in AgentName.How.choices if one[0]])
    identity = KeyFilter(label="Identity")

    class Meta:
        model = AgentName
        fields: list[str] = []

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(holds(value, "agent_name", "service_name", "spiffe_id"))


class AssignForm(forms.Form):
    """Whom a name belongs to."""

    identity = forms.CharField(
        max_length=1_000, help_text="Its name, or its external ID where several have the name."
    )
    reason = forms.CharField(
        max_length=500, widget=forms.Textarea({"rows": 2}), help_text="Kept in the history."
    )

    def clean_identity(self) -> Identity:
        text = str(self.cleaned_data["identity"]).strip()
        here = Identity.objects.filter(gone_at=None)
        found = list(here.filter(external_id=text)[:2]) or list(here.filter(name__iexact=text)[:2])
        if not found:
            raise forms.ValidationError(f"No identity is called “{text}”. Look it up first.")
        if len(found) > 1:
            raise forms.ValidationError(
                f"Several identities are called “{text}”. Give the external ID."
            )
        return found[0]


def state_of(name: AgentName) -> str:
    if name.identity_id is not None:
        return "Known"
    return "Ignored" if name.ignored_at else "Unknown"


AGENT_NAMES = Listing(
    title="Agent names",
    singular="name",
    plural="names",
    intro="What reporters call the agents whose calls they send, and which identity each is.",
    columns=(
        Column("name", "Name", str, kind="link", url=DETAIL),
        Column("state", "State", state_of, kind="badge"),
        Column(
            "identity", "Identity", "identity", kind="link", url=IDENTITY, key_path="identity_id"
        ),
        Column("service", "Service", "service_name", sort="service_name"),
        Column("reporter", "Reported by", "reporter.username"),
        Column("how", "Known how", labelled("how", AgentName.How), wide=True),
        Column("seen", "Last seen", "last_used_at", kind="time", sort="last_used_at"),
        Column("first", "First seen", "first_seen_at", kind="time", shown=False),
        Column("spiffe", "SPIFFE ID", "spiffe_id", kind="code", shown=False),
        Column("credential", "Credential", "credential", kind="code", shown=False),
    ),
    order="-seen",
    export_name="agent-names",
    empty=Empty(
        "Nobody has reported a call yet",
        "Point an agent’s OpenTelemetry exporter at /v1/traces, with a token for reporting.",
        "API tokens",
        "inventory:my-tokens",
        icon="bot-off",
    ),
)
