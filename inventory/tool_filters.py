"""What the lists of tools and of their servers can be asked; for page, export and API alike."""

from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet

from inventory.filter_bar import ManyFilter
from inventory.filters import Filters, KeyFilter, choice
from inventory.models import Risk, Source, Tool, ToolBinding, ToolLikeness, ToolServer
from inventory.search import holds
from inventory.tools import changed_q, usable_q

Rows = QuerySet[Any]  # Any: the noun of the FilterSet


class ToolFilter(Filters):
    q = django_filters.CharFilter(method="search", label="Search", help_text="Tool or provider")
    approval = choice(
        (
            ("approved", "Approved"),
            ("changed", "Changed since approval"),
            ("pending", "Not decided"),
            ("disabled", "Disabled"),
        ),
        "by_approval",
        label="State",
    )
    reads = ManyFilter(choices=Risk.choices, method="by_reading", label="Risk")
    held = choice(
        (("held", "Held by somebody"), ("observed", "Seen in use"), ("nobody", "Held by nobody")),
        "by_holders",
        label="Held",
    )
    alike = choice(
        (("collision", "Same name elsewhere"), ("likeness", "Looks like an approved one")),
        "by_name",
        label="Name",
    )
    risk = ManyFilter(choices=Risk.choices, label="Risk as rated by people")
    writes = django_filters.BooleanFilter(label="Writes")
    provider = django_filters.CharFilter(label="Provider")
    source = django_filters.ModelChoiceFilter(queryset=Source.objects.all())
    gone = django_filters.BooleanFilter(
        field_name="gone_at", lookup_expr="isnull", exclude=True, label="Gone from its source"
    )

    class Meta:
        model = Tool
        fields: list[str] = []

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(holds(value, "name", "provider"))

    def by_approval(self, rows: Rows, name: str, value: str) -> Rows:
        meaning = {
            "approved": usable_q(),
            "changed": changed_q(),
            "pending": Q(state=Tool.State.UNSET),
            "disabled": Q(state=Tool.State.DISABLED),
        }
        return rows.filter(meaning[value])

    def by_reading(self, rows: Rows, name: str, value: list[str]) -> Rows:
        """As the list shows it: rated by people, or else read in the tool's words."""
        read = Q(judged_risk__in=value) | Q(hinted_risk__in=value)
        return rows.filter(Q(risk__in=value) | (Q(risk="") & read)) if value else rows

    def by_holders(self, rows: Rows, name: str, value: str) -> Rows:
        bindings = ToolBinding.objects.filter(tool=OuterRef("pk"), gone_at=None)
        if value == "observed":
            bindings = bindings.filter(origin=ToolBinding.Origin.OBSERVED)
        return rows.filter(~Exists(bindings) if value == "nobody" else Exists(bindings))

    def by_name(self, rows: Rows, name: str, value: str) -> Rows:
        if value == "likeness":
            return rows.filter(Exists(ToolLikeness.objects.filter(tool=OuterRef("pk"))))
        same = Tool.objects.filter(gone_at=None, read_name=OuterRef("read_name"))
        return rows.filter(Exists(same.exclude(provider=OuterRef("provider"))))


class ToolServerFilter(Filters):
    q = django_filters.CharFilter(method="search", label="Search", help_text="Server or address")
    origin = ManyFilter(choices=ToolServer.Origin.choices, label="Known from")
    transport = ManyFilter(choices=ToolServer.Transport.choices)
    encrypted = django_filters.BooleanFilter(label="Encrypted")
    auth = ManyFilter(choices=ToolServer.Auth.choices, label="Authentication")
    provider = django_filters.CharFilter(label="Server")
    identity = KeyFilter(label="Identity")
    source = django_filters.ModelChoiceFilter(queryset=Source.objects.all())

    class Meta:
        model = ToolServer
        fields: list[str] = []

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(Q(provider__icontains=value) | Q(endpoint__icontains=value))
